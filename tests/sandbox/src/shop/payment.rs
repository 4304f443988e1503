//! Payments and refunds as they are served.

use serde_json::{Value, json};

use super::kind::Kind;
use super::line::money;
use super::place::Place;
use super::sale::{Known, Sale};
use super::table::Row;
use super::tender::{Means, Payment};
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
    let product = match sale.kind {
        Kind::Invoice => "INVOICES",
        _ if sale.online => "ONLINE_STORE",
        _ => "SQUARE_POS",
    };
    let mut out = json!({
        "id": payment.id, "order_id": sale.id, "location_id": place, "created_at": clock::rfc3339(payment.at),
        "updated_at": clock::rfc3339(sale.updated.max(payment.at)), "status": payment.status,
        "amount_money": money(payment.total - payment.tip, currency), "total_money": money(payment.total, currency),
        "application_details": {"square_product": product}, "version_token": "o3Gk8yQb",
    });
    if payment.tip > 0 {
        out["tip_money"] = money(payment.tip, currency);
    }
    source(&mut out, payment, currency);
    if payment.status == "COMPLETED" {
        out["approved_money"] = money(payment.total, currency);
        out["receipt_number"] = Value::from(&payment.id[..4]);
        out["receipt_url"] = Value::from(format!("https://squareup.com/receipt/preview/{}", payment.id));
    }
    if sale.known == Known::Order
        || (matches!(sale.known, Known::Payment | Known::Tender) && sale.named_by(payment))
    {
        out["customer_id"] = json!(sale.customer);
    }
    if let Some(address) = &sale.reached_at {
        out["buyer_email_address"] = Value::from(address.as_str());
    }
    if let Some(at) = payment.offline {
        out["is_offline_payment"] = Value::Bool(true);
        out["offline_payment_details"] = json!({"client_created_at": clock::rfc3339(at)});
    }
    if matches!(sale.kind, Kind::Foreign(_)) {
        out["buyer_currency_exchange"] = json!({"rate": "1.0000000001", "legs": []});
    }
    out
}

/// What the payment was made with. A gift card counts as a card (square.md section 4.3 has it among the tenders).
fn source(out: &mut Value, payment: &Payment, currency: &str) {
    let brand = if payment.means == Means::GiftCard { "SQUARE_GIFT_CARD" } else { "VISA" };
    match payment.means {
        Means::Card | Means::GiftCard => {
            let status = if payment.status == "COMPLETED" { "CAPTURED" } else { "FAILED" };
            out["source_type"] = Value::from("CARD");
            out["card_details"] = json!({"status": status, "entry_method": "EMV",
                "card": {"card_brand": brand, "last_4": "4242", "exp_month": 12, "exp_year": 2031}});
        }
        Means::Cash => {
            out["source_type"] = Value::from("CASH");
            out["cash_details"] = json!({"buyer_supplied_money": money(payment.total, currency),
                "change_back_money": money(0, currency)});
        }
        Means::Unknown => out["source_type"] = Value::from("MOON_PAY"),
    }
}

/// A refund of a payment, and the return order that Square makes for it.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) return_order: String,
    pub(crate) payment: String,
    pub(crate) amount: i64,
    pub(crate) status: &'static str,
    pub(crate) at: i64,
    pub(crate) updated: i64,
    /// Where the goods were brought back, and its index.
    pub(crate) location: String,
    pub(crate) place: usize,
    pub(crate) currency: &'static str,
}

impl Refund {
    pub(crate) fn row(&self) -> Row {
        let json = json!({
            "id": self.id, "status": self.status, "payment_id": self.payment, "order_id": self.return_order,
            "location_id": self.location, "amount_money": money(self.amount, self.currency),
            "reason": "Retour client", "created_at": clock::rfc3339(self.at),
            "updated_at": clock::rfc3339(self.updated), "unlinked": false, "destination_type": "CARD",
        });
        Row {
            id: self.id.clone(),
            place: self.place,
            created: self.at,
            updated: self.updated,
            state: self.status.to_owned(),
            listed: true,
            bytes: json.to_string().into_bytes(),
            ..Row::default()
        }
    }

    /// The word of the return order for the state of its refund.
    fn word(&self) -> &'static str {
        if self.status == "COMPLETED" { "APPROVED" } else { self.status }
    }

    /// An order with returns and no line items: not a purchase.
    pub(crate) fn order(&self, source: &Value, lines: Vec<Value>) -> Row {
        let sum = money(self.amount, self.currency);
        let zero = money(0, self.currency);
        let json = json!({
            "id": self.return_order, "location_id": self.location, "state": "COMPLETED",
            "created_at": clock::rfc3339(self.at), "updated_at": clock::rfc3339(self.updated),
            "closed_at": clock::rfc3339(self.updated), "source": source.get("source").cloned().unwrap_or_default(),
            "returns": [{"uid": "r", "source_order_id": source.get("id").cloned().unwrap_or_default(),
                "return_line_items": lines, "return_amounts": {"total_money": sum}}],
            "return_amounts": {"total_money": sum}, "total_money": zero, "net_amount_due_money": zero,
            "net_amounts": {"total_money": money(-self.amount, self.currency)},
            "refunds": [{"id": self.id, "location_id": self.location, "tender_id": self.payment,
                "transaction_id": self.return_order, "created_at": clock::rfc3339(self.at), "reason": "Retour client",
                "amount_money": sum, "status": self.word()}],
        });
        Row {
            id: self.return_order.clone(),
            place: self.place,
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
