//! The store, answering as the platform documents: newest state by id at once, searches by what its index shows, which
//! may be behind; small pages; a cursor that is bound to its query and dies after five minutes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tillsync_mapping::http::{Method, Request};

use crate::executor::later;
use crate::tokens::Tokens;

/// How long a cursor lives (square.md, section on paging).
const CURSOR_LIVES: SignedDuration = SignedDuration::from_mins(5);
/// What every sale comes to before anything is given back, in minor units: amounts differ by order.
pub const BASE: i64 = 1_250;

/// What a sale is at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// Its id.
    pub id: String,
    /// Whose, if anybody's.
    pub person: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When the order changed last.
    pub updated: Timestamp,
    /// When its payment changed last.
    pub paid_updated: Timestamp,
    /// Minor units sold for.
    pub total: i64,
    /// Minor units given back.
    pub refunded: i64,
    /// Whether it is paid.
    pub paid: bool,
    /// Whether its customer came later.
    pub attached: bool,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: String,
    /// Its address, if it has one.
    pub email: Option<String>,
    /// Whether it takes no e-mails.
    pub out: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it changed last.
    pub updated: Timestamp,
}

/// Something of which the newest state is known at once, and what an index shows later.
#[derive(Clone, Debug)]
struct Entry<T> {
    now: T,
    /// States the index has not shown yet, with the time it will.
    coming: Vec<(Timestamp, T)>,
    /// What it shows.
    shown: Option<T>,
}

/// A store.
#[derive(Debug, Default)]
pub struct Shop {
    sales: BTreeMap<String, Entry<Sale>>,
    people: BTreeMap<String, Entry<Person>>,
    /// The most records of a page.
    pub page: usize,
    /// The token is refused.
    pub revoked: bool,
    /// Where the store was signed in to: its tokens.
    pub tokens: Option<Tokens>,
}

impl Shop {
    /// Changes a sale, or makes one; its index shows it after `lag`.
    pub fn sell(&mut self, sale: Sale, shown: Timestamp) {
        set(&mut self.sales, sale.id.clone(), sale, shown);
    }

    /// The same for a person.
    pub fn meet(&mut self, person: Person, shown: Timestamp) {
        set(&mut self.people, person.id.clone(), person, shown);
    }

    /// The newest state of a sale.
    #[must_use]
    pub fn sale(&self, id: &str) -> Option<&Sale> {
        self.sales.get(id).map(|entry| &entry.now)
    }

