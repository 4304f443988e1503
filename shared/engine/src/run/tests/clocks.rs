//! Clocks that are wrong: ours, or those that wrote what we read (reliability.md, I10 to I12).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::{handle, start_poll};
use super::{ended, history, poll, watermarks};
use crate::message::Work;
use crate::ports::Lane;
use crate::state::{Connection, Cursor, PeopleRuns, Row, RunState, State, Stream, list, load};
use crate::testing::{DAY, HOUR, Trouble, World, ago};

const MINUTE: i64 = 60;

fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

/// A world that begins at this instant, with nothing sold yet.
async fn world_at(start: Timestamp) -> World {
    let mut world = World::new().await;
    world.clock.set(start);
    world.connection.created = start - SignedDuration::from_hours(2);
    world.connection.rechecked = Some(start);
    world.connection.last_sync = Some(start);
    world.save(&world.connection).await;
    world
}

/// What a tick queues, worked off: a look, and a run where something changed.
async fn tick(world: &World) {
    world.engine.send(Lane::Live, "C1", &[Work::Poll { connection: "C1".into() }]).await.unwrap();
    while let Some(delivery) = world.take().await {
        handle(&world.engine, &delivery).await.unwrap();
    }
    world.work().await;
}

/// A cursor as it stands, or stood.
async fn set_cursors(world: &World, watermark: Timestamp, told: bool) {
    let people = PeopleRuns::cursor(&world.connection.people_partition());
    for key in [Connection::orders_cursor("C1"), people] {
        let old: Option<Row<Cursor>> = load(&*world.store, key.clone()).await.unwrap();
        let rev = old.map_or(0, |row| row.rev);
        let row = Row { key, rev, value: Cursor { watermark, told } };
        crate::ports::Store::transact(&*world.store, vec![row.put().unwrap()]).await.unwrap();
    }
}

/// Sales are made all the time by the shop's clock, and each is shown from then on. Whatever ours says, polls find
/// them all, and no daily second look is needed for it.
#[tokio::test]
async fn polls_lose_nothing_whatever_our_clock_says() {
    // Days on which clocks are put forward or back, here and there, and an ordinary one.
    let days =
        ["2026-05-04T10:00:00Z", "2026-03-29T00:30:00Z", "2026-10-25T00:30:00Z", "2026-11-01T05:30:00Z"];
    // Minutes the shop's clock is ahead of ours, and from the fourth poll on.
    let skews = [(0, 0), (-10, -10), (10, 10), (-10, 0), (10, 0), (-10, 10), (10, -10), (-59, 0)];
    for start in days {
        for (skew, later) in skews {
            for looks in [true, false] {
                let place = format!("{start} {skew} {later} {looks}");
                check_skew(&world_at(start.parse().unwrap()).await, (skew, later), looks, &place).await;
            }
        }
    }
}

async fn check_skew(world: &World, (skew, later): (i64, i64), looks: bool, place: &str) {
    let mut ahead = minutes(skew);
    world.net.set_ahead(Some(ahead));
    let mut sold = 0;
    for round in 0..7 {
        if round == 3 {
            // Somebody sets our clock: theirs goes on as before.
            world.clock.set(world.engine.now() - (minutes(later) - ahead));
            ahead = minutes(later);
            world.net.set_ahead(Some(ahead));
        }
        if looks {
            tick(world).await;
        } else {
            poll(world).await;
        }
        // Two sales a minute after each poll and shortly before the next.
        for wait in [MINUTE, 27 * MINUTE] {
            world.clock.advance(Duration::from_secs(u64::try_from(wait).unwrap()));
            let there = world.engine.now() + ahead;
            world.net.shop().sell(&format!("O{sold}"), there);
            sold += 1;
        }
        world.clock.advance(Duration::from_secs(120));
    }
    // Nothing is sold any more: what there is comes as late as the clocks differ, and no later.
    for _ in 0..3 {
        tick(world).await;
        world.clock.advance(Duration::from_secs(1_800));
    }
    for n in 0..sold {
        let id = format!("O{n}");
        let row = world.find(Stream::Orders, &id).await;
        assert_eq!(row.map(|row| row.value.state), Some(State::Synced), "{place}: {id}");
        let written = world.net.orders_of("orders.push").concat();
        assert_eq!(written.iter().filter(|one| **one == id).count(), 1, "{place}: {id}");
    }
    let (orders, _) = watermarks(world).await;
    let there = world.engine.now() + ahead;
    assert!(orders.is_some_and(|orders| orders <= there - minutes(2)), "{place}: {orders:?} at {there}");
}

#[tokio::test]
async fn a_source_that_tells_no_time_is_polled_as_our_clock_says() {
    let world = world_at(ago(0)).await;
    world.net.set_ahead(None);
    for _ in 0..3 {
        let now = world.engine.now();
        tick(&world).await;
        let end = Some(now - minutes(2));
        assert_eq!(watermarks(&world).await, (end, end));
        world.clock.advance(Duration::from_secs(1_800));
    }
}

#[tokio::test]
async fn a_history_read_by_a_clock_that_is_ahead_leaves_the_rest_to_polls() {
    for ahead in [-10, 10] {
        let world = World::new().await;
        world.net.shop().sell("O1", ago(DAY));
        world.net.set_ahead(Some(minutes(ahead)));
        let run = history(&world).await;
        // A minute later, by its clock: the history has shown it as it was.
        world.clock.advance(Duration::from_secs(60));
        world.net.shop().refund("O1", world.engine.now() + minutes(ahead));
        world.clock.advance(Duration::from_secs(1_800));
        poll(&world).await;
        assert_eq!(world.net.account().orders["O1"].0["normalizedStatus"], "REFUNDED", "{ahead}");
        assert!(watermarks(&world).await.0 > Some(run.started));
    }
}

