//! From one phase to the next. Every step is one transaction and may be repeated.

use jiff::Timestamp;
use tillsync_mapping::source::Field;

use super::{Parts, connection, lane, later};
use crate::context::Engine;
use crate::fault::Fault;
use crate::message::Work;
use crate::ports::{Key, Write, Written};
use crate::run::start::send_windows;
use crate::state::{
    Connection, Cursor, PeopleRuns, Phase, Problem, Row, Run, RunKind, RunState, Stream, WindowRow, WindowState,
    load, update,
};

/// Tries of a step that others keep disturbing.
const MAX_TRIES: u32 = 20;
/// Before the first store of this kind opened, nothing can have been made.
const BEGINNING: Timestamp = Timestamp::UNIX_EPOCH;

/// Ends a window and, with the last one, the reading: the window's state and the run's count of open windows
/// change together, so the last window is noticed exactly once.
pub(super) async fn end_window(engine: &Engine, mut window: Row<WindowRow>, run: &Run) -> Result<(), Fault> {
    window.value.lease = None;
    for _ in 0..MAX_TRIES {
        let mut row = engine.run(&run.connection, &run.id).await?;
        row.value.open_windows = row.value.open_windows.saturating_sub(1);
        let last = row.value.open_windows == 0;
        match engine.store.transact(vec![window.put()?, row.put()?]).await? {
            Written::Done if last => return advance(engine, &run.connection, &run.id).await,
            Written::Done => return Ok(()),
            Written::Conflict => {
                let now: Option<Row<WindowRow>> = load(&*engine.store, window.key.clone()).await?;
                if now.is_none_or(|now| now.rev != window.rev) {
                    return Err(Fault::taken());
                }
            }
        }
    }
    Err(Fault::retry("data.unavailable", "the run is written by others all the time"))
}

/// When every window is read: moves the watermarks, then reads the customers or goes on to settling.
pub(super) async fn advance(engine: &Engine, connection_id: &str, run_id: &str) -> Result<(), Fault> {
    for _ in 0..MAX_TRIES {
        let row = engine.run(connection_id, run_id).await?;
        if row.value.ended() || row.value.phase != Phase::Windows || row.value.open_windows > 0 {
            return Ok(());
        }
        let owner = connection(&*engine.store, connection_id).await?.value;
        let parts = Parts::load(&*engine.store, run_id).await?;
        if let Some(run) = step(engine, &owner, row, &parts).await? {
            let work = Work::Settle { connection: run.connection.clone(), run: run.id.clone() };
            return match run.phase {
                Phase::Windows => send_windows(engine, &run).await,
                _ => engine.send(lane(run.kind), &run.connection, &[work]).await,
            };
        }
    }
    Err(Fault::retry("data.unavailable", "the run is written by others all the time"))
}

/// One transaction; none when somebody else was faster.
async fn step(
    engine: &Engine,
    owner: &Connection,
    mut row: Row<Run>,
    parts: &Parts,
) -> Result<Option<Run>, Fault> {
    let mut writes = watermarks(engine, owner, &row.value, parts).await?;
    let has_people = parts.windows.iter().any(|window| window.value.stream == Stream::Customers);
    let run = &mut row.value;
    run.phase = Phase::Settle;
    if run.kind == RunKind::Historical && !has_people && run.state != RunState::Cancelled {
        let key = PeopleRuns::key(&owner.people_partition());
        let mut people =
            load(&*engine.store, key.clone()).await?.unwrap_or_else(|| Row::new(key, PeopleRuns::default()));
        if people.value.finish_orders(&run.id) {
            run.windows += 1;
            run.open_windows = 1;
            run.phase = Phase::Windows;
            let window =
                WindowRow::open(run.windows, Stream::Customers, Field::Created, BEGINNING, run.started);
            writes.push(Row::new(WindowRow::key(&run.id, window.n), window).put()?);
        }
        writes.push(people.put()?);
    }
    writes.push(row.put()?);
    let written = engine.store.transact(writes).await?;
    Ok((written == Written::Done).then_some(row.value))
}

