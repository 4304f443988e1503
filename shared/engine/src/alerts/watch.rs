//! Looking: at every connection, at its newest runs, and at what was remembered of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::facts::{self, Times};
use super::rows::{Ended, Kind, Said, Seen, Wrong};
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::{Key, MAX_TRANSACTION, Write};
use crate::state::{Connection, Problem, Row, Run, RunKind, RunState, list};

/// Runs judged at once: each may bring a row of its own.
const RUNS_AT_ONCE: usize = 50;
/// Pages of runs one look takes; the next one goes on.
const MAX_PAGES: usize = 200;
/// A run so young may still be followed by one with a lower id.
const YOUNG: SignedDuration = SignedDuration::from_mins(2);

/// Brings what is remembered up to date.
pub(super) async fn watch(engine: &Engine, began: Timestamp) -> Result<(), Fault> {
    let times = Times { now: engine.now(), began, every: engine.config.timing.poll_every };
    let connections = crate::connections::all(engine).await?;
    let mut seen: BTreeMap<String, Row<Seen>> = by_key(list(&*engine.store, Seen::PARTITION, "").await?);
    let said: BTreeMap<String, Row<Said>> = by_key(list(&*engine.store, Said::PARTITION, "").await?);
    let tokens = crate::tokens::all(engine).await?;
    let mut writes = Vec::new();
    for connection in &connections {
        let key = Seen::key(&connection.id);
        let before = seen.remove(&connection.id).unwrap_or_else(|| Row::new(key, Seen::new(times.now)));
        let judged = judge(engine, connection, before, times.now).await?;
        let token =
            tokens.iter().find(|one| (&one.source, &one.store) == (&connection.source, &connection.store));
        let webhooks = crate::intake::trouble(engine, connection).await?;
        let webhooks = (Kind::Webhooks, "", facts::webhooks(connection, webhooks));
        for (kind, of, stand) in
            facts::look(connection, (&judged, token), times).into_iter().chain([webhooks])
        {
            let key = Said::key(&connection.id, kind, of);
            let before = said.get(&key.sk);
            let after = facts::stand(connection, (kind, of, stand), before.map(|row| &row.value), times.now);
            writes.extend(put(key, before, after)?);
        }
    }
    // Whose connection was removed needs nobody any more.
    let gone = |row: &&Row<Said>| !connections.iter().any(|one| one.id == row.value.connection);
    for row in said.values().filter(gone).filter(|row| row.value.right_since.is_none()) {
        let after = Said { right_since: Some(times.now), ..row.value.clone() };
        writes.extend(put(row.key.clone(), Some(row), Some(after))?);
    }
    writes.extend(seen.values().map(Row::delete));
    for some in writes.chunks(MAX_TRANSACTION) {
        // One that somebody else changed meanwhile is looked at again in a minute.
        engine.store.write_each(some.to_vec()).await?;
    }
    Ok(())
}

fn by_key<T>(rows: Vec<Row<T>>) -> BTreeMap<String, Row<T>> {
    rows.into_iter().map(|row| (row.key.sk.clone(), row)).collect()
}

/// The write of a row, where it changed.
fn put(key: Key, before: Option<&Row<Said>>, after: Option<Said>) -> Result<Option<Write>, Fault> {
    let Some(value) = after.filter(|after| before.is_none_or(|row| row.value != *after)) else {
        return Ok(None);
    };
    Row { key, rev: before.map_or(0, |row| row.rev), value }.put().map(Some)
}

/// Judges the runs of a connection that ended since the last look.
async fn judge(
    engine: &Engine,
    connection: &Connection,
    mut row: Row<Seen>,
    now: Timestamp,
) -> Result<Seen, Fault> {
    for _ in 0..MAX_PAGES {
        let before = row.value.clone();
        let (runs, last) = read(engine, &connection.id, &row.value).await?;
        let mut writes = Vec::new();
        for run in &runs {
            if let Some(said) = take(connection, &mut row.value, run) {
                let key = Said::key(&connection.id, Kind::Parked, &said.of);
                if engine.store.get(&key).await?.is_none() {
                    writes.push(Row::new(key, said).put()?);
                }
            }
        }
        leave(&mut row.value, &runs, now);
        if row.value != before || row.rev == 0 {
            writes.push(row.put()?);
            engine.store.transact(writes).await?;
            // A conflict means that another process looks too; whoever is first wins, and the next look agrees.
            row.rev += 1;
        }
        if last || row.value.after == before.after {
            break;
        }
    }
    Ok(row.value)
}

