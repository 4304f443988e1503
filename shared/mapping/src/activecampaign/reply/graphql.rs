//! Replies of GraphQL: refusals come with status 200 or 400, beside or instead of data (activecampaign.md
//! section 4.7).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::errors::refusal;
use super::refuse::{by_status, rest};
use super::text::of_value;
use super::{Refusal, Stored};
use crate::http::Response;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    errors: Option<Value>,
}

/// The waiting mutation's answer: every order of `sent` is stored.
///
/// # Errors
/// The refusal. A success that does not name every order of `sent` is [`Refusal::Unavailable`]: what became of
/// the others is not known.
pub fn orders_written(response: &Response, sent: &[&str]) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        #[serde(borrow)]
        bulk_upsert_orders: Vec<Option<&'a RawValue>>,
    }
    let data: Data<'_> = read(response, sent)?;
    all_written(response, &data.bulk_upsert_orders, sent.len())
}

/// The queued mutation's answer: its record id.
///
/// # Errors
/// The refusal.
pub fn orders_queued(response: &Response, sent: &[&str]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        bulk_upsert_orders_async: Queued,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Queued {
        record_id: Value,
    }
    let data: Data = read(response, sent)?;
    let id = of_value(&data.bulk_upsert_orders_async.record_id);
    if id.is_empty() { Err(Refusal::Unavailable(response.status)) } else { Ok(id) }
}

/// The products' answer. The same key twice in one request is answered once (activecampaign.md section 4.10),
/// so the count is not compared.
///
/// # Errors
/// The refusal.
pub fn products_written(response: &Response, sent: &[&str]) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        #[serde(borrow)]
        bulk_upsert_products: Vec<Option<&'a RawValue>>,
    }
    let data: Data<'_> = read(response, sent)?;
    all_written(response, &data.bulk_upsert_products, usize::from(!sent.is_empty()))
}

fn all_written(response: &Response, written: &[Option<&RawValue>], at_least: usize) -> Result<(), Refusal> {
    if written.iter().all(Option::is_some) && written.len() >= at_least {
        Ok(())
    } else {
        Err(Refusal::Unavailable(response.status))
    }
}

/// Orders of `searchOrder` or `getOrder` (none or one).
///
/// # Errors
/// The refusal. An order without id or date is [`Refusal::Schema`]: it cannot be compared with anything.
pub fn orders_found(response: &Response) -> Result<Vec<Stored>, Refusal> {
    let data: BTreeMap<&str, &RawValue> = read(response, &[])?;
    let found = match (data.get("searchOrder"), data.get("getOrder")) {
        (Some(list), _) => serde_json::from_str::<Option<Vec<Option<Found<'_>>>>>(list.get())
            .map(|list| list.unwrap_or_default().into_iter().flatten().collect()),
        (None, Some(order)) => serde_json::from_str::<Option<Found<'_>>>(order.get())
            .map(|order| order.into_iter().collect::<Vec<_>>()),
        (None, None) => return Err(Refusal::Unavailable(response.status)),
    };
    let found = found.map_err(|_| Refusal::Unavailable(response.status))?;
    found.into_iter().map(Found::stored).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    #[serde(default, deserialize_with = "text_or_number")]
    store_order_id: Option<String>,
    #[serde(default)]
    store_created_date: Option<String>,
    #[serde(default)]
    store_modified_date: Option<String>,
    // Kept as it stands in the reply: a number would pass through a binary float.
    #[serde(borrow, default)]
    final_amount: Option<&'a RawValue>,
    #[serde(default)]
    normalized_status: Option<String>,
}

impl Found<'_> {
    fn stored(self) -> Result<Stored, Refusal> {
        let lacks = |what: &str| Refusal::Schema(format!("an order was answered without {what}"));
        let created = self.store_created_date.as_deref().and_then(instant);
        Ok(Stored {
            id: self.store_order_id.ok_or_else(|| lacks("storeOrderId"))?,
            created: created.ok_or_else(|| lacks("a storeCreatedDate that is a time"))?,
            modified: self.store_modified_date.as_deref().and_then(instant),
            amount: self.final_amount.map(|raw| raw.get().trim_matches('"').to_owned()).unwrap_or_default(),
            status: self.normalized_status,
        })
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = of_value(&Value::deserialize(deserializer)?);
    Ok((!text.is_empty()).then_some(text))
}

/// The data of a reply, or the refusal its status or its errors tell. Data that is not there, or not as
/// asked for, is an unknown outcome: the reply was cut, or something between answered.
fn read<'a, T: Deserialize<'a>>(response: &'a Response, sent: &[&str]) -> Result<T, Refusal> {
    if let Some(refusal) = by_status(response) {
        return Err(refusal);
    }
    let unknown = || Refusal::Unavailable(response.status);
    let Ok(envelope) = serde_json::from_slice::<Envelope<'a>>(&response.body) else {
        return Err(if response.is_success() { unknown() } else { no_envelope(response) });
    };
    let errors = match envelope.errors.as_ref() {
        Some(Value::Array(errors)) => errors.as_slice(),
        Some(Value::Null) | None => &[],
        Some(error) => std::slice::from_ref(error),
    };
    if !errors.is_empty() {
        return Err(refusal(errors, sent));
    }
    if !response.is_success() {
        return Err(no_envelope(response));
    }
    let data = envelope.data.ok_or_else(unknown)?;
    serde_json::from_str(data.get()).map_err(|_| unknown())
}

/// A refusal that is not of GraphQL's own making.
fn no_envelope(response: &Response) -> Refusal {
    rest(response).err().unwrap_or(Refusal::Unavailable(response.status))
}
