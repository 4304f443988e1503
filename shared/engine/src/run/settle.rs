//! Finding out what became of records on their way.
//!
//! What the destination queued is read back: a range of dates, a hundred orders a call. What is not there in
//! time is fetched anew and written once more; what is lost twice is parked.

mod ranges;
mod told;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::activecampaign::{self, Stored};
use tillsync_mapping::http::Http;

use ranges::range_after;
pub(super) use told::whole_second;
use told::{is_there, is_written, outcome_of, pause};

use super::{Parts, connection, lane};
use crate::context::Engine;
use crate::deliver::{Delivering, import_outcome, load_rows, stopped};
use crate::fault::Fault;
use crate::paced::Paced;
use crate::ports::Key;
use crate::state::{Connection, ConnectionState, Flight, LedgerRow, Row, Run, State, Stream};
use crate::sums::Outcome;

/// Flights read back in one range: 5,000 orders.
const FLIGHTS_AT_ONCE: usize = 50;
/// So few orders are asked for one by one.
const FEW: usize = 5;
/// Orders one reading back answers with.
const PAGE: usize = 100;
/// Pages one range may have, beyond those its orders fill: other orders lie between them.
const MAX_PAGES: usize = 2_000;

/// Settles what can be settled now. Returns when to look again; none when nothing is on its way any more.
pub(super) async fn settle(engine: &Engine, run: &Run) -> Result<Option<SignedDuration>, Fault> {
    let owner = connection(&*engine.store, &run.connection).await?.value;
    let lane = lane(run.kind);
    let http = engine.fenced_http(&owner, run.epoch, lane);
    let source_http = engine.source_http(&owner.source, &owner.store, lane);
    let result = {
        let mut delivering = Delivering::new(engine, &owner, run, &http).await?;
        delivering.again = true;
        Settling {
            engine,
            owner: &owner,
            run,
            delivering: &delivering,
            http: &http,
            source_http: &source_http,
        }
        .all()
        .await
    };
    let (source, destination) = (source_http.take_calls(), http.take_calls());
    crate::state::update(&*engine.store, &Run::key(&run.connection, &run.id), |run: &mut Run| {
        run.calls.source += source;
        run.calls.destination += destination;
        run.settle_tries += 1;
    })
    .await?;
    result
}

struct Settling<'a> {
    engine: &'a Engine,
    owner: &'a Connection,
    run: &'a Run,
    delivering: &'a Delivering<'a>,
    http: &'a Paced<'a>,
    source_http: &'a Paced<'a>,
}

/// Orders found at the destination, by id.
type Found = BTreeMap<String, Stored>;

