//! A page of orders.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use futures_util::stream::{self, StreamExt};
use tillsync_mapping::activecampaign::{Channel, ContactInput};
use tillsync_mapping::model::{Observed, Order};

use super::send::{Batch, Letter, Sent};
use super::{Decision, Delivering, Facts, decide};
use crate::fault::Fault;
use crate::ports::{Key, MAX_BATCH, Store, Write, Written};
use crate::state::{Connection, Flight, Intent, LedgerRow, Row, RunKind, State, Stream};
use crate::sums::{Outcome, Tally};

/// Orders of one call (activecampaign.md section 4.8: by variable the ceiling is unknown; 100 is measured).
pub const BATCH: usize = 100;
/// Calls under way at once for one page; their pace is the budget's.
const AT_ONCE: usize = 3;
/// Times a page is decided anew because somebody else wrote the same rows.
const MAX_ROUNDS: u32 = 5;

type Records = HashMap<String, Observed<Order>>;

/// What a page of orders is sorted into.
#[derive(Default)]
struct Sorted {
    /// Decided without a call: the row to write, and what the record came to.
    noted: Vec<(Row<LedgerRow>, Outcome)>,
    /// To be written and answered at once.
    waiting: Vec<Letter>,
    /// To be queued and read back.
    queued: Vec<Letter>,
    /// To be looked at again.
    later: Vec<Row<LedgerRow>>,
}

