use tillsync_mapping::model::{Observed, Order};

use crate::fault::Kind;
use crate::state::{RunKind, State};
use crate::testing::{DAY, HOUR, Trouble, World, ago, order, ready, run};

fn page(count: usize, age: i64) -> Vec<Observed<Order>> {
    (0..count).map(|n| ready(order(&format!("O{n:03}"), ago(age + i64::try_from(n).unwrap())))).collect()
}

#[tokio::test]
async fn a_refusal_parks_the_named_and_sends_the_rest_again() {
    let world = World::new().await;
    world.net.account().refused.extend(["O003".to_owned(), "O007".to_owned()]);
    let tally = world.deliver(&run(RunKind::Poll, "R1"), page(10, HOUR)).await.unwrap();
    assert_eq!((tally.synced, tally.parked_total()), (8, 2));
    assert_eq!(tally.parked["destination.invalid_record"], 2);
    assert_eq!(world.net.orders_of("orders.push").iter().map(Vec::len).collect::<Vec<_>>(), [10, 8]);
    let row = world.row("O003").await;
    assert_eq!((row.state, row.reason.as_deref()), (State::Parked, Some("destination.invalid_record")));
    assert_eq!((row.intent, row.flight, row.settled), (None, None, None));
    assert_eq!(world.net.account().orders.len(), 8);
}

#[tokio::test]
async fn a_refused_record_leaves_the_flight_of_its_batch() {
    let world = World::new().await;
    world.net.account().refused.insert("O002".to_owned());
    let tally = world.deliver(&run(RunKind::Historical, "R1"), page(5, 9 * DAY)).await.unwrap();
    assert_eq!((tally.pending, tally.parked_total()), (4, 1));
    let flights = world.flights("R1").await;
    assert_eq!(flights.len(), 1);
    assert_eq!(flights[0].left.len(), 4);
    assert!(!flights[0].left.contains(&"O002".to_owned()));
}

#[tokio::test]
async fn a_refusal_without_a_name_is_halved_down_to_the_one() {
    for kind in [RunKind::Poll, RunKind::Historical] {
        let world = World::new().await;
        world.net.account().cursed.insert("O011".to_owned());
        let tally = world.deliver(&run(kind, "R1"), page(16, 9 * DAY)).await.unwrap();
        assert_eq!((tally.synced + tally.pending, tally.parked_total()), (15, 1));
        assert_eq!(world.row("O011").await.state, State::Parked);
        // Two calls a halving: 16, 8 and 8, 4 and 4, 2 and 2, 1 and 1.
        assert_eq!(world.calls("orders.push") + world.calls("orders.queue"), 9);
    }
}

