//! A sale written as Square writes an order.

use serde_json::{Value, json};

use super::kind::{Foreign, Kind};
use super::line::{Discount, Line, Tax, money};
use super::place::Place;
use super::sale::{Known, Outcome, Sale, Way};
use super::table::Row;
use super::tender::{Means, Payment};
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
            "source": {"name": self.source()},
            "total_money": money(self.total(), currency), "total_tax_money": money(tax, currency),
            "total_discount_money": money(discount, currency), "total_tip_money": money(self.tip, currency),
            "total_service_charge_money": money(self.charged(), currency),
            "net_amount_due_money": money(due, currency),
            "net_amounts": {
                "total_money": money(self.net(), currency), "tax_money": money(tax, currency),
                "discount_money": money(discount, currency), "tip_money": money(self.tip, currency),
                "service_charge_money": money(self.charged(), currency),
            },
        });
        if let Some(closed) = self.closed() {
            out["closed_at"] = Value::from(clock::rfc3339(closed));
        }
        self.parts(&mut out);
        self.additions(&mut out);
        self.fulfillment(&mut out);
        self.tenders(&mut out);
        if matches!(self.kind, Kind::Foreign(_)) {
            // Members of a later version, which land in answers of an older one.
            out["agent_details"] = json!({"kind": "ASSISTANT", "steps": [1, {"deep": null}]});
            out["returns_policy"] = json!(["none"]);
        }
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
    }

    /// Charges, cash rounding, and what an exchange takes back.
    fn additions(&self, out: &mut Value) {
        let currency = self.currency;
        let charge = |(index, charge): (usize, &super::sale::Charge)| {
            let sum = money(charge.amount, currency);
            json!({"uid": format!("charge-{index}"), "name": charge.name, "amount_money": sum,
                "applied_money": sum, "total_money": sum, "total_tax_money": money(0, currency), "taxable": false,
                "calculation_phase": "SUBTOTAL_PHASE",
                "type": if charge.gratuity { "AUTO_GRATUITY" } else { "CUSTOM" }})
        };
        if !self.charges.is_empty() {
            out["service_charges"] = self.charges.iter().enumerate().map(charge).collect();
        }
        if self.rounding > 0 {
            out["rounding_adjustment"] = json!({"uid": "rounding", "name": "Cash rounding",
                "amount_money": money(self.rounding, currency)});
        }
        let Some(credit) = &self.credit else { return };
        let worth = money(credit.worth, currency);
        out["returns"] = json!([{"uid": "r", "source_order_id": credit.source,
            "return_line_items": [{"uid": "return-1", "quantity": "1", "item_type": "CUSTOM_AMOUNT",
                "gross_return_money": worth, "total_money": worth}],
            "return_amounts": {"total_money": worth}}]);
        out["return_amounts"] = json!({"total_money": worth});
        if let Some((id, tender)) = &credit.refund {
            out["refunds"] = json!([{"id": id, "location_id": out["location_id"], "tender_id": tender,
                "transaction_id": self.id, "created_at": clock::rfc3339(self.created), "reason": "Échange",
                "amount_money": money(-self.net(), currency), "status": "APPROVED"}]);
        }
    }

    fn fulfillment(&self, out: &mut Value) {
        let mut recipient = json!({"display_name": "Camille Réception"});
        if self.known == Known::Recipient {
            recipient["customer_id"] = json!(self.customer);
        }
        if let Some(address) = &self.reached_at {
            recipient["email_address"] = Value::from(address.as_str());
            recipient["phone_number"] = Value::from("+33600000001");
        }
        let state = if self.outcome == Outcome::PaidOpen { "PROPOSED" } else { "COMPLETED" };
        let mut one = json!({"uid": "f", "state": state});
        let (kind, member) = match self.way {
            Way::None => return,
            Way::Pickup => ("PICKUP", "pickup_details"),
            Way::Shipment(_) => ("SHIPMENT", "shipment_details"),
            Way::Delivery => ("DELIVERY", "delivery_details"),
            Way::Unknown => ("DRONE_DROP", "drone_details"),
        };
        one["type"] = Value::from(kind);
        one[member] = json!({"recipient": recipient});
        if let Way::Shipment(Some(service)) = self.way {
            one[member]["shipping_type"] = Value::from(service);
        }
        out["fulfillments"] = json!([one]);
    }

    fn tenders(&self, out: &mut Value) {
        let mut tenders: Vec<Value> =
            self.payments.iter().filter(|p| p.status == "COMPLETED").map(|p| self.tender(p)).collect();
        if self.outcome == Outcome::Free && !self.online {
            // The till closes a sale for nothing with a tender of its own, behind which there is no payment.
            tenders.push(json!({"id": format!("{}-free", self.id), "type": "NO_SALE",
                "created_at": clock::rfc3339(self.updated), "amount_money": money(0, self.currency)}));
        }
        if !tenders.is_empty() {
            out["tenders"] = Value::Array(tenders);
        }
    }

    /// Of several tenders only the last one knows the customer.
    pub(super) fn named_by(&self, payment: &Payment) -> bool {
        self.payments.last().is_some_and(|last| last.id == payment.id)
    }

    fn tender(&self, payment: &Payment) -> Value {
        let kind = match payment.means {
            Means::Card => "CARD",
            Means::Cash => "CASH",
            Means::GiftCard => "SQUARE_GIFT_CARD",
            Means::Unknown => "MOON_PAY",
        };
        let mut out = json!({
            "id": payment.id, "payment_id": payment.id, "created_at": clock::rfc3339(payment.at),
            "type": kind, "amount_money": money(payment.total, self.currency),
        });
        if payment.tip > 0 {
            out["tip_money"] = money(payment.tip, self.currency);
        }
        if self.known == Known::Tender && self.named_by(payment) {
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

    /// What is worth knowing of the order: the awkward cases it stands for.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let paid = self.payments.iter().filter(|p| p.status == "COMPLETED").count();
        let means = |means| self.payments.iter().any(|p| p.means == means);
        let late = self.kind == Kind::OfflineLate && self.paid();
        let mut kinds: Vec<&'static str> = [
            (paid == 2, "split_tender"),
            (paid > 2, "three_tenders"),
            (means(Means::GiftCard), "gift_card_tender"),
            (self.rounding > 0, "cash_rounding"),
            (self.kind == Kind::Invoice && self.paid(), "invoice"),
            (self.kind == Kind::Invoice && !self.paid(), "invoice_open"),
            (self.total() == 0, "zero_total"),
            (self.payments.iter().any(|p| p.offline.is_some()) && !late, "offline"),
            (late, "offline_late"),
            (self.charges.iter().any(|c| !c.shipping), "service_charge"),
            (self.charges.iter().any(|c| c.shipping), "shipping_charge"),
            (self.way == Way::Pickup, "pickup"),
            (matches!(self.way, Way::Shipment(_)), "shipment"),
            (self.way == Way::Delivery, "delivery"),
            (self.tip > 0, "tip"),
            (self.outcome == Outcome::Free, "comped"),
            (self.order_discount.is_some(), "order_discount"),
            (self.outcome == Outcome::PaidOpen, "paid_open"),
            (self.known == Known::Tender, "customer_on_tender"),
            (self.known == Known::Payment, "customer_on_payment"),
            (self.known == Known::Recipient, "customer_on_recipient"),
            (self.kind == Kind::EmailOnly, "email_only"),
            (self.kind == Kind::Merged, "merged_before"),
            (self.kind == Kind::Twin, "twin"),
            (means(Means::Unknown), "unknown_payment"),
            (self.way == Way::Unknown, "unknown_fulfillment"),
            (self.state() == "ARCHIVED", "unknown_state"),
            (self.kind == Kind::Foreign(Foreign::Line), "unknown_line"),
            (self.credit.is_some() && self.net() > 0, "exchange_dearer"),
            (self.credit.is_some() && self.net() == 0, "exchange_even"),
            (self.credit.is_some() && self.net() < 0, "exchange_cheaper"),
        ]
        .into_iter()
        .filter(|(held, _)| *held)
        .map(|(_, name)| name)
        .collect();
        for kind in self.lines.iter().flat_map(Line::kinds) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
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
