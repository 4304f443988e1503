//! What comes back: refunds of every sort, cancellations, exchanges.

use serde_json::{Value, json};

use super::Shop;
use super::kind::{Back, Kind, Swap};
use super::line::{Line, Tax, money};
use super::oracle::Facts;
use super::payment::{self, Refund};
use super::sale::{Credit, Known, Outcome, Sale, Way};
use super::tender::{Means, Payment};
use crate::clock;

/// A refund that was asked for and has not gone through.
#[derive(Debug, Clone)]
pub(super) struct Open {
    refund: String,
    return_order: String,
    payment: String,
    /// The sale's place among the facts.
    sale: usize,
    amount: i64,
}

impl Shop {
    /// Whether something of a sale can be given back that way.
    fn fits(&self, how: Back, fact: &Facts) -> bool {
        let sale = fact.verdict(&self.people).reason.is_none() && fact.total > 100 && !fact.cancelled;
        let untouched = fact.refunded() == 0
            && !fact.kinds.iter().any(|k| k.starts_with("refund") || k.starts_with("exchange"));
        sale && match how {
            Back::Again => fact.payments.len() == 1 && fact.kinds.contains(&"refunded_in_part"),
            Back::OneTender => fact.payments.len() > 1 && untouched,
            Back::Elsewhere => fact.payments.len() == 1 && untouched && self.other(fact.place).is_some(),
            _ => fact.payments.len() == 1 && untouched,
        }
    }

    /// Another open place that sells in the same currency.
    fn other(&self, place: usize) -> Option<usize> {
        let currency = self.places.get(place)?.currency;
        let fits = |p: &super::Place| p.currency == currency && p.status == "ACTIVE";
        (0..self.places.len()).find(|i| *i != place && self.places.get(*i).is_some_and(fits))
    }

    /// While the history is drawn: of a sale whose payment is at least an hour old, where there is one.
    pub(super) fn back_earlier(&mut self, how: Back, at: i64, not_after: i64) -> bool {
        let old = |shop: &Self, f: &Facts| f.arrived < at - clock::HOUR && shop.fits(how, f);
        let found = self.some_order(None, old);
        found.is_some_and(|index| self.give_back(index, how, at, (at + 1_200).min(not_after)).is_some())
    }

    pub(super) fn back_now(&mut self, how: Back, place: Option<usize>, now: i64) -> Option<String> {
        let index = self.some_order(place, |shop, f| shop.fits(how, f))?;
        self.give_back(index, how, now, now)
    }

    /// The sale keeps its lines; its payment says how much went back, and a return order appears.
    fn give_back(&mut self, index: usize, how: Back, at: i64, updated: i64) -> Option<String> {
        let fact = self.facts.get(index)?.clone();
        let paid = fact.payments.first()?.clone();
        let (whole, amount) = match how {
            Back::Full | Back::Cancelled => (true, fact.total),
            Back::OneTender => (false, paid.total),
            Back::Again => (false, (fact.total - fact.refunded()) / 2),
            _ => (false, fact.total / 3),
        };
        let place = if how == Back::Elsewhere { self.other(fact.place)? } else { fact.place };
        let refund = Refund {
            id: format!("{}_{}", paid.id, self.rng.id("", 20)),
            return_order: self.rng.id("", 27),
            payment: paid.id.clone(),
            amount,
            status: match how {
                Back::Pending => "PENDING",
                Back::Rejected => "REJECTED",
                Back::Failed => "FAILED",
                _ => "COMPLETED",
            },
            at,
            updated,
            location: self.places.get(place)?.id.clone(),
            place,
            currency: fact.currency,
        };
        let source = self.orders.get(&fact.id)?.json();
        self.orders.insert(refund.order(&source, return_lines(&source, whole, amount, fact.currency)));
        self.book(index, &refund);
        if how == Back::Cancelled {
            self.orders.change(&fact.id, updated, |json| {
                json["state"] = Value::from("CANCELED");
                json["closed_at"] = Value::from(clock::rfc3339(updated));
            });
        }
        self.facts.push(Facts {
            id: refund.return_order.clone(),
            place,
            return_only: true,
            cancelled: false,
            held: None,
            created: at,
            date: at,
            arrived: at,
            payments: Vec::new(),
            lines: Vec::new(),
            shipping: None,
            method: None,
            kinds: vec!["return"],
            ..fact.clone()
        });
        let sale = self.facts.get_mut(index)?;
        sale.cancelled = how == Back::Cancelled;
        sale.mark(word(how));
        Some(fact.id)
    }

    /// Writes a refund down: in the list of refunds, on the payment, and in the sale's facts.
    fn book(&mut self, index: usize, refund: &Refund) {
        self.refunds.insert(refund.row());
        let (payment, amount) = (refund.payment.clone(), refund.amount);
        self.payments.change(&payment, refund.updated, |json| {
            let mut ids = json.get("refund_ids").and_then(Value::as_array).cloned().unwrap_or_default();
            ids.push(Value::from(refund.id.as_str()));
            json["refund_ids"] = Value::Array(ids);
        });
        if refund.status == "COMPLETED" {
            self.pay_back(index, &payment, amount, refund.updated);
        } else if refund.status == "PENDING" {
            let (refund, return_order) = (refund.id.clone(), refund.return_order.clone());
            self.open.push(Open { refund, return_order, payment, sale: index, amount });
        }
    }

    fn pay_back(&mut self, index: usize, payment: &str, amount: i64, at: i64) {
        let Some(fact) = self.facts.get_mut(index) else { return };
        let currency = fact.currency;
        let Some(paid) = fact.payments.iter_mut().find(|p| p.id == payment) else { return };
        paid.refunded += amount;
        let sum = paid.refunded;
        self.payments.change(payment, at, |json| json["refunded_money"] = money(sum, currency));
    }

