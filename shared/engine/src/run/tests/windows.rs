use std::time::Duration;

use futures_util::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};

use super::super::{cancel, handle, resume, start_backfill};
use super::{ended, history, poll, shown_to, watermarks};
use crate::fault::Kind;
use crate::message::Work;
use crate::ports::{Lane, Queue};
use crate::state::{
    Connection, ConnectionState, Cursor, Row, Run, RunState, Stream, WindowRow, WindowState, list, load,
    update,
};
use crate::testing::{DAY, HOUR, Trouble, World, ago};

/// Thirty orders over three years, a page of one each, so that they cannot be counted cheaply.
async fn three_years() -> World {
    let mut world = World::new().await;
    // Several processes work, as functions do: only then a history is cut.
    world.engine.config.exclusive = false;
    for n in 0..30 {
        world.net.shop().sell(&format!("O{n}"), ago((900 - 30 * n) * DAY));
    }
    world.net.shop().page = 1;
    world
}

async fn windows(world: &World, run: &str) -> Vec<WindowRow> {
    let rows: Vec<Row<WindowRow>> = list(&*world.store, &Run::partition(run), "WIN#").await.unwrap();
    rows.into_iter().map(|row| row.value).collect()
}

/// Starts a history and plans it.
async fn planned(world: &World) -> Run {
    let started = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap();
    let delivery = world.take().await.unwrap();
    handle(&world.engine, &delivery).await.unwrap();
    started.run
}

#[tokio::test]
async fn a_long_history_is_cut_into_years() {
    let world = three_years().await;
    let run = history(&world).await;
    assert_eq!((run.state, run.expected), (RunState::Complete, Some((20, false))));
    assert_eq!(run.streams.unwrap().orders.synced, 30);
    let windows = windows(&world, &run.id).await;
    let orders: Vec<_> = windows.iter().filter(|window| window.stream == Stream::Orders).collect();
    assert_eq!(orders.len(), 4, "2023 to 2026");
    assert_eq!((orders[0].from, orders[3].to), (ago(900 * DAY), run.started));
    assert!(orders.iter().all(|window| window.tally.observed == 0), "flights count what is queued");
}

#[tokio::test]
async fn a_process_that_works_alone_reads_a_long_history_in_one_window() {
    let mut world = three_years().await;
    world.engine.config.exclusive = true;
    let run = history(&world).await;
    assert_eq!((run.state, run.streams.unwrap().orders.synced), (RunState::Complete, 30));
    assert_eq!(windows(&world, &run.id).await.iter().filter(|one| one.stream == Stream::Orders).count(), 1);
}

#[tokio::test]
async fn a_count_of_a_shorter_history_is_not_taken_for_a_longer_one() {
    let world = three_years().await;
    let mut connection = world.connection.clone();
    connection.settings.history_from = Some(ago(HOUR));
    connection.counted = Some(crate::state::Counted { orders: 0, exact: true, at: world.engine.now() });
    world.save(&connection).await;
    let request =
        crate::run::BackfillRequest { from: Some(ago(950 * DAY)), ..crate::run::BackfillRequest::default() };
    let run = start_backfill(&world.engine, "C1", &request).await.unwrap().run;
    let run = ended(&world, &run.id).await;
    assert_eq!(run.expected, Some((20, false)));
    assert!(windows(&world, &run.id).await.len() > 1, "cut into years");
}

#[tokio::test]
async fn windows_that_end_together_complete_the_reading_once() {
    let world = three_years().await;
    let run = planned(&world).await;
    let lease = world.engine.config.timing.visibility;
    let deliveries = world.queue.receive(Lane::History, 10, lease).await.unwrap();
    assert_eq!(deliveries.len(), 4);
    join_all(deliveries.iter().map(|delivery| async { handle(&world.engine, delivery).await.unwrap() }))
        .await;
    let read = windows(&world, &run.id).await;
    assert!(read[..4].iter().all(|window| window.state == WindowState::Done));
    let people = read.iter().filter(|window| window.stream == Stream::Customers).count();
    let now = world.load_run(&run.id).await;
    assert_eq!((people, now.windows, now.open_windows), (1, 5, 1), "one window of customers follows");
    assert_eq!(world.queue.dump(Lane::History).len(), 1);
    let delivery = world.take().await.unwrap();
    handle(&world.engine, &delivery).await.unwrap();
    let waiting = world.queue.dump(Lane::History);
    assert_eq!(waiting.len(), 1);
    assert!(matches!(Work::decode(&waiting[0]).unwrap(), Work::Settle { .. }));
    assert_eq!(ended(&world, &run.id).await.streams.unwrap().orders.synced, 30);
}

