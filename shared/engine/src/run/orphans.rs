//! Records nobody answers for: a run that ended before its time may leave some on their way.
//!
//! Such a run leaves a mark, as a sale does that is to be looked at again; so nothing is searched where nothing is
//! amiss. The next poll goes through the ledger for records on their way in no run that is at work, and fetches them
//! by reference. What was decided at their first send stays: they start nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tillsync_mapping::source::Field;

use super::late::{REFERENCES, forget_marks, mark_run};
use super::start::Active;
use super::{Parts, connections_of_store};
use crate::context::Engine;
use crate::fault::Fault;
use crate::ledger::Walk;
use crate::ports::Write;
use crate::state::{
    Connection, LedgerRow, Row, Run, RunKind, RunState, State, Stream, WindowRow, WindowState, list, load,
};

/// Records one run takes up; the rest is the next run's.
const MOST: usize = 4 * REFERENCES;

/// The mark of a run that ends, where it may leave records on their way: when the landing time is over.
pub(super) fn left_behind(engine: &Engine, run: &Run, parts: &Parts) -> Result<Option<Write>, Fault> {
    let writes = run.kind != RunKind::Reconcile || parts.windows.iter().any(|window| window.value.repairs);
    let unread = parts.windows.iter().any(|window| window.value.state != WindowState::Done);
    if run.state == RunState::Complete || !writes || !(unread || parts.in_flight() > 0) {
        return Ok(None);
    }
    let now = engine.now();
    let at = now.saturating_add(engine.config.timing.landing).unwrap_or(now);
    mark_run(&run.connection, &run.id, at).map(Some)
}

/// Windows of the records that nobody answers for. The marks that led here go with the last of them; where there
/// are more records than one run takes up, they stay.
pub(super) async fn orphan_windows(
    engine: &Engine,
    owner: &Connection,
    marks: Vec<String>,
    now: Timestamp,
) -> Result<Vec<WindowRow>, Fault> {
    let siblings = connections_of_store(engine, owner).await?;
    let at_work = runs_at_work(engine, &siblings).await?;
    let mut walk = Walk::new(engine, usize::MAX);
    let (mut orders, mut people) = (Vec::new(), Vec::new());
    for stream in [Stream::Orders, Stream::Customers] {
        let room = MOST - orders.len();
        let found = if stream == Stream::Orders { &mut orders } else { &mut people };
        let see = |id: String, row: LedgerRow| {
            if is_orphan(&row, &at_work) && found.len() < room {
                found.push((id, row.run));
            }
            found.len() < room
        };
        if room > 0 {
            walk.rows(&owner.partition_of(stream), stream, see).await?;
        }
    }
    let all = !walk.cut && orders.len() + people.len() < MOST;
    let ids = orders.into_iter().map(|(id, _)| id).collect();
    let mut windows = cut(Stream::Orders, Field::Updated, ids, now);
    let (silent, told) = split_silent(engine, &siblings, people).await?;
    windows.extend(cut(Stream::Customers, Field::Created, silent, now));
    windows.extend(cut(Stream::Customers, Field::Updated, told, now));
    tracing::info!(connection = owner.id, windows = windows.len(), all, "records nobody answered for");
    match windows.last_mut() {
        Some(last) if all => last.marks = marks,
        None if all => forget_marks(engine, &owner.id, &marks).await?,
        _ => {}
    }
    Ok(windows)
}

/// On its way, and not to be looked at at a time of its own.
fn is_orphan(row: &LedgerRow, at_work: &BTreeSet<String>) -> bool {
    let answered = row.run.as_ref().is_some_and(|run| at_work.contains(run));
    row.state == State::Pending && row.look_at.is_none() && !answered
}

async fn runs_at_work(engine: &Engine, connections: &[String]) -> Result<BTreeSet<String>, Fault> {
    let mut runs = BTreeSet::new();
    for id in connections {
        let active: Vec<Row<Active>> = list(&*engine.store, &Connection::partition(id), "ACTIVE#").await?;
        runs.extend(active.into_iter().map(|row| row.value.run));
    }
    Ok(runs)
}

/// People of histories are imported silently, the second time as well; apart from others.
async fn split_silent(
    engine: &Engine,
    connections: &[String],
    people: Vec<(String, Option<String>)>,
) -> Result<(Vec<String>, Vec<String>), Fault> {
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    let (mut silent, mut told) = (Vec::new(), Vec::new());
    for (id, run) in people {
        let run = run.unwrap_or_default();
        let is_silent = match known.get(&run) {
            Some(known) => *known,
            None => {
                let mut is_history = false;
                for connection in connections {
                    let row: Option<Row<Run>> = load(&*engine.store, Run::key(connection, &run)).await?;
                    is_history |= row.is_some_and(|row| row.value.kind == RunKind::Historical);
                }
                known.insert(run, is_history);
                is_history
            }
        };
        if is_silent { &mut silent } else { &mut told }.push(id);
    }
    Ok((silent, told))
}

fn cut(stream: Stream, field: Field, ids: Vec<String>, now: Timestamp) -> Vec<WindowRow> {
    let window = |ids: &[String]| WindowRow { field, ..WindowRow::of(0, stream, ids.to_vec(), now) };
    ids.chunks(REFERENCES).map(window).collect()
}
