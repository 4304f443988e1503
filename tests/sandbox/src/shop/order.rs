//! A sale written as Square writes an order.

use serde_json::{Value, json};

use super::line::{Discount, Line, Tax, money};
use super::place::Place;
use super::sale::{Known, Outcome, Payment, Sale};
use super::table::Row;
use crate::clock;

impl Sale {
    pub(crate) fn json(&self, places: &[Place]) -> Value {
        let currency = self.currency;
        let tax: i64 = self.lines.iter().map(Line::tax).sum();
        let discount: i64 = self.lines.iter().map(|l| l.discount).sum();
        let settled = self.paid() || self.outcome == Outcome::Free || self.outcome == Outcome::Canceled;
        let due = if settled { 0 } else { self.total() };
        let lines: Vec<Value> =
            self.lines.iter().map(|l| l.json(currency, self.tax, self.order_discount.is_some())).collect();
        let mut out = json!({
            "id": self.id, "location_id": places.get(self.place).map_or("", |p| p.id.as_str()),
            "state": self.state(), "created_at": clock::rfc3339(self.created),
            "updated_at": clock::rfc3339(self.updated), "line_items": lines,
            "source": {"name": if self.online { "Square Online" } else { "Square Point of Sale" }},
            "total_money": money(self.total(), currency), "total_tax_money": money(tax, currency),
            "total_discount_money": money(discount, currency), "total_tip_money": money(self.tip, currency),
            "total_service_charge_money": money(self.shipping, currency), "net_amount_due_money": money(due, currency),
            "net_amounts": {
                "total_money": money(self.total(), currency), "tax_money": money(tax, currency),
                "discount_money": money(discount, currency), "tip_money": money(self.tip, currency),
                "service_charge_money": money(self.shipping, currency),
            },
        });
        if let Some(closed) = self.closed() {
            out["closed_at"] = Value::from(clock::rfc3339(closed));
        }
        self.parts(&mut out);
        out
    }

    fn parts(&self, out: &mut Value) {
        let currency = self.currency;
        if self.online {
            out["version"] = Value::from(4);
        } else {
            out["ticket_name"] = Value::from("Table 4");
        }
        if let Some(reference) = &self.reference {
            out["reference_id"] = Value::from(reference.as_str());
        }
        if self.known == Known::Order {
            out["customer_id"] = json!(self.customer);
        }
        let mut discounts = Vec::new();
        if let (Some(percent), Some(line)) = (self.line_discount, self.lines.first()) {
            discounts.push(line.discount_json(percent, currency));
        }
        if let Some(discount) = &self.order_discount {
            discounts.push(discount_json(discount, currency));
        }
        if !discounts.is_empty() {
            out["discounts"] = Value::Array(discounts);
        }
        let applied: i64 = self.lines.iter().map(Line::tax).sum();
        if let Some((kind, rate)) = match self.tax {
            Tax::None => None,
            Tax::Additive(rate) => Some(("ADDITIVE", rate)),
            Tax::Inclusive(rate) => Some(("INCLUSIVE", rate)),
        } {
            out["taxes"] = json!([{"uid": "tax", "name": "TVA", "type": kind, "percentage": rate.to_string(),
                "scope": "ORDER", "applied_money": money(applied, currency)}]);
        }
        if self.shipping > 0 {
            let sum = money(self.shipping, currency);
            out["service_charges"] = json!([{"uid": "ship", "name": "Livraison", "amount_money": sum,
                "applied_money": sum, "total_money": sum, "total_tax_money": money(0, currency), "taxable": false,
                "calculation_phase": "SUBTOTAL_PHASE", "type": "CUSTOM"}]);
        }
        self.fulfillment(out);
        let tenders: Vec<Value> =
            self.payments.iter().filter(|p| p.status == "COMPLETED").map(|p| self.tender(p)).collect();
        if !tenders.is_empty() {
            out["tenders"] = Value::Array(tenders);
        }
    }

    fn fulfillment(&self, out: &mut Value) {
        if self.known != Known::Recipient && self.shipping == 0 && self.outcome != Outcome::PaidOpen {
            return;
        }
        let mut recipient = json!({"display_name": "Camille Réception"});
        if self.known == Known::Recipient {
            recipient["customer_id"] = json!(self.customer);
        }
        let state = if self.outcome == Outcome::PaidOpen { "PROPOSED" } else { "COMPLETED" };
        out["fulfillments"] = if self.shipping > 0 {
            json!([{"uid": "f", "type": "SHIPMENT", "state": state,
                "shipment_details": {"recipient": recipient, "shipping_type": "Colissimo"}}])
        } else {
            json!([{"uid": "f", "type": "PICKUP", "state": state, "pickup_details": {"recipient": recipient}}])
        };
    }

    fn tender(&self, payment: &Payment) -> Value {
        let mut out = json!({
            "id": payment.id, "payment_id": payment.id, "created_at": clock::rfc3339(payment.at),
            "type": if payment.card { "CARD" } else { "CASH" }, "amount_money": money(payment.total, self.currency),
        });
        if payment.tip > 0 {
            out["tip_money"] = money(payment.tip, self.currency);
        }
        if self.known == Known::Tender {
            out["customer_id"] = json!(self.customer);
        }
        out
    }

    pub(crate) fn row(&self, places: &[Place]) -> Row {
        let shown = matches!(self.known, Known::Order | Known::Tender);
        let json = self.json(places);
        Row {
            id: self.id.clone(),
            place: self.place,
            created: self.created,
            updated: self.updated,
            closed: self.closed(),
            state: self.state().to_owned(),
            people: self.customer.iter().filter(|_| shown).cloned().collect(),
            version: json.get("version").and_then(Value::as_i64),
            listed: true,
            bytes: json.to_string().into_bytes(),
        }
    }
}

fn discount_json(discount: &Discount, currency: &str) -> Value {
    let mut out = json!({"uid": "d-order", "name": discount.name, "scope": "ORDER",
        "applied_money": money(discount.applied, currency)});
    match discount.percentage {
        Some(percent) => {
            out["type"] = Value::from("FIXED_PERCENTAGE");
            out["percentage"] = Value::from(percent.to_string());
        }
        None => {
            out["type"] = Value::from("FIXED_AMOUNT");
            out["amount_money"] = money(discount.applied, currency);
        }
    }
    out
}