#[tokio::test]
async fn the_watermark_moves_forward_only() {
    let world = three_years().await;
    let later = ago(-HOUR);
    let key = Connection::orders_cursor("C1");
    let row = Row::new(key.clone(), Cursor { watermark: later, told: false });
    crate::ports::Store::transact(&*world.store, vec![row.put().unwrap()]).await.unwrap();
    history(&world).await;
    assert_eq!(watermarks(&world).await.0, Some(later));
    let earlier = ago(5 * DAY);
    update(&*world.store, &key, |cursor: &mut Cursor| cursor.watermark = earlier).await.unwrap();
    history(&world).await;
    assert_eq!(watermarks(&world).await.0, Some(earlier), "what polls have begun they go on with");
    let created = world.connection.created;
    update(&*world.store, &key, |cursor: &mut Cursor| cursor.watermark = created).await.unwrap();
    let run = history(&world).await;
    assert_eq!(watermarks(&world).await.0, Some(shown_to(&world, run.started)));
}

#[tokio::test]
async fn a_refused_window_moves_no_watermark_and_is_read_when_the_run_is_resumed() {
    let world = three_years().await;
    let run = planned(&world).await;
    // The second page of some year, after one that was delivered.
    world.net.plan("orders.search", 7, Trouble::Says(401, None));
    let stopped = ended(&world, &run.id).await;
    assert_eq!(stopped.state, RunState::Incomplete);
    assert!(stopped.problem.unwrap().code.ends_with(".token_revoked"));
    assert_eq!(watermarks(&world).await.0, None);
    let connection = crate::connections::find(&world.engine, "C1").await.unwrap();
    assert_eq!(connection.state, ConnectionState::NeedsReconnect);
    assert_eq!(resume(&world.engine, "C1").await.unwrap_err().kind, Kind::Reconnect);
    let token = tillsync_mapping::model::Secret::new("another token");
    world.vault.put(&world.connection.store_owner(), &token).await.unwrap();
    world.save(&world.connection).await;
    resume(&world.engine, "C1").await.unwrap();
    let run = ended(&world, &run.id).await;
    let orders = run.streams.unwrap().orders;
    assert_eq!((run.state, orders.observed, orders.synced), (RunState::Complete, 30, 30));
    assert_eq!(watermarks(&world).await.0, Some(shown_to(&world, run.started)));
    assert_eq!(resume(&world.engine, "C1").await.unwrap_err().code, "run.unknown", "it is complete now");
}

#[tokio::test]
async fn a_key_that_is_refused_stops_the_connection_and_parks_nothing() {
    let world = three_years().await;
    world.net.plan("orders.queue", 2, Trouble::Says(403, None));
    let run = history(&world).await;
    let orders = run.streams.unwrap().orders;
    assert_eq!((run.state, orders.parked_total()), (RunState::Incomplete, 0));
    assert_eq!(run.problem.unwrap().code, "destination.key_refused");
    world.net.mend();
    world.save(&world.connection).await;
    resume(&world.engine, "C1").await.unwrap();
    let orders = ended(&world, &run.id).await.streams.unwrap().orders;
    assert_eq!((orders.observed, orders.synced), (30, 30), "{orders:?}");
}

#[tokio::test]
async fn a_cancelled_run_reads_no_further_and_can_be_resumed() {
    for reads in 0..3 {
        let world = three_years().await;
        let run = planned(&world).await;
        for _ in 0..reads {
            let delivery = world.take().await.unwrap();
            // The window is cancelled in the middle; its page under way is finished.
            let (outcome, cancelled) =
                join(handle(&world.engine, &delivery), cancel(&world.engine, "C1")).await;
            outcome.unwrap();
            cancelled.unwrap();
        }
        cancel(&world.engine, "C1").await.unwrap();
        let stopped = ended(&world, &run.id).await;
        assert_eq!(stopped.state, RunState::Cancelled);
        assert!(stopped.streams.unwrap().orders.observed < 30);
        assert_eq!(watermarks(&world).await.0, None);
        assert_eq!(cancel(&world.engine, "C1").await.unwrap_err().code, "run.unknown");
        resume(&world.engine, "C1").await.unwrap();
        let run = ended(&world, &run.id).await;
        let orders = run.streams.unwrap().orders;
        assert_eq!((run.state, orders.observed, orders.synced), (RunState::Complete, 30, 30), "{reads}");
    }
}

#[tokio::test]
async fn dead_cursors_begin_again_at_the_checkpoint() {
    let world = three_years().await;
    let run = planned(&world).await;
    world.net.shop().dead_cursors = 3;
    let orders = ended(&world, &run.id).await.streams.unwrap().orders;
    assert_eq!((orders.observed, orders.synced), (30, 30));
}

