//! When a look is enough, and when a poll is a run: a case for every reason.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::{handle, mark, mark_person, start_poll};
use super::watermarks;
use crate::message::Work;
use crate::ports::{Lane, Store};
use crate::state::{Connection, Cursor, PeopleRuns, Row, Run, Stream, WindowRow, list, load};
use crate::testing::{DAY, Trouble, World, ago, connection};

/// From one end of the longest look to the other.
const LONGEST: SignedDuration = SignedDuration::from_hours(4);

/// A world that was read a moment ago, and in which nothing changed since.
async fn quiet() -> World {
    let mut world = World::new().await;
    world.connection.last_sync = Some(ago(60));
    world.save(&world.connection).await;
    let end = poll_end(&world);
    set(&world, Stream::Orders, end).await;
    set(&world, Stream::Customers, end).await;
    world
}

/// Where a poll ends that begins now.
fn poll_end(world: &World) -> Timestamp {
    world.engine.now() - world.engine.config.timing.lag
}

async fn put<T>(world: &World, key: crate::ports::Key, value: T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + crate::state::Tagged,
{
    let old: Option<Row<T>> = load(&*world.store, key.clone()).await.unwrap();
    let row = Row { key, rev: old.map_or(0, |row| row.rev), value };
    world.store.transact(vec![row.put().unwrap()]).await.unwrap();
}

async fn set(world: &World, stream: Stream, watermark: Timestamp) {
    let key = match stream {
        Stream::Orders => Connection::orders_cursor("C1"),
        _ => PeopleRuns::cursor(&world.connection.people_partition()),
    };
    put(world, key, Cursor { watermark, told: false }).await;
}

/// One tick's message for the connection; what it queued is left.
async fn tick(world: &World) {
    world.engine.send(Lane::Live, "C1", &[Work::Poll { connection: "C1".into() }]).await.unwrap();
    loop {
        let delivery = world.take().await.unwrap();
        handle(&world.engine, &delivery).await.unwrap();
        if matches!(Work::decode(&delivery.body).unwrap(), Work::Poll { .. }) {
            return;
        }
    }
}

/// The runs of the connection, newest first, with the streams their windows read.
async fn runs(world: &World) -> Vec<Vec<Stream>> {
    let mut runs = Vec::new();
    for run in crate::connections::runs(&world.engine, "C1").await.unwrap() {
        let windows: Vec<Row<WindowRow>> =
            list(&*world.store, &Run::partition(&run.id), "WIN#").await.unwrap();
        runs.push(windows.into_iter().map(|window| window.value.stream).collect());
    }
    runs
}

/// What makes a run of a poll.
#[derive(Clone, Copy, Debug)]
enum Reason {
    Nothing,
    /// A sibling's poll reads the customers of the store.
    Sibling,
    /// A history ended without anybody having read them.
    Owed,
    /// So many seconds more than the longest look, of a stream.
    Long(Stream, i64),
    /// A mark of an order, or of a person, so many seconds from now.
    Due(Stream, i64),
    /// The last poll was on another day.
    OtherDay,
    /// The last second look was.
    SecondLook,
    /// The store does not answer: to the first question, or to the second.
    Silent(&'static str),
    /// Somebody changed.
    Person,
}

async fn prepare(world: &mut World, reason: Reason) {
    let overlap = world.engine.config.timing.overlap;
    match reason {
        Reason::Nothing => {}
        Reason::Sibling => {
            world.save(&connection("C2", "L2")).await;
            start_poll(&world.engine, "C2").await.unwrap();
        }
        Reason::Owed => {
            let key = PeopleRuns::key(&world.connection.people_partition());
            put(world, key, PeopleRuns { owed: true, ..PeopleRuns::default() }).await;
        }
        Reason::Long(stream, more) => {
            let from = poll_end(world) - LONGEST - SignedDuration::from_secs(more);
            set(world, stream, from + overlap).await;
        }
        Reason::Due(stream, seconds) => {
            let at = ago(-seconds);
            let write = match stream {
                Stream::Customers => mark_person("C1", "P-Ann", at),
                _ => mark("C1", "O1", at),
            };
            world.store.transact(vec![write.unwrap()]).await.unwrap();
        }
        Reason::OtherDay => world.connection.last_sync = Some(ago(DAY)),
        Reason::SecondLook => world.connection.rechecked = Some(ago(DAY)),
        Reason::Silent(operation) => world.net.plan(operation, 0, Trouble::Says(403, None)),
        Reason::Person => world.net.shop().meet("P-Bob", ago(180)),
    }
    world.save(&world.connection).await;
}

#[tokio::test]
async fn a_look_is_enough_unless_there_is_a_reason_for_a_run() {
    use Stream::{Customers, Orders};
    // Why, whether it makes a run, whether that reads the customers.
    let cases = [
        (Reason::Nothing, false, false),
        (Reason::Sibling, true, false),
        (Reason::Owed, true, true),
        (Reason::Long(Orders, 0), false, false),
        (Reason::Long(Orders, 1), true, true),
        (Reason::Long(Customers, 0), false, false),
        (Reason::Long(Customers, 1), true, true),
        (Reason::Due(Orders, -60), true, true),
        (Reason::Due(Orders, 60), false, false),
        (Reason::Due(Customers, -60), true, true),
        (Reason::Due(Customers, 60), false, false),
        (Reason::OtherDay, true, true),
        (Reason::SecondLook, true, true),
        (Reason::Silent("orders.search"), true, true),
        (Reason::Silent("customers.search"), true, true),
        (Reason::Person, true, true),
    ];
    for (reason, is_run, reads_people) in cases {
        let mut world = quiet().await;
        prepare(&mut world, reason).await;
        let before = watermarks(&world).await;
        let end = poll_end(&world);
        tick(&world).await;
        let made = runs(&world).await;
        assert_eq!(made.len(), usize::from(is_run), "{reason:?}: {made:?}");
        let people = made.iter().flatten().filter(|stream| **stream == Customers).count();
        assert_eq!(people > 0, reads_people, "{reason:?}: {made:?}");
        let after = watermarks(&world).await;
        let moved = if is_run { before } else { (Some(end), Some(end)) };
        assert_eq!(after, moved, "{reason:?}: a run moves its watermarks at its end");
    }
}

#[tokio::test]
async fn a_look_is_enough_again_when_the_reason_is_gone() {
    for reason in [Reason::Sibling, Reason::Owed, Reason::Due(Stream::Orders, -60), Reason::OtherDay] {
        let mut world = quiet().await;
        prepare(&mut world, reason).await;
        tick(&world).await;
        world.work().await;
        world.clock.advance(Duration::from_secs(1_800));
        let end = poll_end(&world);
        tick(&world).await;
        assert_eq!(runs(&world).await.len(), 1, "{reason:?}");
        assert_eq!(watermarks(&world).await, (Some(end), Some(end)), "{reason:?}");
    }
}

#[tokio::test]
async fn a_poll_that_is_at_work_is_not_looked_past() {
    let world = quiet().await;
    start_poll(&world.engine, "C1").await.unwrap();
    let before = watermarks(&world).await;
    tick(&world).await;
    assert_eq!((runs(&world).await.len(), watermarks(&world).await), (1, before));
}
