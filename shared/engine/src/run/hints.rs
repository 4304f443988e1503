//! What a webhook pointed at is read by reference and goes the way of every record. A hint says where to look and
//! nothing else, so one of any age changes nothing: it costs one look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::poll::{begin, go};
use super::start::{new_run, write_new};
use super::window::{WAITS, mark_connection, problem};
use super::work::Outcome;
use crate::connections::{of_people, of_store};
use crate::context::Engine;
use crate::deliver::write_rows;
use crate::fault::{Fault, Kind};
use crate::intake;
use crate::message::Hint;
use crate::meter::Metric;
use crate::ports::{Key, Lane, Written};
use crate::state::{
    Connection, ConnectionState, LedgerRow, Merged, Row, Run, RunKind, Stream, Tagged, WindowRow, load,
};

/// A look that was begun is taken over when its run is not there after so long: whoever began it has ended.
const BEGUN_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// What is not shown by then is left to the next poll.
const SHOWN_WITHIN: SignedDuration = SignedDuration::from_secs(40);
/// Before it is asked again whether that run is there.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// How long it is known that a record was looked at; an older hint costs another look.
const LOOKED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long the windows of such a run are kept: there may be one for every sale.
const WINDOWS_ARE_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The live rule counts from the receipt of a message, however long it waited; no longer than it can wait.
const MOST_WAITING: SignedDuration = SignedDuration::from_hours(4 * 24);

/// A record was looked at because a hint pointed at it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Looked {
    at: Timestamp,
    run: String,
}

impl Tagged for Looked {
    fn expires(&self) -> Option<Timestamp> {
        self.at.checked_add(LOOKED_FOR).ok()
    }
}

/// A message of a store.
pub(super) struct Told<'a> {
    pub(super) source: &'a str,
    pub(super) store: &'a str,
    pub(super) location: Option<&'a str>,
    pub(super) received: Timestamp,
}

/// Takes a hint.
pub(super) async fn take(engine: &Engine, told: Told<'_>, hint: &Hint) -> Result<Outcome, Fault> {
    let store = of_store(engine, (told.source, told.store)).await?;
    if !store.is_empty() {
        // Whoever is not connected leaves no row: every merchant of the application may be told of.
        intake::note_notice(engine, (told.source, told.store), told.received).await?;
    }
    if let Hint::Revoked { at } = hint {
        crate::tokens::revoked(engine, told.source, told.store, at.unwrap_or(told.received)).await?;
        return Ok(Outcome::Done);
    }
    // Whoever is stopped is read on from the watermark when it goes on.
    let at_work: Vec<&Connection> =
        store.iter().filter(|one| one.state == ConnectionState::Active && one.active_sync).collect();
    if at_work.is_empty() {
        return Ok(ignored(engine));
    }
    match hint {
        Hint::Orders(ids) => orders(engine, &at_work, &told, ids).await,
        Hint::Returns(ids) => match sales_of(engine, &at_work, &told, ids).await? {
            // What gives back may not be shown yet, and nothing else leads to the sale before the next poll.
            Ok(sales) if sales.is_empty() && engine.now().duration_since(told.received) < SHOWN_WITHIN => {
                Ok(Outcome::Later(ASK_AGAIN))
            }
            Ok(sales) => orders(engine, &at_work, &told, &sales).await,
            Err(outcome) => Ok(outcome),
        },
        Hint::People(ids) => people(engine, &at_work, &told, ids).await,
        Hint::Merged { old, new } => {
            merged(engine, &at_work, old, new).await?;
            people(engine, &at_work, &told, std::slice::from_ref(new)).await
        }
        Hint::Revoked { .. } => Ok(Outcome::Done),
    }
}

fn ignored(engine: &Engine) -> Outcome {
    engine.meter.add(Metric::WebhooksIgnored, 1);
    Outcome::Done
}

