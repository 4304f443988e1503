//! One sale, drawn at random.

use super::catalogue::Product;
use super::kind::{Foreign, Kind};
use super::line::{Discount, Line, Tax, portion, settle};
use super::place::Place;
use super::tender::Payment;
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

/// How the goods reach the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    None,
    Pickup,
    /// With the name of the service, where the shop gave it one.
    Shipment(Option<&'static str>),
    Delivery,
    /// A type nobody knows.
    Unknown,
}

/// A sum beside the goods.
#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) name: &'static str,
    pub(crate) amount: i64,
    pub(crate) shipping: bool,
    pub(crate) gratuity: bool,
}

/// What an exchange takes back: the sale it was part of, and its worth.
#[derive(Debug, Clone)]
pub(crate) struct Credit {
    pub(crate) source: String,
    pub(crate) worth: i64,
    /// Paid out, where more came back than was taken: the refund and the tender it goes to.
    pub(crate) refund: Option<(String, String)>,
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
    pub(crate) kind: Kind,
    pub(crate) lines: Vec<Line>,
    pub(super) line_discount: Option<i64>,
    pub(super) order_discount: Option<Discount>,
    pub(crate) tax: Tax,
    pub(super) charges: Vec<Charge>,
    pub(super) way: Way,
    /// What cash rounding adds.
    pub(super) rounding: i64,
    pub(crate) tip: i64,
    pub(crate) payments: Vec<Payment>,
    pub(super) online: bool,
    pub(super) reference: Option<String>,
    /// The recipient's address, which is no customer.
    pub(super) reached_at: Option<String>,
    pub(crate) credit: Option<Credit>,
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
    pub(crate) kind: Kind,
}

impl Sale {
    pub(crate) fn draw(rng: &mut Rng, plan: Plan, places: &[Place], products: &[Product]) -> Self {
        let place = places.get(plan.place);
        let kind = plan.kind;
        let mut sale = Self {
            id: rng.id("", 27),
            place: plan.place,
            currency: place.map_or("EUR", |p| p.currency),
            created: plan.created,
            updated: plan.created,
            outcome: plan.outcome,
            known: plan.known,
            customer: plan.customer,
            kind,
            lines: goods(rng, kind, products),
            line_discount: None,
            order_discount: None,
            tax: tax(rng, kind),
            charges: Vec::new(),
            way: Way::None,
            rounding: 0,
            tip: 0,
            payments: Vec::new(),
            online: online(rng, kind, plan.known, plan.outcome),
            reference: None,
            reached_at: None,
            credit: None,
        };
        sale.reduce(rng);
        sale.send(rng, place.map_or("en", |p| p.language));
        if sale.online && rng.per_mille(300) {
            sale.reference = Some(format!("WEB-{}", rng.below(1_000_000)));
        }
        if kind == Kind::EmailOnly {
            sale.reached_at = Some(format!("recipient{}@example.net", rng.below(100_000)));
        }
        sale.pay(rng, plan.not_after);
        sale
    }

    /// Discounts, shared out over the lines, and taxes.
    fn reduce(&mut self, rng: &mut Rng) {
        let plain = matches!(self.kind, Kind::Rounded | Kind::GiftSold | Kind::Uneven);
        if !plain && rng.per_mille(120) {
            let percent = [5, 10, 50][rng.index(3)];
            self.line_discount = Some(percent);
            self.lines[0].discount(percent);
        }
        let after: i64 = self.lines.iter().map(|l| l.gross - l.discount).sum();
        self.order_discount = if plain { None } else { order_discount(rng, self.outcome, after) };
        let applied = self.order_discount.as_ref().map_or(0, |d| d.applied);
        settle(&mut self.lines, applied, self.tax);
    }

    /// How the goods go, and what that costs: named in the language of the place.
    fn send(&mut self, rng: &mut Rng, language: &str) {
        let free = self.outcome == Outcome::Free;
        self.way = match self.kind {
            Kind::Shipped => Way::Shipment([Some("Colissimo"), None][rng.index(2)]),
            Kind::Delivered => Way::Delivery,
            Kind::Foreign(Foreign::Fulfillment) => Way::Unknown,
            Kind::PickedUp | Kind::EmailOnly => Way::Pickup,
            _ if self.online && !free && rng.per_mille(60) => Way::Shipment(Some("Colissimo")),
            _ if self.known == Known::Recipient || self.outcome == Outcome::PaidOpen => Way::Pickup,
            _ => Way::None,
        };
        let asked = matches!(self.kind, Kind::Shipped | Kind::Delivered);
        let sent = matches!(self.way, Way::Shipment(_) | Way::Delivery);
        if sent && !free && (asked || rng.per_mille(800)) {
            let name = shipping_names(language)[rng.index(2)];
            self.charges.push(Charge { name, amount: 490, shipping: true, gratuity: false });
        }
        if self.kind == Kind::Charged && !free {
            let gratuity = rng.per_mille(500);
            let name = if language.starts_with("ja") { "サービス料" } else { "Service" };
            let amount = portion(self.lines.iter().map(|l| l.gross).sum(), 5, 100).max(1);
            self.charges.push(Charge { name, amount, shipping: false, gratuity });
        }
    }

