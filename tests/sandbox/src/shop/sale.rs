//! One sale, drawn at random.

use super::catalogue::Product;
use super::line::{Discount, Line, Tax, portion, settle};
use super::place::Place;
use crate::clock;
use crate::rng::Rng;

/// Where the customer of a sale is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Nowhere,
    Order,
    Tender,
    Payment,
    Recipient,
}

/// How far a sale got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Paid,
    /// Paid, with a fulfillment still to come: the order stays open.
    PaidOpen,
    /// A discount took everything.
    Free,
    Open,
    Draft,
    Canceled,
    FailedPayment,
    CanceledPayment,
    Authorised,
}

#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) at: i64,
    /// With its part of the tip.
    pub(crate) total: i64,
    pub(crate) tip: i64,
    pub(crate) card: bool,
    pub(crate) status: &'static str,
    pub(crate) offline: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Sale {
    pub(crate) id: String,
    pub(crate) place: usize,
    pub(crate) currency: &'static str,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) outcome: Outcome,
    pub(crate) known: Known,
    pub(crate) customer: Option<String>,
    pub(crate) lines: Vec<Line>,
    pub(super) line_discount: Option<i64>,
    pub(super) order_discount: Option<Discount>,
    pub(crate) tax: Tax,
    pub(super) shipping: i64,
    pub(crate) tip: i64,
    pub(crate) payments: Vec<Payment>,
    pub(super) online: bool,
    pub(super) reference: Option<String>,
}

/// What is decided before a sale is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) place: usize,
    pub(crate) created: i64,
    /// No time of the sale is later than this.
    pub(crate) not_after: i64,
    pub(crate) outcome: Outcome,
    pub(crate) known: Known,
    pub(crate) customer: Option<String>,
}

impl Sale {
    pub(crate) fn draw(rng: &mut Rng, plan: Plan, places: &[Place], products: &[Product]) -> Self {
        let count = 1 + rng.index(5);
        let mut lines: Vec<Line> = (0..count).map(|number| Line::make(rng, number, products)).collect();
        let online =
            plan.known == Known::Recipient || plan.outcome == Outcome::PaidOpen || rng.per_mille(350);
        let tax = match rng.below(10) {
            0..2 => Tax::None,
            2..5 => Tax::Additive(10),
            _ => Tax::Inclusive(20),
        };
        let line_discount = rng.per_mille(120).then(|| [5, 10, 50][rng.index(3)]);
        if let Some(percent) = line_discount {
            lines[0].discount(percent);
        }
        let after: i64 = lines.iter().map(|l| l.gross - l.discount).sum();
        let order_discount = order_discount(rng, plan.outcome, after);
        settle(&mut lines, order_discount.as_ref().map_or(0, |d| d.applied), tax);
        let free = plan.outcome == Outcome::Free;
        let shipping = if online && !free && rng.per_mille(150) { 490 } else { 0 };
        let mut sale = Self {
            id: rng.id("", 27),
            place: plan.place,
            currency: places.get(plan.place).map_or("EUR", |p| p.currency),
            created: plan.created,
            updated: plan.created,
            outcome: plan.outcome,
            known: plan.known,
            customer: plan.customer,
            lines,
            line_discount,
            order_discount,
            tax,
            shipping,
            tip: 0,
            payments: Vec::new(),
            online,
            reference: None,
        };
        if online && rng.per_mille(300) {
            sale.reference = Some(format!("WEB-{}", rng.below(1_000_000)));
        }
        sale.pay(rng, plan.not_after);
        sale
    }

    fn pay(&mut self, rng: &mut Rng, not_after: i64) {
        let status = match self.outcome {
            Outcome::Paid | Outcome::PaidOpen => "COMPLETED",
            Outcome::FailedPayment => "FAILED",
            Outcome::CanceledPayment => "CANCELED",
            Outcome::Authorised => "APPROVED",
            _ => "",
        };
        let at = (self.created + rng.between(500, 90_000)).min(not_after);
        self.updated = (at + rng.between(300, 30_000)).min(not_after);
        if status.is_empty() || self.goods() == 0 {
            return;
        }
        let card = self.online || rng.per_mille(750);
        if card && status == "COMPLETED" && rng.per_mille(150) {
            self.tip = portion(self.goods(), 10, 100);
        }
        let due = self.goods() + self.tip;
        // A split tender: part in cash, the rest by card.
        let cash = if card && !self.online && self.tip == 0 && rng.per_mille(40) { due / 3 } else { 0 };
        let offline = rng.per_mille(6).then(|| at - rng.between(clock::HOUR, 20 * clock::HOUR));
        let mut add = |total: i64, card: bool, tip: i64, at: i64| {
            let id = rng.id("", 28);
            let offline = offline.filter(|_| card);
            self.payments.push(Payment { id, at, total, tip, card, status, offline });
        };
        if cash > 0 {
            add(cash, false, 0, at);
        }
        add(due - cash, card, self.tip, (at + if cash > 0 { 800 } else { 0 }).min(not_after));
    }

    /// Everything but the tip.
    fn goods(&self) -> i64 {
        self.lines.iter().map(|l| l.total(self.tax)).sum::<i64>() + self.shipping
    }

    pub(crate) fn total(&self) -> i64 {
        self.goods() + self.tip
    }

    pub(crate) fn paid(&self) -> bool {
        matches!(self.outcome, Outcome::Paid | Outcome::PaidOpen) && !self.payments.is_empty()
    }

    pub(crate) fn state(&self) -> &'static str {
        match self.outcome {
            Outcome::Paid | Outcome::Free => "COMPLETED",
            Outcome::Draft => "DRAFT",
            Outcome::Canceled => "CANCELED",
            _ => "OPEN",
        }
    }

    pub(crate) fn closed(&self) -> Option<i64> {
        matches!(self.state(), "COMPLETED" | "CANCELED").then_some(self.updated)
    }
}

fn order_discount(rng: &mut Rng, outcome: Outcome, after: i64) -> Option<Discount> {
    if outcome == Outcome::Free {
        return Some(Discount { name: "Offert", percentage: Some(100), applied: after });
    }
    if !rng.per_mille(140) {
        return None;
    }
    if rng.per_mille(500) {
        return Some(Discount {
            name: "BIENVENUE10",
            percentage: Some(10),
            applied: portion(after, 10, 100),
        });
    }
    Some(Discount { name: "Remise fidélité", percentage: None, applied: 200.min(after / 2) })
}