    /// A refund that was pending goes through: the money is back, and no new return order appears.
    pub(super) fn complete_refund(&mut self, now: i64) -> Option<String> {
        let open = self.open.pop()?;
        self.refunds.change(&open.refund, now, |json| json["status"] = Value::from("COMPLETED"));
        self.orders.change(&open.return_order, now, |json| {
            if let Some(status) = json.pointer_mut("/refunds/0/status") {
                *status = Value::from("APPROVED");
            }
        });
        self.pay_back(open.sale, &open.payment, open.amount, now);
        let fact = self.facts.get_mut(open.sale)?;
        fact.mark("refunded_in_part");
        Some(fact.id.clone())
    }

    /// Half of an earlier sale comes back for something dearer, as dear, or cheaper.
    pub(super) fn exchange_earlier(&mut self, how: Swap, at: i64, not_after: i64) -> bool {
        let fits = |shop: &Self, f: &Facts| {
            f.arrived < at - clock::HOUR && f.total > 400 && shop.fits(Back::Part, f)
        };
        let found = self.some_order(None, fits);
        found.is_some_and(|index| self.exchange(index, how, at, (at + 9_000).min(not_after)).is_some())
    }

    pub(super) fn exchange_now(&mut self, how: Swap, place: Option<usize>, now: i64) -> Option<String> {
        let index = self.some_order(place, |shop, f| f.total > 400 && shop.fits(Back::Part, f))?;
        self.exchange(index, how, now, now)
    }

    fn exchange(&mut self, index: usize, how: Swap, at: i64, updated: i64) -> Option<String> {
        let fact = self.facts.get(index)?.clone();
        let paid = fact.payments.first()?.id.clone();
        let worth = fact.total / 2;
        let price = match how {
            Swap::Dearer => worth + 250,
            Swap::Even => worth,
            Swap::Cheaper => worth - worth / 3,
        };
        let product = self.catalogue.products.iter().find(|p| !p.by_weight && !p.gone).cloned()?;
        let line = Line::product(&mut self.rng, 0, &product).priced(price);
        let refund =
            (how == Swap::Cheaper).then(|| (format!("{paid}_{}", self.rng.id("", 20)), paid.clone()));
        let mut sale = Sale {
            id: self.rng.id("", 27),
            place: fact.place,
            currency: fact.currency,
            created: at,
            updated,
            outcome: Outcome::Paid,
            known: Known::Order,
            customer: fact.customer.clone(),
            kind: Kind::Swap(how),
            lines: vec![line],
            line_discount: None,
            order_discount: None,
            tax: Tax::None,
            charges: Vec::new(),
            way: Way::None,
            rounding: 0,
            tip: 0,
            payments: Vec::new(),
            online: false,
            reference: None,
            reached_at: None,
            credit: Some(Credit { source: fact.id.clone(), worth, refund: refund.clone() }),
        };
        if sale.net() > 0 {
            let (id, total) = (self.rng.id("", 28), sale.net());
            let at = (at + 600).min(updated);
            let (means, status) = (Means::Card, "COMPLETED");
            sale.payments.push(Payment { id, at, total, tip: 0, means, status, offline: None });
        }
        if let Some((id, payment)) = refund {
            let place = self.places.get(fact.place)?;
            let (amount, status, currency) = (-sale.net(), "COMPLETED", fact.currency);
            let (return_order, location, place) = (sale.id.clone(), place.id.clone(), fact.place);
            let refund =
                Refund { id, return_order, payment, amount, status, at, updated, location, place, currency };
            self.book(index, &refund);
        }
        self.shelve(&sale);
        self.facts.get_mut(index)?.mark("exchanged_later");
        Some(sale.id)
    }

    /// Puts a sale and its payments where Square serves them from, and its facts down.
    pub(super) fn shelve(&mut self, sale: &Sale) {
        self.orders.insert(sale.row(&self.places));
        for row in payment::rows(sale, &self.places) {
            self.payments.insert(row);
        }
        self.facts.push(Facts::of(sale));
    }
}

fn word(how: Back) -> &'static str {
    match how {
        Back::Full => "refunded_in_full",
        Back::Part => "refunded_in_part",
        Back::Pending => "refund_pending",
        Back::Rejected => "refund_rejected",
        Back::Failed => "refund_failed",
        Back::Elsewhere => "refunded_elsewhere",
        Back::Again => "refunded_twice",
        Back::OneTender => "refunded_one_tender",
        Back::Cancelled => "refunded_cancelled",
    }
}

/// A return of everything names the lines sold; one by amount is a single custom amount.
fn return_lines(source: &Value, whole: bool, amount: i64, currency: &str) -> Vec<Value> {
    if !whole {
        return vec![json!({"uid": "return-1", "quantity": "1", "item_type": "CUSTOM_AMOUNT",
            "gross_return_money": money(amount, currency), "total_money": money(amount, currency)})];
    }
    let lines = source.get("line_items").and_then(Value::as_array).cloned().unwrap_or_default();
    let back = lines.iter().enumerate().map(|(index, line)| {
        let mut out = json!({"uid": format!("return-{}", index + 1), "source_line_item_uid": line["uid"],
            "quantity": line["quantity"], "item_type": line["item_type"],
            "gross_return_money": line["gross_sales_money"], "total_money": line["total_money"]});
        if line.get("name").is_some() {
            out["name"] = line["name"].clone();
        }
        out
    });
    back.collect()
}
