//! Starting, cancelling and resuming runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::advance::finish;
use super::over;
use super::work::windows_at_work;
use super::{Parts, connection, lane};
use crate::context::Engine;
use crate::fault::Fault;
use crate::message::Work;
use crate::ports::{Lane, Written};
use crate::state::{
    Connection, ConnectionState, PeopleRuns, Phase, Row, Run, RunKind, RunState, Tagged, WindowRow,
    WindowState, list, load,
};
use crate::sums::{Calls, Tally};

/// Tries to write a new run together with what it must not collide with.
pub(super) const MAX_TRIES: u32 = 10;

/// What somebody asks a historical run to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackfillRequest {
    /// First instant; none: as the connection's history setting says.
    pub from: Option<Timestamp>,
    /// Last instant; none: now.
    pub to: Option<Timestamp>,
    /// Orders to send at the most: a trial, of the oldest.
    pub limit: Option<u64>,
    /// Whether what is there as it is goes again.
    pub force: bool,
}

/// A run that was asked for.
#[derive(Clone, Debug)]
pub struct Started {
    /// The run.
    pub run: Run,
    /// True when it was at work already.
    pub already: bool,
}

/// Marks the run of a kind that is at work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Active {
    pub(super) run: String,
}

impl Tagged for Active {}

/// Starts a historical run; answers with the one at work where there is one.
///
/// # Errors
/// `connection.inactive`, or of the store.
pub async fn start_backfill(engine: &Engine, id: &str, request: &BackfillRequest) -> Result<Started, Fault> {
    let connection = active_connection(engine, id).await?;
    let from = request.from.or(connection.settings.history_from);
    let full = request.to.is_none()
        && request.limit.is_none()
        && match (request.from, connection.settings.history_from) {
            (None, _) => true,
            (Some(asked), Some(setting)) => asked <= setting,
            (Some(_), None) => false,
        };
    let mut run = new_run(engine, &connection, RunKind::Historical);
    (run.from, run.to, run.full) = (from, request.to, full);
    (run.limit, run.force) = (request.limit, request.force);
    let asked = run.clone();
    let started = write_new(engine, &connection, run, Vec::new(), None).await?;
    if started.already {
        refuse_another(&started.run, &asked)?;
    } else {
        let work = Work::Plan { connection: id.to_owned(), run: started.run.id.clone() };
        engine.send(Lane::History, id, &[work]).await?;
    }
    Ok(started)
}

/// The run at work is the answer only where it is the one that was asked for.
fn refuse_another(run: &Run, asked: &Run) -> Result<(), Fault> {
    let detail = match run.state {
        RunState::Cancelled => format!("run {} was cancelled and still settles what it has sent", run.id),
        _ if (run.limit, run.force) != (asked.limit, asked.force) => {
            format!("run {} is at work, with another --limit or --force", run.id)
        }
        _ if (run.from, run.to) != (asked.from, asked.to) => {
            let bound = |at: Option<Timestamp>, open: &str| at.map_or(open.to_owned(), |at| at.to_string());
            let (from, to) = (bound(run.from, "the beginning"), bound(run.to, "now"));
            format!("run {} is at work and reads another time, from {from} to {to}", run.id)
        }
        _ => return Ok(()),
    };
    Err(Fault::reject("connection.busy", detail))
}

pub(super) fn new_run(engine: &Engine, connection: &Connection, kind: RunKind) -> Run {
    Run {
        id: engine.new_id(),
        connection: connection.id.clone(),
        epoch: connection.epoch,
        kind,
        state: RunState::Queued,
        phase: Phase::Windows,
        started: engine.now(),
        finished: None,
        open_windows: 0,
        windows: 0,
        expected: None,
        from: None,
        to: None,
        limit: None,
        comparison: None,
        copies: None,
        force: false,
        full: false,
        problem: None,
        streams: None,
        calls: Calls::default(),
        total: None,
        looked_after: None,
        settle_tries: 0,
        put_offs: 0,
        left: 0,
    }
}

