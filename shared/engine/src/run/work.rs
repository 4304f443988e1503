//! One message: do its work, then say what becomes of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::advance::{advance, end_window, finish};
use super::hints::{self, Told};
use super::late::forget_marks;
use super::over::{self, is_over};
use super::settle::{ripe, settle};
use super::window::{Read, Reading, Turned, mark_connection, pause_after, problem};
use super::{MAX_COUNT_CALLS, Parts, connection, lane, sweep};
use crate::connect::{finish_draft, forget_leftover};
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::message::Work;
use crate::paced::unsigned;
use crate::ports::{Delivery, Lane, MAX_ATTEMPTS, Written};
use crate::run::start::send_windows;
use crate::state::{
    Connection, ConnectionState, Counted, Phase, Row, Run, RunState, Stream, WindowRow, WindowState, list,
    update,
};

/// Times a poll's window is put off in a row before the run says it is incomplete: the next poll reads on.
const MAX_STRIKES_POLL: u32 = 5;
/// Likewise for history, which nobody waits for: about an hour at the longest pause.
const MAX_STRIKES_HISTORY: u32 = 60;

/// A history of so many orders is read in one window; a longer one is cut into years, read side by side where
/// several processes work.
const ONE_WINDOW: u64 = 25_000;
/// Settling is one worker's for so long: 300 calls, read back at the slowest pace.
const SETTLE_LEASE: SignedDuration = SignedDuration::from_mins(15);
/// A count made at connecting serves the import that follows.
const COUNT_LASTS: SignedDuration = SignedDuration::from_hours(1);

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its work is done and durable.
    Done,
    /// It is taken up again after this time; waiting is no failure.
    Later(Duration),
    /// It failed; the failure counts.
    Failed,
}

/// Does the work of a message and acknowledges it, or hands it back.
///
/// # Errors
/// Of the queue. Faults of the work are logged and counted, not returned.
pub async fn handle(engine: &Engine, delivery: &Delivery) -> Result<Outcome, Fault> {
    let outcome = match Work::decode(&delivery.body) {
        Ok(work) => match Box::pin(perform(engine, delivery, &work)).await {
            Ok(outcome) => outcome,
            Err(fault) if fault.kind == Kind::Taken => Outcome::Done,
            Err(fault) if delivery.attempts >= MAX_ATTEMPTS => give_up(engine, &work, &fault).await,
            Err(fault) => {
                let ((connection, run), attempts) = (work.about(), delivery.attempts);
                let (code, detail) = (fault.code, fault.detail);
                tracing::warn!(connection, run, code, detail, attempts, "work failed");
                Outcome::Failed
            }
        },
        Err(fault) => {
            tracing::error!(code = fault.code, detail = fault.detail, "a message cannot be read");
            Outcome::Failed
        }
    };
    match outcome {
        Outcome::Done => engine.queue.ack(delivery).await?,
        Outcome::Later(pause) => engine.queue.defer(delivery, pause).await?,
        Outcome::Failed => engine.queue.release(delivery, Duration::from_secs(5)).await?,
    }
    Ok(outcome)
}

/// Ends the run of a message that failed for the last time: a run must never look as if it were at work when
/// nobody works on it. It says why, and can be resumed.
async fn give_up(engine: &Engine, work: &Work, fault: &Fault) -> Outcome {
    let (connection, run) = work.about();
    tracing::error!(connection, run, code = fault.code, detail = fault.detail, "work is given up");
    let (Work::Plan { connection, run }
    | Work::Settle { connection, run }
    | Work::Window { connection, run, .. }) = work
    else {
        return Outcome::Failed;
    };
    let problem = problem(fault, engine.now());
    match finish(engine, connection, run, Some(problem)).await {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Failed,
    }
}

