//! What every tick does: queues the polls that are due, and looks after what was lost on the way.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::look::nothing_new;
use super::poll::start_poll;
use super::start::{self, send_some};
use super::{connection, lane};
use crate::context::Engine;
use crate::fault::Fault;
use crate::message::Work;
use crate::meter::Metric;
use crate::ports::Lane;
use crate::state::{Connection, ConnectionState, Row, Run, RunState, list, load, update};

/// Messages sent at the same time.
const SENDS: usize = 32;
/// A run so young is at work; its messages are not lost.
pub(super) const YOUNG: SignedDuration = SignedDuration::from_mins(10);

/// What a tick found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Connections there are.
    pub connections: usize,
    /// Polls that were due.
    pub due: usize,
    /// Polls that could not be queued.
    pub failed: usize,
    /// Connections somebody must mend.
    pub need_somebody: usize,
    /// Seconds since the connection that waits longest was read whole.
    pub lag_seconds: u64,
}

/// Queues the polls that are due, so that many of them are the work of many; with `requeue`, also queues the work of runs whose messages were lost between a
/// write and its message. Messages too many do nothing.
///
/// # Errors
/// Of the store. What fails for one connection is logged and counted.
pub async fn sweep(engine: &Engine, requeue: bool) -> Result<Swept, Fault> {
    let now = engine.now();
    let every = crate::connections::every(engine).await?;
    let mut all = every.clone();
    all.retain(|one| one.state != ConnectionState::Deleted);
    let mut swept = look_around(&all, now);
    let tokens = match crate::tokens::sweep(engine, &every).await {
        Ok(tokens) => tokens,
        Err(fault) => {
            swept.failed += 1;
            let (code, detail) = (fault.code, &fault.detail);
            tracing::error!(code, detail, "tokens that are due cannot be looked after");
            Vec::new()
        }
    };
    let too_old = tokens.iter().filter(|one| one.too_old_since(now).is_some());
    swept.need_somebody += too_old.count();
    // Before anything that takes time: that nobody ticks must not look like this.
    engine.meter.set(Metric::SyncLagSeconds, swept.lag_seconds);
    engine
        .meter
        .set(Metric::ConnectionsNeedingSomebody, u64::try_from(swept.need_somebody).unwrap_or(u64::MAX));
    if requeue {
        // Deleted ones too: a run that was cancelled with its import may still have to be settled.
        for connection in &every {
            if let Err(fault) = requeue_runs(engine, &connection.id, false).await {
                log(&connection.id, &fault);
            }
        }
        if let Err(Fault { code, detail, .. }) = crate::connect::queue_leftovers(engine).await {
            swept.failed += 1;
            tracing::error!(code, detail, "drafts that nobody went on with cannot be looked after");
        }
    }
    let every = engine.config.timing.poll_every;
    let due: Vec<&str> =
        all.iter().filter(|one| is_due(one, now, every)).map(|one| one.id.as_str()).collect();
    swept.due = due.len();
    for some in due.chunks(SENDS) {
        let each = some.iter().map(async |id| queue(engine, id, now).await);
        for (id, outcome) in some.iter().zip(join_all(each).await) {
            if let Err(fault) = outcome {
                swept.failed += 1;
                log(id, &fault);
            }
        }
    }
    Ok(swept)
}

fn look_around(all: &[Connection], now: Timestamp) -> Swept {
    let needs = |one: &&Connection| {
        one.state == ConnectionState::NeedsReconnect
            || (one.state == ConnectionState::Paused && one.problem.is_some())
    };
    let polled = all.iter().filter(|one| is_polled(one));
    let lag = polled.map(|one| now.duration_since(one.last_sync.unwrap_or(one.created)).as_secs()).max();
    Swept {
        connections: all.len(),
        need_somebody: all.iter().filter(needs).count(),
        lag_seconds: lag.and_then(|lag| u64::try_from(lag).ok()).unwrap_or(0),
        ..Swept::default()
    }
}

fn is_polled(connection: &Connection) -> bool {
    connection.active_sync && connection.state == ConnectionState::Active
}

/// Also where the next poll lies further away than one beat: the beat was made shorter since.
fn is_due(connection: &Connection, now: Timestamp, every: SignedDuration) -> bool {
    let is_far = |next: Timestamp| next.duration_since(now) > every;
    is_polled(connection) && connection.next_sync.is_none_or(|next| next <= now || is_far(next))
}

fn log(connection: &str, fault: &Fault) {
    let (code, detail) = (fault.code, &fault.detail);
    tracing::error!(connection, code, detail, "what is due for a connection cannot be started");
}