pub(super) async fn active_connection(engine: &Engine, id: &str) -> Result<Connection, Fault> {
    let connection = connection(&*engine.store, id).await?.value;
    if connection.state == ConnectionState::Active {
        return Ok(connection);
    }
    let state = connection.state_word();
    let why =
        connection.problem.map_or(String::new(), |problem| format!(": {} {}", problem.code, problem.detail));
    Err(Fault::reconnect("connection.inactive", format!("{} is {state}{why}", connection.name)))
}

/// The run of a kind that is at work for a connection.
///
/// # Errors
/// Of the store.
pub async fn active_run(engine: &Engine, id: &str, kind: RunKind) -> Result<Option<Run>, Fault> {
    active_at(engine, id, Run::active_key(id, kind)).await
}

async fn active_at(engine: &Engine, id: &str, key: crate::ports::Key) -> Result<Option<Run>, Fault> {
    match load::<Active>(&*engine.store, key).await? {
        Some(active) => engine.run(id, &active.value.run).await.map(|row| Some(row.value)),
        None => Ok(None),
    }
}

/// Writes a run, unless one of its kind is at work: then that one is the answer.
pub(super) async fn write_new(
    engine: &Engine,
    connection: &Connection,
    run: Run,
    windows: Vec<WindowRow>,
    with: Option<crate::ports::Write>,
) -> Result<Started, Fault> {
    let store = &*engine.store;
    // What somebody else changed meanwhile was read before: then the next try of the caller is due, not ours.
    let tries = if with.is_some() { 1 } else { MAX_TRIES };
    for _ in 0..tries {
        let active_key = run.at_work_key();
        if let Some(there) = active_at(engine, &run.connection, active_key.clone()).await? {
            if there.epoch == run.epoch {
                return Ok(Started { run: there, already: true });
            }
            over::end_now(engine, connection, &there).await?;
        }
        let mut writes = vec![
            Row::new(Run::key(&run.connection, &run.id), run.clone()).put()?,
            Row::new(active_key, Active { run: run.id.clone() }).put()?,
        ];
        for window in &windows {
            writes.push(Row::new(WindowRow::key(&run.id, window.n), window.clone()).put()?);
        }
        writes.extend(with.clone());
        if run.kind == RunKind::Historical && run.limit.is_none() {
            writes.push(join_people(engine, connection, &run.id).await?);
        }
        if store.transact(writes).await? == Written::Done {
            return Ok(Started { run, already: false });
        }
    }
    Err(Fault::retry("data.unavailable", "a run could not be written: others write all the time"))
}

async fn join_people(
    engine: &Engine,
    connection: &Connection,
    run: &str,
) -> Result<crate::ports::Write, Fault> {
    let key = PeopleRuns::key(&connection.people_partition());
    let mut row =
        load(&*engine.store, key.clone()).await?.unwrap_or_else(|| Row::new(key, PeopleRuns::default()));
    row.value.runs.insert(run.to_owned(), false);
    row.put()
}

/// Queues every window of a run that is to be read.
pub(super) async fn send_windows(engine: &Engine, run: &Run) -> Result<(), Fault> {
    send_some(engine, run, |_| true).await
}

/// Queues the windows to be read that are wanted.
pub(super) async fn send_some(
    engine: &Engine,
    run: &Run,
    wanted: impl Fn(&WindowRow) -> bool,
) -> Result<(), Fault> {
    let rows: Vec<Row<WindowRow>> = list(&*engine.store, &Run::partition(&run.id), "WIN#").await?;
    let work: Vec<Work> = rows
        .iter()
        .filter(|row| row.value.state == WindowState::Open && wanted(&row.value))
        .map(|row| Work::Window {
            connection: run.connection.clone(),
            run: run.id.clone(),
            window: row.value.n,
        })
        .collect();
    if work.is_empty() { Ok(()) } else { engine.send(lane(run.kind), &run.connection, &work).await }
}