#[tokio::test]
async fn a_refusal_that_names_somebody_else_is_halved() {
    let world = World::new().await;
    let body = r#"{"errors":[{"message":"validation","extensions":{"0-storeOrderId-ZZ":"bad"}}]}"#;
    world.net.plan("orders.push", 1, Trouble::Body(body));
    let tally = world.deliver(&run(RunKind::Poll, "R1"), page(4, HOUR)).await.unwrap();
    assert_eq!((tally.synced, tally.parked_total()), (4, 0));
    assert_eq!(world.net.orders_of("orders.push").iter().map(Vec::len).collect::<Vec<_>>(), [4, 2, 2]);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved() {
    let world = World::new().await;
    world.net.account().most = 30;
    let tally = world.deliver(&run(RunKind::Poll, "R1"), page(100, HOUR)).await.unwrap();
    assert_eq!(tally.synced, 100);
    assert!(world.net.orders_of("orders.push").iter().all(|ids| [100, 50, 25].contains(&ids.len())));
}

#[tokio::test]
async fn a_single_record_that_is_too_large_is_parked() {
    let world = World::new().await;
    world.net.plan("orders.push", 0, Trouble::Says(413, None));
    let tally = world.deliver(&run(RunKind::Poll, "R1"), page(4, HOUR)).await.unwrap();
    assert_eq!(tally.parked["destination.too_large"], 4);
    assert_eq!(world.calls("orders.push"), 7);
}

#[tokio::test]
async fn some_faults_are_not_the_records_fault() {
    let schema = r#"{"errors":[{"message":"no such field","locations":[{"line":1,"column":2}]}]}"#;
    let cases = [
        (Trouble::Body(schema), "destination.schema", Kind::Reject),
        (Trouble::Says(403, None), "destination.key_refused", Kind::Reconnect),
        (Trouble::Says(404, None), "destination.connection_unknown", Kind::Reject),
        (Trouble::Says(429, Some("300")), "destination.throttled", Kind::Retry),
        (Trouble::Says(503, Some("300")), "destination.throttled", Kind::Retry),
        (Trouble::NotSent, "destination.unavailable", Kind::Retry),
    ];
    for (trouble, code, kind) in cases {
        for (run_kind, operation) in [(RunKind::Poll, "orders.push"), (RunKind::Historical, "orders.queue")] {
            let world = World::new().await;
            world.net.plan(operation, 0, trouble.clone());
            let fault = world.deliver(&run(run_kind, "R1"), page(3, 9 * DAY)).await.unwrap_err();
            assert_eq!((fault.code, fault.kind), (code, kind), "{trouble:?}");
            assert_eq!(world.calls(operation), if code == "destination.unavailable" { 4 } else { 1 });
            for id in ["O000", "O001", "O002"] {
                let row = world.row(id).await;
                assert_eq!(
                    (row.state, row.settled, row.times_sent),
                    (State::Pending, None, 0),
                    "{trouble:?}"
                );
                assert!(
                    row.intent.is_none() && row.flight.is_none(),
                    "it is known that nothing was carried out"
                );
                assert_eq!((row.queued, row.sent_at), (None, None));
            }
            world.net.mend();
            world.clock.advance(std::time::Duration::from_secs(300));
            let tally = world.deliver(&run(run_kind, "R1"), page(3, 9 * DAY)).await.unwrap();
            assert_eq!(tally.synced + tally.pending, 3);
            assert_eq!(world.net.account().orders.len(), 3, "{trouble:?}: nobody waits");
        }
    }
}

#[tokio::test]
async fn a_page_that_failed_counts_every_record_once_when_it_is_read_again() {
    let world = World::new().await;
    let hundred_and_more = || page(130, HOUR);
    world.net.plan("orders.push", 2, Trouble::Says(403, None));
    world.deliver(&run(RunKind::Poll, "R1"), hundred_and_more()).await.unwrap_err();
    world.net.mend();
    let tally = world.deliver(&run(RunKind::Poll, "R1"), hundred_and_more()).await.unwrap();
    assert_eq!((tally.observed, tally.synced + tally.pending), (130, 130));
    assert_eq!(tally.pending, 0, "nothing of what was refused was carried out: nobody waits");
    assert_eq!(world.net.account().orders.len(), 130);
}

#[tokio::test]
async fn a_parked_record_is_sent_again_when_it_changed() {
    let world = World::new().await;
    world.net.account().refused.insert("O000".to_owned());
    world.deliver(&run(RunKind::Poll, "R1"), page(1, HOUR)).await.unwrap();
    let calls = world.net.all_calls();
    let again = world.deliver(&run(RunKind::Poll, "R2"), page(1, HOUR)).await.unwrap();
    assert_eq!((again.parked_total(), again.parked_earlier, world.net.all_calls()), (1, 1, calls));
    world.net.account().refused.clear();
    world.clock.advance(std::time::Duration::from_secs(60));
    let mended = Order { modified: ago(1), ..order("O000", ago(HOUR)) };
    assert_eq!(world.deliver(&run(RunKind::Poll, "R3"), vec![ready(mended)]).await.unwrap().synced, 1);
    assert_eq!(world.row("O000").await.reason, None);
}

#[tokio::test]
async fn records_are_not_to_blame_when_the_connection_is_gone() {
    let world = World::new().await;
    world.net.account().refused.extend((0..3).map(|n| format!("O{n:03}")));
    let there = std::mem::take(&mut world.net.account().connections);
    let fault = world.deliver(&run(RunKind::Poll, "R1"), page(3, HOUR)).await.unwrap_err();
    assert_eq!(fault.code, "destination.connection_unknown");
    assert_eq!(world.row("O000").await.state, State::Pending);
    world.net.account().connections = there;
    world.clock.advance(std::time::Duration::from_secs(80));
    let tally = world.deliver(&run(RunKind::Poll, "R2"), page(3, HOUR)).await.unwrap();
    assert_eq!(tally.parked["destination.invalid_record"], 3);
}
