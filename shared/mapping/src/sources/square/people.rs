//! Customers: read in bulk for a page of orders, and as a stream of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use crate::model::{Customer, Email, Observed, Personal, Reading, SkipReason};
use crate::source::{Field, Merged, Next, Page, PageToken, SourceError, Window};

use super::api::{Api, CUSTOMERS_RETRIEVE, CUSTOMERS_SEARCH, RECORDS_A_CALL, decode};
use super::flaw::{Flaw, parse, remains};
use super::memory::{Crowd, MOST_PEOPLE, Memory};
use super::pages::{cursor_of, end_of};
use super::{ask, errors, wire};

/// What came for each id.
type Entries<'a> = BTreeMap<wire::Text<'a>, wire::PersonEntry<'a>>;

/// A customer id, looked up.
#[derive(Clone)]
pub(crate) enum Profile {
    Found(Arc<Facts>),
    /// Deleted, or merged into another profile (square.md section 5.3).
    Gone,
    /// It came, and could not be read.
    Unreadable(Flaw),
}

/// What is used of a customer.
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) email: Result<Email, SkipReason>,
    pub(crate) first_name: Option<Personal>,
    pub(crate) last_name: Option<Personal>,
    pub(crate) phone: Option<Personal>,
    pub(crate) company: Option<Personal>,
    /// `false` at Square is no consent, so it says nothing (square.md section 5.5).
    pub(crate) accepts_marketing: Option<bool>,
    pub(crate) updated: Option<Timestamp>,
}

impl Facts {
    fn of(person: &wire::Person<'_>) -> Self {
        let unsubscribed = person.preferences.as_ref().and_then(|wishes| wishes.email_unsubscribed);
        Self {
            id: person.id.to_string(),
            email: address(&person.email_address),
            first_name: personal(&person.given_name),
            last_name: personal(&person.family_name),
            phone: personal(&person.phone_number),
            company: personal(&person.company_name),
            accepts_marketing: (unsubscribed == Some(true)).then_some(false),
            updated: person.updated_at.or(person.created_at),
        }
    }
}

/// An address, or the rule that leaves out a record without one.
pub(crate) fn address(text: &Option<wire::Text<'_>>) -> Result<Email, SkipReason> {
    let text = wire::filled(text).ok_or(SkipReason::NoEmail)?;
    Email::parse(text).map_err(|_| SkipReason::BadEmail)
}

/// A name or number, where there is one.
pub(crate) fn personal(text: &Option<wire::Text<'_>>) -> Option<Personal> {
    text.as_deref().and_then(Personal::new)
}