#[tokio::test]
async fn orders_of_one_instant_are_counted_once_across_pages_and_stops() {
    let world = World::new().await;
    for n in 0..7 {
        world.net.shop().sell(&format!("O{n}"), ago(30 * DAY));
    }
    world.net.shop().page = 2;
    let run = planned(&world).await;
    world.net.plan("payments.list", 3, Trouble::Says(429, Some("100")));
    world.net.shop().dead_cursors = 1;
    let orders = ended(&world, &run.id).await.streams.unwrap().orders;
    assert_eq!((orders.observed, orders.synced), (7, 7));
}

#[tokio::test]
async fn two_locations_of_a_store_read_its_customers_once() {
    let world = World::new().await;
    (0..12).for_each(|n| world.net.shop().meet(&format!("P-guest{n}"), ago(DAY)));
    world.save(&crate::testing::connection("C2", "L2")).await;
    let first = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run;
    let second = start_backfill(&world.engine, "C2", &Default::default()).await.unwrap().run;
    world.work().await;
    let observed = |run: Run| run.streams.unwrap().customers.observed;
    let counts = (
        observed(world.load_run(&first.id).await),
        observed(world.engine.run("C2", &second.id).await.unwrap().value),
    );
    assert!(counts == (12, 0) || counts == (0, 12), "{counts:?}");
    assert_eq!(world.calls("contacts.import"), 1);
}

#[tokio::test]
async fn people_who_changed_are_polled_in_slices_of_a_day() {
    let mut world = World::new().await;
    world.connection.created = ago(3 * DAY);
    world.save(&world.connection).await;
    (0..4).for_each(|n| world.net.shop().meet(&format!("P-guest{n}"), ago(n * DAY / 2 + HOUR)));
    let run = poll(&world).await;
    let windows = windows(&world, &run.id).await;
    let slices: Vec<(Timestamp, Timestamp)> = (windows.iter())
        .filter(|window| window.stream == Stream::Customers)
        .map(|window| (window.from, window.to))
        .collect();
    assert!(slices.iter().all(|(from, to)| to.duration_since(*from) <= SignedDuration::from_hours(24)));
    let next = SignedDuration::from_nanos(1);
    assert!(
        slices.windows(2).all(|pair| pair[1].0.duration_since(pair[0].1) == next),
        "no hole, nobody twice"
    );
    assert_eq!(run.streams.unwrap().customers.synced, 4);
    let cursor: Option<Row<Cursor>> = load(&*world.store, Connection::orders_cursor("C1")).await.unwrap();
    assert_eq!(cursor.unwrap().value.watermark, slices.last().unwrap().1);
}

#[tokio::test]
async fn references_move_no_watermark() {
    let world = World::new().await;
    world.net.shop().meet("P-Ann", ago(HOUR));
    world.net.account().refused.insert("ann@example.org".to_owned());
    assert_eq!(poll(&world).await.streams.unwrap().customers.parked_total(), 1);
    world.net.account().refused.clear();
    world.clock.advance(Duration::from_secs(1_800));
    let now = world.engine.now();
    let started = super::super::start_sync(&world.engine, "C1").await.unwrap();
    assert_eq!(ended(&world, &started.run.id).await.streams.unwrap().customers.synced, 1);
    let end = now - SignedDuration::from_secs(120);
    assert_eq!(watermarks(&world).await, (Some(end), Some(end)), "the source's index is behind");
    let started = super::super::start_retry(&world.engine, "C1", Some("P-Ann")).await.unwrap();
    ended(&world, &started.run.id).await;
    assert_eq!(watermarks(&world).await, (Some(end), Some(end)));
}

#[tokio::test]
async fn a_trial_says_nothing_of_an_unfinished_history() {
    let world = World::new().await;
    for n in 0..6 {
        world.net.shop().sell(&format!("O{n:02}"), ago((120 - n * 10) * DAY + 3 * HOUR));
    }
    world.net.shop().page = 2;
    world.net.plan("orders.queue", 1, Trouble::Says(403, None));
    let first = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap();
    world.work().await;
    world.net.mend();
    world.save(&world.connection).await;
    assert_eq!(world.load_run(&first.run.id).await.state, RunState::Incomplete);
    let trial = crate::run::BackfillRequest { limit: Some(1), ..Default::default() };
    let trial = start_backfill(&world.engine, "C1", &trial).await.unwrap();
    world.work().await;
    assert_eq!(world.load_run(&trial.run.id).await.state, RunState::Complete);
    let connection = crate::connections::find(&world.engine, "C1").await.unwrap();
    assert_eq!(connection.last_sync, world.connection.last_sync, "nothing was read whole");
    let resumed = resume(&world.engine, "C1").await.unwrap();
    assert_eq!(resumed.run.id, first.run.id);
}
