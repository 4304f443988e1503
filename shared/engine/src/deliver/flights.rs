//! Flights: records on their way, put aside until an earlier write has landed or until they are read back.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Delivering;
use super::orders::{BATCH, last_write, record_id, write_rows};
use crate::fault::Fault;
use crate::ports::{Key, MAX_BATCH, Written};
use crate::state::{Flight, LedgerRow, Row, State, Stream};
use crate::sums::{Outcome, Tally};

impl Delivering<'_> {
    /// A row is written before its flight. Whoever was stopped between the two left a row whose flight is not
    /// there: nobody would ever answer for it, so it is decided anew.
    pub(crate) async fn forget_lost_flights(&self, rows: &mut [Option<Row<LedgerRow>>]) -> Result<(), Fault> {
        let key = |row: &LedgerRow| {
            Some(Flight::key(
                row.run.as_deref()?,
                row.flight.as_deref().filter(|_| row.state == State::Pending)?,
            ))
        };
        let mut flights: Vec<Key> = rows.iter().flatten().filter_map(|row| key(&row.value)).collect();
        flights.sort_unstable();
        flights.dedup();
        let mut there = BTreeSet::new();
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

    /// Puts records aside until an earlier write of theirs has landed.
    pub(super) async fn wait_for(
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
        let mut flight = self.flight(&rows);
        flight.value.aside = rows.iter().any(|row| row.value.queued.is_some());
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
    pub(super) async fn launch(&self, flight: &Row<Flight>) -> Result<(), Fault> {
        if !flight.value.left.is_empty() {
            self.engine.store.write_each(vec![flight.put()?]).await?;
        }
        Ok(())
    }

    /// When an earlier write of a record can no longer land.
    fn landed(&self, row: &LedgerRow) -> Option<Timestamp> {
        let landed = last_write(row)?.saturating_add(self.engine.config.timing.landing).ok();
        landed.max(row.queued)
    }

    /// A flight of these records, as of now.
    pub(super) fn flight(&self, rows: &[Row<LedgerRow>]) -> Row<Flight> {
        let id = self.engine.new_id();
        let sent = self.engine.now();
        let dates = || rows.iter().filter_map(|row| row.value.date);
        let flight = Flight {
            id: id.clone(),
            stream: Stream::Orders,
            sent,
            accepted: false,
            due: Some(sent.saturating_add(self.engine.config.timing.landing).unwrap_or(sent)),
            batch: None,
            aside: false,
            unanswered: false,
            since: dates().min().unwrap_or(sent),
            until: dates().max().unwrap_or(sent),
            left: rows.iter().map(|row| record_id(&row.key)).collect(),
            again: false,
            settled: Tally::default(),
            page: self.page,
        };
        Row::new(Flight::key(&self.run.id, &id), flight)
    }
}
