//! The table of fields says what mapping does: each line moves what it names, and nothing is sent that no line names.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::wire::{run, window};
use super::{BEGINNING, Platform, Promise};
use crate::activecampaign;
use crate::http::Http;
use crate::model::Reading;
use crate::source::{CUSTOMER, Cache, Field, FieldLine};

pub(crate) const FIELDS: &[Promise] = &[
    ("each field of the table goes where it says", moves),
    ("nothing is sent that the table does not name", complete),
    ("ids come first, and customers are matched by one", ids_first),
    ("a table that lies is found out", lies),
];

/// Long enough for any date.
const AGES: i64 = 253_000_000_000;
/// What is put in place of a text.
const PROBE: &str = "PROBE-1";
/// Sent with every record, whatever it holds.
const FIXED: [&str; 4] = [
    "order.legacyConnectionId",
    "order.creationSource",
    "order.discounts[].type",
    "product.legacyConnectionId",
];

type Samples = Vec<(&'static str, Value)>;

/// What is sent for the samples; nothing where their order is not ready.
fn sent(platform: &dyn Platform, samples: &Samples) -> Option<Value> {
    let http: Arc<dyn Http> = platform.serve(samples);
    let (source, access, cache) = (platform.source(), platform.access(), Cache::default());
    let all = window(Field::Created, -BEGINNING, AGES - BEGINNING);
    let page = run(source.read_orders(&http, &access, all, None, &cache)).ok()?;
    let Reading::Ready(order) = &page.records.first()?.reading else { return None };
    let order = activecampaign::order(7, order, order.buyer.as_ref()?, true);
    let product = activecampaign::product(7, page.products.first()?);
    let people = run(source.read_customers(&http, &access, all, None)).ok()?;
    let Reading::Ready(customer) = &people.records.first()?.reading else { return None };
    let contact = activecampaign::contact(customer);
    Some(json!({"order": order, "product": product, "contact": {
        "email": contact.email, "first_name": contact.first_name, "last_name": contact.last_name,
        "phone": contact.phone, "customer_acct_name": contact.company}}))
}

/// The places a path names: `[]` is each entry.
fn places<'v>(value: &'v mut Value, path: &[&str]) -> Vec<&'v mut Value> {
    let Some((first, rest)) = path.split_first() else { return vec![value] };
    let (name, list) = first.strip_suffix("[]").map_or((*first, false), |name| (name, true));
    let Some(inner) = value.get_mut(name) else { return Vec::new() };
    if !list {
        return places(inner, rest);
    }
    inner.as_array_mut().into_iter().flatten().flat_map(|entry| places(entry, rest)).collect()
}

fn at(value: &Value, path: &str) -> Vec<Value> {
    let steps: Vec<&str> = path.split('.').collect();
    places(&mut value.clone(), &steps).into_iter().map(|found| found.clone()).collect()
}

fn of<'s>(samples: &'s mut Samples, path: &str) -> Vec<&'s mut Value> {
    let mut steps = path.split('.');
    let kind = steps.next().unwrap();
    let steps: Vec<&str> = steps.collect();
    samples
        .iter_mut()
        .filter(|(named, _)| *named == kind)
        .flat_map(|(_, value)| places(value, &steps))
        .collect()
}

fn without(samples: &mut Samples, path: &str) {
    let (way, last) = path.rsplit_once('.').unwrap();
    let steps: Vec<&str> = way.split('.').skip(1).collect();
    let kind = way.split('.').next().unwrap();
    for (_, value) in samples.iter_mut().filter(|(named, _)| *named == kind) {
        for holder in places(value, &steps) {
            holder.as_object_mut().unwrap().remove(last);
        }
    }
}

