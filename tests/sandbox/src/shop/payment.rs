//! Payments and refunds as they are served.

use serde_json::{Value, json};

use super::line::money;
use super::place::Place;
use super::sale::{Known, Payment, Sale};
use super::table::Row;
use crate::clock;

/// The payment rows of a sale.
pub(crate) fn rows(sale: &Sale, places: &[Place]) -> Vec<Row> {
    let place = places.get(sale.place).map_or("", |p| p.id.as_str());
    sale.payments.iter().map(|payment| row(sale, payment, place)).collect()
}

fn row(sale: &Sale, payment: &Payment, place: &str) -> Row {
    let json = json(sale, payment, place);
    Row {
        id: payment.id.clone(),
        place: sale.place,
        created: payment.at,
        updated: sale.updated.max(payment.at),
        state: payment.status.to_owned(),
        listed: true,
        bytes: json.to_string().into_bytes(),
        ..Row::default()
    }
}

fn json(sale: &Sale, payment: &Payment, place: &str) -> Value {
    let currency = sale.currency;
    let mut out = json!({
        "id": payment.id, "order_id": sale.id, "location_id": place, "created_at": clock::rfc3339(payment.at),
        "updated_at": clock::rfc3339(sale.updated.max(payment.at)), "status": payment.status,
        "amount_money": money(payment.total - payment.tip, currency), "total_money": money(payment.total, currency),
        "source_type": if payment.card { "CARD" } else { "CASH" },
        "application_details": {"square_product": "SQUARE_POS"}, "version_token": "o3Gk8yQb",
    });
    if payment.tip > 0 {
        out["tip_money"] = money(payment.tip, currency);
    }
    let total = money(payment.total, currency);
    if payment.card {
        let status = if payment.status == "COMPLETED" { "CAPTURED" } else { "FAILED" };
        out["card_details"] = json!({"status": status, "entry_method": "EMV",
            "card": {"card_brand": "VISA", "last_4": "4242", "exp_month": 12, "exp_year": 2031}});
    } else {
        out["cash_details"] = json!({"buyer_supplied_money": total, "change_back_money": money(0, currency)});
    }
    if payment.status == "COMPLETED" {
        out["approved_money"] = total;
        out["receipt_number"] = Value::from(&payment.id[..4]);
        out["receipt_url"] = Value::from(format!("https://squareup.com/receipt/preview/{}", payment.id));
    }
    if matches!(sale.known, Known::Payment | Known::Tender | Known::Order) {
        out["customer_id"] = json!(sale.customer);
    }
    if let Some(at) = payment.offline {
        out["is_offline_payment"] = Value::Bool(true);
        out["offline_payment_details"] = json!({"client_created_at": clock::rfc3339(at)});
    }
    out
}

/// A refund of a payment, and the return order that Square makes for it.
#[derive(Debug)]
pub(crate) struct Refund<'a> {
    pub(crate) id: String,
    pub(crate) return_order: String,
    pub(crate) payment: &'a str,
    pub(crate) amount: i64,
    pub(crate) status: &'static str,
    pub(crate) at: i64,
    pub(crate) updated: i64,
}

impl Refund<'_> {
    pub(crate) fn row(&self, place: usize, location: &str, currency: &str) -> Row {
        let json = json!({
            "id": self.id, "status": self.status, "payment_id": self.payment, "order_id": self.return_order,
            "location_id": location, "amount_money": money(self.amount, currency), "reason": "Retour client",
            "created_at": clock::rfc3339(self.at), "updated_at": clock::rfc3339(self.updated), "unlinked": false,
            "destination_type": "CARD",
        });
        Row {
            id: self.id.clone(),
            place,
            created: self.at,
            updated: self.updated,
            state: self.status.to_owned(),
            listed: true,
            bytes: json.to_string().into_bytes(),
            ..Row::default()
        }
    }

    /// An order with returns and no line items: not a purchase.
    pub(crate) fn order(&self, source: &Value, lines: Vec<Value>, place: usize) -> Row {
        let location = source.get("location_id").cloned().unwrap_or_default();
        let currency = source.pointer("/total_money/currency").and_then(Value::as_str).unwrap_or("EUR");
        let sum = money(self.amount, currency);
        let zero = money(0, currency);
        let status = if self.status == "COMPLETED" { "APPROVED" } else { "PENDING" };
        let json = json!({
            "id": self.return_order, "location_id": location, "state": "COMPLETED",
            "created_at": clock::rfc3339(self.at), "updated_at": clock::rfc3339(self.updated),
            "closed_at": clock::rfc3339(self.updated), "source": source.get("source").cloned().unwrap_or_default(),
            "returns": [{"uid": "r", "source_order_id": source.get("id").cloned().unwrap_or_default(),
                "return_line_items": lines, "return_amounts": {"total_money": sum}}],
            "return_amounts": {"total_money": sum}, "total_money": zero, "net_amount_due_money": zero,
            "net_amounts": {"total_money": money(-self.amount, currency)},
            "refunds": [{"id": self.id, "location_id": location, "tender_id": self.payment,
                "transaction_id": self.return_order, "created_at": clock::rfc3339(self.at), "reason": "Retour client",
                "amount_money": sum, "status": status}],
        });
        Row {
            id: self.return_order.clone(),
            place,
            created: self.at,
            updated: self.updated,
            closed: Some(self.updated),
            state: "COMPLETED".to_owned(),
            listed: true,
            bytes: json.to_string().into_bytes(),
            ..Row::default()
        }
    }
}
