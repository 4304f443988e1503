//! From one phase to the next. Every step is one transaction and may be repeated.

use jiff::Timestamp;
use tillsync_mapping::source::Field;

use super::orphans::left_behind;
use super::over::is_over;
use super::reconcile::next_windows;
use super::watermark::{Reach, forward};
use super::{Parts, connection, lane, later_by};
use crate::context::Engine;
use crate::fault::Fault;
use crate::intake::note_silence;
use crate::message::Work;
use crate::meter::Metric;
use crate::ports::{Write, Written};
use crate::run::start::send_windows;
use crate::state::{
    Connection, Cursor, PeopleRuns, Phase, Problem, Row, Run, RunKind, RunState, Stream, WindowRow,
    WindowState, load, update,
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
    let mut writes = Vec::new();
    let has_people = parts.windows.iter().any(|window| window.value.stream == Stream::Customers);
    let run = &mut row.value;
    run.phase = Phase::Settle;
    let is_history = run.kind == RunKind::Historical && run.limit.is_none();
    if is_history && !has_people && run.state != RunState::Cancelled {
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
    if run.kind == RunKind::Reconcile && run.state != RunState::Cancelled {
        for mut window in next_windows(engine, run, parts).await? {
            run.windows += 1;
            run.open_windows += 1;
            run.phase = Phase::Windows;
            window.n = run.windows;
            writes.push(Row::new(WindowRow::key(&run.id, window.n), window).put()?);
        }
    }
    writes.push(row.put()?);
    let written = engine.store.transact(writes).await?;
    Ok((written == Written::Done).then_some(row.value))
}

/// Moves the watermark of every stream that was read whole, forward only: at the end of a complete run and never
/// before, so that what a run could not settle is read again by the next.
async fn watermarks(
    engine: &Engine,
    owner: &Connection,
    run: &Run,
    parts: &Parts,
) -> Result<Vec<Write>, Fault> {
    let mut writes = Vec::new();
    if run.kind != RunKind::Historical && !run.kind.follows() {
        return Ok(writes);
    }
    let is_history = run.kind == RunKind::Historical;
    for stream in [Stream::Orders, Stream::Customers] {
        let counts = |window: &&WindowRow| {
            window.stream == stream
                && match stream {
                    _ if is_history => true,
                    // References are no slice of time.
                    Stream::Customers => window.from < window.to,
                    _ => window.is_followed(),
                }
        };
        let read: Vec<&WindowRow> = parts.windows.iter().map(|window| &window.value).filter(counts).collect();
        let refused = read.iter().any(|window| window.state != WindowState::Done);
        let lag = engine.config.timing.lag;
        let reach = Reach::of(&read, lag);
        // Read by creation: whatever changed since the run started, polls read, and what the index had not shown then.
        let shown = run.started.saturating_sub(lag).unwrap_or(run.started);
        let reach = match run.kind {
            RunKind::Historical if stream == Stream::Orders && !run.full => None,
            // Only where no poll has been: orders sent before the history asked for now are the polls' to follow.
            RunKind::Historical if stream == Stream::Orders => {
                let cursor: Option<Row<Cursor>> =
                    load(&*engine.store, Connection::orders_cursor(&owner.id)).await?;
                let unread = cursor.is_none_or(|cursor| cursor.value.watermark == owner.created);
                unread.then_some(reach.unwrap_or(Reach::new(shown, None, lag)).at_most(shown))
            }
            RunKind::Historical => reach.map(|reach| reach.at_most(shown)),
            _ => reach,
        };
        let Some(reach) = reach.filter(|_| !refused) else { continue };
        let key = match stream {
            Stream::Orders => Connection::orders_cursor(&owner.id),
            _ => PeopleRuns::cursor(&owner.people_partition()),
        };
        // A history may be taken up again long after it began: only what follows changes mends a damaged watermark.
        let began = if run.kind == RunKind::Historical { engine.now() } else { run.started };
        writes.extend(forward(engine, key, reach, began).await?);
    }
    Ok(writes)
}

/// Ends a run for good: its sums are frozen, and another of its kind may start.
pub(super) async fn finish(
    engine: &Engine,
    connection_id: &str,
    run_id: &str,
    problem: Option<Problem>,
) -> Result<(), Fault> {
    for _ in 0..MAX_TRIES {
        let mut row = engine.run(connection_id, run_id).await?;
        if row.value.ended() {
            return Ok(());
        }
        let parts = Parts::load(&*engine.store, run_id).await?;
        let owner = connection(&*engine.store, connection_id).await?.value;
        let run = &mut row.value;
        if is_over(run, &owner) {
            run.state = RunState::Cancelled;
        }
        let refused = first_refusal(&parts);
        // That the connection has stopped is no reason where the reason of that is known.
        let own = problem.clone().filter(|problem| problem.code != "connection.inactive");
        let of_window = refused.and_then(|window| window.value.problem.clone());
        run.problem = own.or(of_window).or_else(|| problem.clone());
        if run.state != RunState::Cancelled {
            let complete = run.problem.is_none() && refused.is_none() && parts.in_flight() == 0;
            run.state = if complete { RunState::Complete } else { RunState::Incomplete };
        }
        run.phase = Phase::Done;
        run.finished = Some(engine.now());
        run.streams = Some(parts.streams());
        run.total = Some(run.calls.plus(parts.calls()));
        let mut writes = Vec::new();
        if run.state == RunState::Complete {
            writes = watermarks(engine, &owner, run, &parts).await?;
        }
        writes.extend(left_behind(engine, run, &parts)?);
        writes.extend(leave_people(engine, &owner, run, &parts).await?);
        let active = load::<super::start::Active>(&*engine.store, run.at_work_key()).await?;
        if let Some(active) = active.filter(|active| active.value.run == run_id) {
            writes.push(active.delete());
        }
        writes.push(row.put()?);
        if engine.store.transact(writes).await? == Written::Done {
            engine.forget_cache(run_id);
            let rechecked = parts.windows.iter().any(|window| is_second_look(&row.value, &window.value));
            return after(engine, row.value, rechecked, found_by_itself(&parts)).await;
        }
    }
    Err(Fault::retry("data.unavailable", "the run is written by others all the time"))
}

/// The window that was refused for a reason of its own; the others only because the connection had stopped.
fn first_refusal(parts: &Parts) -> Option<&Row<WindowRow>> {
    let refused = || parts.windows.iter().filter(|window| window.value.state == WindowState::Refused);
    let own = |window: &&Row<WindowRow>| {
        window.value.problem.as_ref().is_some_and(|problem| problem.code != "connection.inactive")
    };
    refused().find(own).or_else(|| refused().next())
}

/// Takes an ended run out of those that share the store's customers. When it leaves without having read its
/// orders, and all others have, nobody is left to read the customers: the next poll owes it.
async fn leave_people(
    engine: &Engine,
    owner: &Connection,
    run: &Run,
    parts: &Parts,
) -> Result<Option<Write>, Fault> {
    let key = PeopleRuns::key(&owner.people_partition());
    let Some(mut row) = load::<PeopleRuns>(&*engine.store, key).await? else { return Ok(None) };
    let before = row.value.clone();
    row.value.leave(&run.id);
    if row.value.poll.as_ref().is_some_and(|(_, poll)| *poll == run.id) {
        row.value.poll = None;
        let all = |window: &WindowRow| {
            window.stream == Stream::Customers && window.field == Field::Created && window.from < window.to
        };
        let paid = run.state == RunState::Complete && parts.windows.iter().any(|window| all(&window.value));
        row.value.owed &= !paid;
    }
    if row.value == before { Ok(None) } else { row.put().map(Some) }
}

/// The days before, read once more by creation, beside what changed.
fn is_second_look(run: &Run, window: &WindowRow) -> bool {
    run.kind.follows() && window.stream == Stream::Orders && window.field == Field::Created
}

/// From when on a poll found orders that had to be sent: webhooks, where there are any, tell of those before a poll
/// looks at them.
fn found_by_itself(parts: &Parts) -> Option<Timestamp> {
    let found = |window: &WindowRow| {
        window.stream == Stream::Orders && window.is_followed() && window.tally.synced > 0
    };
    parts
        .windows
        .iter()
        .map(|window| &window.value)
        .filter(|window| found(window))
        .map(|window| window.from)
        .min()
}

/// What an ended run changes for its connection and for its siblings.
async fn after(
    engine: &Engine,
    run: Run,
    rechecked: bool,
    silent_since: Option<Timestamp>,
) -> Result<(), Fault> {
    if run.state == RunState::Complete {
        if let Some(since) = silent_since {
            let owner = connection(&*engine.store, &run.connection).await?.value;
            note_silence(engine, &owner, since).await?;
        }
        let (at, now) = (run.started, engine.now());
        update(&*engine.store, &Connection::key(&run.connection), |connection: &mut Connection| {
            if run.kind.follows() || (run.kind == RunKind::Historical && run.full) {
                connection.last_sync = Some(later_by(connection.last_sync, at, now));
            }
            if rechecked {
                connection.rechecked = Some(later_by(connection.rechecked, at, now));
            }
        })
        .await?;
    }
    let streams = run.streams.unwrap_or_default();
    let calls = run.total.unwrap_or_default();
    let counted = [
        (Metric::OrdersSynced, streams.orders.synced),
        (Metric::CustomersSynced, streams.customers.synced),
        (Metric::RecordsParked, streams.newly_parked()),
        (Metric::RunsIncomplete, u64::from(run.state == RunState::Incomplete)),
        (Metric::SourceCalls, calls.source),
        (Metric::DestinationCalls, calls.destination),
    ];
    for (metric, n) in counted {
        engine.meter.add(metric, n);
    }
    tracing::info!(
        run = run.id,
        connection = run.connection,
        kind = run.kind.word(),
        state = run.state.word(),
        orders = streams.orders.observed,
        customers = streams.customers.observed,
        parked = streams.newly_parked(),
        calls_source = calls.source,
        calls_destination = calls.destination,
        "run ended"
    );
    Ok(())
}