    /// The newest state of a person.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.get(id).map(|entry| &entry.now)
    }

    /// The newest state of every sale.
    pub fn sales(&self) -> impl Iterator<Item = &Sale> {
        self.sales.values().map(|entry| &entry.now)
    }

    /// The newest state of every person.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(|entry| &entry.now)
    }

    /// Answers a request.
    #[must_use]
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> (u16, String) {
        if self.revoked {
            return (
                401,
                r#"{"errors":[{"category":"AUTHENTICATION_ERROR","code":"ACCESS_TOKEN_REVOKED"}]}"#.into(),
            );
        }
        if let Some(code) = self.tokens.as_ref().and_then(|tokens| tokens.refuses(request, now)) {
            return (401, format!(r#"{{"errors":[{{"category":"AUTHENTICATION_ERROR","code":"{code}"}}]}}"#));
        }
        show(&mut self.sales, now);
        show(&mut self.people, now);
        let query = Query::of(request);
        match request.operation {
            "orders.search" => self.search_sales(&query, now),
            "orders.batch_retrieve" => {
                let found = query.list("order_ids").into_iter().filter_map(|id| self.sale(&id)).map(order);
                (200, listed("orders", found))
            }
            "payments.list" => {
                let (made, changed) = query.payment_ranges();
                let fits = |sale: &Sale| made.contains(&sale.created) && changed.contains(&sale.paid_updated);
                let shown = self.sales.values().filter_map(|entry| entry.shown.as_ref());
                let mut found: Vec<&Sale> = shown.filter(|sale| sale.paid && fits(sale)).collect();
                found.sort_by_key(|sale| (sale.created, sale.id.clone()));
                (200, listed("payments", found.into_iter().map(payment)))
            }
            "payments.get" => {
                let id = request.url.rsplit("/T-").next().unwrap_or_default();
                match self.sale(id).filter(|sale| sale.paid) {
                    Some(sale) => (200, format!(r#"{{"payment":{}}}"#, payment(sale))),
                    None => (404, r#"{"errors":[{"code":"NOT_FOUND"}]}"#.into()),
                }
            }
            "refunds.list" => (200, r#"{"refunds":[]}"#.into()),
            "customers.search" if query.has("count") => {
                (200, format!(r#"{{"count":{}}}"#, self.people.len()))
            }
            "customers.search" => self.search_people(&query, now),
            "customers.bulk_retrieve" => (200, self.retrieve_people(&query.list("customer_ids"))),
            "catalog.batch_retrieve" => (200, r#"{"objects":[],"related_objects":[]}"#.into()),
            "catalog.info" => (200, "{}".into()),
            "token.status" => (200, r#"{"merchant_id":"M1"}"#.into()),
            "locations.list" => (
                200,
                r#"{"locations":[{"id":"L1","name":"Rue Haute","currency":"EUR","status":"ACTIVE"}]}"#.into(),
            ),
            // What is not there answers as the platform does.
            _ => (404, r#"{"errors":[{"code":"NOT_FOUND"}]}"#.into()),
        }
    }

    /// Answers what the store is told: renewals, and that an authorisation is given back.
    #[must_use]
    pub fn told(&mut self, request: &Request, now: Timestamp) -> (u16, String) {
        match &mut self.tokens {
            Some(tokens) if request.operation == "token.refresh" => tokens.renew(request, now, self.revoked),
            Some(tokens) if request.operation == "token.revoke" => tokens.take_back(request),
            _ => (404, r#"{"errors":[{"code":"NOT_FOUND"}]}"#.into()),
        }
    }

    fn search_sales(&self, query: &Query, now: Timestamp) -> (u16, String) {
        let (field, from, to) = query.range();
        let at = |sale: &Sale| if field == "created_at" { sale.created } else { sale.updated };
        let shown = self.sales.values().filter_map(|entry| entry.shown.as_ref());
        let found = shown.filter(|sale| at(sale) >= from && at(sale) <= to);
        let mut found: Vec<_> = found.map(|sale| (at(sale), sale.id.as_str(), sale)).collect();
        found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        let entries = query.is("return_entries");
        let name = if entries { "order_entries" } else { "orders" };
        self.page_of(query, now, name, found.into_iter().map(|(at, id, sale)| (at, id, order(sale))))
    }

    fn search_people(&self, query: &Query, now: Timestamp) -> (u16, String) {
        let (field, from, to) = query.range();
        let at = |one: &Person| if field == "created_at" { one.created } else { one.updated };
        let shown = self.people.values().filter_map(|entry| entry.shown.as_ref());
        let found = shown.filter(|one| at(one) >= from && at(one) <= to);
        // By creation, whatever it is filtered by: the platform cannot sort by the time of a change.
        let mut found: Vec<_> = found.map(|one| (one.created, one.id.as_str(), one)).collect();
        found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        self.page_of(query, now, "customers", found.into_iter().map(|(at, id, one)| (at, id, person(one))))
    }

    /// A page after the place the cursor names. The cursor is that place, the query it is for, and when it dies.
    fn page_of<'a>(
        &self,
        query: &Query,
        now: Timestamp,
        name: &str,
        found: impl Iterator<Item = (Timestamp, &'a str, String)>,
    ) -> (u16, String) {
        let after = match query.cursor.as_deref().map(|cursor| Place::parse(cursor, query.digest, now)) {
            None => None,
            Some(Some(place)) => Some(place),
            Some(None) => return (400, r#"{"errors":[{"code":"INVALID_CURSOR","field":"cursor"}]}"#.into()),
        };
        let mut found = found.filter(|(at, id, _)| {
            after.as_ref().is_none_or(|place| (*at, *id) > (place.at, place.id.as_str()))
        });
        let limit = query.limit.min(self.page).max(1);
        let page: Vec<_> = found.by_ref().take(limit).collect();
        let mut body = listed(name, page.iter().map(|(_, _, text)| text.clone()));
        if let (Some((at, id, _)), true) = (page.last(), found.next().is_some()) {
            let dies = later(now, CURSOR_LIVES);
            body.pop();
            let _ = write!(body, r#","cursor":"{}|{at}|{id}|{dies}"}}"#, query.digest);
        }
        (200, body)
    }

    fn retrieve_people(&self, ids: &[String]) -> String {
        let mut body = String::from(r#"{"responses":{"#);
        for (n, id) in ids.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            let entry = match self.person(id) {
                Some(one) => format!(r#"{{"customer":{}}}"#, person(one)),
                None => r#"{"errors":[{"code":"NOT_FOUND"}]}"#.to_owned(),
            };
            let _ = write!(body, r#"{comma}"{id}":{entry}"#);
        }
        body.push_str("}}");
        body
    }
}

struct Place {
    at: Timestamp,
    id: String,
}

impl Place {
    fn parse(cursor: &str, digest: u64, now: Timestamp) -> Option<Self> {
        let mut parts = cursor.split('|');
        let same = parts.next()?.parse::<u64>().ok()? == digest;
        let (at, id) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
        let dies: Timestamp = parts.next()?.parse().ok()?;
        (same && now < dies).then_some(Self { at, id })
    }
}

fn set<T: Clone>(all: &mut BTreeMap<String, Entry<T>>, id: String, value: T, shown: Timestamp) {
    let entry =
        all.entry(id).or_insert_with(|| Entry { now: value.clone(), coming: Vec::new(), shown: None });
    entry.now = value.clone();
    entry.coming.push((shown, value));
}

/// Moves what the index shows on. What is shown late never hides what was shown of a later change.
fn show<T: Clone>(all: &mut BTreeMap<String, Entry<T>>, now: Timestamp) {
    for entry in all.values_mut() {
        if let Some(place) = entry.coming.iter().rposition(|(at, _)| *at <= now) {
            entry.shown = entry.coming.drain(..=place).next_back().map(|(_, value)| value);
        }
    }
}

fn listed(name: &str, all: impl Iterator<Item = String>) -> String {
    let mut body = format!(r#"{{"{name}":["#);
    for (n, one) in all.enumerate() {
        if n > 0 {
            body.push(',');
        }
        body.push_str(&one);
    }
    body.push_str("]}");
    body
}

fn order(sale: &Sale) -> String {
    let Sale { id, created, updated, total, paid, .. } = sale;
    let whose = sale.person.as_ref().map_or(String::new(), |person| format!(r#""customer_id":"{person}","#));
    let (state, due) = if *paid { ("COMPLETED", 0) } else { ("OPEN", *total) };
    let money = format!(r#"{{"amount":{total},"currency":"EUR"}}"#);
    let tenders = if *paid {
        format!(
            r#""closed_at":"{created}","tenders":[{{"id":"T-{id}","payment_id":"T-{id}","location_id":"L1","type":"CARD","amount_money":{money},"created_at":"{created}"}}],"#
        )
    } else {
        String::new()
    };
    format!(
        r#"{{"id":"{id}","location_id":"L1","state":"{state}",{whose}{tenders}"created_at":"{created}","updated_at":"{updated}","line_items":[{{"uid":"1","name":"Beans","quantity":"1","item_type":"CUSTOM_AMOUNT","base_price_money":{money},"gross_sales_money":{money},"total_money":{money}}}],"total_money":{money},"net_amount_due_money":{{"amount":{due},"currency":"EUR"}}}}"#
    )
}

fn payment(sale: &Sale) -> String {
    let Sale { id, created, paid_updated, total, refunded, .. } = sale;
    let whose = sale.person.as_ref().map_or(String::new(), |person| format!(r#""customer_id":"{person}","#));
    let back = if *refunded > 0 {
        format!(r#""refunded_money":{{"amount":{refunded},"currency":"EUR"}},"#)
    } else {
        String::new()
    };
    format!(
        r#"{{"id":"T-{id}","order_id":"{id}","location_id":"L1",{whose}{back}"status":"COMPLETED","created_at":"{created}","updated_at":"{paid_updated}","total_money":{{"amount":{total},"currency":"EUR"}}}}"#
    )
}

fn person(person: &Person) -> String {
    let Person { id, created, updated, out, .. } = person;
    let email = person.email.as_ref().map_or(String::new(), |email| format!(r#""email_address":"{email}","#));
    format!(
        r#"{{"id":"{id}","given_name":"Ann",{email}"preferences":{{"email_unsubscribed":{out}}},"created_at":"{created}","updated_at":"{updated}"}}"#
    )
}

/// A request's question, without its cursor.
struct Query {
    fields: Value,
    cursor: Option<String>,
    limit: usize,
    digest: u64,
}

impl Query {
    fn of(request: &Request) -> Self {
        let mut fields = if request.method == Method::Post {
            serde_json::from_slice(&request.body).unwrap_or(Value::Null)
        } else {
            let pairs = url::Url::parse(&request.url).map(|url| {
                url.query_pairs()
                    .map(|(key, value)| (key.into_owned(), Value::from(value.into_owned())))
                    .collect()
            });
            Value::Object(pairs.unwrap_or_default())
        };
        let cursor = fields.as_object_mut().and_then(|fields| fields.remove("cursor"));
        let digest = fields
            .to_string()
            .bytes()
            .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let limit = fields["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100);
        let cursor = cursor.and_then(|cursor| cursor.as_str().map(str::to_owned));
        Self { fields, cursor, limit, digest }
    }

    fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some()
    }

    fn is(&self, name: &str) -> bool {
        self.fields[name] == Value::Bool(true)
    }

    fn list(&self, name: &str) -> Vec<String> {
        let list = self.fields[name].as_array();
        list.into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
    }

    /// The time asked for: its field and its two ends, both included.
    fn range(&self) -> (String, Timestamp, Timestamp) {
        let filter = &self.fields["query"]["filter"];
        let filter = filter.get("date_time_filter").unwrap_or(filter).as_object();
        let mut named = filter.into_iter().flatten();
        match named.next() {
            Some((field, range)) => (field.clone(), bound(&range["start_at"]), end(&range["end_at"])),
            None => ("created_at".to_owned(), Timestamp::MIN, Timestamp::MAX),
        }
    }

    /// When payments were made, and when they changed.
    fn payment_ranges(&self) -> (RangeInclusive<Timestamp>, RangeInclusive<Timestamp>) {
        let range = |from: &str, to: &str| bound(&self.fields[from])..=end(&self.fields[to]);
        (range("begin_time", "end_time"), range("updated_at_begin_time", "updated_at_end_time"))
    }
}

fn bound(text: &Value) -> Timestamp {
    text.as_str().and_then(|text| text.parse().ok()).unwrap_or(Timestamp::MIN)
}

fn end(text: &Value) -> Timestamp {
    text.as_str().and_then(|text| text.parse().ok()).unwrap_or(Timestamp::MAX)
}