/// Looks up those who are not known yet, 100 a call.
pub(crate) async fn look_up(
    api: &Api<'_>,
    wanted: &BTreeSet<&str>,
    memory: &mut Memory,
) -> Result<(), SourceError> {
    if memory.people.len().saturating_add(wanted.len()) > MOST_PEOPLE {
        memory.people.clear();
    }
    let mut unknown: Vec<&str> =
        wanted.iter().copied().filter(|id| !memory.people.contains_key(*id)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    unknown.sort_unstable();
    let Some(beside) = memory.beside.clone() else {
        for ids in unknown.chunks(RECORDS_A_CALL) {
            ask_for(api, ids, &mut memory.people).await?;
        }
        return Ok(());
    };
    // Others wait here: they ask only for those whom nobody has asked for.
    let mut turn = beside.shared.turn().await;
    let mut crowd = turn.held.take().and_then(|held| held.downcast::<Crowd>().ok()).unwrap_or_default();
    if crowd.0.len().saturating_add(unknown.len()) > MOST_PEOPLE {
        crowd.0.clear();
    }
    unknown.retain(|id| match crowd.0.get(*id) {
        Some((asked, profile)) if *asked > beside.since => {
            memory.people.insert((*id).to_owned(), profile.clone());
            false
        }
        _ => true,
    });
    let mut outcome = Ok(());
    for ids in unknown.chunks(RECORDS_A_CALL) {
        let asked = beside.shared.ask();
        outcome = ask_for(api, ids, &mut memory.people).await;
        if outcome.is_err() {
            break;
        }
        let told = |id: &&str| Some(((*id).to_owned(), (asked, memory.people.get(*id)?.clone())));
        crowd.0.extend(ids.iter().filter_map(told));
    }
    turn.held = Some(crowd);
    outcome
}

/// Puts those whom merged profiles became in their places.
pub(crate) async fn follow(
    api: &Api<'_>,
    wanted: &BTreeSet<&str>,
    merged: &Merged,
    memory: &mut Memory,
) -> Result<(), SourceError> {
    let is_gone = |id: &&&str| matches!(memory.people.get(**id), Some(Profile::Gone));
    let gone: BTreeSet<String> = wanted.iter().filter(is_gone).map(|id| (*id).to_owned()).collect();
    let links = merged.of(&gone).await?;
    if links.is_empty() {
        return Ok(());
    }
    // All of the page: where too many are remembered they are forgotten together.
    let all: BTreeSet<&str> = wanted.iter().copied().chain(links.values().map(String::as_str)).collect();
    look_up(api, &all, memory).await?;
    for (old, new) in &links {
        if let Some(profile) = memory.people.get(new).cloned() {
            memory.people.insert(old.clone(), profile);
        }
    }
    Ok(())
}

async fn ask_for(
    api: &Api<'_>,
    ids: &[&str],
    people: &mut BTreeMap<String, Profile>,
) -> Result<(), SourceError> {
    let question = json!({"customer_ids": ids});
    let body = api.post(CUSTOMERS_RETRIEVE, "/v2/customers/bulk-retrieve", &question).await?;
    take_in(&body, ids, people)
}

fn take_in(body: &[u8], ids: &[&str], people: &mut BTreeMap<String, Profile>) -> Result<(), SourceError> {
    let mut entries = entries(body)?;
    for id in ids {
        let profile = match entries.remove(*id) {
            Some(entry) => profile(&entry)?,
            None => Profile::Gone,
        };
        people.insert((*id).to_owned(), profile);
    }
    Ok(())
}

/// The entries of an answer. Each id is answered with one (square.md section 5.2): an answer without any says
/// nothing about anybody.
fn entries(body: &[u8]) -> Result<Entries<'_>, SourceError> {
    let answer: wire::BulkPeople<'_> = decode(CUSTOMERS_RETRIEVE, body)?;
    let lost = || errors::unreadable(CUSTOMERS_RETRIEVE.operation, "no entries");
    answer.responses.ok_or_else(lost)
}

fn profile(entry: &wire::PersonEntry<'_>) -> Result<Profile, SourceError> {
    if let Some(raw) = entry.customer {
        return Ok(match parse::<wire::Person<'_>>(raw.get()) {
            Ok(person) => Profile::Found(Arc::new(Facts::of(&person))),
            Err(flaw) => Profile::Unreadable(flaw.within("customer")),
        });
    }
    match entry.errors.first().and_then(|error| wire::filled(&error.code)) {
        // Anything but "there is none" says nothing about the person: taking it for a deletion would lose the sale.
        Some(word) if !word.ends_with("NOT_FOUND") => {
            let detail = format!("{}: an entry could not be served", CUSTOMERS_RETRIEVE.operation);
            Err(errors::error(Next::Retry, errors::UNAVAILABLE, detail))
        }
        _ => Ok(Profile::Gone),
    }
}

