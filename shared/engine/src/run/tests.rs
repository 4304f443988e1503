mod clocks;
mod costs;
mod crashes;
mod deadlines;

mod hints;
mod looks;
mod orphans;
mod reconcile;
mod settling;
mod slices;
mod whole;
mod windows;
mod workers;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{BackfillRequest, start_backfill, start_poll};
use crate::state::{Connection, Cursor, PeopleRuns, Row, Run, RunState, load};
use crate::testing::World;

/// A history from planning to its end.
async fn history(world: &World) -> Run {
    let started = start_backfill(&world.engine, "C1", &BackfillRequest::default()).await.unwrap();
    ended(world, &started.run.id).await
}

/// A poll from planning to its end.
async fn poll(world: &World) -> Run {
    let started = start_poll(&world.engine, "C1").await.unwrap();
    ended(world, &started.run.id).await
}

/// Works until nothing is queued, and looks at the run.
async fn ended(world: &World, run: &str) -> Run {
    world.work().await;
    let run = world.load_run(run).await;
    assert!(run.ended() && run.open_windows == 0 || run.state == RunState::Cancelled, "{run:?}");
    for (stream, tally) in run.streams.as_ref().unwrap().all() {
        assert!(tally.agrees(), "{stream}: {tally:?}");
        assert_eq!(tally.pending, 0, "{stream}: {tally:?}");
    }
    run
}

/// How far orders and customers were read.
async fn watermarks(world: &World) -> (Option<Timestamp>, Option<Timestamp>) {
    let people = PeopleRuns::cursor(&world.connection.people_partition());
    let mut found = [None, None];
    for (place, key) in found.iter_mut().zip([Connection::orders_cursor("C1"), people]) {
        let row: Option<Row<Cursor>> = load(&*world.store, key).await.unwrap();
        *place = row.map(|row| row.value.watermark);
    }
    (found[0], found[1])
}

/// Up to where an index has shown everything at a moment.
fn shown_to(world: &World, moment: Timestamp) -> Timestamp {
    moment - world.engine.config.timing.lag
}

/// What the ledger counts, by stream.
async fn ledger(world: &World) -> BTreeMap<&'static str, u64> {
    let sums = crate::connections::sums(&world.engine, &world.connection).await.unwrap();
    sums.all().into_iter().map(|(stream, tally)| (stream, tally.observed)).collect()
}
