//! Replies about e-commerce customers (activecampaign.md section 3.1).

use serde_json::Value;

use super::Refusal;
use super::refuse::rest;
use super::text::of_value;
use crate::http::Response;
use crate::model::Email;

/// A customer of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcomCustomer {
    /// Its id at the account.
    pub id: i64,
    /// Whether it says already that no marketing is accepted.
    pub opted_out: bool,
}

/// The customers of an answer that are of this connection and this address. The row of totals over all connections
/// is left out, and so is whatever an account that does not know a filter answers with besides: nobody is opted out
/// for somebody else.
///
/// # Errors
/// The refusal.
pub fn customers_found(
    response: &Response,
    connection: i64,
    email: &Email,
) -> Result<Vec<EcomCustomer>, Refusal> {
    let body = rest(response)?;
    let list = body.get("ecomCustomers").and_then(Value::as_array);
    let list = list.ok_or(Refusal::Unavailable(response.status))?;
    let (connection, email) = (connection.to_string(), email.canonical());
    let read = |value: &Value| {
        let text = |name: &str| value.get(name).map(of_value).unwrap_or_default();
        let is_it = text("connectionid") == connection && text("email").trim().to_lowercase() == email;
        let id = text("id").parse().ok().filter(|_| is_it)?;
        Some(EcomCustomer { id, opted_out: matches!(text("acceptsMarketing").as_str(), "0" | "false") })
    };
    Ok(list.iter().filter_map(read).collect())
}

/// Whether a customer was changed: false where the account has it no more.
///
/// # Errors
/// The refusal. A success without the customer is [`Refusal::Unavailable`].
pub fn customer_changed(response: &Response) -> Result<bool, Refusal> {
    match rest(response) {
        Ok(body) if body.get("ecomCustomer").is_some() => Ok(true),
        Ok(_) => Err(Refusal::Unavailable(response.status)),
        Err(Refusal::NotFound) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}