/// Reads one page of the store's customers.
pub(crate) async fn read(
    api: &Api<'_>,
    window: Window,
    token: Option<PageToken>,
) -> Result<Page<Customer>, SourceError> {
    let cursor = match token {
        Some(token) => Some(*token.0.downcast::<String>().map_err(|_| end_of("customers"))?),
        None => None,
    };
    let question = ask::customers_in(window, cursor.as_deref());
    let body = api.post(CUSTOMERS_SEARCH, "/v2/customers/search", &question).await?;
    let answer: wire::PersonsAnswer<'_> = decode(CUSTOMERS_SEARCH, &body)?;
    let mut records: Vec<Observed<Customer>> = Vec::with_capacity(answer.customers.len());
    let mut last = window.from;
    for raw in answer.customers.iter() {
        let seen = observe(raw.get(), window.field, last);
        last = last.max(seen.at);
        records.push(seen);
    }
    let next = cursor_of(&answer.cursor).map(|cursor| PageToken(Box::new(cursor)));
    Ok(Page { records, products: Vec::new(), next })
}

/// Reads customers by id, as they are now; those that are gone are left out.
pub(crate) async fn fetch(api: &Api<'_>, ids: &[String]) -> Result<Vec<Observed<Customer>>, SourceError> {
    let mut records = Vec::with_capacity(ids.len());
    for ids in ids.chunks(RECORDS_A_CALL) {
        let question = json!({"customer_ids": ids});
        let body = api.post(CUSTOMERS_RETRIEVE, "/v2/customers/bulk-retrieve", &question).await?;
        let mut entries = entries(&body)?;
        for id in ids {
            let Some(entry) = entries.remove(id.as_str()) else { continue };
            // An entry that could not be served is an error, not an absence.
            profile(&entry)?;
            if let Some(raw) = entry.customer {
                records.push(observe(raw.get(), Field::Updated, Timestamp::UNIX_EPOCH));
            }
        }
    }
    Ok(records)
}

/// How many profiles searches show (square.md section 5.2: `count`).
pub(crate) async fn count(api: &Api<'_>) -> Result<u64, SourceError> {
    let body =
        api.post(CUSTOMERS_SEARCH, "/v2/customers/search", &json!({"limit": 1, "count": true})).await?;
    let answer: wire::PersonsCount = decode(CUSTOMERS_SEARCH, &body)?;
    // Nobody is answered with nothing at all.
    Ok(answer.count.unwrap_or(0))
}

/// What one customer comes to. `last` stands in for a time that is missing.
fn observe(raw: &str, field: Field, last: Timestamp) -> Observed<Customer> {
    let person: wire::Person<'_> = match parse(raw) {
        Ok(person) => person,
        Err(flaw) => return unreadable(raw, field, last, flaw),
    };
    let updated = person.updated_at.or(person.created_at).unwrap_or(last);
    let created = person.created_at.unwrap_or(updated);
    Observed {
        id: person.id.to_string(),
        version: updated,
        at: match field {
            Field::Created => created,
            Field::Updated => updated,
        },
        created,
        reading: reading(Facts::of(&person), updated),
    }
}

fn reading(facts: Facts, modified: Timestamp) -> Reading<Customer> {
    match facts.email {
        Err(reason) => Reading::Skipped { reason, late: None },
        Ok(email) => Reading::Ready(Arc::new(Customer {
            id: facts.id,
            email,
            first_name: facts.first_name,
            last_name: facts.last_name,
            phone: facts.phone,
            company: facts.company,
            accepts_marketing: facts.accepts_marketing,
            modified,
        })),
    }
}

/// A record of which only the name and the times are known.
pub(crate) fn unreadable<T>(raw: &str, field: Field, last: Timestamp, flaw: Flaw) -> Observed<T> {
    let left = remains(raw);
    let at = match field {
        Field::Created => left.created,
        Field::Updated => left.updated,
    };
    Observed {
        id: left.id,
        version: left.updated.or(left.created).unwrap_or(last),
        at: at.unwrap_or(last),
        created: left.created.or(left.updated).unwrap_or(last),
        reading: Reading::Unreadable { code: errors::UNREADABLE, place: flaw.place() },
    }
}
