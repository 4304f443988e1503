use jiff::SignedDuration;
use tillsync_mapping::model::{Money, Observed, Order};

use crate::state::{RunKind, State, Stream};
use crate::sums::Tally;
use crate::testing::{DAY, HOUR, REMOTE, World, ago, beginning, order, ready, run};

/// So many orders of last month.
fn old_orders(count: usize) -> Vec<Observed<Order>> {
    (0..count).map(|n| ready(order(&format!("O{n:04}"), ago(30 * DAY + i64::try_from(n).unwrap())))).collect()
}

fn sizes(calls: &[Vec<String>]) -> Vec<usize> {
    let mut sizes: Vec<_> = calls.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    sizes
}

#[tokio::test]
async fn a_hundred_orders_go_in_one_call() {
    let world = World::new().await;
    let tally = world.deliver(&run(RunKind::Historical, "R1"), old_orders(250)).await.unwrap();
    assert_eq!((tally.observed, tally.pending), (250, 250));
    assert_eq!(sizes(&world.net.orders_of("orders.queue")), [50, 100, 100]);
    let flights = world.flights("R1").await;
    assert_eq!(flights.iter().map(|flight| flight.left.len()).sum::<usize>(), 250);
    assert!(flights.iter().all(|flight| flight.accepted && flight.batch.as_deref() == Some("rec-1")));
    let poll = World::new().await;
    assert_eq!(poll.deliver(&run(RunKind::Poll, "R1"), old_orders(101)).await.unwrap().synced, 101);
    assert_eq!(sizes(&poll.net.orders_of("orders.push")), [1, 100]);
}

#[tokio::test]
async fn a_page_may_be_larger_than_what_the_store_takes_at_once() {
    let world = World::new().await;
    let tally = world.deliver(&run(RunKind::Historical, "R1"), old_orders(1_101)).await.unwrap();
    assert_eq!(tally.pending, 1_101);
    let mut young = old_orders(1_101);
    for record in &mut young {
        record.version = ago(0);
    }
    // Everything was written a moment ago: everything waits.
    assert_eq!(world.deliver(&run(RunKind::Poll, "R2"), young).await.unwrap().pending, 1_101);
}

#[tokio::test]
async fn only_first_time_history_is_queued() {
    let changed = |id: &str, date| Order {
        modified: ago(60),
        total: Money::new(900, order(id, date).total.currency),
        ..order(id, date)
    };
    let cases = [
        // The run, the order's age, whether it was sent before, the call it goes by.
        (RunKind::Historical, 30 * DAY, false, "orders.queue"),
        (RunKind::Historical, DAY, false, "orders.queue"),
        (RunKind::Historical, HOUR, false, "orders.push"),
        (RunKind::Historical, 30 * DAY, true, "orders.push"),
        (RunKind::Poll, 30 * DAY, false, "orders.push"),
        (RunKind::Poll, HOUR, false, "orders.push"),
        (RunKind::Poll, 30 * DAY, true, "orders.push"),
    ];
    for (kind, age, before, operation) in cases {
        let world = World::new().await;
        if before {
            world.deliver(&run(RunKind::Poll, "R0"), vec![ready(order("A", ago(age)))]).await.unwrap();
            world.clock.advance(std::time::Duration::from_secs(60));
        }
        let first = (world.calls("orders.push"), world.calls("orders.queue"));
        let sent = if before { changed("A", ago(age)) } else { order("A", ago(age)) };
        world.deliver(&run(kind, "R1"), vec![ready(sent)]).await.unwrap();
        let made = (world.calls("orders.push") - first.0, world.calls("orders.queue") - first.1);
        let expected = if operation == "orders.push" { (1, 0) } else { (0, 1) };
        assert_eq!(made, expected, "{kind:?} {age} {before}");
    }
}

