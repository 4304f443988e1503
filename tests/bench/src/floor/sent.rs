//! What is sent, as typed values: made from a question before the measuring begins, made to bytes within it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::wire_between::Question;

/// A body to be sent.
pub(super) enum Sent {
    /// Nothing.
    Nothing,
    /// Orders: nearly all of the bytes.
    Orders(Box<Push>),
    /// Anything else.
    Other(Box<Value>),
}

impl Sent {
    /// The values of a question.
    pub(super) fn of(question: &Question) -> Result<Self, String> {
        let failed = |error: serde_json::Error| format!("{}: {error}", question.path);
        if question.body.is_empty() {
            return Ok(Self::Nothing);
        }
        if question.body.contains("bulkUpsertOrders") {
            return serde_json::from_str(&question.body)
                .map(|push| Self::Orders(Box::new(push)))
                .map_err(failed);
        }
        serde_json::from_str(&question.body).map(|value| Self::Other(Box::new(value))).map_err(failed)
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Orders(push) => serde_json::to_vec(push),
            Self::Other(value) => serde_json::to_vec(value),
        }
    }
}

/// A mutation of orders.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Push {
    query: String,
    operation_name: String,
    variables: Variables,
}

#[derive(Serialize, Deserialize)]
struct Variables {
    orders: Vec<Order>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    legacy_connection_id: i64,
    store_order_id: String,
    order_number: String,
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_customer_id: Option<String>,
    normalized_status: String,
    store_status: String,
    store_created_date: Timestamp,
    currency: String,
    final_amount: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_amount: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<Discount>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    line_items: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepts_marketing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_data: Option<Person>,
    creation_source: String,
    store_modified_date: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Discount {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    discount_amount: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    store_line_item_id: Option<String>,
    store_base_product_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_store_primary_id: Option<String>,
    name: String,
    quantity: u32,
    price_amount: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_url: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Person {
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
}
