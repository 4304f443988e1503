//! Runs of a connection that ended under them: they write nothing any more, and end as cancelled.
//!
//! Whoever ends a connection moves its epoch first. From then on the fence of every caller refuses (`fence.rs`), and
//! a message of an older run does nothing but see that run to its end. What was on its way stays as it is: the mark the
//! run leaves has it looked at again, should the connection ever come back.

use jiff::{SignedDuration, Timestamp};

use super::advance::finish;
use super::start::Active;
use super::work::windows_at_work;
use super::{connection, lane};
use crate::context::Engine;
use crate::fault::Fault;
use crate::message::Work;
use crate::state::{Connection, Phase, Row, Run, RunState, list, load, update};

/// Between two looks whether the last worker has let go.
pub(super) const LETTING_GO: SignedDuration = SignedDuration::from_secs(1);

/// True when the connection ended, or began again, after this run began.
pub(super) fn is_over(run: &Run, owner: &Connection) -> bool {
    run.epoch != owner.epoch
}

/// Cancels every run at work of a connection that has ended, and queues what ends them. May be repeated.
///
/// # Errors
/// Of the store and the queue.
pub(crate) async fn end_runs(engine: &Engine, owner: &Connection) -> Result<usize, Fault> {
    let mut ended = 0;
    for run in old_runs(engine, owner).await? {
        cancel(engine, &run).await?;
        let work = Work::Settle { connection: owner.id.clone(), run: run.id.clone() };
        engine.send(lane(run.kind), &owner.id, &[work]).await?;
        ended += 1;
    }
    Ok(ended)
}

/// Ends at once the runs of a connection that has ended which nobody works on any more: where no process works, nobody
/// else would. Only for who may say so, since it owns the data.
///
/// # Errors
/// Of the store.
pub async fn finish_ended(engine: &Engine, id: &str) -> Result<(), Fault> {
    let owner = connection(&*engine.store, id).await?.value;
    for run in old_runs(engine, &owner).await? {
        end(engine, &owner, &run).await?;
    }
    Ok(())
}

async fn old_runs(engine: &Engine, owner: &Connection) -> Result<Vec<Run>, Fault> {
    let partition = Connection::partition(&owner.id);
    let active: Vec<Row<Active>> = list(&*engine.store, &partition, "ACTIVE#").await?;
    let mut runs = Vec::new();
    for active in active {
        let run: Option<Row<Run>> = load(&*engine.store, Run::key(&owner.id, &active.value.run)).await?;
        runs.extend(run.map(|row| row.value).filter(|run| is_over(run, owner)));
    }
    Ok(runs)
}

async fn cancel(engine: &Engine, run: &Run) -> Result<(), Fault> {
    let key = Run::key(&run.connection, &run.id);
    update(&*engine.store, &key, |run: &mut Run| {
        if !run.ended() {
            (run.state, run.phase) = (RunState::Cancelled, Phase::Settle);
        }
    })
    .await
    .map(drop)
}

/// Ends a run that its connection has outlived. False while a worker still holds a page of it, which ends at its next
/// call.
pub(super) async fn end(engine: &Engine, owner: &Connection, run: &Run) -> Result<bool, Fault> {
    if run.reading() {
        cancel(engine, run).await?;
    }
    if windows_at_work(engine, run).await? || is_settled_now(engine, run) {
        return Ok(false);
    }
    finish(engine, &owner.id, &run.id, None).await?;
    Ok(true)
}

/// The same for who wants to begin another run of its kind.
pub(super) async fn end_now(engine: &Engine, owner: &Connection, run: &Run) -> Result<(), Fault> {
    if end(engine, owner, run).await? {
        return Ok(());
    }
    let detail = format!("run {} of before is not let go yet: try again in a minute", run.id);
    Err(Fault::retry("connection.busy", detail))
}

fn is_settled_now(engine: &Engine, run: &Run) -> bool {
    let (now, config): (Timestamp, _) = (engine.now(), &engine.config);
    run.looked_after
        .as_ref()
        .is_some_and(|(holder, until)| *until > now && (!config.exclusive || *holder == config.instance))
}
