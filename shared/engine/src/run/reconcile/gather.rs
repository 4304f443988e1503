//! The store's side: what every order ought to be at the destination, by day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tillsync_mapping::activecampaign;
use tillsync_mapping::model::{Observed, Order, Reading as Mapped, SkipReason};

use super::judge::why;
use super::zone;
use crate::deliver::{load_rows, write_rows};
use crate::erase::Tombs;
use crate::fault::Fault;
use crate::ports::{Key, MAX_BATCH};
use crate::run::window::Reading;
use crate::state::{Connection, Cursor, Expected, Gathered, LedgerRow, Row, State, Stream, load};
use crate::sums::{Outcome, Tally};

impl Reading<'_> {
    /// Keeps what a page of the store ought to be at the destination; nothing is sent.
    pub(in crate::run) async fn gather(&self, records: Vec<Observed<Order>>) -> Result<Tally, Fault> {
        let (engine, owner) = (self.engine, &self.owner);
        let tombs = Tombs::load(engine, owner).await?;
        let records: Vec<_> = records.into_iter().map(|one| tombs.order(one)).collect();
        let zone = zone(owner);
        let asked = self.run.comparison.unwrap_or_default();
        let cursor: Option<Row<Cursor>> = load(&*engine.store, Connection::orders_cursor(&owner.id)).await?;
        let read_to = cursor.map_or(owner.created, |cursor| cursor.value.watermark);
        let partition = owner.partition_of(Stream::Orders);
        let word = Stream::Orders.word();
        let keys: Vec<Key> = records.iter().map(|one| LedgerRow::key(&partition, word, &one.id)).collect();
        let rows = load_rows(&*engine.store, &keys).await?;
        let mut days: BTreeMap<Date, Vec<Expected>> = BTreeMap::new();
        let mut tally = Tally::default();
        for (record, row) in records.iter().zip(rows) {
            let row = row.map(|row| row.value);
            let Some((date, order)) =
                expect(record, row.as_ref(), (read_to, asked.history_sent), (owner, &zone))
            else {
                tally.count(&left_out(record, row.as_ref()));
                continue;
            };
            if asked.first.is_some_and(|first| date < first) || asked.last.is_some_and(|last| date > last) {
                continue;
            }
            tally.count(&known(row.as_ref()));
            days.entry(date).or_default().push(order);
        }
        self.keep(days).await?;
        Ok(tally)
    }

    /// One row per day and page. A page read a second time replaces what it kept before.
    async fn keep(&self, days: BTreeMap<Date, Vec<Expected>>) -> Result<(), Fault> {
        let (store, now) = (&*self.engine.store, self.engine.now());
        let page = (self.row.value.n, self.row.value.pages);
        let keys: Vec<Key> = days.keys().map(|date| Gathered::key(&self.run.id, *date, page)).collect();
        let mut writes = Vec::with_capacity(keys.len());
        for (keys, orders) in keys.chunks(MAX_BATCH).zip(chunks(days.into_values().collect())) {
            let there = store.get_many(keys).await?;
            for ((key, orders), item) in keys.iter().zip(orders).zip(there) {
                let rev = item.map_or(0, |item| item.rev);
                writes.push(Row { key: key.clone(), rev, value: Gathered::new(orders, now) }.put()?);
            }
        }
        write_rows(store, writes).await.map(drop)
    }
}

fn chunks(mut all: Vec<Vec<Expected>>) -> Vec<Vec<Vec<Expected>>> {
    let mut chunks = Vec::new();
    while !all.is_empty() {
        let rest = all.split_off(all.len().min(MAX_BATCH));
        chunks.push(all);
        all = rest;
    }
    chunks
}

/// What an order ought to be at the destination; none where it has no place there.
pub(super) fn expect(
    record: &Observed<Order>,
    row: Option<&LedgerRow>,
    (read_to, history_sent): (Timestamp, bool),
    (owner, zone): (&Connection, &TimeZone),
) -> Option<(Date, Expected)> {
    let sent = row.is_some_and(LedgerRow::was_sent);
    if row.is_some_and(LedgerRow::is_erased) {
        return None;
    }
    let (order, left_out) = match &record.reading {
        Mapped::Ready(order) => (order, None),
        // The sale is as real as when it was sent; only who bought is no longer said.
        Mapped::Skipped {
            reason:
                SkipReason::NoCustomer | SkipReason::CustomerGone | SkipReason::NoEmail | SkipReason::BadEmail,
            late: Some(order),
        } if sent => (order, None),
        Mapped::Skipped { reason, late: Some(order) } if sent => (order, Some(reason.word().to_owned())),
        _ => return None,
    };
    let before = owner.settings.history_from.is_some_and(|from| record.created < from);
    if before && !sent {
        return None;
    }
    let date = order.date.to_zoned(zone.clone()).date();
    let not_sent = if history_sent { Timestamp::MIN } else { owner.created };
    let expected = Expected {
        sent: row.and_then(|row| row.sent_at),
        version: row.and_then(|row| row.settled),
        id: record.id.clone(),
        minor: order.total.minor,
        check: activecampaign::check(order),
        left_out,
        why: why(record, row, (read_to, not_sent)),
    };
    Some((date, expected))
}

/// What an order that has no place at the destination counts for.
fn left_out(record: &Observed<Order>, row: Option<&LedgerRow>) -> Outcome {
    if row.is_some_and(|row| row.state == State::Pending) {
        return Outcome::Waiting;
    }
    if row.is_some_and(LedgerRow::is_erased) {
        return Outcome::Skipped(SkipReason::Erased.word().to_owned());
    }
    match &record.reading {
        Mapped::Skipped { reason, .. } => Outcome::Skipped(reason.word().to_owned()),
        Mapped::Unreadable { code, .. } => Outcome::StillParked((*code).to_owned()),
        Mapped::Ready(_) => Outcome::Skipped("before_history".to_owned()),
    }
}

/// What an order with a place there counts for: as the ledger has it.
fn known(row: Option<&LedgerRow>) -> Outcome {
    let reason = || row.and_then(|row| row.reason.clone()).unwrap_or_default();
    match row.map(|row| row.state) {
        Some(State::Synced) => Outcome::Unchanged,
        Some(State::Parked) => Outcome::StillParked(reason()),
        Some(State::Skipped) => Outcome::Skipped(reason()),
        Some(State::Pending) | None => Outcome::Waiting,
    }
}