/// A window is read in parts: what counts is when the first of them began, whoever reads the others.
#[tokio::test]
async fn the_time_at_the_source_outlives_the_worker_that_was_told() {
    let mut world = world_at(ago(0)).await;
    world.net.set_ahead(Some(minutes(-10)));
    for n in 0..4 {
        world.net.shop().sell(&format!("O{n}"), ago((20 - n) * MINUTE));
    }
    world.net.shop().page = 2;
    let began = world.engine.now() - minutes(10);
    let run = start_poll(&world.engine, "C1").await.unwrap().run;
    // The second page is put off, and read by another one whose source tells nothing, much later.
    world.net.plan("orders.search", 2, Trouble::Says(429, Some("100")));
    let delivery = world.take().await.unwrap();
    handle(&world.engine, &delivery).await.unwrap();
    world.restart("two");
    world.net.mend();
    world.net.set_ahead(None);
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(ended(&world, &run.id).await.state, RunState::Complete);
    let end = watermarks(&world).await.0.unwrap();
    assert!(end <= began - minutes(1) && end >= began - minutes(3), "{end} after {began}");
}

#[tokio::test]
async fn a_watermark_in_the_future_is_damaged_and_nothing_is_skipped() {
    let year_2999: Timestamp = "2999-01-01T00:00:00Z".parse().unwrap();
    // Where it stands, whether the source told so, whether it is believed.
    let cases = [
        (year_2999, false, false),
        (year_2999, true, false),
        (ago(-20 * MINUTE), false, false),
        (ago(-HOUR - 60), true, false),
        (ago(-20 * MINUTE), true, true),
        (ago(0), false, true),
    ];
    for (watermark, told, believed) in cases {
        let place = format!("{watermark} {told}");
        let mut world = World::new().await;
        world.connection.last_sync = Some(ago(60));
        world.save(&world.connection).await;
        // Sold when nobody looked, before and after the last five minutes.
        world.net.shop().sell("O1", ago(5 * HOUR));
        set_cursors(&world, watermark, told).await;
        tick(&world).await;
        let found = world.find(Stream::Orders, "O1").await.is_some();
        assert_eq!(found, !believed, "{place}");
        let (orders, people) = watermarks(&world).await;
        if !believed {
            assert!(orders < Some(ago(0)) && people < Some(ago(0)), "{place}: {orders:?} {people:?}");
        }
        // And polls go on: what is sold from now on, by the shop's clock, is found by the next.
        let ahead = if told && believed { 25 } else { 0 };
        world.net.shop().sell("O2", world.engine.now() + minutes(ahead));
        world.clock.advance(Duration::from_secs(3_600));
        tick(&world).await;
        assert!(world.find(Stream::Orders, "O2").await.is_some(), "{place}");
    }
}

#[tokio::test]
async fn a_connection_made_in_the_future_is_followed_from_the_last_days_on() {
    let mut world = World::new().await;
    world.connection.created = ago(-30 * DAY);
    world.connection.last_sync = Some(ago(-30 * DAY));
    world.connection.rechecked = Some(ago(-30 * DAY));
    world.save(&world.connection).await;
    set_cursors(&world, world.connection.created, false).await;
    world.net.shop().sell("O1", ago(2 * DAY));
    tick(&world).await;
    assert!(world.find(Stream::Orders, "O1").await.is_some());
    let connection = crate::connections::find(&world.engine, "C1").await.unwrap();
    assert!(connection.last_sync.is_some_and(|at| at <= world.engine.now()), "{:?}", connection.last_sync);
    world.clock.advance(Duration::from_secs(1_800));
    let before = list::<crate::state::Run>(&*world.store, "CONN#C1", "RUN#").await.unwrap().len();
    tick(&world).await;
    let after = list::<crate::state::Run>(&*world.store, "CONN#C1", "RUN#").await.unwrap().len();
    assert_eq!(before, after, "a look is enough again");
}

/// An order that says it was changed in the year 2999 is sent as it is, and as it is changed later on.
#[tokio::test]
async fn an_order_of_the_year_2999_is_kept_right() {
    for far in ["2999-12-31T23:59:59Z", "2026-05-07T10:00:00Z"] {
        let world = World::new().await;
        world.net.shop().sell("O1", ago(DAY));
        world.net.shop().touch("O1", far.parse().unwrap());
        history(&world).await;
        assert_eq!(world.row("O1").await.state, State::Synced, "{far}");
        world.clock.advance(Duration::from_secs(3_600));
        // It is met again as it is: nothing to do, and polls go on.
        poll(&world).await;
        let again = history(&world).await.streams.unwrap().orders;
        assert_eq!((again.observed, again.unchanged), (1, 1), "{far}");
        // Changed now, and its time put right.
        world.clock.advance(Duration::from_secs(1_800));
        world.net.shop().refund("O1", world.engine.now() - minutes(10));
        assert_eq!(poll(&world).await.state, RunState::Complete);
        let sent = world.net.account().orders["O1"].0.clone();
        assert_eq!(sent["normalizedStatus"], "REFUNDED", "{far}");
        assert_eq!(world.row("O1").await.state, State::Synced, "{far}");
        assert!(watermarks(&world).await.0 < Some(world.engine.now()), "{far}");
    }
}