impl Delivering<'_> {
    /// Delivers a page of orders and tells what they came to. Every record of it is in the ledger then.
    ///
    /// # Errors
    /// What keeps the page from going on; the records done are in the ledger and count the same when read again.
    pub async fn orders(&self, records: Vec<Observed<Order>>) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        let mut open: Records = records.into_iter().map(|record| (record.id.clone(), record)).collect();
        for _ in 0..MAX_ROUNDS {
            let (done, conflicts) = self.round(&open, &mut tally).await?;
            open.retain(|id, _| conflicts.contains(id));
            tracing::debug!(done, conflicts = conflicts.len(), "orders delivered");
            if open.is_empty() {
                return Ok(tally);
            }
        }
        Err(Fault::retry("data.unavailable", "the same orders are written by others all the time"))
    }

    async fn round(&self, records: &Records, tally: &mut Tally) -> Result<(usize, Vec<String>), Fault> {
        let sorted = self.sort(records, tally).await?;
        let mut outcomes = Vec::with_capacity(records.len());
        let mut conflicts = Vec::new();
        self.note(sorted.noted, &mut outcomes, &mut conflicts).await?;
        self.wait_for(sorted.later, &mut outcomes, &mut conflicts).await?;
        let waiting = batches(sorted.waiting, Channel::Waiting, self.most);
        let queued = batches(sorted.queued, Channel::Queued, self.most);
        for result in self.send_all(waiting.into_iter().chain(queued)).await {
            let (mut done, mut missed) = result?;
            outcomes.append(&mut done);
            conflicts.append(&mut missed);
        }
        for outcome in &outcomes {
            tally.count(outcome);
        }
        Ok((outcomes.len(), conflicts))
    }

    /// Sends batches side by side. When one fails, no further one begins; those under way are seen through, since
    /// one that is dropped between its steps leaves rows that nobody answers for.
    async fn send_all(&self, batches: impl Iterator<Item = Batch>) -> Vec<Result<Sent, Fault>> {
        let failed = AtomicBool::new(false);
        let send = async |batch| {
            if failed.load(Ordering::Relaxed) {
                return None;
            }
            let sent = self.send(batch).await;
            failed.fetch_or(sent.is_err(), Ordering::Relaxed);
            Some(sent)
        };
        let sent = stream::iter(batches).map(send).buffer_unordered(AT_ONCE);
        sent.filter_map(async |sent| sent).collect().await
    }

    /// Decides about every record of the page.
    async fn sort(&self, records: &Records, tally: &mut Tally) -> Result<Sorted, Fault> {
        let partition = Connection::partition(&self.connection.id);
        let keys: Vec<Key> =
            records.keys().map(|id| LedgerRow::key(&partition, Stream::Orders.word(), id)).collect();
        let mut rows = load_rows(&*self.engine.store, &keys).await?;
        self.forget_lost_flights(&mut rows).await?;
        let facts = self.facts();
        let mut sorted = Sorted::default();
        for ((record, key), row) in records.values().zip(keys).zip(rows) {
            let rev = row.as_ref().map_or(0, |row| row.rev);
            let decision = decide(record.clone(), row.map(|row| row.value), &facts);
            self.place(decision, (key, rev, record), &mut sorted, tally)?;
        }
        Ok(sorted)
    }

    /// A row is written before its flight. Whoever was stopped between the two left a row whose flight is not
    /// there: nobody would ever answer for it, so it is decided anew.
    pub(super) async fn forget_lost_flights(&self, rows: &mut [Option<Row<LedgerRow>>]) -> Result<(), Fault> {
        let key = |row: &LedgerRow| Some(Flight::key(row.run.as_deref()?, row.flight.as_deref()?));
        let mut flights: Vec<Key> = rows.iter().flatten().filter_map(|row| key(&row.value)).collect();
        flights.sort_unstable();
        flights.dedup();
        let mut there = HashSet::new();
        for flights in flights.chunks(MAX_BATCH) {
            let found = self.engine.store.get_many(flights).await?;
            there.extend(found.into_iter().flatten().map(|item| item.key));
        }
        for row in rows.iter_mut().flatten() {
            if key(&row.value).is_some_and(|key| !there.contains(&key)) {
                row.value.flight = None;
            }
        }
        Ok(())
    }

    fn place(
        &self,
        decision: Decision,
        (key, rev, record): (Key, u64, &Observed<Order>),
        sorted: &mut Sorted,
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        match decision {
            Decision::Keep(outcome) => tally.count(&outcome),
            Decision::Note(row, outcome) => sorted.noted.push((Row { key, rev, value: *row }, outcome)),
            Decision::Wait(row) => sorted.later.push(Row { key, rev, value: *row }),
            Decision::Send(order, row) => {
                let version = record.version;
                let row = Row { key, rev, value: *row };
                let letter = Letter::new(self.remote, order, version, row)?;
                if letter.says_nothing_new() {
                    tally.count(&Outcome::Unchanged);
                } else if letter.contradicts() && !self.again {
                    // The same version says something else: it is fetched anew before it is written.
                    sorted.later.push(letter.into_row());
                } else if self.queues_history() && letter.first() && !letter.live() {
                    sorted.queued.push(letter);
                } else {
                    if self.run.kind == RunKind::Poll && letter.first() && !letter.live() {
                        tally.sent_silently += 1;
                    }
                    sorted.waiting.push(letter);
                }
            }
        }
        Ok(())
    }

    /// Writes the rows of records that need no call.
    async fn note(
        &self,
        noted: Vec<(Row<LedgerRow>, Outcome)>,
        outcomes: &mut Vec<Outcome>,
        conflicts: &mut Vec<String>,
    ) -> Result<(), Fault> {
        let writes = noted.iter().map(|(row, _)| row.put()).collect::<Result<Vec<_>, _>>()?;
        let written = write_rows(&*self.engine.store, writes).await?;
        for ((row, outcome), written) in noted.into_iter().zip(written) {
            match written {
                Written::Done => outcomes.push(outcome),
                Written::Conflict => conflicts.push(record_id(&row.key)),
            }
        }
        Ok(())
    }

    /// Puts records aside until an earlier write of theirs has landed.
    async fn wait_for(
        &self,
        mut rows: Vec<Row<LedgerRow>>,
        outcomes: &mut Vec<Outcome>,
        conflicts: &mut Vec<String>,
    ) -> Result<(), Fault> {
        if rows.is_empty() {
            return Ok(());
        }
        let rest = rows.split_off(rows.len().min(BATCH));
        Box::pin(self.wait_for(rest, outcomes, conflicts)).await?;
        let mut flight = self.flight(&rows, false);
        flight.value.due = rows.iter().filter_map(|row| self.landed(&row.value)).max();
        let mut writes = Vec::with_capacity(rows.len());
        for row in &mut rows {
            row.value.flight = Some(flight.value.id.clone());
            writes.push(row.put()?);
        }
        let written = write_rows(&*self.engine.store, writes).await?;
        flight.value.left.clear();
        for (row, written) in rows.into_iter().zip(written) {
            match written {
                Written::Done => {
                    outcomes.push(Outcome::Pending);
                    flight.value.left.push(record_id(&row.key));
                }
                Written::Conflict => conflicts.push(record_id(&row.key)),
            }
        }
        self.launch(&flight).await
    }

    /// Writes a flight after its rows: one without its rows would count records that nobody put aside.
    async fn launch(&self, flight: &Row<Flight>) -> Result<(), Fault> {
        if !flight.value.left.is_empty() {
            self.engine.store.write_each(vec![flight.put()?]).await?;
        }
        Ok(())
    }

    /// When an earlier write of a record can no longer land.
    fn landed(&self, row: &LedgerRow) -> Option<Timestamp> {
        let timing = self.engine.config.timing;
        let queued = row.flight.is_some() && row.intent.is_none();
        let wait = if queued { timing.lost_after } else { timing.landing };
        last_write(row)?.saturating_add(wait).ok()
    }

    /// A flight of these records, as of now.
    pub(super) fn flight(&self, rows: &[Row<LedgerRow>], accepted: bool) -> Row<Flight> {
        let id = self.engine.new_id();
        let sent = self.engine.now();
        let dates = || rows.iter().filter_map(|row| row.value.date);
        let flight = Flight {
            id: id.clone(),
            stream: Stream::Orders,
            sent,
            accepted,
            due: (!accepted).then(|| sent.saturating_add(self.engine.config.timing.landing).unwrap_or(sent)),
            batch: None,
            since: dates().min().unwrap_or(sent),
            until: dates().max().unwrap_or(sent),
            left: rows.iter().map(|row| record_id(&row.key)).collect(),
            again: false,
            settled: Tally::default(),
            page: self.page,
        };
        Row::new(Flight::key(&self.run.id, &id), flight)
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            run: &self.run.id,
            started: self.run.started,
            now: self.engine.now(),
            history_from: match self.run.kind {
                RunKind::Poll => self.connection.settings.history_from,
                // A historical run selects on the creation date itself.
                RunKind::Historical => None,
            },
            adopted: self.connection.adopted,
            again: self.again,
            landing: self.engine.config.timing.landing,
            lost_after: self.engine.config.timing.lost_after,
        }
    }

    /// Notes that the buyers of orders are at the destination: orders carry them.
    pub(super) async fn carry_buyers(&self, letters: &[Letter]) -> Result<(), Fault> {
        let mut buyers: HashMap<&str, String> = HashMap::new();
        for letter in letters {
            if let Some((id, buyer)) =
                letter.order.buyer.as_ref().and_then(|buyer| Some((buyer.id.as_deref()?, buyer)))
            {
                buyers.insert(id, ContactInput::from(buyer).fingerprint());
            }
        }
        self.carry(buyers).await
    }

    /// Marks the intent of every letter, before anything is sent. Letters somebody else wrote meanwhile are
    /// taken out. A record written again stays with its flight until an answer came: it answers for it.
    pub(super) async fn intend(&self, batch: &mut Batch) -> Result<Vec<String>, Fault> {
        let at = self.engine.now();
        let attempt = self.engine.new_id();
        for letter in &mut batch.letters {
            letter.intend(Intent { id: attempt.clone(), at, version: letter.version });
        }
        if batch.channel == Channel::Queued {
            let rows: Vec<_> = batch.letters.iter().map(|letter| letter.row.clone()).collect();
            batch.flight = Some(self.flight(&rows, false));
        }
        let flight = batch.flight.as_ref().map(|flight| flight.value.id.clone());
        let mut writes = Vec::with_capacity(batch.letters.len());
        for letter in &mut batch.letters {
            if flight.is_some() || !self.again {
                letter.row.value.flight.clone_from(&flight);
            }
            letter.row.value.become_state(State::Pending, None, &self.run.id, at);
            writes.push(letter.row.put()?);
        }
        let written = self.engine.store.write_each(writes).await?;
        let mut conflicts = Vec::new();
        let mut kept = Vec::with_capacity(batch.letters.len());
        for (mut letter, written) in std::mem::take(&mut batch.letters).into_iter().zip(written) {
            match written {
                Written::Done => {
                    letter.row.rev += 1;
                    kept.push(letter);
                }
                Written::Conflict => conflicts.push(letter.order.id.clone()),
            }
        }
        batch.letters = kept;
        if let Some(flight) = &mut batch.flight {
            flight.value.left.retain(|id| !conflicts.contains(id));
            self.launch(flight).await?;
            flight.rev = 1;
        }
        Ok(conflicts)
    }
}

