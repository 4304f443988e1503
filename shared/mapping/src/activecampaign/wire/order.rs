//! `OrderInput` (activecampaign.md sections 4.4 and 4.5).

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Amount, fingerprint};
use crate::model::{Currency, Email, Money, Personal, Status};

/// Whether an order may start automations (activecampaign.md section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CreationSource {
    /// Starts nothing.
    Historical,
    /// Placed now.
    RealTime,
}

/// An order as the mutation takes it. Only `legacyConnectionId` and a line's `quantity` are `Int`, which ends at
/// 2,147,483,647; ids are text (activecampaign.md section 12).
#[derive(Clone, Debug, PartialEq)]
pub struct OrderInput {
    /// Key, first part: the connection's id.
    pub legacy_connection_id: i64,
    /// Key, second part.
    pub store_order_id: String,
    /// What people call it by.
    pub order_number: String,
    /// Live or history.
    pub creation_source: CreationSource,
    /// The address that makes the contact.
    pub email: Email,
    /// Becomes the e-commerce customer's `externalid`.
    pub store_customer_id: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// When it was paid.
    pub store_created_date: Timestamp,
    /// Newest change sent.
    pub store_modified_date: Timestamp,
    /// What was paid and not given back, in the order's currency.
    pub final_amount: Money,
    /// What delivery cost, within the total.
    pub shipping_amount: Option<Money>,
    /// What was taken off.
    pub discounts: Vec<DiscountInput>,
    /// What was sold. Always all of it: whether lines are merged is not known (activecampaign.md section 4.11).
    pub line_items: Vec<LineItemInput>,
    /// The page of the order at the source.
    pub order_url: Option<String>,
    /// How it is delivered.
    pub shipping_method: Option<String>,
    /// Left out where the source says nothing of consent.
    pub accepts_marketing: Option<bool>,
    /// Who bought. Always sent: without it a recipient's shipping name would overwrite the buyer's
    /// (activecampaign.md section 4.6).
    pub customer_data: CustomerData,
}

impl OrderInput {
    /// What the order says, as a short text: equal texts need no second write. Leaves out the live flag and
    /// the modification time, which alone change nothing anybody sees.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&Said(self))
    }

    /// `finalAmount` as decimal text, to be compared with what is stored by [`super::super::same_amount`].
    #[must_use]
    pub fn amount_text(&self) -> String {
        self.final_amount.decimal()
    }

    /// `normalizedStatus` (activecampaign.md section 4.4).
    #[must_use]
    pub fn status_word(&self) -> &'static str {
        status_word(self.status)
    }

    /// `storeStatus`: one fixed word per status, as each must always go with one `normalizedStatus`.
    #[must_use]
    pub fn store_status(&self) -> &'static str {
        match self.status {
            Status::Completed => "completed",
            Status::Cancelled => "cancelled",
            Status::Refunded => "refunded",
        }
    }

    /// What read-back must find, in short: [`super::super::Stored::agrees`] compares it.
    #[must_use]
    pub fn check(&self) -> String {
        check(self.final_amount, self.status)
    }

    /// The currency all amounts are in.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.final_amount.currency
    }

    fn write_said<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("legacyConnectionId", &self.legacy_connection_id)?;
        map.serialize_entry("storeOrderId", &self.store_order_id)?;
        map.serialize_entry("orderNumber", &self.order_number)?;
        map.serialize_entry("email", self.email.expose())?;
        some(map, "storeCustomerId", self.store_customer_id.as_ref())?;
        map.serialize_entry("normalizedStatus", self.status_word())?;
        map.serialize_entry("storeStatus", self.store_status())?;
        map.serialize_entry("storeCreatedDate", &self.store_created_date)?;
        map.serialize_entry("currency", &self.currency())?;
        map.serialize_entry("finalAmount", &Amount(self.final_amount))?;
        some(map, "shippingAmount", self.shipping_amount.map(Amount).as_ref())?;
        some(map, "discounts", (!self.discounts.is_empty()).then_some(&self.discounts))?;
        some(map, "lineItems", (!self.line_items.is_empty()).then_some(&self.line_items))?;
        some(map, "orderUrl", self.order_url.as_ref())?;
        some(map, "shippingMethod", self.shipping_method.as_ref())?;
        some(map, "acceptsMarketing", self.accepts_marketing.as_ref())?;
        some(map, "customerData", (!self.customer_data.is_empty()).then_some(&self.customer_data))
    }
}

fn some<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &'static str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, value))
}

impl Serialize for OrderInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write_said(&mut map)?;
        map.serialize_entry("creationSource", &self.creation_source)?;
        map.serialize_entry("storeModifiedDate", &self.store_modified_date)?;
        map.end()
    }
}

/// The part of an order that a reader of it can see.
struct Said<'a>(&'a OrderInput);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.write_said(&mut map)?;
        map.end()
    }
}

/// One discount. No sum goes with the order: which name its field has is not known (activecampaign.md
/// section 4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountInput {
    /// Code or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `ORDER`: what the sources tell of is taken off goods, never off delivery alone.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it took off in all.
    #[serde(serialize_with = "Money::as_number")]
    pub discount_amount: Money,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineItemInput {
    /// The line within the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_line_item_id: Option<String>,
    /// The product: v3's `externalid`.
    pub store_base_product_id: String,
    /// The variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_store_primary_id: Option<String>,
    /// As printed on the receipt.
    pub name: String,
    /// Whole pieces.
    pub quantity: u32,
    /// Price of one piece. The reference contradicts itself; the copy it is made for is per piece
    /// (activecampaign.md section 4.5).
    #[serde(serialize_with = "Money::as_number")]
    pub price_amount: Money,
    /// The category it is reported under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Stock keeping unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// A picture of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Its page in the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_url: Option<String>,
}

/// What an order says of its buyer's contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerData {
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Personal>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Personal>,
    /// As the store holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Personal>,
    /// The contact's organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<Personal>,
}

impl CustomerData {
    fn is_empty(&self) -> bool {
        [&self.first_name, &self.last_name, &self.phone, &self.company].into_iter().all(Option::is_none)
    }
}

/// Amount and status in short.
pub(in super::super) fn check(amount: Money, status: Status) -> String {
    format!("{} {}", amount.decimal(), status_word(status))
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Completed => "COMPLETED",
        Status::Cancelled => "CANCELLED",
        Status::Refunded => "REFUNDED",
    }
}