/// Queues the poll of a connection and notes when the next is due. The beat is kept: a tick that comes late does
/// not make every later poll late.
async fn queue(engine: &Engine, id: &str, now: Timestamp) -> Result<(), Fault> {
    engine.send(Lane::Live, id, &[Work::Poll { connection: id.to_owned() }]).await?;
    let every = engine.config.timing.poll_every;
    update(&*engine.store, &Connection::key(id), |connection: &mut Connection| {
        connection.next_sync = Some(next_beat(connection.next_sync, every, now));
    })
    .await?;
    Ok(())
}

/// Polls a connection: looks whether anything changed, and starts a run where something did.
pub(super) async fn poll(engine: &Engine, id: &str) -> Result<(), Fault> {
    let owner = connection(&*engine.store, id).await?.value;
    if !is_polled(&owner) {
        return Ok(());
    }
    if crate::intake::due(engine, &owner.source).await? {
        let work = Work::Subscription { source: owner.source.clone() };
        engine.send(Lane::Live, id, &[work]).await?;
    }
    if nothing_new(engine, &owner).await? {
        return Ok(());
    }
    start_poll(engine, id).await?;
    Ok(())
}

fn next_beat(last: Option<Timestamp>, every: SignedDuration, now: Timestamp) -> Timestamp {
    let after_now = now.saturating_add(every).unwrap_or(now);
    let Some(last) = last.filter(|last| *last <= now && every.is_positive()) else { return after_now };
    let missed = now.duration_since(last).as_secs().checked_div(every.as_secs()).unwrap_or(0);
    let beats = i32::try_from(missed.saturating_add(1)).unwrap_or(i32::MAX);
    last.saturating_add(every.saturating_mul(beats)).unwrap_or(after_now)
}

/// Queues the work of every run anew, for a new owner of the data: messages of the one before may be lost.
///
/// # Errors
/// Of the store and the queue.
pub async fn requeue(engine: &Engine) -> Result<(), Fault> {
    for connection in crate::connections::every(engine).await? {
        requeue_runs(engine, &connection.id, true).await?;
    }
    Ok(())
}

/// Queues the work of a connection's runs; that which somebody looks after only if `all` is asked for.
async fn requeue_runs(engine: &Engine, connection: &str, all: bool) -> Result<(), Fault> {
    let active: Vec<Row<start::Active>> =
        list(&*engine.store, &Connection::partition(connection), "ACTIVE#").await?;
    for active in active {
        let run: Option<Row<Run>> = load(&*engine.store, Run::key(connection, &active.value.run)).await?;
        let Some(run) = run.map(|row| row.value).filter(|run| !run.ended()) else { continue };
        let now = engine.now();
        if !all && !engine.config.exclusive && now.duration_since(run.started) < YOUNG {
            continue;
        }
        requeue_run(engine, &run, all).await?;
    }
    Ok(())
}

/// Queues the work of a run at work; that which somebody looks after only if `all` is asked for.
pub(super) async fn requeue_run(engine: &Engine, run: &Run, all: bool) -> Result<(), Fault> {
    let (now, connection, id) = (engine.now(), run.connection.clone(), run.id.clone());
    let work = match run.state {
        RunState::Queued => Work::Plan { connection, run: id },
        _ => Work::Settle { connection, run: id },
    };
    send_some(engine, run, |window| all || !window.is_looked_after(now)).await?;
    engine.send(lane(run.kind), &run.connection, &[work]).await
}

/// Queues what nobody began of a run at work: whoever wrote it may have ended before its messages were out.
pub(super) async fn requeue_unbegun(engine: &Engine, run: &Run) -> Result<(), Fault> {
    send_some(engine, run, |window| !window.has_begun()).await?;
    settle_unbegun(engine, run).await
}

/// Queues the settling of a run whose windows are read, where nobody has begun it.
pub(super) async fn settle_unbegun(engine: &Engine, run: &Run) -> Result<(), Fault> {
    let unbegun = run.state == RunState::Running && run.open_windows == 0 && run.settle_tries == 0;
    if !unbegun || run.ended() {
        return Ok(());
    }
    let work = Work::Settle { connection: run.connection.clone(), run: run.id.clone() };
    engine.send(lane(run.kind), &run.connection, &[work]).await
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::next_beat;

    #[test]
    fn late_ticks_do_not_move_the_beat() {
        let every = SignedDuration::from_mins(30);
        let at = |minute: i64| Timestamp::from_second(minute * 60).expect("a time");
        // The last beat, now, the next beat.
        let cases =
            [(None, 7, 37), (Some(30), 30, 60), (Some(30), 34, 60), (Some(30), 59, 60), (Some(30), 60, 90)];
        for (last, now, next) in cases {
            assert_eq!(next_beat(last.map(at), every, at(now)), at(next), "{last:?} at {now}");
        }
        assert_eq!(next_beat(Some(at(30)), every, at(30 + 24 * 60 + 1)), at(30 + 24 * 60 + 30));
    }
}