async fn perform(engine: &Engine, delivery: &Delivery, work: &Work) -> Result<Outcome, Fault> {
    match work {
        Work::Plan { connection, run } => plan(engine, connection, run).await,
        Work::Window { connection, run, window } => read(engine, delivery, (connection, run, *window)).await,
        Work::Settle { connection, run } => settle_run(engine, connection, run).await,
        Work::Poll { connection } => {
            sweep::poll(engine, connection).await?;
            Ok(Outcome::Done)
        }
        Work::Renew { source, store } => {
            crate::tokens::renew(engine, source, store).await?;
            Ok(Outcome::Done)
        }
        Work::Connect { draft } => finish_draft(engine, draft).await.map(|_| Outcome::Done),
        Work::Leftover { draft } => forget_leftover(engine, draft).await.map(|()| Outcome::Done),
        Work::Hints { source, store, location, received, hint } => {
            let told = Told { source, store, location: location.as_deref(), received: *received };
            hints::take(engine, told, hint).await
        }
        Work::Subscription { source } => {
            crate::intake::look(engine, source).await?;
            Ok(Outcome::Done)
        }
    }
}

/// Cuts a historical run into windows, a year each, and counts what there is to read.
async fn plan(engine: &Engine, connection_id: &str, run_id: &str) -> Result<Outcome, Fault> {
    let mut row = engine.run(connection_id, run_id).await?;
    if row.value.state != RunState::Queued || row.value.ended() {
        // Planned already; its messages may have been lost on the way.
        if row.value.reading() && row.value.phase == Phase::Windows {
            send_windows(engine, &row.value).await?;
        }
        return Ok(Outcome::Done);
    }
    let owner = connection(&*engine.store, connection_id).await?.value;
    if is_over(&row.value, &owner) {
        return end_over(engine, &owner, &row.value).await;
    }
    let http = engine.source_http(&owner.source, &owner.store, Lane::History);
    let planned = match slices(engine, &owner, &row.value, &http).await {
        Ok(planned) => planned,
        Err(fault) if fault.kind == Kind::Retry => return put_off(engine, row.value, &fault).await,
        Err(fault) => {
            let problem = problem(&fault, engine.now());
            mark_connection(engine, (connection_id, row.value.epoch), &fault, problem.clone()).await?;
            finish(engine, connection_id, run_id, Some(problem)).await?;
            return Ok(Outcome::Done);
        }
    };
    let run = &mut row.value;
    run.state = RunState::Running;
    run.expected = Some(planned.expected);
    run.windows = u32::try_from(planned.windows.len()).unwrap_or(u32::MAX);
    run.open_windows = run.windows;
    run.calls.source += http.take_calls();
    let mut writes = vec![row.put()?];
    for window in planned.windows {
        writes.push(Row::new(WindowRow::key(run_id, window.n), window).put()?);
    }
    if engine.store.transact(writes).await? == Written::Conflict {
        return Ok(Outcome::Later(Duration::from_secs(1)));
    }
    if row.value.open_windows == 0 {
        advance(engine, connection_id, run_id).await?;
    } else {
        send_windows(engine, &row.value).await?;
    }
    Ok(Outcome::Done)
}

struct Planned {
    windows: Vec<WindowRow>,
    expected: (u64, bool),
}

async fn slices(
    engine: &Engine,
    owner: &Connection,
    run: &Run,
    http: &crate::paced::Paced<'_>,
) -> Result<Planned, Fault> {
    use tillsync_mapping::source::{Field, Window};
    if owner.state != ConnectionState::Active {
        return Err(Fault::reconnect(
            "connection.inactive",
            format!("{} is {}", owner.name, owner.state_word()),
        ));
    }
    let source = engine.source(&owner.source)?;
    let access = engine.access(owner).await?;
    let to = run.to.unwrap_or(run.started).min(run.started);
    let window =
        Window { field: Field::Created, from: run.from.unwrap_or(Timestamp::UNIX_EPOCH).min(to), to };
    let fresh = |counted: &Counted| run.started.duration_since(counted.at) < COUNT_LASTS;
    // It was counted for the history the connection asks for, and serves no other.
    let same = run.to.is_none() && run.from == owner.settings.history_from;
    let (orders, exact) = match owner.counted.filter(|counted| same && fresh(counted)) {
        Some(counted) => (counted.orders, counted.exact),
        None => {
            let count = source.count_orders(http, &access, window, MAX_COUNT_CALLS).await?;
            (count.orders, count.exact)
        }
    };
    // A trial is read in one piece: it ends when enough was sent. So is everything where one process works alone:
    // the destination sets the pace, and windows side by side would only hold more pages in memory.
    let alone = run.limit.is_some() || engine.config.exclusive;
    let slices = if alone || (exact && orders <= ONE_WINDOW) {
        vec![(window.from, to)]
    } else {
        let first = source.first_order(http, &access).await?;
        let from = first.map_or(window.from, |first| first.max(window.from));
        crate::plan::years(from, to)
    };
    let windows = slices
        .into_iter()
        .zip(1..)
        .map(|((from, to), n)| WindowRow::open(n, Stream::Orders, Field::Created, from, to))
        .collect();
    let expected = run.limit.map_or((orders, exact), |limit| (orders.min(limit), exact || limit <= orders));
    Ok(Planned { windows, expected })
}

