//! People: those whom orders carry, and those who have none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tillsync_mapping::activecampaign::{
    self, ContactInput, ImportState, contact_synced, import, import_queued, sync_contact,
};
use tillsync_mapping::http::Http;
use tillsync_mapping::model::{Customer, Email, Observed, Reading, SkipReason};

use super::orders::{load_rows, record_id, write_rows};
use super::{Delivering, Failure};
use crate::erase::{Tombs, left_behind};
use crate::fault::{Fault, Kind};
use crate::ports::Key;
use crate::state::{Flight, Intent, LedgerRow, Row, State, Stream, WhichCustomers};
use crate::sums::{Outcome, Tally};

/// From this many people on they go by bulk import, fewer by contact sync (rules.md section 3).
const BULK_FROM: usize = 10;
/// A whole batch is refused for one address: halving it ends here at the latest.
const MAX_CALLS: u32 = 600;

/// A person on the way out, with the row.
struct Card {
    input: ContactInput,
    row: Row<LedgerRow>,
    version: Timestamp,
    fingerprint: String,
}

impl Delivering<'_> {
    /// Notes people whom orders have just carried, by id, with what the order said of them.
    pub(super) async fn carry(&self, buyers: BTreeMap<&str, String>) -> Result<(), Fault> {
        if buyers.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = buyers.keys().map(|id| self.person_key(id)).collect();
        let rows = load_rows(&*self.engine.store, &keys).await?;
        let now = self.engine.now();
        let mut writes = Vec::new();
        for ((fingerprint, key), row) in buyers.into_values().zip(keys).zip(rows) {
            // The order knows the person as of now, not as of which version: the next reading tells that.
            let mut row = row.unwrap_or_else(|| Row::new(key, LedgerRow::seen(Timestamp::UNIX_EPOCH)));
            if row.value.state == State::Synced && row.value.fingerprint.as_ref() == Some(&fingerprint) {
                continue;
            }
            row.value.fingerprint = Some(fingerprint);
            if row.value.run.as_deref() != Some(self.run.id.as_str()) {
                row.value.window = None;
            }
            row.value.times_sent += 1;
            row.value.intent = None;
            row.value.flight = None;
            row.value.become_state(State::Synced, None, &self.run.id, now);
            writes.push(row.put()?);
        }
        // A conflict means that somebody else carried the same person: nothing is lost.
        write_rows(&*self.engine.store, writes).await?;
        Ok(())
    }

    /// Delivers people as they were read. `silent`: no automation starts.
    ///
    /// # Errors
    /// What keeps the window from going on.
    pub async fn customers(&self, records: Vec<Observed<Customer>>, silent: bool) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        let believed =
            |record: Observed<Customer>| Observed { version: self.believed(record.version), ..record };
        let tombs = Tombs::load(self.engine, self.connection).await?;
        let records: Vec<_> = records.into_iter().map(believed).map(|one| tombs.person(one)).collect();
        let ready = |one: &Observed<Customer>| match &one.reading {
            Reading::Ready(customer) => Some((one.id.clone(), customer.email.clone())),
            _ => None,
        };
        let people: Vec<(String, Email)> = records.iter().filter_map(ready).collect();
        let keys: Vec<Key> = records.iter().map(|record| self.person_key(&record.id)).collect();
        let mut rows = load_rows(&*self.engine.store, &keys).await?;
        self.forget_lost_flights(&mut rows).await?;
        // Known before the next order is sent.
        let refused = self.note_consent(&records, &rows).await?;
        let mut noted = Vec::new();
        let mut cards: Vec<Card> = Vec::new();
        for ((record, key), row) in records.into_iter().zip(keys).zip(rows) {
            let mut row = row.unwrap_or_else(|| Row::new(key, LedgerRow::seen(record.version)));
            if refused.contains(&record.id) && !self.is_counted_elsewhere(&row.value, record.version) {
                self.park_person(&record, &mut row.value, &mut tally);
                noted.push(row.put()?);
                continue;
            }
            self.sort_person(record, row, (&mut noted, &mut cards), &mut tally)?;
        }
        write_rows(&*self.engine.store, noted).await?;
        if silent {
            cards.iter_mut().for_each(|card| card.row.value.live = Some(false));
        }
        let (quiet, rest) =
            cards.into_iter().partition(|card| silent || self.is_history_still(&card.row.value));
        self.import_all(quiet, true, &mut tally).await?;
        self.tell_people(rest, &mut tally).await?;
        let people: Vec<_> = people.iter().map(|(id, email)| (None, email, Some(id.as_str()))).collect();
        left_behind(self.engine, self.connection, &people).await?;
        Ok(tally)
    }

    /// True for a person of a history that never arrived and is tried again: it starts nothing, as it would have then.
    fn is_history_still(&self, row: &LedgerRow) -> bool {
        self.tries_again() && row.live == Some(false) && row.settled.is_none()
    }

    /// Sends people who are new or changed.
    async fn tell_people(&self, cards: Vec<Card>, tally: &mut Tally) -> Result<(), Fault> {
        // Contact sync has no field for the company (activecampaign.md section 5.1).
        let firms = cards.iter().any(|card| card.input.company.is_some());
        if cards.len() < BULK_FROM && !firms {
            self.sync_each(cards, tally).await
        } else {
            self.import_all(cards, false, tally).await
        }
    }

    fn sort_person(
        &self,
        record: Observed<Customer>,
        mut row: Row<LedgerRow>,
        (noted, cards): (&mut Vec<crate::ports::Write>, &mut Vec<Card>),
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let now = self.engine.now();
        if self.is_counted_elsewhere(&row.value, record.version) {
            return Ok(());
        }
        let value = &mut row.value;
        value.version = value.version.max(record.version);
        value.window = Some(self.page.0);
        let (state, reason) = match record.reading {
            Reading::Ready(_) if !value.was_sent() && self.keeps_buyers_only() => {
                (State::Skipped, SkipReason::WithoutOrders.word())
            }
            Reading::Ready(customer) => {
                let input = activecampaign::contact(&customer);
                let fingerprint = input.fingerprint();
                match self.seen(value, &fingerprint) {
                    Some(outcome) => tally.count(&outcome),
                    None => cards.push(Card { input, row, version: record.version, fingerprint }),
                }
                return Ok(());
            }
            Reading::Skipped { reason, .. } => (State::Skipped, reason.word()),
            Reading::Unreadable { code, .. } => (State::Parked, code),
        };
        if reason == SkipReason::Erased.word() {
            value.erase(Some(&self.run.id), now);
        } else {
            value.become_state(state, Some(reason), &self.run.id, now);
        }
        noted.push(row.put()?);
        tally.count(&match state {
            State::Skipped => Outcome::Skipped(reason.into()),
            _ => Outcome::Parked(reason.into()),
        });
        Ok(())
    }

    /// Parks a person whose customer at the destination cannot be told of the opt-out.
    fn park_person(&self, record: &Observed<Customer>, row: &mut LedgerRow, tally: &mut Tally) {
        let reason = "destination.invalid_record";
        if let Reading::Ready(customer) = &record.reading {
            row.fingerprint = Some(activecampaign::contact(customer).fingerprint());
        }
        row.version = row.version.max(record.version);
        row.window = Some(self.page.0);
        (row.intent, row.flight) = (None, None);
        row.become_state(State::Parked, Some(reason), &self.run.id, self.engine.now());
        tally.count(&Outcome::Parked(reason.into()));
    }

    fn keeps_buyers_only(&self) -> bool {
        self.connection.settings.customers == WhichCustomers::WithOrders
    }

    /// What a person already came to, if nothing is to be sent.
    fn seen(&self, row: &LedgerRow, fingerprint: &str) -> Option<Outcome> {
        let run = self.run.id.as_str();
        let same = row.fingerprint.as_deref() == Some(fingerprint);
        let imported_now = row.run.as_deref() == Some(run) && row.check.is_some();
        match row.state {
            State::Synced if same && imported_now => Some(Outcome::Synced),
            State::Synced if same && !self.force => Some(Outcome::Unchanged),
            State::Pending if same && imported_now && row.flight.is_some() => Some(Outcome::Pending),
            State::Parked if same && (row.run.as_deref() == Some(run) || !self.tries_again()) => {
                let reason = row.reason.clone().unwrap_or_default();
                let now = row.run.as_deref() == Some(run);
                Some(if now { Outcome::Parked(reason) } else { Outcome::StillParked(reason) })
            }
            _ => None,
        }
    }

    async fn sync_each(&self, cards: Vec<Card>, tally: &mut Tally) -> Result<(), Fault> {
        for card in cards {
            let response = self.http.send(sync_contact(&self.account, &card.input)).await;
            let refused = match response.map_err(Failure::from) {
                Ok(response) => match contact_synced(&response).map_err(Failure::from) {
                    Ok(()) => None,
                    // 400 and 422 speak of the person (activecampaign.md section 5.1), unless it is the rate.
                    Err(Failure::Stop(fault))
                        if fault.kind == Kind::Reject && matches!(response.status, 400 | 422) =>
                    {
                        Some("destination.invalid_record")
                    }
                    Err(Failure::Records(_) | Failure::Batch | Failure::TooLarge) => {
                        Some("destination.invalid_record")
                    }
                    // Syncing a contact twice is harmless: the window is simply read again.
                    Err(Failure::Unknown) => return Err(unanswered()),
                    Err(Failure::Stop(fault)) => return Err(fault),
                },
                Err(Failure::Stop(fault)) => return Err(fault),
                Err(_) => return Err(unanswered()),
            };
            self.file_people(vec![card], refused, None, tally).await?;
        }
        Ok(())
    }

    /// Imports people in batches; a refused batch loses the named, or is halved.
    async fn import_all(&self, cards: Vec<Card>, silent: bool, tally: &mut Tally) -> Result<(), Fault> {
        let mut groups = vec![cards];
        for _ in 0..MAX_CALLS {
            let Some(mut group) = groups.pop() else { return Ok(()) };
            if group.is_empty() {
                continue;
            }
            let inputs: Vec<&ContactInput> = group.iter().map(|card| &card.input).collect();
            let (request, fitted) = import(&self.account, &inputs, silent);
            groups.push(group.split_off(fitted.max(1)));
            let answer = match self.http.send(request).await.map_err(Failure::from) {
                Ok(response) => import_queued(&response).map_err(Failure::from),
                Err(failure) => Err(failure),
            };
            match answer {
                Ok(batch) => self.file_people(group, None, Some(batch), tally).await?,
                Err(Failure::Stop(fault)) => return Err(fault),
                Err(Failure::Unknown) => return Err(unanswered()),
                // Places that are none of this batch name nobody: it is halved.
                Err(Failure::Records(named)) if places(&named).any(|place| place < group.len()) => {
                    let places: Vec<usize> = places(&named).collect();
                    let (refused, rest) = split_places(group, &places);
                    groups.push(rest);
                    self.file_people(refused, Some("destination.invalid_record"), None, tally).await?;
                }
                Err(_) if group.len() == 1 => {
                    self.file_people(group, Some("destination.invalid_record"), None, tally).await?;
                }
                Err(_) => {
                    let second = group.split_off(group.len() / 2);
                    groups.extend([group, second]);
                }
            }
        }
        Err(Fault::retry("destination.unavailable", "an import is refused again and again"))
    }

    /// Files what became of people: refused, on their way in an import, or there.
    async fn file_people(
        &self,
        mut cards: Vec<Card>,
        refused: Option<&'static str>,
        batch: Option<String>,
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let now = self.engine.now();
        let flight = batch.map(|batch| self.people_flight(&cards, batch, now));
        let mut writes = Vec::with_capacity(cards.len());
        for card in &mut cards {
            let row = &mut card.row.value;
            row.sent_at = Some(now);
            row.fingerprint = Some(card.fingerprint.clone());
            row.check = Some(address_mark(&card.input.email));
            row.desired = row.desired.max(Some(card.version));
            row.intent = flight.as_ref().map(|flight| Intent {
                id: flight.value.id.clone(),
                at: now,
                version: card.version,
            });
            row.flight = flight.as_ref().map(|flight| flight.value.id.clone());
            row.times_sent += u32::from(refused.is_none());
            let state = match (refused, &flight) {
                (Some(_), _) => State::Parked,
                (None, Some(_)) => State::Pending,
                (None, None) => State::Synced,
            };
            row.become_state(state, refused, &self.run.id, now);
            tally.count(&match state {
                State::Parked => Outcome::Parked(refused.unwrap_or_default().into()),
                State::Pending => Outcome::Pending,
                _ => Outcome::Synced,
            });
            writes.push(card.row.put()?);
        }
        self.engine.store.write_each(writes).await?;
        // After its rows, as with orders.
        if let Some(flight) = &flight {
            self.engine.store.write_each(vec![flight.put()?]).await?;
        }
        Ok(())
    }

    fn people_flight(&self, cards: &[Card], batch: String, now: Timestamp) -> Row<Flight> {
        let id = self.engine.new_id();
        let flight = Flight {
            id: id.clone(),
            stream: Stream::Customers,
            sent: now,
            accepted: true,
            due: None,
            batch: Some(batch),
            aside: false,
            unanswered: false,
            since: now,
            until: now,
            left: cards.iter().map(|card| record_id(&card.row.key)).collect(),
            again: false,
            settled: Tally::default(),
            page: self.page,
        };
        Row::new(Flight::key(&self.run.id, &id), flight)
    }

    fn person_key(&self, id: &str) -> Key {
        LedgerRow::key(&self.connection.people_partition(), Stream::Customers.word(), id)
    }
}