/// The runs that are watched, and the first of those after them; true when there are no more.
async fn read(engine: &Engine, connection: &str, seen: &Seen) -> Result<(Vec<Run>, bool), Fault> {
    let key = |run: &str| Run::key(connection, run);
    let after = seen.after.as_deref().map(|run| key(run).sk);
    let partition = Connection::partition(connection);
    let mut items = engine.store.query(&partition, "RUN#", after.as_deref(), RUNS_AT_ONCE).await?;
    let last = items.len() < RUNS_AT_ONCE;
    let newer = |run: &&String| seen.after.as_ref().is_none_or(|after| *run > after);
    let older: Vec<Key> = seen.watched.keys().filter(|run| !newer(run)).map(|run| key(run)).collect();
    items.extend(engine.store.get_many(&older).await?.into_iter().flatten());
    let mut runs = Vec::with_capacity(items.len());
    for item in &items {
        runs.push(Row::<Run>::parse(item)?.value);
    }
    runs.sort_by(|a, b| a.id.cmp(&b.id));
    Ok((runs, last))
}

/// Takes in how a run stands; what it parked is an alert of its own.
fn take(connection: &Connection, seen: &mut Seen, run: &Run) -> Option<Said> {
    let watched = seen.watched.entry(run.id.clone()).or_default();
    let before = std::mem::replace(&mut watched.finished, run.finished);
    let at = run.finished.filter(|_| before != run.finished)?;
    let parked = run.streams.as_ref().map_or(0, crate::sums::Streams::newly_parked);
    let is_news = parked > 0 && at >= seen.began && !std::mem::replace(&mut watched.parked, parked > 0);
    // That a poll was stopped with its connection needs no alert beside that one; the next poll reads on.
    let excused = run.kind.is_live() && facts::needs_somebody(connection);
    if run.limit.is_some() || run.kind == RunKind::Webhook {
        // A trial says nothing of the history, nor a look at one record of the polls.
        return is_news.then(|| parked_by(connection, run, parked, at));
    }
    let ended = seen.ended(run.kind);
    let same = ended.as_ref().is_some_and(|ended| ended.run == run.id);
    let newest = ended.as_ref().is_none_or(|ended| ended.run <= run.id);
    let problem = match run.state {
        RunState::Incomplete => Some(run.problem.clone().unwrap_or_else(|| incomplete(at))),
        _ => None,
    };
    // One that was cancelled says nothing of those before it.
    if newest && (same || run.state != RunState::Cancelled) {
        *ended = Some(Ended { run: run.id.clone(), at, problem, excused });
    }
    is_news.then(|| parked_by(connection, run, parked, at))
}

fn incomplete(since: Timestamp) -> Problem {
    let detail = "it could not read or settle everything".to_owned();
    Problem { code: "run.incomplete".to_owned(), detail, since }
}

fn parked_by(connection: &Connection, run: &Run, parked: u64, since: Timestamp) -> Said {
    let streams = run.streams.clone().unwrap_or_default();
    let mut reasons: Vec<&String> =
        streams.all().into_iter().flat_map(|(_, tally)| tally.parked.keys()).collect();
    reasons.sort();
    reasons.dedup();
    let code = match reasons.as_slice() {
        [one] => one.as_str(),
        _ => "run.parked",
    };
    let detail = format!("{parked} records were parked by the {} run {}", run.kind.word(), run.id);
    Said {
        connection: connection.id.clone(),
        name: connection.name.clone(),
        kind: Kind::Parked,
        of: run.id.clone(),
        wrong: Wrong { code: code.to_owned(), detail, since },
        right_since: None,
        told: BTreeMap::new(),
    }
}

/// Moves on, and leaves behind what is done with: every ended run but the young ones and the newest history,
/// which may be resumed.
fn leave(seen: &mut Seen, runs: &[Run], now: Timestamp) {
    let old = |run: &&Run| now.duration_since(run.started) >= YOUNG;
    let last = runs.iter().filter(old).map(|run| &run.id).max();
    seen.after = seen.after.take().max(last.cloned());
    let history = runs.iter().filter(|run| run.kind == RunKind::Historical).map(|run| &run.id).max();
    seen.watched.retain(|id, watched| {
        let young = seen.after.as_ref().is_none_or(|after| id > after);
        let there = runs.iter().any(|run| run.id == *id);
        there && (young || watched.finished.is_none() || history == Some(id))
    });
}
