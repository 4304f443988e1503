//! The oracle's sums: per location, per day, and of the customers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::oracle::Facts;
use super::people::{Person, Reach};
use crate::clock;

/// The sums of a location.
#[derive(Debug, Default)]
struct Sum {
    orders: u64,
    eligible: u64,
    skipped: BTreeMap<&'static str, u64>,
    minor: i64,
    young: u64,
    refunded: u64,
    /// Younger than two days and without a customer: such a sale may still get one.
    late: u64,
    unreadable: u64,
    days: BTreeMap<String, (u64, i64)>,
    emails: BTreeSet<String>,
}

pub(super) fn summary(
    facts: &[Facts],
    (place, zone): (usize, &str),
    people: &HashMap<String, Person>,
    now: i64,
) -> Value {
    let mut sum = Sum::default();
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    for fact in facts.iter().filter(|f| f.place == place) {
        sum.orders += 1;
        let verdict = fact.verdict(people);
        match verdict.reason {
            None => {}
            Some("unreadable") => sum.unreadable += 1,
            reason if fact.waits(reason, now) => sum.late += 1,
            Some(reason) => *sum.skipped.entry(reason).or_default() += 1,
        }
        if verdict.reason.is_some() {
            continue;
        }
        sum.eligible += 1;
        sum.minor += verdict.amount;
        sum.young += u64::from(now - fact.date <= clock::DAY);
        sum.refunded += u64::from(verdict.status == "REFUNDED");
        let day = sum.days.entry(day_of(fact.date, &zone)).or_default();
        *day = (day.0 + 1, day.1 + verdict.amount);
        sum.emails.extend(verdict.email.map(|email| email.to_lowercase()));
    }
    let days: BTreeMap<&String, Value> =
        sum.days.iter().map(|(day, (n, m))| (day, json!({"count": n, "minor": m}))).collect();
    json!({
        "orders": sum.orders, "eligible": sum.eligible, "skipped": sum.skipped, "money_minor": sum.minor,
        "younger_than_24h": sum.young, "refunded_in_full": sum.refunded, "late": sum.late,
        "no_customer_younger_than_48h": sum.late, "unreadable": sum.unreadable, "days": days,
        "emails": sum.emails.len(),
    })
}

/// The calendar day of an instant where the location is.
fn day_of(ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms).map(|t| t.to_zoned(zone.clone()).date().to_string()).unwrap_or_default()
}

/// Addresses of which at least one profile has opted out, in small letters: the whole address has.
pub(super) fn opted_out(people: &HashMap<String, Person>) -> HashSet<String> {
    let out = people.values().filter(|p| p.unsubscribed);
    out.filter_map(|p| p.email.as_ref()).map(|email| email.to_lowercase()).collect()
}

/// The sums of the customers, over the whole shop.
pub(super) fn customers(facts: &[Facts], people: &HashMap<String, Person>) -> Value {
    let mut buyers = BTreeSet::new();
    let mut carried = BTreeSet::new();
    for fact in facts {
        let verdict = fact.verdict(people);
        if let (None, Some(id), Some(email)) = (verdict.reason, &fact.customer, verdict.email) {
            buyers.insert(id.clone());
            carried.insert(email.to_lowercase());
        }
    }
    let count = |reach: Reach| people.values().filter(|p| p.reach == reach).count();
    let rest: Vec<String> = people
        .values()
        .filter(|p| p.reach == Reach::Good)
        .filter_map(|p| p.email.as_ref().map(|e| e.to_lowercase()))
        .filter(|email| !carried.contains(email))
        .collect();
    let distinct: BTreeSet<&String> = rest.iter().collect();
    let out = opted_out(people);
    let reachable = people.values().filter(|p| p.reach == Reach::Good).filter_map(|p| p.email.as_ref());
    let silent: BTreeSet<String> = reachable.map(|e| e.to_lowercase()).filter(|e| out.contains(e)).collect();
    json!({
        "total": people.len(), "hidden": count(Reach::Hidden), "no_email": count(Reach::NoEmail),
        "bad_email": count(Reach::BadEmail), "with_eligible_orders": buyers.len(),
        "emails_with_eligible_orders": carried.len(), "without_orders_importable": rest.len(),
        "emails_without_orders_importable": distinct.len(), "emails_opted_out": silent.len(),
    })
}
