//! An opt-out that comes after the orders. Later orders carry it; the customers that earlier orders made are told
//! here, once (rules.md sections 1 and 8). Nobody is ever opted in: a withdrawn opt-out is no consent.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::activecampaign::{customer_changed, customers_found, find_customers, opt_out};
use tillsync_mapping::http::{Http, HttpError, Request, Response};
use tillsync_mapping::model::{Customer, Email, Observed, Reading};

use super::addresses::{Said, mark};
use super::orders::write_rows;
use super::{Delivering, Failure};
use crate::connections;
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::fence::Fence;
use crate::ports::Write;
use crate::run::mark_person;
use crate::state::{Address, Connection, ConnectionState, LedgerRow, Row, State, list, update};

/// Addresses and connections that one page tells; the rest is looked at by the next poll, so that no page takes
/// long.
const AT_ONCE: usize = 50;
/// Later looks for a customer whom the destination does not show yet: queued orders take their time to make one, and
/// the v3 side lags (activecampaign.md section 4.2).
const LATER: [SignedDuration; 2] = [SignedDuration::from_hours(2), SignedDuration::from_hours(24)];

/// What came of telling one address.
enum Told {
    /// Every customer says it.
    Done,
    /// A connection has no customer of it, or not yet.
    Missing,
    /// The destination refuses to change the customer.
    Refused,
}

/// A connection of the same store and destination, as it was when the page began.
struct Sibling {
    id: String,
    epoch: u64,
    /// As the account numbers it.
    remote: i64,
}

