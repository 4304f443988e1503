//! Payments and refunds (square.md section 3). Card data is not even declared, so it can never be kept.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Amount, List, Text};

/// Answer of ListPayments.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct PaymentsAnswer<'a, T> {
    #[serde(default)]
    pub(crate) payments: List<T>,
    #[serde(borrow)]
    pub(crate) cursor: Option<Text<'a>>,
}

/// Answer of GetPayment.
#[derive(Deserialize)]
pub(crate) struct PaymentAnswer<'a> {
    #[serde(borrow)]
    pub(crate) payment: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(crate) struct Payment<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) order_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) customer_id: Option<Text<'a>>,
    pub(crate) status: Option<PaymentStatus>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    #[serde(borrow)]
    pub(crate) total_money: Option<Amount<'a>>,
    #[serde(borrow)]
    pub(crate) amount_money: Option<Amount<'a>>,
    #[serde(borrow)]
    pub(crate) refunded_money: Option<Amount<'a>>,
    #[serde(borrow)]
    pub(crate) receipt_number: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) receipt_url: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) buyer_email_address: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) billing_address: Option<PostalAddress<'a>>,
    #[serde(borrow)]
    pub(crate) shipping_address: Option<PostalAddress<'a>>,
    pub(crate) offline_payment_details: Option<Offline>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PaymentStatus {
    Approved,
    Pending,
    Completed,
    Canceled,
    Failed,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
pub(crate) struct PostalAddress<'a> {
    #[serde(borrow)]
    pub(crate) first_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) last_name: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Offline {
    pub(crate) client_created_at: Option<Timestamp>,
}

/// Answer of ListPaymentRefunds.
#[derive(Deserialize)]
pub(crate) struct RefundsAnswer<'a> {
    #[serde(borrow, default)]
    pub(crate) refunds: List<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) cursor: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Refund<'a> {
    /// The order that gives back, not the sale (square.md section 3.3).
    #[serde(borrow)]
    pub(crate) order_id: Option<Text<'a>>,
    pub(crate) updated_at: Option<Timestamp>,
}
