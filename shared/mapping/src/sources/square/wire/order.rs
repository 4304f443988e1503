//! Orders (square.md section 4.3).

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Amount, List, Text};

/// Answer of SearchOrders and BatchRetrieveOrders.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct OrdersAnswer<'a, T> {
    #[serde(default)]
    pub(crate) orders: List<T>,
    #[serde(borrow)]
    pub(crate) cursor: Option<Text<'a>>,
}

/// Answer of SearchOrders that asked for ids alone.
#[derive(Deserialize)]
pub(crate) struct EntriesAnswer<'a> {
    #[serde(default)]
    pub(crate) order_entries: List<IgnoredAny>,
    #[serde(borrow)]
    pub(crate) cursor: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) location_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) reference_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) customer_id: Option<Text<'a>>,
    pub(crate) state: Option<OrderState>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    pub(crate) closed_at: Option<Timestamp>,
    #[serde(borrow, default)]
    pub(crate) line_items: List<Line<'a>>,
    #[serde(borrow, default)]
    pub(crate) discounts: List<Discount<'a>>,
    #[serde(borrow, default)]
    pub(crate) service_charges: List<Charge<'a>>,
    #[serde(borrow, default)]
    pub(crate) fulfillments: List<Fulfillment<'a>>,
    #[serde(borrow, default)]
    pub(crate) tenders: List<Tender<'a>>,
    #[serde(borrow, default)]
    pub(crate) returns: List<Return<'a>>,
    #[serde(default)]
    pub(crate) refunds: List<IgnoredAny>,
    #[serde(borrow)]
    pub(crate) total_money: Option<Amount<'a>>,
    #[serde(borrow)]
    pub(crate) net_amounts: Option<Amounts<'a>>,
    #[serde(borrow)]
    pub(crate) return_amounts: Option<Amounts<'a>>,
    #[serde(borrow)]
    pub(crate) net_amount_due_money: Option<Amount<'a>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OrderState {
    Open,
    Completed,
    Canceled,
    Draft,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
pub(crate) struct Amounts<'a> {
    #[serde(borrow)]
    pub(crate) total_money: Option<Amount<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Line<'a> {
    #[serde(borrow)]
    pub(crate) uid: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) quantity: Text<'a>,
    #[serde(borrow)]
    pub(crate) quantity_unit: Option<QuantityUnit<'a>>,
    /// The variation's id; absent for custom amounts.
    #[serde(borrow)]
    pub(crate) catalog_object_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) modifiers: List<Modifier<'a>>,
    #[serde(borrow)]
    pub(crate) base_price_money: Option<Amount<'a>>,
    #[serde(borrow)]
    pub(crate) variation_total_price_money: Option<Amount<'a>>,
    #[serde(borrow)]
    pub(crate) gross_sales_money: Option<Amount<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Modifier<'a> {
    #[serde(borrow)]
    pub(crate) total_price_money: Option<Amount<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct QuantityUnit<'a> {
    #[serde(borrow)]
    pub(crate) measurement_unit: Option<Unit<'a>>,
}

/// A unit of measure: the one field that is set names it.
#[derive(Deserialize)]
pub(crate) struct Unit<'a> {
    #[serde(borrow)]
    pub(crate) custom_unit: Option<CustomUnit<'a>>,
    #[serde(borrow)]
    pub(crate) area_unit: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) length_unit: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) volume_unit: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) weight_unit: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) time_unit: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct CustomUnit<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) abbreviation: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Discount<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) applied_money: Option<Amount<'a>>,
}

/// A service charge; shipping is one (square.md section 4.3).
#[derive(Deserialize)]
pub(crate) struct Charge<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) amount_money: Option<Amount<'a>>,
    #[serde(borrow)]
    pub(crate) applied_money: Option<Amount<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Tender<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) payment_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) location_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) customer_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) amount_money: Option<Amount<'a>>,
    pub(crate) created_at: Option<Timestamp>,
}

impl Tender<'_> {
    /// The payment behind it: `id` is the payment's id where `payment_id` is not given (square.md section 3.2).
    pub(crate) fn payment(&self) -> Option<&str> {
        super::filled(&self.payment_id).or_else(|| super::filled(&self.id))
    }
}

#[derive(Deserialize)]
pub(crate) struct Return<'a> {
    #[serde(borrow)]
    pub(crate) source_order_id: Option<Text<'a>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum FulfillmentKind {
    Pickup,
    Shipment,
    Delivery,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
pub(crate) struct Fulfillment<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: Option<FulfillmentKind>,
    #[serde(borrow)]
    pub(crate) pickup_details: Option<FulfillmentDetails<'a>>,
    #[serde(borrow)]
    pub(crate) shipment_details: Option<FulfillmentDetails<'a>>,
    #[serde(borrow)]
    pub(crate) delivery_details: Option<FulfillmentDetails<'a>>,
}

impl<'a> Fulfillment<'a> {
    /// Whoever gets it, whichever way it goes.
    pub(crate) fn recipient(&self) -> Option<&Recipient<'a>> {
        [&self.shipment_details, &self.delivery_details, &self.pickup_details]
            .into_iter()
            .flatten()
            .find_map(|details| details.recipient.as_ref())
    }
}

#[derive(Deserialize)]
pub(crate) struct FulfillmentDetails<'a> {
    #[serde(borrow)]
    pub(crate) recipient: Option<Recipient<'a>>,
    #[serde(borrow)]
    pub(crate) shipping_type: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Recipient<'a> {
    #[serde(borrow)]
    pub(crate) customer_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) email_address: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) phone_number: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) address: Option<super::PostalAddress<'a>>,
}
