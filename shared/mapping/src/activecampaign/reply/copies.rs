//! Orders of the v3 copy (activecampaign.md section 3.2).

use jiff::Timestamp;
use serde_json::Value;

use super::Refusal;
use super::refuse::rest;
use super::text::of_value;
use crate::http::Response;
use crate::model::{Currency, Money};

/// An order as the v3 copy shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The source's id; empty for a cart.
    pub id: String,
    /// `totalPrice`, which is said to be in cents whatever the currency; none where it is no whole number.
    pub total: Option<i64>,
    /// Three letters, as they came.
    pub currency: String,
    /// When it was made at the store, where that can be read.
    pub created: Option<Timestamp>,
}

impl Copied {
    /// True when it shows this amount. For a currency that has no two decimals the factor is not known
    /// (activecampaign.md section 12), so its minor units agree as well as hundredths do.
    #[must_use]
    pub fn shows(&self, amount: Money) -> bool {
        let Some(total) = self.total else {
            return false;
        };
        Currency::parse(&self.currency.to_ascii_uppercase()) == Ok(amount.currency)
            && (total == amount.minor || is_hundredths(total, amount))
    }
}

/// The hundredths of the amount, cut or rounded up.
fn is_hundredths(total: i64, amount: Money) -> bool {
    let Some(unit) = 10_i128.checked_pow(amount.currency.exponent()) else {
        return false;
    };
    let off = i128::from(total) * unit - i128::from(amount.minor) * 100;
    off.abs() < unit
}

/// The orders of an answer, those of `connection` only: an account that does not know the filter answers with
/// others too.
///
/// # Errors
/// The refusal.
pub fn copies_found(response: &Response, connection: i64) -> Result<Vec<Copied>, Refusal> {
    let body = rest(response)?;
    let list = body.get("ecomOrders").and_then(Value::as_array);
    let list = list.ok_or(Refusal::Unavailable(response.status))?;
    Ok(list.iter().filter_map(|order| read_copy(order, &connection.to_string())).collect())
}

/// Amounts and ids come as text or as numbers (activecampaign.md section 1.3). Of an order that does not say
/// whose it is, the filter is believed.
fn read_copy(value: &Value, connection: &str) -> Option<Copied> {
    let text = |name: &str| value.get(name).map(of_value).unwrap_or_default();
    let of = text("connectionid");
    (of.is_empty() || of == connection).then(|| Copied {
        id: text("externalid"),
        total: whole(&text("totalPrice")),
        currency: text("currency"),
        created: text("externalCreatedDate").parse().ok(),
    })
}

/// A whole number, also where it is written with zeros behind its point.
fn whole(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok())?
}