fn unanswered() -> Fault {
    Fault::retry("destination.unavailable", "contacts: no answer came")
}

fn places(named: &[(String, String)]) -> impl Iterator<Item = usize> {
    named.iter().filter_map(|(place, _)| place.parse().ok())
}

fn split_places(cards: Vec<Card>, places: &[usize]) -> (Vec<Card>, Vec<Card>) {
    let mut refused = Vec::new();
    let mut rest = Vec::new();
    for (place, card) in cards.into_iter().enumerate() {
        if places.contains(&place) { refused.push(card) } else { rest.push(card) }
    }
    (refused, rest)
}

/// What an import's state says of one of its people, known by [`address_mark`]; none while it works.
#[must_use]
pub fn import_outcome(state: &ImportState, mark: Option<&str>) -> Option<Outcome> {
    match state {
        ImportState::Working => None,
        ImportState::Failed => Some(Outcome::Parked("destination.lost".into())),
        ImportState::Done { refused } => {
            let is_refused = refused.iter().any(|address| mark == Some(address_mark(address).as_str()));
            Some(if is_refused {
                Outcome::Parked("destination.invalid_record".into())
            } else {
                Outcome::Synced
            })
        }
    }
}

/// Stands for an address in the ledger: imports name people by address, and the ledger keeps none.
pub(crate) fn address_mark(address: &str) -> String {
    let digest = Sha256::digest(address.trim().to_lowercase().as_bytes());
    hex::encode(&digest[..12])
}