/// Moves the watermark of every stream that was read whole, forward only.
async fn watermarks(engine: &Engine, owner: &Connection, run: &Run, parts: &Parts) -> Result<Vec<Write>, Fault> {
    let mut writes = Vec::new();
    for stream in [Stream::Orders, Stream::Customers] {
        let mut ends = Vec::new();
        let mut refused = false;
        for window in parts.windows.iter().filter(|window| window.value.stream == stream) {
            refused |= window.value.state != WindowState::Done;
            ends.push(window.value.to);
        }
        let end = match run.kind {
            // Read by creation: everything up to the start of the run is as it was then.
            RunKind::Historical if stream == Stream::Orders && !run.full => None,
            RunKind::Historical if stream == Stream::Orders => Some(run.started),
            _ => ends.into_iter().max(),
        };
        let Some(end) = end.filter(|_| !refused) else { continue };
        let key = match stream {
            Stream::Orders => Connection::orders_cursor(&owner.id),
            _ => PeopleRuns::cursor(&owner.people_partition()),
        };
        writes.extend(forward(engine, key, end).await?);
    }
    Ok(writes)
}

async fn forward(engine: &Engine, key: Key, end: Timestamp) -> Result<Option<Write>, Fault> {
    let row: Option<Row<Cursor>> = load(&*engine.store, key.clone()).await?;
    let watermark = later(row.as_ref().map(|row| row.value.watermark), end);
    if row.as_ref().is_some_and(|row| row.value.watermark == watermark) {
        return Ok(None);
    }
    let mut row = row.unwrap_or_else(|| Row::new(key, Cursor { watermark }));
    row.value.watermark = watermark;
    row.put().map(Some)
}

/// Ends a run for good: its sums are frozen, and another of its kind may start.
pub(super) async fn finish(engine: &Engine, connection_id: &str, run_id: &str, problem: Option<Problem>) -> Result<(), Fault> {
    for _ in 0..MAX_TRIES {
        let mut row = engine.run(connection_id, run_id).await?;
        if row.value.ended() {
            return Ok(());
        }
        let parts = Parts::load(&*engine.store, run_id).await?;
        let run = &mut row.value;
        let refused = parts.windows.iter().find(|window| window.value.state == WindowState::Refused);
        run.problem = problem.clone().or_else(|| refused.and_then(|window| window.value.problem.clone()));
        if run.state != RunState::Cancelled {
            let complete = run.problem.is_none() && refused.is_none() && parts.in_flight() == 0;
            run.state = if complete { RunState::Complete } else { RunState::Incomplete };
        }
        run.phase = Phase::Done;
        run.finished = Some(engine.now());
        run.streams = Some(parts.streams());
        run.calls.add(parts.calls());
        let mut writes = Vec::new();
        let active = load::<super::start::Active>(&*engine.store, Run::active_key(connection_id, run.kind)).await?;
        if let Some(active) = active.filter(|active| active.value.run == run_id) {
            writes.push(active.delete());
        }
        writes.push(row.put()?);
        if engine.store.transact(writes).await? == Written::Done {
            engine.forget_cache(run_id);
            return after(engine, row.value).await;
        }
    }
    Err(Fault::retry("data.unavailable", "the run is written by others all the time"))
}

/// What an ended run changes for its connection and for its siblings.
async fn after(engine: &Engine, run: Run) -> Result<(), Fault> {
    let owner = connection(&*engine.store, &run.connection).await?.value;
    if run.state == RunState::Complete {
        let at = run.started;
        update(&*engine.store, &Connection::key(&run.connection), |connection: &mut Connection| {
            connection.last_sync = Some(later(connection.last_sync, at));
        })
        .await?;
    }
    let key = PeopleRuns::key(&owner.people_partition());
    if run.kind == RunKind::Historical && load::<PeopleRuns>(&*engine.store, key.clone()).await?.is_some() {
        update(&*engine.store, &key, |people: &mut PeopleRuns| {
            people.runs.remove(&run.id);
        })
        .await?;
    }
    let streams = run.streams.unwrap_or_default();
    tracing::info!(
        run = run.id, connection = run.connection, kind = run.kind.word(), state = run.state.word(),
        orders = streams.orders.observed, customers = streams.customers.observed, parked = streams.newly_parked(),
        calls_source = run.calls.source, calls_destination = run.calls.destination,
        "run ended"
    );
    Ok(())
}