#[tokio::test]
async fn an_order_that_arrives_late_is_counted_as_sent_silently() {
    let world = World::new().await;
    let page = || vec![ready(order("late", ago(2 * DAY))), ready(order("live", ago(HOUR)))];
    let tally = world.deliver(&run(RunKind::Poll, "R1"), page()).await.unwrap();
    assert_eq!((tally.synced, tally.sent_silently), (2, 1));
    let sources = world.net.bodies("orders.push")[0]["variables"]["orders"].as_array().unwrap().clone();
    for sent in sources {
        let expected = if sent["storeOrderId"] == "live" { "REAL_TIME" } else { "HISTORICAL" };
        assert_eq!(sent["creationSource"], expected);
    }
    let history = World::new().await;
    assert_eq!(history.deliver(&run(RunKind::Historical, "R1"), page()).await.unwrap().sent_silently, 0);
}

#[tokio::test]
async fn what_says_nothing_new_makes_no_call() {
    let world = World::new().await;
    let page = || vec![ready(order("A", ago(HOUR)))];
    assert_eq!(world.deliver(&run(RunKind::Poll, "R1"), page()).await.unwrap().synced, 1);
    let (before, calls) = (world.store.dump(), world.net.all_calls());
    let tally = world.deliver(&run(RunKind::Poll, "R2"), page()).await.unwrap();
    assert_eq!(tally, Tally { observed: 1, unchanged: 1, ..Tally::default() });
    world.clock.advance(std::time::Duration::from_secs(61));
    // A newer version of which nothing is seen at the destination.
    let touched = Observed { version: ago(1), ..ready(Order { modified: ago(1), ..order("A", ago(HOUR)) }) };
    assert_eq!(world.deliver(&run(RunKind::Poll, "R3"), vec![touched]).await.unwrap().unchanged, 1);
    assert_eq!((world.net.all_calls(), world.store.dump()), (calls, before));
}

#[tokio::test]
async fn order_number_and_live_flag_are_those_of_the_first_send() {
    let world = World::new().await;
    world.deliver(&run(RunKind::Poll, "R1"), vec![ready(order("A", ago(HOUR)))]).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(3 * 86_400));
    let later = beginning() + SignedDuration::from_hours(71);
    let mut changed = Order { number: "another".to_owned(), modified: later, ..order("A", ago(HOUR)) };
    changed.total.minor = 700;
    let mut late = run(RunKind::Poll, "R2");
    late.started = world.engine.now();
    world.deliver(&late, vec![ready(changed)]).await.unwrap();
    let sent = world.net.bodies("orders.push")[1]["variables"]["orders"][0].clone();
    assert_eq!((&sent["orderNumber"], &sent["creationSource"]), (&"No A".into(), &"REAL_TIME".into()));
    assert_eq!(sent["finalAmount"].to_string(), "7.0");
}

#[tokio::test]
async fn the_ledger_holds_what_was_sent() {
    let world = World::new().await;
    world.deliver(&run(RunKind::Poll, "R1"), vec![ready(order("A", ago(HOUR)))]).await.unwrap();
    let row = world.row("A").await;
    assert_eq!((row.state, row.settled, row.desired), (State::Synced, Some(ago(HOUR)), Some(ago(HOUR))));
    assert_eq!((row.times_sent, row.live, row.number.as_deref()), (1, Some(true), Some("No A")));
    assert_eq!((row.intent, row.flight, row.sent_at), (None, None, Some(beginning())));
    let request: serde_json::Value = serde_json::from_str(row.request.unwrap().get()).unwrap();
    assert_eq!(request, world.net.bodies("orders.push")[0]["variables"]["orders"][0]);
    assert_eq!(request["legacyConnectionId"], REMOTE);
    let buyer = world.find(Stream::Customers, "P-A").await.unwrap().value;
    assert_eq!((buyer.state, buyer.times_sent, buyer.check), (State::Synced, 1, None));
}

#[tokio::test]
async fn one_page_with_a_record_twice_counts_it_once() {
    let world = World::new().await;
    let page = vec![ready(order("A", ago(HOUR))), ready(order("A", ago(HOUR)))];
    assert_eq!(world.deliver(&run(RunKind::Poll, "R1"), page).await.unwrap().observed, 1);
    assert_eq!(world.net.orders_of("orders.push"), [["A"]]);
}