/// What may stand there instead.
fn others(platform: &dyn Platform, now: &Value) -> Vec<Value> {
    match now {
        Value::Bool(is) => vec![json!(!is)],
        Value::Number(number) => vec![json!(number.as_i64().unwrap() + 100)],
        _ => {
            let common =
                [PROBE, "probe@example.net", "2026-03-02T08:00:00Z", "2027-01-01T00:00:00Z", "4", "USD"];
            common.iter().chain(platform.words()).map(|word| json!(word)).collect()
        }
    }
}

/// The same text everywhere: what joins records has to go on joining them.
fn everywhere(value: &mut Value, before: &Value, after: &Value) {
    match value {
        Value::Array(entries) => entries.iter_mut().for_each(|entry| everywhere(entry, before, after)),
        Value::Object(members) => members.values_mut().for_each(|inner| everywhere(inner, before, after)),
        _ if value == before => *value = after.clone(),
        _ => {}
    }
}

/// Whether what a line names moves what it says it does.
fn holds(platform: &dyn Platform, line: &FieldLine) -> bool {
    let mut samples = platform.samples();
    line.after.iter().for_each(|path| without(&mut samples, path));
    let Some(before) = sent(platform, &samples) else { return false };
    let there: Vec<Value> = of(&mut samples, line.from).into_iter().map(|found| found.clone()).collect();
    let joins = line.from.ends_with(".id") || line.from.ends_with(".currency");
    (0..there.len()).any(|n| {
        others(platform, &there[n]).iter().any(|other| {
            let mut given = samples.clone();
            if joins {
                given.iter_mut().for_each(|(_, value)| everywhere(value, &there[n], other));
            } else {
                *of(&mut given, line.from).remove(n) = other.clone();
            }
            let Some(after) = sent(platform, &given) else { return false };
            let (was, is) = (at(&before, line.to), at(&after, line.to));
            was != is && (line.matches.is_none() || is.contains(other))
        })
    })
}

fn moves(platform: &dyn Platform) {
    let wrong: Vec<_> = platform.source().fields().iter().filter(|line| !holds(platform, line)).collect();
    assert!(wrong.is_empty(), "these go elsewhere, or nowhere: {wrong:#?}");
}

/// Every path of a value, as the table writes them.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                paths(inner, &[path, name].join(if path.is_empty() { "" } else { "." }), found);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| paths(entry, &format!("{path}[]"), found)),
        _ => drop(found.insert(path.to_owned())),
    }
}

fn complete(platform: &dyn Platform) {
    let mut all = BTreeSet::new();
    paths(&sent(platform, &platform.samples()).unwrap(), "", &mut all);
    let named: BTreeSet<&str> = platform.source().fields().iter().map(|line| line.to).collect();
    let left: Vec<_> =
        all.iter().filter(|path| !named.contains(path.as_str()) && !FIXED.contains(&path.as_str())).collect();
    assert!(left.is_empty(), "sent, and in no line: {left:?}");
}

fn ids_first(platform: &dyn Platform) {
    let all = platform.source().fields();
    let ids = all.iter().take_while(|line| line.matches.is_some()).count();
    assert!(all[ids..].iter().all(|line| line.matches.is_none()));
    assert_eq!(all[..ids].iter().filter(|line| line.to == CUSTOMER).count(), 1);
    let lines: BTreeSet<_> = all.iter().map(|line| (line.from, line.to)).collect();
    assert_eq!(lines.len(), all.len(), "a line twice");
}

/// The check itself: lines that are not so.
fn lies(platform: &dyn Platform) {
    let all = platform.source().fields();
    let number = all.iter().find(|line| line.to == "order.orderNumber").unwrap();
    let customer = all.iter().find(|line| line.to == CUSTOMER).unwrap();
    let lies = [
        FieldLine::new(number.from, customer.to),
        FieldLine::new(customer.from, number.to),
        FieldLine::new("order.nothing", number.to),
        FieldLine::new(number.from, "order.nothing"),
        FieldLine::id(customer.from, "order.storeOrderId", "another thing"),
    ];
    for lie in lies {
        assert!(!holds(platform, &lie), "{lie:?}");
    }
}
