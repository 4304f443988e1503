use std::time::Duration;

use jiff::SignedDuration;
use tillsync_mapping::model::{Observed, Order};

use crate::fault::Kind;
use crate::state::{RunKind, State};
use crate::testing::{DAY, HOUR, Trouble, World, ago, beginning, order, ready, run};

fn page(count: usize, age: i64) -> Vec<Observed<Order>> {
    (0..count).map(|n| ready(order(&format!("O{n:03}"), ago(age)))).collect()
}

#[tokio::test]
async fn a_lost_reply_makes_a_flight_and_acknowledges_nothing() {
    for trouble in [Trouble::Lost, Trouble::Landed, Trouble::Says(500, None), Trouble::Body("<html>")] {
        for (kind, operation) in [(RunKind::Poll, "orders.push"), (RunKind::Historical, "orders.queue")] {
            let world = World::new().await;
            world.net.plan(operation, 1, trouble.clone());
            let tally = world.deliver(&run(kind, "R1"), page(3, 9 * DAY)).await.unwrap();
            assert_eq!((tally.observed, tally.pending), (3, 3), "{trouble:?}");
            assert_eq!(world.calls(operation), 1, "a write is not repeated");
            let flights = world.flights("R1").await;
            assert_eq!(flights.len(), 1);
            assert_eq!((flights[0].left.len(), flights[0].accepted), (3, false));
            // What may have been queued may be applied much later.
            let landed = (kind == RunKind::Poll).then(|| beginning() + SignedDuration::from_secs(60));
            assert_eq!(flights[0].due, landed);
            let row = world.row("O000").await;
            let queued = (kind != RunKind::Poll).then(|| beginning() + SignedDuration::from_mins(15));
            assert_eq!(row.queued, queued);
            assert_eq!((row.state, row.settled, row.times_sent), (State::Pending, None, 0));
            assert_eq!(row.flight.as_ref(), Some(&flights[0].id));
            assert_eq!(row.intent.unwrap().version, ago(9 * DAY));
        }
    }
}

#[tokio::test]
async fn an_answer_that_names_fewer_orders_than_were_sent_is_no_acknowledgement() {
    let world = World::new().await;
    let body = r#"{"data":{"bulkUpsertOrders":[{"storeOrderId":"O000"}]}}"#;
    world.net.plan("orders.push", 1, Trouble::Body(body));
    let tally = world.deliver(&run(RunKind::Poll, "R1"), page(2, HOUR)).await.unwrap();
    assert_eq!((tally.synced, tally.pending), (0, 2));
}

#[tokio::test]
async fn a_second_lost_reply_stops_the_page() {
    let world = World::new().await;
    world.net.plan("orders.push", 0, Trouble::Lost);
    let fault = world.deliver(&run(RunKind::Poll, "R1"), page(900, HOUR)).await.unwrap_err();
    assert_eq!((fault.code, fault.kind), ("destination.unavailable", Kind::Retry));
    let calls = world.calls("orders.push");
    assert!((2..=4).contains(&calls), "{calls}: those under way are seen through, and no more begin");
}

#[tokio::test]
async fn nobody_writes_an_open_record_before_it_has_landed() {
    let world = World::new().await;
    world.net.plan("orders.push", 1, Trouble::Landed);
    let once = || page(1, HOUR);
    world.deliver(&run(RunKind::Poll, "R1"), once()).await.unwrap();
    let again = world.deliver(&run(RunKind::Poll, "R1"), once()).await.unwrap();
    assert_eq!((again.pending, world.calls("orders.push")), (1, 1), "read again by the same run");
    world.clock.advance(Duration::from_secs(79));
    let other = world.deliver(&run(RunKind::Poll, "R2"), once()).await.unwrap();
    assert_eq!((other.pending, world.calls("orders.push")), (1, 1), "read by another run");
    let waits = world.flights("R2").await;
    // It may have left twenty seconds after it was intended, as far as the row tells.
    assert_eq!(waits[0].due, Some(beginning() + SignedDuration::from_secs(80)));
    assert_eq!(world.row("O000").await.flight.as_ref(), Some(&waits[0].id));
    world.clock.advance(Duration::from_secs(1));
    let late = world.deliver(&run(RunKind::Poll, "R3"), once()).await.unwrap();
    assert_eq!((late.synced, world.calls("orders.push")), (1, 2));
}

#[tokio::test]
async fn a_change_right_after_a_write_waits_for_it_to_land() {
    let world = World::new().await;
    world.deliver(&run(RunKind::Poll, "R1"), page(1, HOUR)).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    let changed = || vec![ready(Order { modified: beginning(), ..order("O000", ago(HOUR)) })];
    let tally = world.deliver(&run(RunKind::Poll, "R2"), changed()).await.unwrap();
    assert_eq!((tally.pending, world.calls("orders.push")), (1, 1));
    let row = world.row("O000").await;
    assert_eq!((row.desired, row.settled), (Some(beginning()), Some(ago(HOUR))));
}

/// Found by the simulator: a queued write whose reply was lost was applied after a newer one, and stayed.
#[tokio::test]
async fn nothing_is_written_over_what_may_still_be_queued() {
    for trouble in [Trouble::Lost, Trouble::Landed] {
        let world = World::new().await;
        world.net.account().delay = 600;
        world.net.plan("orders.queue", 1, trouble);
        world.deliver(&run(RunKind::Historical, "R1"), page(1, 9 * DAY)).await.unwrap();
        let newer = || vec![ready(order("O000", ago(60)))];
        for minutes in [2, 9, 3] {
            world.clock.advance(Duration::from_secs(minutes * 60));
            let tally = world.deliver(&run(RunKind::Poll, &format!("P{minutes}")), newer()).await.unwrap();
            assert_eq!((tally.pending, world.calls("orders.push")), (1, 0));
        }
        world.clock.advance(Duration::from_secs(2 * 60));
        let tally = world.deliver(&run(RunKind::Poll, "P4"), newer()).await.unwrap();
        assert_eq!((tally.synced, world.calls("orders.push")), (1, 1), "its time is up");
    }
}

/// A process may end before it can tell when its request left: what it noted before must not be long ago.
#[tokio::test]
async fn what_could_not_be_sent_at_once_is_intended_anew() {
    for (kind, operation) in [(RunKind::Poll, "orders.push"), (RunKind::Historical, "orders.queue")] {
        let world = World::new().await;
        world.net.plan(operation, 1, Trouble::Says(429, Some("35")));
        world.net.plan(operation, 2, Trouble::Says(429, Some("35")));
        world.net.plan(operation, 3, Trouble::Landed);
        let tally = world.deliver(&run(kind, "R1"), page(2, 9 * DAY)).await.unwrap();
        assert_eq!((tally.pending, world.calls(operation)), (2, 3));
        let intent = world.row("O000").await.intent.unwrap();
        let late = beginning() + SignedDuration::from_secs(70);
        assert!(intent.at >= late && intent.at <= late + SignedDuration::from_secs(2), "{}", intent.at);
    }
}
