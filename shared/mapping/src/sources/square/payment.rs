//! One payment: what is used of it, and how it is read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::model::{Email, Money, Personal, SkipReason};
use crate::source::SourceError;

use super::api::{PAYMENTS_LIST, decode};
use super::flaw::{Flaw, parse, remains};
use super::pages::cursor_of;
use super::people::{address, personal};
use super::wire::{self, PaymentStatus, filled};

/// Payments by id.
pub(crate) type Known = BTreeMap<String, Found>;

/// A payment that was read.
pub(crate) enum Found {
    Whole(Box<Payment>),
    /// It came, and could not be read.
    Broken(Flaw),
}

/// What is used of a payment.
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) order: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) status: PaymentStatus,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// When the buyer paid: offline sales reach Square up to 72 hours late (square.md section 4.1).
    pub(crate) paid: Timestamp,
    pub(crate) total: Option<Money>,
    pub(crate) refunded: Option<Money>,
    pub(crate) receipt_number: Option<String>,
    pub(crate) receipt_url: Option<String>,
    pub(crate) buyer_email: Option<Result<Email, SkipReason>>,
    pub(crate) first_name: Option<Personal>,
    pub(crate) last_name: Option<Personal>,
}

/// Payments of one answer, by id.
pub(crate) struct Listed {
    pub(crate) payments: Vec<(String, Found)>,
    pub(crate) cursor: Option<String>,
}

/// Reads the payments of an answer: together, or each by itself where that fails.
pub(crate) fn listed(body: &[u8]) -> Result<Listed, SourceError> {
    if let Ok(answer) = serde_json::from_slice::<wire::PaymentsAnswer<'_, wire::Payment<'_>>>(body) {
        let found = |payment: &wire::Payment<'_>| (payment.id.to_string(), judge(whole(payment)));
        let payments = answer.payments.iter().map(found).collect();
        return Ok(Listed { payments, cursor: cursor_of(&answer.cursor) });
    }
    let answer: wire::PaymentsAnswer<'_, &RawValue> = decode(PAYMENTS_LIST, body)?;
    let payments = answer.payments.iter().map(|raw| read(raw.get())).collect();
    Ok(Listed { payments, cursor: cursor_of(&answer.cursor) })
}

fn judge(payment: Result<Payment, Flaw>) -> Found {
    match payment {
        Ok(payment) => Found::Whole(Box::new(payment)),
        Err(flaw) => Found::Broken(flaw.within("payment")),
    }
}

/// Reads a payment by itself; the id too, as far as there is one.
pub(crate) fn read(raw: &str) -> (String, Found) {
    match parse::<wire::Payment<'_>>(raw) {
        Ok(payment) => (payment.id.to_string(), judge(whole(&payment))),
        Err(flaw) => (remains(raw).id, judge(Err(flaw))),
    }
}

fn whole(payment: &wire::Payment<'_>) -> Result<Payment, Flaw> {
    let created = payment.created_at.ok_or_else(|| Flaw::at("created_at"))?;
    let money = |amount: Option<&wire::Amount<'_>>, place| {
        amount.map(|amount| amount.money().map_err(|_| Flaw::at(place))).transpose()
    };
    let total = payment.total_money.as_ref().or(payment.amount_money.as_ref());
    let offline = payment.offline_payment_details.as_ref().and_then(|details| details.client_created_at);
    let named = payment.billing_address.as_ref().or(payment.shipping_address.as_ref());
    Ok(Payment {
        id: payment.id.to_string(),
        order: filled(&payment.order_id).map(str::to_owned),
        customer: filled(&payment.customer_id).map(str::to_owned),
        status: payment.status.unwrap_or(PaymentStatus::Unknown),
        created,
        updated: payment.updated_at.unwrap_or(created),
        paid: offline.unwrap_or(created),
        total: money(total, "total_money")?,
        refunded: money(payment.refunded_money.as_ref(), "refunded_money")?,
        receipt_number: filled(&payment.receipt_number).map(str::to_owned),
        receipt_url: filled(&payment.receipt_url).map(str::to_owned),
        buyer_email: filled(&payment.buyer_email_address).map(|_| address(&payment.buyer_email_address)),
        first_name: named.and_then(|named| personal(&named.first_name)),
        last_name: named.and_then(|named| personal(&named.last_name)),
    })
}