/// The sales that orders which give something back refer to.
async fn sales_of(
    engine: &Engine,
    at_work: &[&Connection],
    told: &Told<'_>,
    ids: &[String],
) -> Result<Result<Vec<String>, Outcome>, Fault> {
    let (Some(first), Some(hooks)) = (at_work.first(), engine.source(told.source)?.webhooks()) else {
        return Ok(Err(Outcome::Done));
    };
    let http = engine.source_http(&first.source, &first.store, Lane::Live);
    let access = engine.access(first).await?;
    let found = hooks.sales_of(&http, &access, ids).await;
    engine.meter.add(Metric::SourceCalls, http.take_calls());
    match found.map_err(Fault::from) {
        Ok(sales) => Ok(Ok(sales)),
        Err(fault) if fault.kind == Kind::Reconnect => {
            mark_connection(engine, (&first.id, first.epoch), &fault, problem(&fault, engine.now())).await?;
            Ok(Err(Outcome::Done))
        }
        Err(fault) => Err(fault),
    }
}

/// Orders of the location a message names. Where it names none, those that know the order; else all of the store.
async fn orders(
    engine: &Engine,
    at_work: &[&Connection],
    told: &Told<'_>,
    ids: &[String],
) -> Result<Outcome, Fault> {
    let mut looks: BTreeMap<&str, (&Connection, BTreeSet<String>)> = BTreeMap::new();
    for id in ids {
        let concerned = match told.location {
            Some(location) => at_work.iter().filter(|one| one.location.id == location).copied().collect(),
            None => knowing(engine, at_work, id).await?,
        };
        for one in concerned {
            looks.entry(&one.id).or_insert_with(|| (one, BTreeSet::new())).1.insert(id.clone());
        }
    }
    if looks.is_empty() {
        return Ok(ignored(engine));
    }
    let mut outcome = Outcome::Done;
    for (one, ids) in looks.into_values() {
        // A sale is told of before it is shown. Where nobody said whose location it is, it may as well be another's.
        let waits = if told.location.is_some() { WAITS.len() } else { 0 };
        outcome = later(outcome, look(engine, one, (Stream::Orders, waits), &ids, told.received).await?);
    }
    Ok(outcome)
}

/// The connections that have met an order; all of them where none has.
async fn knowing<'c>(
    engine: &Engine,
    at_work: &[&'c Connection],
    id: &str,
) -> Result<Vec<&'c Connection>, Fault> {
    let key =
        |one: &&&Connection| LedgerRow::key(&one.partition_of(Stream::Orders), Stream::Orders.word(), id);
    let keys: Vec<Key> = at_work.iter().map(|one| key(&one)).collect();
    let rows = engine.store.get_many(&keys).await?;
    let known: Vec<&Connection> =
        at_work.iter().zip(rows).filter(|(_, row)| row.is_some()).map(|(one, _)| *one).collect();
    Ok(if known.is_empty() { at_work.to_vec() } else { known })
}

/// People belong to the merchant: of the connections to one account, one reads them.
async fn people(
    engine: &Engine,
    at_work: &[&Connection],
    told: &Told<'_>,
    ids: &[String],
) -> Result<Outcome, Fault> {
    let ids: BTreeSet<String> = ids.iter().cloned().collect();
    let mut accounts = BTreeSet::new();
    let mut outcome = Outcome::Done;
    for one in at_work.iter().filter(|one| accounts.insert(one.people_partition())) {
        outcome = later(outcome, look(engine, one, (Stream::Customers, 0), &ids, told.received).await?);
    }
    Ok(outcome)
}

/// Notes what became of profiles, so that orders that name the old ones follow. A link that is noted stays as it is.
async fn merged(engine: &Engine, at_work: &[&Connection], old: &[String], new: &str) -> Result<(), Fault> {
    let accounts: BTreeSet<String> = at_work.iter().map(|one| one.people_partition()).collect();
    for partition in accounts {
        let link = |old: &String| {
            let link = Merged { old: old.clone(), new: new.to_owned() };
            Row::new(Merged::key(&partition, old), link).put()
        };
        let links = old.iter().filter(|old| *old != new).map(link).collect::<Result<Vec<_>, _>>()?;
        write_rows(&*engine.store, links).await?;
    }
    Ok(())
}