    /// Everything but the tip.
    pub(super) fn goods(&self) -> i64 {
        let lines: i64 = self.lines.iter().map(|l| l.total(self.tax)).sum();
        lines + self.charged() + self.rounding
    }

    pub(super) fn charged(&self) -> i64 {
        self.charges.iter().map(|c| c.amount).sum()
    }

    /// What was sold in this order, before anything it takes back.
    pub(crate) fn total(&self) -> i64 {
        self.goods() + self.tip
    }

    /// What is left of it when its own returns are taken off.
    pub(crate) fn net(&self) -> i64 {
        self.total() - self.credit.as_ref().map_or(0, |c| c.worth)
    }

    pub(crate) fn paid(&self) -> bool {
        matches!(self.outcome, Outcome::Paid | Outcome::PaidOpen)
            && (!self.payments.is_empty() || self.credit.is_some())
    }

    pub(crate) fn state(&self) -> &'static str {
        match self.outcome {
            Outcome::Paid if self.kind == Kind::Foreign(Foreign::State) => "ARCHIVED",
            Outcome::Paid | Outcome::Free => "COMPLETED",
            Outcome::Draft => "DRAFT",
            Outcome::Canceled => "CANCELED",
            _ => "OPEN",
        }
    }

    pub(crate) fn closed(&self) -> Option<i64> {
        matches!(self.state(), "COMPLETED" | "CANCELED").then_some(self.updated)
    }

    /// The application that made the order.
    pub(super) fn source(&self) -> &'static str {
        match self.kind {
            Kind::Invoice => "Invoices",
            _ if self.online => "Square Online",
            _ => "Square Point of Sale",
        }
    }
}

fn goods(rng: &mut Rng, kind: Kind, products: &[Product]) -> Vec<Line> {
    let count = 1 + rng.index(5);
    let mut lines: Vec<Line> = (0..count).map(|number| Line::make(rng, number, products)).collect();
    let pieces = products.iter().find(|p| !p.by_weight && !p.gone);
    match (kind, pieces) {
        (Kind::GiftSold, _) => lines = vec![Line::gift_card(0, 2_500)],
        (Kind::Custom, _) => {
            lines[0] = Line::custom(0, Some("***"), rng.between(100, 4_000));
            // Beside it something the catalogue no longer knows.
            let gone: Vec<&Product> = products.iter().filter(|p| p.gone).collect();
            let gone = rng.pick(&gone).map(|product| (*product).clone());
            lines.extend(gone.map(|product| Line::product(rng, count, &product)));
        }
        (Kind::Nameless, _) => lines[0] = Line::custom(0, None, rng.between(100, 4_000)),
        (Kind::Weighed, _) => {
            if let Some(product) = products.iter().find(|p| p.by_weight) {
                lines[0] = Line::product(rng, 0, product);
                lines.push(Line::product(rng, count, product).weighed(2_000, "2.000"));
                lines.push(Line::product(rng, count + 1, product).weighed(350, "0.35"));
            }
        }
        (Kind::Modified, Some(product)) => {
            lines[0] = Line::product(rng, 0, product);
            lines[0].modify(rng.between(20, 150));
        }
        (Kind::Uneven, Some(product)) => {
            lines[0] = Line::product(rng, 0, product);
            lines[0].make_uneven();
        }
        (Kind::Foreign(Foreign::Line), _) => lines[0].estrange(),
        (Kind::Rounded, _) => {
            // So that something is left to round: cash goes by fives.
            let rest: i64 = lines.iter().map(|l| l.gross).sum::<i64>() % 5;
            lines.push(Line::custom(count, Some("Sac"), 103 - rest));
        }
        _ => {}
    }
    lines
}

fn tax(rng: &mut Rng, kind: Kind) -> Tax {
    match rng.below(10) {
        _ if matches!(kind, Kind::Rounded | Kind::GiftSold) => Tax::None,
        0..2 => Tax::None,
        2..5 => Tax::Additive(10),
        _ => Tax::Inclusive(20),
    }
}

fn online(rng: &mut Rng, kind: Kind, known: Known, outcome: Outcome) -> bool {
    match kind {
        Kind::Shipped | Kind::Delivered | Kind::EmailOnly => true,
        Kind::Split | Kind::Three | Kind::Rounded | Kind::Offline | Kind::OfflineLate => false,
        _ => known == Known::Recipient || outcome == Outcome::PaidOpen || rng.per_mille(350),
    }
}

fn shipping_names(language: &str) -> [&'static str; 2] {
    match language.split('-').next() {
        Some("fr") => ["Livraison", "Frais de port"],
        Some("ja") => ["送料", "配送料"],
        _ => ["Shipping", "Delivery fee"],
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

/// How long before its arrival an offline sale was made, at the most: Square drops what is older.
pub(super) const OFFLINE: i64 = 71 * clock::HOUR;