/// When a record was written last, as far as anybody knows.
pub(crate) fn last_write(row: &LedgerRow) -> Option<Timestamp> {
    row.intent.as_ref().map(|intent| intent.at).max(row.sent_at)
}

fn batches(letters: Vec<Letter>, channel: Channel, most: usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut letters = letters.into_iter().peekable();
    while letters.peek().is_some() {
        batches.push(Batch { letters: letters.by_ref().take(most).collect(), channel, flight: None });
    }
    batches
}

/// The record a row is about.
pub(crate) fn record_id(key: &Key) -> String {
    key.sk.splitn(3, '#').nth(2).unwrap_or_default().to_owned()
}

/// The rows of records, where there are any.
pub(crate) async fn load_rows(store: &dyn Store, keys: &[Key]) -> Result<Vec<Option<Row<LedgerRow>>>, Fault> {
    let mut rows = Vec::with_capacity(keys.len());
    for keys in keys.chunks(MAX_BATCH) {
        for item in store.get_many(keys).await? {
            rows.push(item.as_ref().map(Row::parse).transpose()?);
        }
    }
    Ok(rows)
}

/// Writes rows, each under its own condition.
pub(crate) async fn write_rows(store: &dyn Store, mut writes: Vec<Write>) -> Result<Vec<Written>, Fault> {
    let mut written = Vec::with_capacity(writes.len());
    while !writes.is_empty() {
        let rest = writes.split_off(writes.len().min(MAX_BATCH));
        written.append(&mut store.write_each(writes).await?);
        writes = rest;
    }
    Ok(written)
}