async fn read(engine: &Engine, delivery: &Delivery, what: (&str, &str, u32)) -> Result<Outcome, Fault> {
    let mut reading = match Reading::take(engine, delivery, what).await? {
        Ok(reading) => reading,
        Err(Turned::Over(owner, run)) => return end_over(engine, &owner, &run).await,
        Err(Turned::Away(outcome)) => {
            // Read already; the step after it may have been lost on the way.
            advance(engine, what.0, what.1).await?;
            return Ok(outcome);
        }
    };
    let run = reading.run().clone();
    let fault = match reading.read().await {
        Ok(Read::Stopped) => return Ok(Outcome::Done),
        Ok(Read::HandedOn) => return go_on(engine, &run, what).await,
        Ok(Read::Waits(pause)) => return Ok(Outcome::Later(pause)),
        Ok(Read::Done) => {
            if run.kind.follows()
                && reading.row.value.stream == Stream::Orders
                && reading.row.value.is_followed()
            {
                reading.look_at_location().await?;
            }
            let marks = std::mem::take(&mut reading.row.value.marks);
            end_window(engine, reading.row, &run).await?;
            forget_marks(engine, &run.connection, &marks).await?;
            return Ok(Outcome::Done);
        }
        Err(fault) => fault,
    };
    let (connection, run_id, window) = what;
    if let (Kind::Retry, Some(wait)) = (fault.kind, engine.is_called_back_in()) {
        // The moment to call came too late for this process: that is waiting, and no failure.
        reading.hand_on().await?;
        return Ok(Outcome::Later(unsigned(wait)));
    }
    match fault.kind {
        Kind::Taken => return Ok(Outcome::Done),
        Kind::Retry if reading.is_out_of_time() => {
            reading.hand_on().await?;
            return go_on(engine, &run, what).await;
        }
        Kind::Retry => {
            let (strikes, pause) = reading.put_off(&fault).await?;
            let most = if run.kind.is_live() { MAX_STRIKES_POLL } else { MAX_STRIKES_HISTORY };
            if strikes <= most {
                let seconds = pause.as_secs();
                tracing::info!(
                    connection,
                    run = run_id,
                    window,
                    code = fault.code,
                    seconds,
                    "a window is put off"
                );
                return Ok(Outcome::Later(pause));
            }
        }
        Kind::Reconnect | Kind::Reject | Kind::Usage => {}
    }
    reading.refuse(&fault).await?;
    end_window(engine, reading.row, &run).await?;
    Ok(Outcome::Done)
}

/// What is left of a window is another message: what failed before it came so far does not count against it.
async fn go_on(engine: &Engine, run: &Run, what: (&str, &str, u32)) -> Result<Outcome, Fault> {
    let (connection, run_id, window) = what;
    let work = Work::Window { connection: connection.into(), run: run_id.into(), window };
    engine.send(lane(run.kind), connection, &[work]).await?;
    Ok(Outcome::Done)
}

/// Puts planning or settling off, longer each time; what does not come further ends its run, and says why.
async fn put_off(engine: &Engine, run: Run, fault: &Fault) -> Result<Outcome, Fault> {
    if let Some(wait) = engine.is_called_back_in() {
        return Ok(Outcome::Later(unsigned(wait)));
    }
    let left = Parts::load(&*engine.store, &run.id).await?.in_flight();
    let left = u64::try_from(left).unwrap_or(u64::MAX);
    let key = Run::key(&run.connection, &run.id);
    let row = update(&*engine.store, &key, |run: &mut Run| {
        run.put_offs = if left < run.left { 1 } else { run.put_offs.saturating_add(1) };
        run.left = left;
    })
    .await?;
    let pause = pause_after(row.value.put_offs);
    let (code, times) = (fault.code, row.value.put_offs);
    tracing::info!(connection = run.connection, run = run.id, code, times, "a run is put off");
    if times <= MAX_STRIKES_HISTORY {
        return Ok(Outcome::Later(pause));
    }
    finish(engine, &run.connection, &run.id, Some(problem(fault, engine.now()))).await?;
    Ok(Outcome::Done)
}

