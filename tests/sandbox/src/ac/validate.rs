//! What the account refuses in an order, and how it says so.

use serde_json::{Map, Value};

use super::State;
use super::state::{Poison, valid_email};
use crate::clock;

/// Texts an order cannot do without.
const NEEDED: [&str; 6] =
    ["storeOrderId", "orderNumber", "email", "creationSource", "currency", "storeCreatedDate"];

/// Decimals of a currency; those not named have two.
pub(crate) fn decimals(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// The digits of a decimal as they were written: sign, whole part, fraction.
pub(crate) fn decimal(value: &Value) -> Option<(bool, String, String)> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let fine = !whole.is_empty() && plain(whole) && plain(fraction);
    fine.then(|| (negative, whole.to_owned(), fraction.trim_end_matches('0').to_owned()))
}

/// The outcome of looking a batch over: texts by the key the account gives them, or a nameless refusal.
pub(crate) enum Refusal {
    Named(Vec<(String, String)>),
    Unnamed,
}

impl State {
    /// Looks over a whole batch; one bad order refuses all of them.
    pub(crate) fn look_over(&self, orders: &[Map<String, Value>]) -> Option<Refusal> {
        let mut named = Vec::new();
        for (index, order) in orders.iter().enumerate() {
            let id = order.get("storeOrderId").and_then(Value::as_str).unwrap_or_default();
            match self.poison.get(id) {
                Some(Poison::Unnamed) => return Some(Refusal::Unnamed),
                Some(Poison::Named) => {
                    named.push((format!("{index}-storeOrderId-{id}"), "is not valid".to_owned()))
                }
                _ => {}
            }
            if let Some(fault) = self.fault_of(order) {
                named.push((format!("{index}-storeOrderId-{id}"), fault));
            }
        }
        (!named.is_empty()).then_some(Refusal::Named(named))
    }

    fn fault_of(&self, order: &Map<String, Value>) -> Option<String> {
        let connection = order.get("legacyConnectionId").and_then(Value::as_i64).unwrap_or(-1);
        if !self.connections.contains_key(&connection) {
            return Some(format!("legacyConnectionId {connection} does not exist"));
        }
        for name in NEEDED {
            if order.get(name).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
                return Some(format!("{name} must not be blank"));
            }
        }
        let text = |name: &str| order.get(name).and_then(Value::as_str).unwrap_or_default();
        if !valid_email(text("email")) {
            return Some("email must be a well-formed email address".to_owned());
        }
        let currency = text("currency");
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Some("currency must be an ISO 4217 code".to_owned());
        }
        for name in ["storeCreatedDate", "storeModifiedDate"] {
            if order.get(name).and_then(Value::as_str).is_some_and(|t| clock::parse(t).is_none()) {
                return Some(format!("{name} must be an RFC 3339 date-time"));
            }
        }
        amounts(order, decimals(currency)).or_else(|| blanks(order))
    }
}

fn amounts(order: &Map<String, Value>, places: usize) -> Option<String> {
    let top = ["finalAmount", "shippingAmount", "discountsAmount"].map(|name| (name, order.get(name)));
    let lines = order.get("lineItems").and_then(Value::as_array).into_iter().flatten();
    let prices = lines.clone().map(|line| ("lineItems.priceAmount", line.get("priceAmount")));
    let discounts = order.get("discounts").and_then(Value::as_array).into_iter().flatten();
    let discounts = discounts.map(|d| ("discounts.discountAmount", d.get("discountAmount")));
    for (name, value) in top.into_iter().chain(prices).chain(discounts) {
        let Some(value) = value.filter(|v| !v.is_null()) else {
            continue;
        };
        match decimal(value) {
            None => return Some(format!("{name} must be a decimal")),
            Some((true, ..)) => return Some(format!("{name} must not be negative")),
            Some((_, _, fraction)) if fraction.len() > places => {
                return Some(format!("{name} has more decimals than its currency"));
            }
            Some(_) => {}
        }
    }
    let negative = |line: &Value| line.get("quantity").and_then(Value::as_i64).is_some_and(|q| q < 0);
    lines.clone().any(negative).then(|| "lineItems.quantity must not be negative".to_owned())
}

/// Blank texts are refused in the order and its lines; in the customer's data they overwrite instead.
fn blanks(order: &Map<String, Value>) -> Option<String> {
    let blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    if let Some((name, _)) = order.iter().find(|(_, value)| blank(value)) {
        return Some(format!("{name} must not be blank"));
    }
    for list in ["lineItems", "discounts"] {
        for entry in order.get(list).and_then(Value::as_array).into_iter().flatten() {
            if let Some((name, _)) = entry.as_object().into_iter().flatten().find(|(_, value)| blank(value)) {
                return Some(format!("{list}.{name} must not be blank"));
            }
        }
    }
    None
}
