use std::time::Duration;

use jiff::SignedDuration;

use super::super::{BackfillRequest, progress, start_backfill, start_poll};
use super::{ended, history, ledger, poll, shown_to, watermarks};
use crate::state::{ConnectionState, RunKind, RunState, State, Stream};
use crate::testing::{DAY, HOUR, Trouble, World, ago, beginning};

/// Six sales, the last one of this hour, and twelve people who never bought.
async fn shop() -> World {
    let world = World::new().await;
    {
        let mut shop = world.net.shop();
        for n in 0..5 {
            shop.sell(&format!("O{n}"), ago((30 - n) * DAY));
        }
        shop.sell("O5", ago(HOUR));
        (0..12).for_each(|n| shop.meet(&format!("P-guest{n}"), ago(40 * DAY)));
    }
    world.net.account().delay = 5;
    world
}

#[tokio::test]
async fn a_history_is_read_delivered_and_read_back() {
    let world = shop().await;
    let run = history(&world).await;
    assert_eq!(
        (run.state, run.kind, run.expected),
        (RunState::Complete, RunKind::Historical, Some((6, true)))
    );
    let streams = run.streams.clone().unwrap();
    assert_eq!((streams.orders.observed, streams.orders.synced), (6, 6));
    let people = &streams.customers;
    assert_eq!((people.observed, people.unchanged, people.synced), (18, 6, 12), "orders carried six");
    assert_eq!((streams.products.observed, streams.products.synced), (1, 1));
    let shown = shown_to(&world, run.started);
    assert_eq!(watermarks(&world).await, (Some(shown), Some(shown)));
    assert_eq!(world.net.orders_of("orders.queue").iter().map(Vec::len).collect::<Vec<_>>(), [5]);
    assert_eq!(world.net.orders_of("orders.push"), [["O5"]], "a live order goes at once");
    assert_eq!(ledger(&world).await, [("customers", 18), ("orders", 6), ("products", 1)].into());
    let connection = crate::connections::find(&world.engine, "C1").await.unwrap();
    assert_eq!(connection.last_sync, Some(run.started));
    let calls = run.total.unwrap();
    assert_eq!(calls.source + calls.destination, world.net.all_calls() as u64, "every call is counted");
    let row = world.row("O0").await;
    assert_eq!((row.state, row.settled, row.queued), (State::Synced, Some(ago(30 * DAY)), None));
    assert!(row.flight.is_some(), "the flight that settled it is told, so that it is counted once");
}

#[tokio::test]
async fn a_history_read_again_sends_nothing() {
    let world = shop().await;
    history(&world).await;
    let pushes =
        || ["orders.push", "orders.queue", "products.push", "contacts.import"].map(|name| world.calls(name));
    let before = pushes();
    world.clock.advance(Duration::from_secs(300));
    let again = history(&world).await.streams.unwrap();
    assert_eq!((again.orders.unchanged, again.customers.unchanged, again.products.unchanged), (6, 18, 1));
    assert_eq!(pushes(), before);
}

#[tokio::test]
async fn a_poll_sends_what_is_new_and_what_changed() {
    let world = shop().await;
    history(&world).await;
    world.clock.set(beginning() + SignedDuration::from_hours(2));
    let now = world.engine.now();
    world.net.shop().sell("new", now - SignedDuration::from_mins(10));
    world.net.shop().refund("O1", now - SignedDuration::from_mins(20));
    world.net.shop().sell("later", now - SignedDuration::from_secs(60));
    let run = poll(&world).await;
    let orders = run.streams.unwrap().orders;
    assert_eq!((run.state, orders.observed, orders.synced), (RunState::Complete, 2, 2));
    let refunded = world.net.account().orders["O1"].0.clone();
    assert_eq!(
        (&refunded["normalizedStatus"], &refunded["creationSource"]),
        (&"REFUNDED".into(), &"HISTORICAL".into())
    );
    assert_eq!(world.net.account().orders["new"].0["creationSource"], "REAL_TIME");
    let end = now - SignedDuration::from_secs(120);
    assert_eq!(watermarks(&world).await, (Some(end), Some(end)), "the last two minutes are the next poll's");
    assert!(world.find(Stream::Orders, "later").await.is_none());
    world.clock.advance(Duration::from_secs(1_800));
    assert_eq!(poll(&world).await.streams.unwrap().orders.synced, 1);
}

#[tokio::test]
async fn a_poll_begins_a_little_before_the_watermark() {
    let world = shop().await;
    let run = history(&world).await;
    world.clock.set(beginning() + SignedDuration::from_hours(1));
    poll(&world).await;
    let body = world.net.bodies("orders.search").pop().unwrap();
    let range = &body["query"]["filter"]["date_time_filter"]["updated_at"];
    let five_minutes = SignedDuration::from_mins(5);
    assert_eq!(range["start_at"], (shown_to(&world, run.started) - five_minutes).to_string());
}