fn later(one: Outcome, other: Outcome) -> Outcome {
    if one == Outcome::Done { other } else { one }
}

/// Has records read, unless a look that began after the message came has seen to it already.
async fn look(
    engine: &Engine,
    owner: &Connection,
    (stream, waits): (Stream, usize),
    ids: &BTreeSet<String>,
    received: Timestamp,
) -> Result<Outcome, Fault> {
    let now = engine.now();
    // The live rule counts from here.
    let earliest = now.saturating_sub(MOST_WAITING).unwrap_or(now);
    let mut run = Run { started: received.clamp(earliest, now), ..new_run(engine, owner, RunKind::Webhook) };
    let (claims, later) = claims(engine, owner, (stream, ids), (received, &run.id)).await?;
    if !claims.is_empty() {
        let window = WindowRow {
            expires: now.checked_add(WINDOWS_ARE_KEPT).ok(),
            waits: u64::try_from(waits).unwrap_or(0),
            ..WindowRow::of(0, stream, claims, now)
        };
        let mut windows = vec![window];
        begin(&mut run, &mut windows);
        go(engine, write_new(engine, owner, run, windows, None).await?).await?;
    }
    Ok(if later { Outcome::Later(ASK_AGAIN) } else { Outcome::Done })
}

/// Those to be read by this run; and whether one is another's, whose run is not there yet.
async fn claims(
    engine: &Engine,
    owner: &Connection,
    (stream, ids): (Stream, &BTreeSet<String>),
    (received, run): (Timestamp, &str),
) -> Result<(Vec<String>, bool), Fault> {
    let now = engine.now();
    let (mut wanted, mut writes, mut waits) = (Vec::new(), Vec::new(), false);
    for id in ids {
        let key = Key::new(owner.partition_of(stream), format!("HINT#{}#{id}", stream.word()));
        let before: Option<Row<Looked>> = load(&*engine.store, key.clone()).await?;
        if let Some(looked) = before.as_ref().map(|row| &row.value).filter(|looked| looked.at >= received) {
            // The run may be another connection's of the same people: it is there all the same.
            if is_there(engine, owner, stream, &looked.run).await? {
                continue;
            }
            if now.duration_since(looked.at) < BEGUN_WITHIN {
                waits = true;
                continue;
            }
        }
        let rev = before.map_or(0, |row| row.rev);
        writes.push(Row { key, rev, value: Looked { at: now, run: run.to_owned() } }.put()?);
        wanted.push(id.clone());
    }
    if writes.is_empty() {
        return Ok((wanted, waits));
    }
    let written = engine.store.write_each(writes).await?;
    let claimed: Vec<String> = wanted
        .into_iter()
        .zip(&written)
        .filter(|(_, written)| **written == Written::Done)
        .map(|(id, _)| id)
        .collect();
    // Who was faster than we looks at it: it is asked again whether that came to something.
    waits |= written.contains(&Written::Conflict);
    Ok((claimed, waits))
}

async fn is_there(engine: &Engine, owner: &Connection, stream: Stream, run: &str) -> Result<bool, Fault> {
    if engine.store.get(&Run::key(&owner.id, run)).await?.is_some() {
        return Ok(true);
    }
    if stream != Stream::Customers {
        return Ok(false);
    }
    let siblings = of_people(engine, owner).await?;
    let keys: Vec<Key> = siblings.iter().map(|one| Run::key(&one.id, run)).collect();
    Ok(engine.store.get_many(&keys).await?.iter().any(Option::is_some))
}

/// The note that a run looks at an order, as it stands before the run is there.
#[cfg(test)]
pub(super) fn looked_by(
    owner: &Connection,
    id: &str,
    at: Timestamp,
    run: &str,
) -> Result<crate::ports::Write, Fault> {
    let key = Key::new(owner.partition_of(Stream::Orders), format!("HINT#{}#{id}", Stream::Orders.word()));
    Row::new(key, Looked { at, run: run.to_owned() }).put()
}