async fn settle_run(engine: &Engine, connection: &str, run_id: &str) -> Result<Outcome, Fault> {
    let run = engine.run(connection, run_id).await?.value;
    if run.ended() {
        return Ok(Outcome::Done);
    }
    let owner = super::connection(&*engine.store, connection).await?.value;
    if is_over(&run, &owner) {
        return end_over(engine, &owner, &run).await;
    }
    if run.phase != Phase::Settle {
        // Resumed, or a step was lost on the way: its windows come first.
        advance(engine, connection, run_id).await?;
        return Ok(Outcome::Done);
    }
    if windows_at_work(engine, &run).await? {
        // Cancelled in the middle of a page: what that page sends is to be settled too.
        return Ok(Outcome::Later(Duration::from_secs(1)));
    }
    if let Some(ripe) = ripe(engine, &run).await? {
        let now = engine.now();
        if run.settle_tries == 0 && ripe > now {
            return Ok(Outcome::Later(unsigned(ripe.duration_since(now))));
        }
        if !look_after(engine, &run, Some(SETTLE_LEASE)).await? {
            // Another worker does. It may be dead, so the message is kept.
            return Ok(Outcome::Later(Duration::from_secs(30)));
        }
        let settled = settle(engine, &run).await;
        look_after(engine, &run, None).await?;
        match settled {
            Ok(None) => {}
            Ok(Some(pause)) => return Ok(Outcome::Later(unsigned(pause))),
            Err(fault) if fault.kind == Kind::Retry => return put_off(engine, run, &fault).await,
            Err(fault) => {
                let problem = problem(&fault, engine.now());
                mark_connection(engine, (connection, owner.epoch), &fault, problem.clone()).await?;
                finish(engine, connection, run_id, Some(problem)).await?;
                return Ok(Outcome::Done);
            }
        }
    }
    finish(engine, connection, run_id, None).await?;
    Ok(Outcome::Done)
}

/// A message of a run that its connection has outlived: it does nothing but end the run.
async fn end_over(engine: &Engine, owner: &Connection, run: &Run) -> Result<Outcome, Fault> {
    let ended = over::end(engine, owner, run).await?;
    Ok(if ended { Outcome::Done } else { Outcome::Later(unsigned(over::LETTING_GO)) })
}

/// True while a worker reads a window of the run.
pub(super) async fn windows_at_work(engine: &Engine, run: &Run) -> Result<bool, Fault> {
    let now = engine.now();
    let config = &engine.config;
    let rows: Vec<Row<WindowRow>> = list(&*engine.store, &Run::partition(&run.id), "WIN#").await?;
    Ok(rows.iter().filter(|row| row.value.state == WindowState::Open).any(|row| {
        row.value
            .lease
            .as_ref()
            .is_some_and(|(holder, until)| *until > now && (!config.exclusive || *holder == config.instance))
    }))
}

/// Takes the settling of a run for a while, or hands it back. False when another worker has it: one message is
/// enough to look after what is on its way.
async fn look_after(engine: &Engine, run: &Run, lease: Option<SignedDuration>) -> Result<bool, Fault> {
    let now = engine.now();
    let config = &engine.config;
    let mut row = engine.run(&run.connection, &run.id).await?;
    let held = row
        .value
        .looked_after
        .as_ref()
        .is_some_and(|(holder, until)| *until > now && (!config.exclusive || *holder == config.instance));
    if held && lease.is_some() {
        return Ok(false);
    }
    row.value.looked_after = lease.map(|lease| (config.instance.clone(), engine.lease(lease)));
    Ok(engine.store.transact(vec![row.put()?]).await? == Written::Done || lease.is_none())
}
