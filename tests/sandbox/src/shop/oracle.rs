//! What each order ought to become, worked out from how it was drawn and not from its JSON.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::line::Shown;
use super::people::{Person, Reach};
use super::sale::{Outcome, Sale, Way};
use crate::clock;

/// A completed payment, and what of it has gone back.
#[derive(Debug, Clone)]
pub(crate) struct Paid {
    pub(crate) id: String,
    pub(crate) total: i64,
    pub(crate) refunded: i64,
}

/// The facts of an order that decide its fate.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) place: usize,
    pub(crate) currency: &'static str,
    pub(crate) return_only: bool,
    /// Paid, or nothing to pay and completed.
    pub(crate) settled: bool,
    pub(crate) cancelled: bool,
    /// Spoiled on purpose: no client can read it.
    pub(crate) broken: bool,
    pub(crate) customer: Option<String>,
    /// The address it went to the destination with, once its customer's profile has gone.
    pub(crate) held: Option<String>,
    /// What was sold, less what the order itself took back.
    pub(crate) total: i64,
    pub(crate) payments: Vec<Paid>,
    /// The instant it was paid.
    pub(crate) date: i64,
    pub(crate) created: i64,
    /// The last of its payments reached Square.
    pub(crate) arrived: i64,
    pub(crate) lines: Vec<Shown>,
    pub(crate) shipping: Option<i64>,
    pub(crate) method: Option<&'static str>,
    pub(crate) kinds: Vec<&'static str>,
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
        let completed: Vec<_> = sale.payments.iter().filter(|p| p.status == "COMPLETED").collect();
        let first = completed.iter().min_by_key(|p| (p.at, p.id.clone()));
        let date = first.map(|p| p.offline.unwrap_or(p.at)).or(sale.closed()).unwrap_or(sale.created);
        let paid = |p: &&super::tender::Payment| Paid { id: p.id.clone(), total: p.total, refunded: 0 };
        let shipping = sale.charges.iter().filter(|c| c.shipping).map(|c| c.amount);
        Self {
            id: sale.id.clone(),
            place: sale.place,
            currency: sale.currency,
            return_only: false,
            settled: sale.paid() || (sale.outcome == Outcome::Free && sale.total() == 0),
            cancelled: false,
            broken: false,
            customer: sale.customer.clone(),
            held: None,
            total: sale.net(),
            payments: completed.iter().map(paid).collect(),
            date,
            created: sale.created,
            arrived: completed.iter().map(|p| p.at).max().unwrap_or(sale.created),
            lines: sale.lines.iter().map(super::line::Line::shown).collect(),
            shipping: sale.charges.iter().any(|c| c.shipping).then(|| shipping.sum()),
            method: match sale.way {
                Way::Shipment(service) => Some(service.unwrap_or("SHIPMENT")),
                Way::Delivery => Some("DELIVERY"),
                _ => None,
            },
            kinds: sale.kinds(),
        }
    }

    pub(crate) fn refunded(&self) -> i64 {
        self.payments.iter().map(|p| p.refunded).sum()
    }

    pub(crate) fn mark(&mut self, kind: &'static str) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// Reasons in the order they are looked at: the first that holds is the one that is told.
    pub(crate) fn verdict(&self, people: &HashMap<String, Person>) -> Verdict {
        let person = self.customer.as_ref().map(|id| people.get(id));
        let reason = match (self.return_only, self.settled, person) {
            _ if self.broken => Some("unreadable"),
            (true, ..) => Some("return_only"),
            (_, false, _) => Some("not_paid"),
            (.., None) => Some("no_customer"),
            // It was sent while its customer was known, and stays.
            (.., Some(None)) if self.held.is_some() => None,
            (.., Some(None)) => Some("customer_gone"),
            (.., Some(Some(person))) => match person.reach {
                Reach::NoEmail | Reach::Hidden => Some("no_email"),
                Reach::BadEmail => Some("bad_email"),
                Reach::Good => None,
            },
        };
        let refunded = self.refunded();
        let status = match (self.cancelled, refunded > 0 && refunded >= self.total) {
            (true, _) => "CANCELLED",
            (false, true) => "REFUNDED",
            (false, false) => "COMPLETED",
        };
        Verdict {
            reason,
            amount: (self.total - refunded).max(0),
            status,
            email: person.flatten().and_then(|p| p.email.clone()).or_else(|| self.held.clone()),
        }
    }

    /// Sold less than two days ago, and nobody has written down to whom: it is still waited for.
    pub(crate) fn waits(&self, reason: Option<&str>, now: i64) -> bool {
        reason == Some("no_customer") && now - self.created < 48 * clock::HOUR
    }

    pub(crate) fn json(
        &self,
        place: &str,
        people: &HashMap<String, Person>,
        out: &HashSet<String>,
        now: i64,
    ) -> Value {
        let verdict = self.verdict(people);
        let lines: Vec<Value> = self.lines.iter().map(Shown::json).collect();
        let opted_out = verdict.email.as_ref().is_some_and(|email| out.contains(&email.to_lowercase()));
        json!({
            "id": self.id, "location": place, "eligible": verdict.reason.is_none(), "reason": verdict.reason,
            "amount_minor": verdict.amount, "currency": self.currency, "date": clock::rfc3339(self.date),
            "date_ms": self.date, "status": verdict.status, "email": verdict.email, "customer": self.customer,
            "late": self.waits(verdict.reason, now), "opted_out": opted_out, "kinds": self.kinds, "lines": lines,
            "shipping_minor": self.shipping, "shipping_method": self.method,
            "payments": self.payments.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(),
        })
    }
}
