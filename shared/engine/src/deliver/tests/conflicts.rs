use futures_util::future::join;
use tillsync_mapping::model::Order;

use crate::state::{RunKind, State};
use crate::testing::{DAY, HOUR, World, ago, beginning, order, ready, run};

/// The order as it was changed a moment ago.
fn changed(id: &str, date: jiff::Timestamp) -> Order {
    let mut changed = Order { modified: beginning(), ..order(id, date) };
    changed.total.minor = 500;
    changed
}

#[tokio::test]
async fn of_two_writers_of_one_order_the_newer_version_stands() {
    for newer_first in [true, false] {
        let world = World::new().await;
        let (one, other) = (run(RunKind::Poll, "R1"), run(RunKind::Historical, "R2"));
        let (old, new) = (|| vec![ready(order("A", ago(HOUR)))], || vec![ready(changed("A", ago(HOUR)))]);
        let (first, second) = if newer_first { (new(), old()) } else { (old(), new()) };
        let (first, second) = join(world.deliver(&one, first), world.deliver(&other, second)).await;
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!((first.observed, second.observed), (1, 1));
        let row = world.row("A").await;
        assert_eq!((row.version, row.desired), (beginning(), Some(beginning())), "{newer_first}");
        assert_eq!(world.calls("orders.push"), 1, "the other one waits for it to land");
        let waiting = world.flights("R2").await;
        assert_eq!((row.state, row.flight.as_ref()), (State::Pending, Some(&waiting[0].id)));
    }
}

#[tokio::test]
async fn a_flight_holds_only_the_records_that_its_writer_won() {
    let world = World::new().await;
    let (poll, history) = (run(RunKind::Poll, "R1"), run(RunKind::Historical, "R2"));
    let month = || ["A", "B", "C"].map(|id| ready(order(id, ago(30 * DAY)))).to_vec();
    let (polled, read) = join(
        world.deliver(&poll, vec![ready(changed("B", ago(30 * DAY)))]),
        world.deliver(&history, month()),
    )
    .await;
    assert_eq!(polled.unwrap().observed, 1);
    let read = read.unwrap();
    let flying: usize = world.flights("R2").await.iter().map(|flight| flight.left.len()).sum();
    assert_eq!(flying as u64, read.pending, "each pending record is of one flight: {read:?}");
}

#[tokio::test]
async fn records_that_wait_are_in_one_flight_each() {
    let world = World::new().await;
    let first = run(RunKind::Poll, "R0");
    world.deliver(&first, ["A", "B"].map(|id| ready(order(id, ago(HOUR)))).to_vec()).await.unwrap();
    let page = || ["A", "B"].map(|id| ready(changed(id, ago(HOUR)))).to_vec();
    let (one, other) = (run(RunKind::Poll, "R1"), run(RunKind::Historical, "R2"));
    let (a, b) = join(world.deliver(&one, page()), world.deliver(&other, page())).await;
    for (run, tally) in [("R1", a.unwrap()), ("R2", b.unwrap())] {
        let flying: usize = world.flights(run).await.iter().map(|flight| flight.left.len()).sum();
        assert_eq!((tally.pending, flying), (2, 2), "{run}");
    }
}
