//! A page of orders.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};

use futures_util::stream::{self, StreamExt};
use tillsync_mapping::activecampaign::{Channel, ContactInput};
use tillsync_mapping::model::{Buyer, Observed, Order};

use super::addresses::{Addresses, Said, earlier, said};
use super::send::{Batch, Letter, Sent, may_leave_until};
use super::{Decision, Delivering, Facts, decide};
use crate::erase::Tombs;
use crate::fault::Fault;
use crate::ports::{Key, MAX_BATCH, Store, Write, Written};
use crate::run::mark;
use crate::state::{Connection, Intent, LedgerRow, Row, RunKind, State, Stream};
use crate::sums::{Outcome, Tally};

/// Orders of one call (activecampaign.md section 4.8: by variable the ceiling is unknown; 100 is measured).
pub const BATCH: usize = 100;
/// How young an order is that may start automations at its first send (rules.md section 2).
const LIVE_HOURS: u32 = 24;
/// Calls under way at once for one page; their pace is the budget's.
const AT_ONCE: usize = 3;
/// Times a page is decided anew because somebody else wrote the same rows.
const MAX_ROUNDS: u32 = 5;

type Records = BTreeMap<String, Observed<Order>>;

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
        let believed =
            |record: Observed<Order>| Observed { version: self.believed(record.version), ..record };
        let mut open: Records =
            records.into_iter().map(|record| (record.id.clone(), believed(record))).collect();
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
        // Read anew for every round: whoever was erased meanwhile is left out.
        let tombs = Tombs::load(self.engine, self.connection).await?;
        let covered;
        let records = if tombs.is_empty() {
            records
        } else {
            covered = records.iter().map(|(id, one)| (id.clone(), tombs.order(one.clone()))).collect();
            &covered
        };
        let partition = Connection::partition(&self.connection.id);
        let keys: Vec<Key> =
            records.keys().map(|id| LedgerRow::key(&partition, Stream::Orders.word(), id)).collect();
        let mut rows = load_rows(&*self.engine.store, &keys).await?;
        self.forget_lost_flights(&mut rows).await?;
        let facts = self.facts();
        // Of a buyer that is gone, the address the order was sent for still tells of consent.
        let earlier: Vec<Buyer> =
            records.values().zip(&rows).filter_map(|(one, row)| earlier(one, row)).collect();
        let mut all = said(records);
        all.extend(earlier.iter().map(|buyer| Said { profile: None, ..Said::from(buyer) }));
        let addresses = self.addresses(all).await?;
        let mut sorted = Sorted::default();
        for ((record, key), row) in records.values().zip(keys).zip(rows) {
            let rev = row.as_ref().map_or(0, |row| row.rev);
            if row.as_ref().is_some_and(|row| self.is_anothers(&row.value, record.version)) {
                continue;
            }
            let silently = row.as_ref().is_some_and(|row| self.was_silent_here(&row.value));
            let mut decision = decide(record.clone(), row.map(|row| row.value), &facts);
            match &mut decision {
                Decision::Keep(outcome) => {
                    let is_sent = matches!(outcome, Outcome::Synced | Outcome::Pending);
                    tally.sent_silently += u64::from(silently && is_sent);
                }
                Decision::Note(row, _) => {
                    row.window = Some(self.page.0);
                    // This page counts it: a flight of its first reading does not.
                    row.flight = row.flight.take().filter(|_| self.again);
                }
                Decision::Send(_, row) | Decision::Wait(row) => row.window = Some(self.page.0),
            }
            self.place(decision, (key, rev, record), &addresses, (&mut sorted, tally))?;
        }
        Ok(sorted)
    }

    /// True when it was sent to a connection at the destination that this one has taken the place of.
    fn was_sent_elsewhere(&self, row: &LedgerRow) -> bool {
        row.sent_at.zip(self.connection.adopted).is_some_and(|(sent, since)| sent < since)
    }

    /// True when another window of this run has met the record, or will: it counts there.
    fn is_anothers(&self, row: &LedgerRow, version: Timestamp) -> bool {
        let ours = row.run.as_deref() == Some(self.run.id.as_str()) && row.window == Some(self.page.0);
        // What was left out or refused is looked at: its version may have moved with its buyer, which leads no window
        // of changes to it.
        let stands = matches!(row.state, State::Synced | State::Pending);
        let follows = self.followed.is_some_and(|from| version >= from) && stands && !ours;
        follows || self.is_counted_elsewhere(row, version)
    }

    /// True when another window of this run has met this version of the record. What is written again counts with
    /// its flight.
    pub(super) fn is_counted_elsewhere(&self, row: &LedgerRow, version: Timestamp) -> bool {
        let other = row.window.is_some_and(|window| window != self.page.0);
        let here = row.run.as_deref() == Some(self.run.id.as_str());
        !self.again && other && here && row.version >= version
    }

    /// True when an order goes silently that is newer than the history. What is written again was counted when it
    /// was written first.
    fn is_silent_now(&self, letter: &Letter) -> bool {
        let row = &letter.row.value;
        let first = !row.was_sent() && (row.intent.is_none() || !self.again);
        self.run.kind != RunKind::Historical && first && !letter.live()
    }

    /// True when this page has sent the record before it was stopped, for the first time and silently.
    fn was_silent_here(&self, row: &LedgerRow) -> bool {
        let here = row.run.as_deref() == Some(self.run.id.as_str()) && row.window == Some(self.page.0);
        let first = match row.state {
            State::Synced => row.times_sent == 1,
            State::Pending => row.times_sent == 0 && row.intent.is_some(),
            _ => false,
        };
        here && first && row.live == Some(false) && self.run.kind != RunKind::Historical
    }

    fn place(
        &self,
        decision: Decision,
        (key, rev, record): (Key, u64, &Observed<Order>),
        addresses: &Addresses,
        (sorted, tally): (&mut Sorted, &mut Tally),
    ) -> Result<(), Fault> {
        match decision {
            Decision::Keep(outcome) => tally.count(&outcome),
            Decision::Note(row, outcome) => sorted.noted.push((Row { key, rev, value: *row }, outcome)),
            Decision::Wait(row) => sorted.later.push(Row { key, rev, value: *row }),
            Decision::Send(order, row) => {
                let version = record.version;
                let mut row = Row { key, rev, value: *row };
                if self.silent || self.was_sent_elsewhere(&row.value) {
                    // It was there once: it starts nothing, now or when it changes.
                    row.value.live = Some(false);
                }
                let letter = Letter::new(self.remote, order, version, (row, addresses))?;
                if letter.says_nothing_new() && !self.force {
                    tally.count(&Outcome::Unchanged);
                } else if letter.was_taken_before() && !self.force {
                    let mut row = letter.row;
                    row.value.settled = row.value.settled.max(Some(version));
                    row.value.flight = row.value.flight.take().filter(|_| self.again);
                    row.value.become_state(State::Synced, None, &self.run.id, self.engine.now());
                    sorted.noted.push((row, Outcome::Unchanged));
                } else if letter.contradicts() && !self.again && !self.force {
                    // The same version says something else: it is fetched anew before it is written.
                    sorted.later.push(letter.into_row(&self.run.id));
                } else if self.queues_history() && letter.first() && !letter.live() {
                    sorted.queued.push(letter);
                } else {
                    tally.sent_silently += u64::from(self.is_silent_now(&letter));
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
        // The mark first: one too many is a look too many, one too few would be a sale forgotten.
        let due = noted.iter().filter_map(|(row, _)| Some((record_id(&row.key), row.value.look_at?)));
        let marks = due.map(|(id, at)| mark(&self.connection.id, &id, at)).collect::<Result<Vec<_>, _>>()?;
        write_rows(&*self.engine.store, marks).await?;
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

    /// Orders not older than this are live: the setting is for runs that somebody starts.
    fn live(&self) -> SignedDuration {
        let hours = match self.run.kind {
            RunKind::Poll | RunKind::Webhook => LIVE_HOURS,
            // What it sends was there once, or ought to have been: it starts nothing, now or when it changes.
            RunKind::Reconcile => 0,
            _ => self.connection.settings.live_hours,
        };
        SignedDuration::from_hours(hours.into())
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            run: &self.run.id,
            started: self.run.started,
            now: self.engine.now(),
            history_from: match self.run.kind {
                // It selects on the creation date itself.
                RunKind::Historical => None,
                _ => self.connection.settings.history_from,
            },
            live: self.live(),
            force: self.force,
            retry: self.tries_again(),
            adopted: self.connection.adopted,
            again: self.again,
            landing: self.engine.config.timing.landing,
        }
    }

    /// Notes that the buyers of orders are at the destination: orders carry them.
    pub(super) async fn carry_buyers(&self, letters: &[Letter]) -> Result<(), Fault> {
        let mut buyers: BTreeMap<&str, String> = BTreeMap::new();
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
        let queued = self.queued_until(batch.channel, may_leave_until(at));
        for letter in &mut batch.letters {
            letter.row.value.queued = queued;
            letter.intend(Intent { id: attempt.clone(), at, version: letter.version });
        }
        if batch.channel == Channel::Queued {
            let rows: Vec<_> = batch.letters.iter().map(|letter| letter.row.clone()).collect();
            let mut flight = self.flight(&rows);
            // Whatever becomes of the reply: it may have been queued.
            flight.value.due = None;
            batch.flight = Some(flight);
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

/// When a record was written last, at the latest, as far as anybody knows.
pub(crate) fn last_write(row: &LedgerRow) -> Option<Timestamp> {
    row.intent.as_ref().map(|intent| may_leave_until(intent.at)).max(row.sent_at)
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