#[tokio::test]
async fn a_poll_leaves_out_what_is_older_than_the_history() {
    let mut world = shop().await;
    world.connection.settings.history_from = Some(ago(28 * DAY));
    world.save(&world.connection).await;
    let first = history(&world).await.streams.unwrap();
    assert_eq!(first.orders.observed, 4, "O0 and O1 are older");
    world.clock.set(beginning() + SignedDuration::from_hours(1));
    let touched = world.engine.now() - SignedDuration::from_mins(10);
    world.net.shop().refund("O0", touched);
    world.net.shop().refund("O2", touched);
    let orders = poll(&world).await.streams.unwrap().orders;
    assert_eq!((orders.observed, orders.synced, orders.skipped["before_history"]), (2, 1, 1));
}

#[tokio::test]
async fn one_run_of_a_kind_is_at_work() {
    let world = shop().await;
    let request = BackfillRequest::default();
    let first = start_backfill(&world.engine, "C1", &request).await.unwrap();
    let second = start_backfill(&world.engine, "C1", &request).await.unwrap();
    assert_eq!((first.already, second.already, &first.run.id), (false, true, &second.run.id));
    assert!(!start_poll(&world.engine, "C1").await.unwrap().already, "a poll is of another kind");
    ended(&world, &first.run.id).await;
    assert!(!start_backfill(&world.engine, "C1", &request).await.unwrap().already);
}

#[tokio::test]
async fn a_shop_that_never_sold_anything_completes() {
    let world = World::new().await;
    let run = history(&world).await;
    assert_eq!((run.state, run.streams.unwrap().observed()), (RunState::Complete, 0));
    assert_eq!(watermarks(&world).await.0, Some(shown_to(&world, run.started)));
}

#[tokio::test]
async fn a_part_of_the_history_moves_no_watermark() {
    let world = shop().await;
    let request =
        BackfillRequest { from: Some(ago(29 * DAY)), to: Some(ago(28 * DAY)), ..BackfillRequest::default() };
    let started = start_backfill(&world.engine, "C1", &request).await.unwrap();
    let run = ended(&world, &started.run.id).await;
    assert_eq!((run.full, run.streams.unwrap().orders.observed), (false, 2));
    assert_eq!(watermarks(&world).await.0, None);
}

#[tokio::test]
async fn progress_tells_the_sums_and_what_it_waits_for() {
    let world = shop().await;
    world.net.plan("orders.search", 2, Trouble::Says(429, Some("90")));
    let started = start_backfill(&world.engine, "C1", &BackfillRequest::default()).await.unwrap();
    for _ in 0..2 {
        let delivery = world.take().await.unwrap();
        super::super::handle(&world.engine, &delivery).await.unwrap();
    }
    let seen = progress(&world.engine, "C1", &started.run.id).await.unwrap();
    assert!(seen.eta_reason.unwrap().contains(".throttled"));
    ended(&world, &started.run.id).await;
    let seen = progress(&world.engine, "C1", &started.run.id).await.unwrap();
    assert_eq!((seen.streams.orders.synced, seen.eta_seconds, seen.eta_reason), (6, None, None));
}

#[tokio::test]
async fn a_closed_location_is_polled_to_its_end_and_no_more() {
    let world = shop().await;
    world.net.shop().closed = true;
    world.net.shop().sell("last", ago(HOUR));
    assert_eq!(poll(&world).await.streams.unwrap().orders.synced, 2);
    let connection = crate::connections::find(&world.engine, "C1").await.unwrap();
    assert_ne!(connection.state, ConnectionState::Active);
    assert!(start_poll(&world.engine, "C1").await.is_err());
}

#[tokio::test]
async fn what_the_index_showed_only_after_the_history_is_read_by_the_first_poll() {
    // Connected a day ago, or at the moment of the history; made as long before it as an index may be behind.
    for connected in [ago(DAY), beginning()] {
        let mut world = shop().await;
        world.connection.created = connected;
        world.save(&world.connection).await;
        let timing = world.engine.config.timing;
        let run = history(&world).await;
        let behind = timing.lag + timing.overlap - SignedDuration::from_secs(1);
        world.net.shop().sell("late", run.started - behind);
        world.clock.set(beginning() + SignedDuration::from_mins(30));
        let orders = poll(&world).await.streams.unwrap().orders;
        assert_eq!(orders.synced, 1, "connected {connected}");
    }
}
