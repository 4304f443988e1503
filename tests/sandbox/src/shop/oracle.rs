//! What each order ought to become, worked out from how it was drawn and not from its JSON.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::people::{Person, Reach};
use super::sale::{Outcome, Sale};
use crate::clock;

/// The facts of an order that decide its fate.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) place: usize,
    pub(crate) currency: &'static str,
    pub(crate) return_only: bool,
    /// Paid, or nothing to pay and completed.
    pub(crate) settled: bool,
    pub(crate) customer: Option<String>,
    pub(crate) total: i64,
    pub(crate) refunded: i64,
    pub(crate) date: i64,
    pub(crate) created: i64,
    /// The payment a refund would go to, when there is only one.
    pub(crate) payment: Option<String>,
}

/// What the product should make of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) reason: Option<&'static str>,
    pub(crate) amount: i64,
    pub(crate) status: &'static str,
    pub(crate) email: Option<String>,
}

impl Facts {
    pub(crate) fn of(sale: &Sale) -> Self {
        let first =
            sale.payments.iter().filter(|p| p.status == "COMPLETED").min_by_key(|p| (p.at, p.id.clone()));
        let date = first.map(|p| p.offline.unwrap_or(p.at)).or(sale.closed()).unwrap_or(sale.created);
        let single = sale.paid() && sale.payments.len() == 1;
        Self {
            id: sale.id.clone(),
            place: sale.place,
            currency: sale.currency,
            return_only: false,
            settled: sale.paid() || (sale.outcome == Outcome::Free && sale.total() == 0),
            customer: sale.customer.clone(),
            total: sale.total(),
            refunded: 0,
            date,
            created: sale.created,
            payment: sale.payments.first().filter(|_| single).map(|p| p.id.clone()),
        }
    }

    /// Reasons in the order they are looked at: the first that holds is the one that is told.
    pub(crate) fn verdict(&self, people: &HashMap<String, Person>) -> Verdict {
        let person = self.customer.as_ref().map(|id| people.get(id));
        let reason = match (self.return_only, self.settled, person) {
            (true, ..) => Some("return_only"),
            (_, false, _) => Some("not_paid"),
            (.., None) => Some("no_customer"),
            (.., Some(None)) => Some("customer_gone"),
            (.., Some(Some(person))) => match person.reach {
                Reach::NoEmail | Reach::Hidden => Some("no_email"),
                Reach::BadEmail => Some("bad_email"),
                Reach::Good => None,
            },
        };
        let whole = self.refunded > 0 && self.refunded >= self.total;
        Verdict {
            reason,
            amount: (self.total - self.refunded).max(0),
            status: if whole { "REFUNDED" } else { "COMPLETED" },
            email: person.flatten().and_then(|p| p.email.clone()),
        }
    }

    pub(crate) fn json(&self, place: &str, people: &HashMap<String, Person>) -> Value {
        let verdict = self.verdict(people);
        json!({
            "id": self.id, "location": place, "eligible": verdict.reason.is_none(), "reason": verdict.reason,
            "amount_minor": verdict.amount, "currency": self.currency, "date": clock::rfc3339(self.date),
            "date_ms": self.date, "status": verdict.status, "email": verdict.email, "customer": self.customer,
        })
    }
}

/// The sums of a location.
#[derive(Debug, Default)]
struct Sum {
    orders: u64,
    eligible: u64,
    skipped: BTreeMap<&'static str, u64>,
    minor: i64,
    young: u64,
    refunded: u64,
    fresh_without_customer: u64,
}

pub(crate) fn summary(facts: &[Facts], place: usize, people: &HashMap<String, Person>, now: i64) -> Value {
    let mut sum = Sum::default();
    for fact in facts.iter().filter(|f| f.place == place) {
        sum.orders += 1;
        let verdict = fact.verdict(people);
        if let Some(reason) = verdict.reason {
            *sum.skipped.entry(reason).or_default() += 1;
            // Younger than two days: such a sale may still get its customer.
            if reason == "no_customer" && now - fact.date < 48 * clock::HOUR {
                sum.fresh_without_customer += 1;
            }
            continue;
        }
        sum.eligible += 1;
        sum.minor += verdict.amount;
        sum.young += u64::from(now - fact.date <= clock::DAY);
        sum.refunded += u64::from(verdict.status == "REFUNDED");
    }
    json!({
        "orders": sum.orders, "eligible": sum.eligible, "skipped": sum.skipped, "money_minor": sum.minor,
        "younger_than_24h": sum.young, "refunded_in_full": sum.refunded,
        "no_customer_younger_than_48h": sum.fresh_without_customer,
    })
}

/// The sums of the customers, over the whole shop.
pub(crate) fn customers(facts: &[Facts], people: &HashMap<String, Person>) -> Value {
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
    json!({
        "total": people.len(), "hidden": count(Reach::Hidden), "no_email": count(Reach::NoEmail),
        "bad_email": count(Reach::BadEmail), "with_eligible_orders": buyers.len(),
        "emails_with_eligible_orders": carried.len(), "without_orders_importable": rest.len(),
        "emails_without_orders_importable": distinct.len(),
    })
}