impl Delivering<'_> {
    /// Notes who opted out, before the next order is sent, and tells the customers there are already. The answer is
    /// the profiles whose customer cannot be told.
    pub(super) async fn note_consent(
        &self,
        records: &[Observed<Customer>],
        rows: &[Option<Row<LedgerRow>>],
    ) -> Result<BTreeSet<String>, Fault> {
        let said = records.iter().filter_map(|record| ready(record).map(Said::from));
        let mut owed: BTreeMap<String, Timestamp> = self.addresses(said.collect()).await?.owed();
        if owed.is_empty() {
            return Ok(BTreeSet::new());
        }
        let remotes = self.remotes().await?;
        let mut room = (AT_ONCE / remotes.len().max(1)).max(1);
        let (mut refused, mut marks) = (BTreeSet::new(), Vec::new());
        for (record, row) in records.iter().zip(rows) {
            let Some(customer) = ready(record) else { continue };
            let address = mark(&customer.email);
            let Some(since) = owed.remove(&address) else { continue };
            if row.as_ref().is_some_and(|row| self.rests(&row.value, record.version)) {
                continue;
            }
            if room == 0 {
                marks.push(self.look_again(&record.id, self.engine.now())?);
                continue;
            }
            room -= 1;
            match self.tell(&customer.email, &remotes).await? {
                Told::Refused => drop(refused.insert(record.id.clone())),
                Told::Done => self.told(&address).await?,
                Told::Missing => match self.next_look(since) {
                    Some(at) => marks.push(self.look_again(&record.id, at)?),
                    // No order of it ever arrived: those that will carry it themselves.
                    None => self.told(&address).await?,
                },
            }
        }
        write_rows(&*self.engine.store, marks).await?;
        Ok(refused)
    }

    /// What is parked and has not changed rests until somebody asks for it.
    fn rests(&self, row: &LedgerRow, version: Timestamp) -> bool {
        row.state == State::Parked && row.version >= version && !self.tries_again()
    }

    /// The connections of this store and destination, as the account numbers them: each may have a customer of an
    /// address. Paused ones too, since who opted out need not wait for it.
    async fn remotes(&self) -> Result<Vec<Sibling>, Fault> {
        let there = |state| {
            matches!(
                state,
                ConnectionState::Active | ConnectionState::Paused | ConnectionState::NeedsReconnect
            )
        };
        let siblings = connections::of_people(self.engine, self.connection).await?;
        let ours = siblings.iter().filter(|one| there(one.state));
        Ok(ours
            .filter_map(|one| Some(Sibling { id: one.id.clone(), epoch: one.epoch, remote: one.remote? }))
            .collect())
    }

    /// Tells every connection's customer of an address. Telling twice changes nothing, so a lost reply is sat out by
    /// reading the window again.
    async fn tell(&self, email: &Email, remotes: &[Sibling]) -> Result<Told, Fault> {
        let mut told = Told::Done;
        for sibling in remotes {
            match self.tell_one(email, sibling).await? {
                Told::Refused => told = Told::Refused,
                Told::Missing if matches!(told, Told::Done) => told = Told::Missing,
                _ => {}
            }
        }
        Ok(told)
    }

    async fn tell_one(&self, email: &Email, sibling: &Sibling) -> Result<Told, Fault> {
        let remote = sibling.remote;
        let request = find_customers(&self.account, remote, email);
        let found = self.ask(request, |response| customers_found(response, remote, email)).await?;
        let Some(found) = found else { return Ok(Told::Refused) };
        let mut told = if found.is_empty() { Told::Missing } else { Told::Done };
        for customer in found.iter().filter(|customer| !customer.opted_out) {
            if !self.is_at_work(sibling).await? {
                return Ok(Told::Done);
            }
            if self.ask(opt_out(&self.account, customer.id), customer_changed).await?.is_none() {
                told = Told::Refused;
            }
        }
        Ok(told)
    }

    /// False where a sibling ended since the page began: our own fence does not know of it (reliability.md I20).
    async fn is_at_work(&self, sibling: &Sibling) -> Result<bool, Fault> {
        if sibling.id == self.connection.id {
            return Ok(true);
        }
        let fence = Fence::new(&*self.engine.store, &sibling.id, sibling.epoch);
        match fence.holds(&*self.engine.clock).await {
            Ok(()) => Ok(true),
            Err(HttpError::Withdrawn) => Ok(false),
            Err(_) => Err(unanswered()),
        }
    }

    /// One call; none where it is refused for what it says.
    async fn ask<T>(
        &self,
        request: Request,
        read: impl Fn(&Response) -> Result<T, tillsync_mapping::activecampaign::Refusal>,
    ) -> Result<Option<T>, Fault> {
        let response = match self.http.send(request).await.map_err(Failure::from) {
            Ok(response) => response,
            Err(Failure::Stop(fault)) => return Err(fault),
            Err(_) => return Err(unanswered()),
        };
        match read(&response).map_err(Failure::from) {
            Ok(answer) => Ok(Some(answer)),
            Err(Failure::Unknown) => Err(unanswered()),
            Err(Failure::Stop(fault))
                if fault.kind != Kind::Reject || !matches!(response.status, 400 | 422) =>
            {
                Err(fault)
            }
            Err(_) => Ok(None),
        }
    }

    async fn told(&self, address: &str) -> Result<(), Fault> {
        let key = Address::key(&self.connection.people_partition(), address);
        update(&*self.engine.store, &key, |address: &mut Address| address.owed = None).await.map(drop)
    }

    /// When to look for a missing customer the next time: when queued orders are there or written anew, and twice
    /// more. None when it was looked for long enough.
    fn next_look(&self, since: Timestamp) -> Option<Timestamp> {
        let pauses = [self.engine.config.timing.lost_after, LATER[0], LATER[1]];
        let now = self.engine.now();
        pauses.into_iter().filter_map(|pause| since.checked_add(pause).ok()).find(|at| *at > now)
    }

    fn look_again(&self, profile: &str, at: Timestamp) -> Result<Write, Fault> {
        mark_person(&self.connection.id, profile, at)
    }
}

/// Owes every known opt-out of a store to its customers once more, for a connection that was left out for a while. Each
/// is told where the customer does not say so yet.
pub(crate) async fn owe_opt_outs(engine: &Engine, connection: &Connection) -> Result<(), Fault> {
    let rows: Vec<Row<Address>> = list(&*engine.store, &connection.people_partition(), "MAIL#").await?;
    let now = engine.now();
    let (mut profiles, mut owed) = (BTreeSet::new(), Vec::new());
    for mut row in rows {
        let Some(profile) = row.value.opted_out.first() else { continue };
        if row.value.customer.is_some() {
            profiles.insert(profile.clone());
            row.value.owed = Some(now);
            owed.push(row.put()?);
        }
    }
    let marks = profiles.iter().map(|profile| mark_person(&connection.id, profile, now));
    // The marks first: one too many is a look too many.
    write_rows(&*engine.store, marks.collect::<Result<_, _>>()?).await?;
    write_rows(&*engine.store, owed).await.map(drop)
}

fn ready(record: &Observed<Customer>) -> Option<&Customer> {
    match &record.reading {
        Reading::Ready(customer) => Some(customer),
        _ => None,
    }
}

fn unanswered() -> Fault {
    Fault::retry("destination.unavailable", "opt-outs: no answer came")
}