impl Settling<'_> {
    async fn all(&self) -> Result<Option<SignedDuration>, Fault> {
        let parts = Parts::load(&*self.engine.store, &self.run.id).await?;
        let now = self.engine.now();
        let ripe = |flight: &Row<Flight>| flight.value.due.is_none_or(|due| due <= now);
        let open = parts.flights.into_iter().filter(|flight| !flight.value.left.is_empty() && ripe(flight));
        let (people, mut orders): (Vec<_>, Vec<_>) =
            open.partition(|flight| flight.value.stream == Stream::Customers);
        for flight in people {
            self.import(flight).await?;
        }
        orders.sort_by_key(|flight| flight.value.since);
        while !orders.is_empty() {
            let rest = orders.split_off(orders.len().min(FLIGHTS_AT_ONCE));
            let found = self.read_back(&orders).await?;
            for flight in orders {
                self.orders(flight, &found).await?;
            }
            orders = rest;
        }
        self.next_look().await
    }

    /// When to look again: soon after queued records, later and later; at the time of those that wait for one.
    async fn next_look(&self) -> Result<Option<SignedDuration>, Fault> {
        let now = self.engine.now();
        let left = Parts::load(&*self.engine.store, &self.run.id).await?;
        let open = left.flights.iter().filter(|flight| !flight.value.left.is_empty());
        Ok(open
            .map(|flight| match flight.value.due {
                Some(due) if due > now => due.duration_since(now),
                _ => pause(self.run.settle_tries),
            })
            .min())
    }

    /// Reads what the destination holds of these flights.
    async fn read_back(&self, flights: &[Row<Flight>]) -> Result<Found, Fault> {
        let wanted: usize = flights.iter().map(|flight| flight.value.left.len()).sum();
        if wanted > FEW {
            return self.read_range(flights).await;
        }
        let mut found = Found::new();
        for id in flights.iter().flat_map(|flight| &flight.value.left) {
            let request = activecampaign::get_order(&self.delivering.account, self.delivering.remote, id);
            for stored in self.found(request).await? {
                found.insert(stored.id.clone(), stored);
            }
        }
        Ok(found)
    }

    /// Reads the ranges of dates the flights lie in; what lies between two of them is left out.
    async fn read_range(&self, flights: &[Row<Flight>]) -> Result<Found, Fault> {
        let mut found = Found::new();
        let (account, remote) = (&self.delivering.account, self.delivering.remote);
        let dates = || flights.iter().map(|flight| (flight.value.since, flight.value.until));
        let mut next = range_after(dates(), None);
        let mut offset = 0;
        for _ in 0..MAX_PAGES {
            let Some((since, until)) = next else { break };
            let page = self.found(activecampaign::read_back(account, remote, since, offset)).await?;
            let full = page.len() >= PAGE;
            let end = page.iter().map(|stored| stored.created).max();
            found.extend(page.into_iter().map(|stored| (stored.id.clone(), stored)));
            let Some(end) = end.filter(|_| full) else { break };
            if end > until {
                (next, offset) = (range_after(dates(), Some(end)), 0);
            } else if end > since {
                (next, offset) = (Some((end, until)), 0);
            } else {
                // More than a page of one instant.
                offset += u32::try_from(PAGE).unwrap_or(0);
            }
        }
        Ok(found)
    }

    async fn found(&self, request: tillsync_mapping::http::Request) -> Result<Vec<Stored>, Fault> {
        let response = self.http.send(request).await?;
        activecampaign::orders_found(&response).map_err(stopped)
    }

    /// Settles the orders of a flight: those found, and those whose time is up.
    async fn orders(&self, mut flight: Row<Flight>, found: &Found) -> Result<(), Fault> {
        let now = self.engine.now();
        let keys = self.keys(&flight.value);
        let rows = self.own_rows(&keys, &flight.value.id).await?;
        let mut settled = Vec::new();
        let mut overdue = Vec::new();
        let mut left = Vec::new();
        for (id, row) in std::mem::take(&mut flight.value.left).into_iter().zip(rows) {
            let elsewhere = row.as_ref().map(|row| row.value.clone());
            let Some(mut row) = row.filter(|row| row.value.flight.as_deref() == Some(&flight.value.id))
            else {
                self.answered_elsewhere(elsewhere, &mut flight.value);
                continue;
            };
            if row.value.state != State::Pending {
                // Settled already; the flight was not told of it.
                flight.value.settled.count(&outcome_of(&row.value));
                continue;
            }
            let written = !flight.value.aside && (flight.value.accepted || is_written(&row.value));
            if written && found.get(&id).is_some_and(|stored| is_there(stored, &row.value)) {
                self.there(&mut row.value, now);
                settled.push((row, Outcome::Synced));
            } else if now >= self.deadline(&flight.value, &row.value) {
                overdue.push((id, row));
            } else {
                left.push(id);
            }
        }
        flight.value.left = left;
        if !overdue.is_empty() && self.owner.state != ConnectionState::Active {
            let detail = format!("{} is {}", self.owner.name, self.owner.state_word());
            return Err(Fault::reconnect("connection.inactive", detail));
        }
        if !overdue.is_empty() {
            self.again(overdue, &mut flight.value, &mut settled).await?;
        }
        self.write(flight, settled).await
    }

    /// A record that another flight, or a newer write, answers for. Within this run it is counted there; of
    /// another run's, it counts for what it is.
    fn answered_elsewhere(&self, row: Option<LedgerRow>, flight: &mut Flight) {
        let Some(row) = row else { return flight.settled.count(&Outcome::Synced) };
        let here = row.run.as_deref() == Some(&self.run.id);
        // An order carries people without counting them.
        let carried = flight.stream == Stream::Customers && row.state != State::Pending;
        if !here || carried {
            flight.settled.count(&outcome_of(&row));
        }
    }

    /// When a record that is not there is written again: a queued one has long to appear; one whose write has an
    /// unknown outcome, or was put off, only until an old request can no longer land.
    fn deadline(&self, flight: &Flight, row: &LedgerRow) -> Timestamp {
        let sent = row.sent_at.unwrap_or(flight.sent);
        let lost = sent.saturating_add(self.engine.config.timing.lost_after).unwrap_or(sent);
        flight.due.unwrap_or(lost).max(row.queued.unwrap_or(sent))
    }

    fn there(&self, row: &mut LedgerRow, now: Timestamp) {
        row.settled = row.settled.max(row.desired);
        if row.intent.take().is_some() {
            // The reply was lost, the write was not.
            row.times_sent += 1;
            row.taken.clone_from(&row.fingerprint);
        }
        if self.owner.adopted.is_none() {
            // An account that was taken over may have held just that before: then the queue is still to come.
            row.queued = None;
        }
        row.become_state(State::Synced, None, &self.run.id, now);
    }

    /// Writes overdue records once more, as they are now. Those lost a second time are written in halves: the
    /// destination may fail on one of them, and only that one is parked.
    async fn again(
        &self,
        overdue: Vec<(String, Row<LedgerRow>)>,
        flight: &mut Flight,
        settled: &mut Vec<(Row<LedgerRow>, Outcome)>,
    ) -> Result<(), Fault> {
        let now = self.engine.now();
        if flight.again && overdue.len() == 1 {
            for (_, mut row) in overdue {
                row.value.intent = None;
                row.value.become_state(State::Parked, Some("destination.lost"), &self.run.id, now);
                settled.push((row, Outcome::Parked("destination.lost".into())));
            }
            return Ok(());
        }
        let access = self.engine.access_to_orders(self.owner).await?;
        let source = self.engine.source(&self.owner.source)?;
        let cache = tillsync_mapping::source::Cache::default();
        let ids: Vec<String> = overdue.iter().map(|(id, _)| id.clone()).collect();
        let page = source.fetch_orders(self.source_http, &access, &ids, &cache).await?;
        let here: Vec<&str> = page.records.iter().map(|record| record.id.as_str()).collect();
        let gone: Vec<_> =
            overdue.into_iter().filter(|(id, _)| !here.contains(&id.as_str())).map(|(_, row)| row).collect();
        let mut delivering = self.delivering.of_page(flight.page);
        delivering.tried = flight.accepted || flight.unanswered;
        if flight.again {
            delivering.most = here.len().div_ceil(2).max(1);
        }
        let tally = delivering.orders(page.records).await?;
        // Records whose new write is unknown as well fly on in a flight of their own.
        flight.settled.add(&tally.without_flights());
        for mut row in gone {
            row.value.intent = None;
            row.value.become_state(State::Parked, Some("record.gone"), &self.run.id, now);
            settled.push((row, Outcome::Parked("record.gone".into())));
        }
        Ok(())
    }

    /// Settles the people of an import.
    async fn import(&self, mut flight: Row<Flight>) -> Result<(), Fault> {
        let batch = flight.value.batch.clone().unwrap_or_default();
        let request = activecampaign::import_info(&self.delivering.account, &batch);
        let response = self.http.send(request).await?;
        let state = match activecampaign::import_state(&response) {
            Err(activecampaign::Refusal::NotFound) => activecampaign::ImportState::Failed,
            state => state.map_err(stopped)?,
        };
        let now = self.engine.now();
        let lost = flight.value.sent.saturating_add(self.engine.config.timing.lost_after);
        let state = match state {
            activecampaign::ImportState::Working if lost.is_ok_and(|lost| now < lost) => return Ok(()),
            // It never ends: somebody must look.
            activecampaign::ImportState::Working => activecampaign::ImportState::Failed,
            state => state,
        };
        let rows = self.rows(&self.keys(&flight.value)).await?;
        let mut settled = Vec::new();
        flight.value.left.clear();
        for row in rows {
            let elsewhere = row.as_ref().map(|row| row.value.clone());
            let Some(mut row) = row.filter(|row| row.value.flight.as_deref() == Some(&flight.value.id))
            else {
                self.answered_elsewhere(elsewhere, &mut flight.value);
                continue;
            };
            if row.value.state != State::Pending {
                flight.value.settled.count(&outcome_of(&row.value));
                continue;
            }
            let Some(outcome) = import_outcome(&state, row.value.check.as_deref()) else { continue };
            row.value.intent = None;
            match &outcome {
                Outcome::Parked(reason) => {
                    row.value.become_state(State::Parked, Some(reason), &self.run.id, now);
                }
                _ => {
                    row.value.settled = row.value.desired;
                    row.value.become_state(State::Synced, None, &self.run.id, now);
                }
            }
            settled.push((row, outcome));
        }
        self.write(flight, settled).await
    }

    /// Writes settled rows and their flight. The flight's counts and what is left of it change together.
    async fn write(
        &self,
        mut flight: Row<Flight>,
        settled: Vec<(Row<LedgerRow>, Outcome)>,
    ) -> Result<(), Fault> {
        let mut writes = Vec::with_capacity(settled.len());
        for (row, outcome) in settled {
            flight.value.settled.count(&outcome);
            writes.push(row.put()?);
        }
        self.engine.store.write_each(writes).await?;
        // After its rows: a record that is settled and still in its flight is looked at once more; one that is out
        // of it and not settled, never.
        self.engine.store.write_each(vec![flight.put()?]).await?;
        Ok(())
    }

    fn keys(&self, flight: &Flight) -> Vec<Key> {
        let partition = self.owner.partition_of(flight.stream);
        flight.left.iter().map(|id| LedgerRow::key(&partition, flight.stream.word(), id)).collect()
    }

    /// Rows of a flight. One that was put into another flight when the process was stopped, before that was written, is
    /// still this one's: nobody else would ever answer for it.
    async fn own_rows(&self, keys: &[Key], flight: &str) -> Result<Vec<Option<Row<LedgerRow>>>, Fault> {
        let mut rows = self.rows(keys).await?;
        let is_ours = |row: &LedgerRow| row.flight.as_deref() == Some(flight);
        if rows.iter().flatten().all(|row| is_ours(&row.value)) {
            return Ok(rows);
        }
        self.delivering.forget_lost_flights(&mut rows).await?;
        for row in rows.iter_mut().flatten() {
            let here = row.value.run.as_deref() == Some(self.run.id.as_str());
            if here && row.value.state == State::Pending && row.value.flight.is_none() {
                row.value.flight = Some(flight.to_owned());
            }
        }
        Ok(rows)
    }

    async fn rows(&self, keys: &[Key]) -> Result<Vec<Option<Row<LedgerRow>>>, Fault> {
        load_rows(&*self.engine.store, keys).await
    }
}

/// The moment from which reading back is worth while: queued writes take a few seconds to be applied.
pub(super) async fn ripe(engine: &Engine, run: &Run) -> Result<Option<Timestamp>, Fault> {
    let parts = Parts::load(&*engine.store, &run.id).await?;
    let open = parts.flights.iter().filter(|flight| !flight.value.left.is_empty());
    let sent = open.map(|flight| flight.value.sent).max();
    let after = engine.config.timing.read_back_after;
    Ok(sent.and_then(|sent| sent.saturating_add(after).ok()))
}