/// Cancels the historical run at work: no further window is read; what is on its way is still settled.
///
/// # Errors
/// `run.unknown` where none is at work.
pub async fn cancel(engine: &Engine, id: &str) -> Result<Run, Fault> {
    let active: Option<Row<Active>> = load(&*engine.store, Run::active_key(id, RunKind::Historical)).await?;
    let active = active.ok_or_else(|| Fault::usage("run.unknown", "no historical run is at work"))?;
    let key = Run::key(id, &active.value.run);
    let row = crate::state::update(&*engine.store, &key, |run: &mut Run| {
        if !run.ended() {
            run.state = RunState::Cancelled;
            run.phase = Phase::Settle;
        }
    })
    .await?;
    let parts = Parts::load(&*engine.store, &row.value.id).await?;
    if parts.in_flight() == 0 && !windows_at_work(engine, &row.value).await? {
        // Nothing is on its way, so nobody is needed to end it.
        finish(engine, id, &row.value.id, None).await?;
        return Ok(engine.run(id, &row.value.id).await?.value);
    }
    let work = Work::Settle { connection: id.to_owned(), run: row.value.id.clone() };
    engine.send(Lane::History, id, &[work]).await?;
    Ok(row.value)
}

/// Goes on with the newest historical run that did not complete: refused windows are read again from their
/// checkpoints.
///
/// # Errors
/// `run.unknown` where there is none, `connection.inactive`.
pub async fn resume(engine: &Engine, id: &str) -> Result<Started, Fault> {
    let connection = active_connection(engine, id).await?;
    let runs: Vec<Row<Run>> = list(&*engine.store, &Connection::partition(id), "RUN#").await?;
    let newest =
        runs.into_iter().rev().find(|row| row.value.kind == RunKind::Historical && row.value.limit.is_none());
    let mut row = newest
        .filter(|row| row.value.state != RunState::Complete)
        .ok_or_else(|| Fault::usage("run.unknown", "there is no unfinished historical run to go on with"))?;
    if row.value.epoch != connection.epoch && !row.value.ended() {
        over::end_now(engine, &connection, &row.value).await?;
        row = engine.run(id, &row.value.id).await?;
    }
    if row.value.state == RunState::Cancelled && !row.value.ended() {
        let detail = "the run was cancelled and still settles what it has sent; resume it when that is done";
        return Err(Fault::retry("connection.busy", detail));
    }
    if row.value.ended() {
        reopen(engine, &connection, &mut row).await?;
    }
    let run = row.value;
    if run.state == RunState::Queued {
        let work = Work::Plan { connection: id.to_owned(), run: run.id.clone() };
        engine.send(Lane::History, id, &[work]).await?;
    } else {
        send_windows(engine, &run).await?;
        let work = Work::Settle { connection: id.to_owned(), run: run.id.clone() };
        engine.send(Lane::History, id, &[work]).await?;
    }
    Ok(Started { run, already: false })
}

/// Puts an ended run back to work.
async fn reopen(engine: &Engine, connection: &Connection, row: &mut Row<Run>) -> Result<(), Fault> {
    let parts = Parts::load(&*engine.store, &row.value.id).await?;
    let mut writes = Vec::new();
    let mut open = 0;
    // Pages that failed are read again, and their records count for what they came to by then.
    for flight in &parts.flights {
        if !parts.counts(&flight.value) && flight.value.settled.observed > 0 {
            let mut flight = flight.clone();
            flight.value.settled = Tally::default();
            engine.store.write_each(vec![flight.put()?]).await?;
        }
    }
    for mut window in parts.windows {
        if window.value.state != WindowState::Done {
            window.value.state = WindowState::Open;
            (window.value.lease, window.value.strikes, window.value.problem) = (None, 0, None);
            window.value.not_before = None;
            open += 1;
            writes.push(window.put()?);
        }
    }
    let run = &mut row.value;
    run.state = if run.windows == 0 { RunState::Queued } else { RunState::Running };
    run.phase = Phase::Windows;
    run.epoch = connection.epoch;
    (run.finished, run.problem, run.streams, run.total) = (None, None, None, None);
    (run.open_windows, run.settle_tries, run.looked_after) = (open, 0, None);
    (run.put_offs, run.left) = (0, 0);
    let active = Active { run: run.id.clone() };
    writes.push(Row::new(Run::active_key(&run.connection, run.kind), active).put()?);
    if run.limit.is_none() {
        writes.push(join_people(engine, connection, &run.id).await?);
    }
    writes.push(row.put()?);
    match engine.store.transact(writes).await? {
        Written::Done => Ok(()),
        Written::Conflict => Err(Fault::reject("connection.busy", "another historical run is at work")),
    }
}
