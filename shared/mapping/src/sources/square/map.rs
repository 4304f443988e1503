//! From Square's order, its payments and its customer to an order of ours (rules.md section 1).

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Buyer, Discount, Observed, Order, Reading, SkipReason, Status};
use crate::source::Access;

use super::buyer::{self, Who};
use super::delivery;
use super::errors::UNREADABLE;
use super::flaw::Flaw;
use super::lines;
use super::link;
use super::memory::Memory;
use super::payment::{Found, Known, Payment};
use super::payments::moves_money;
use super::settle::Settlement;
use super::wire::{self, filled};

/// What a discount without a name is called.
const UNNAMED_DISCOUNT: &str = "Discount";

/// An order with the payments its tenders name.
pub(crate) struct Parts<'s> {
    pub(crate) order: &'s wire::Order<'s>,
    /// Earliest first, then by id: the first is "the first payment" wherever a rule says so.
    pub(crate) payments: Vec<&'s Payment>,
    /// A payment that came and could not be read.
    pub(crate) broken: Option<&'s Flaw>,
    /// A tender of money whose payment was not found.
    pub(crate) missing: bool,
}

impl<'s> Parts<'s> {
    /// Joins by the tenders alone: a payment that only names the order may be seen by one reading and not by
    /// another, and the version of a record must not depend on how it was reached. So a tender of nothing is left
    /// out too: its payment is never asked for, and a window of changes can list it all the same.
    pub(crate) fn of(order: &'s wire::Order<'s>, known: &'s Known) -> Self {
        let mut parts = Self { order, payments: Vec::new(), broken: None, missing: false };
        for tender in order.tenders.iter().filter(|tender| moves_money(tender)) {
            match tender.payment().and_then(|id| known.get(id)) {
                Some(Found::Whole(payment)) => parts.payments.push(payment),
                Some(Found::Broken(flaw)) => parts.broken = Some(flaw),
                None => parts.missing = true,
            }
        }
        parts.payments.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        parts.payments.dedup_by(|a, b| a.id == b.id);
        parts
    }

    /// Whose order it is: `customer_id` of the order, else of a tender, a payment, the recipient.
    pub(crate) fn buyer(&self) -> Option<&str> {
        buyer::id(self.order, &self.payments)
    }
}

/// What one order comes to. `at` is the instant it counts by in its window.
pub(crate) fn observe(parts: &Parts<'_>, at: Timestamp, access: &Access, memory: &Memory) -> Observed<Order> {
    let order = parts.order;
    let who = buyer::who(parts, access.options, &memory.people);
    let updated = order.updated_at.or(order.created_at).unwrap_or(at);
    // Refunds are no part of it: they move their payment, and not every reading meets them (README.md).
    let payments = parts.payments.iter().map(|payment| payment.updated);
    let version = payments.chain(who.updated).fold(updated, Timestamp::max);
    let reading = read(parts, who.who, version, access, memory)
        .unwrap_or_else(|flaw| Reading::Unreadable { code: UNREADABLE, place: flaw.place() });
    let created = order.created_at.unwrap_or(updated);
    Observed { id: order.id.to_string(), version, at, created, reading }
}

/// The rules in the order in which their reasons are said (rules.md section 8).
fn read(
    parts: &Parts<'_>,
    who: Who,
    version: Timestamp,
    access: &Access,
    memory: &Memory,
) -> Result<Reading<Order>, Flaw> {
    let order = parts.order;
    let nothing_sold = order.line_items.is_empty();
    if nothing_sold && !(order.returns.is_empty() && order.refunds.is_empty()) {
        return Ok(Reading::Skipped { reason: SkipReason::ReturnOnly, late: None });
    }
    if let Some(flaw) = parts.broken {
        return Err(flaw.clone());
    }
    let Some(money) = Settlement::of(parts)? else {
        return Ok(Reading::Skipped { reason: SkipReason::NotPaid, late: None });
    };
    if money.unproven {
        return Err(Flaw::at("tenders"));
    }
    let made = |buyer: Option<Buyer>| build(parts, buyer, &money, version, access, memory);
    match (money.paid, who) {
        (false, Who::Known(buyer)) if !nothing_sold => {
            Ok(Reading::Skipped { reason: SkipReason::NotPaid, late: made(Some(*buyer)).ok().map(Arc::new) })
        }
        (false, Who::Nobody(_)) if !nothing_sold => {
            Ok(Reading::Skipped { reason: SkipReason::NotPaid, late: made(None).ok().map(Arc::new) })
        }
        (false, _) => Ok(Reading::Skipped { reason: SkipReason::NotPaid, late: None }),
        // Paid, nothing sold, nothing given back: no rule speaks of it, so somebody must look.
        (true, _) if nothing_sold => Err(Flaw::at("line_items")),
        (true, Who::Known(buyer)) => Ok(Reading::Ready(Arc::new(made(Some(*buyer))?))),
        (true, Who::Nobody(reason)) => Ok(Reading::Skipped { reason, late: made(None).ok().map(Arc::new) }),
        (true, Who::Unreadable(flaw)) => Err(flaw),
    }
}

fn build(
    parts: &Parts<'_>,
    buyer: Option<Buyer>,
    money: &Settlement<'_>,
    version: Timestamp,
    access: &Access,
    memory: &Memory,
) -> Result<Order, Flaw> {
    let order = parts.order;
    let date = match money.first {
        Some(payment) => Some(payment.paid),
        None => order.closed_at.or(order.created_at),
    };
    Ok(Order {
        id: order.id.to_string(),
        number: number(order, money.first),
        buyer,
        status: money.status,
        total: money.total,
        shipping: delivery::cost(order, access.location.language.as_deref())?,
        shipping_method: delivery::method(order),
        discounts: discounts(order)?,
        lines: lines::lines(order, &memory.goods)?,
        url: Some(link::of(access, order, money.first)),
        date: date.ok_or_else(|| Flaw::at("created_at"))?,
        modified: version,
    })
}

/// `reference_id`, else the first completed payment's `receipt_number`, else the order id. Never `ticket_name`,
/// which can be a table or a number that starts anew each day.
fn number(order: &wire::Order<'_>, first: Option<&Payment>) -> String {
    let receipt = || first.and_then(|payment| payment.receipt_number.as_deref());
    filled(&order.reference_id).or_else(receipt).unwrap_or(&order.id).to_owned()
}

/// Name and applied amount. One that took nothing off is none.
fn discounts(order: &wire::Order<'_>) -> Result<Vec<Discount>, Flaw> {
    let mut list = Vec::with_capacity(order.discounts.len());
    for (index, discount) in order.discounts.iter().enumerate() {
        let Some(applied) = discount.applied_money.as_ref().filter(|applied| applied.minor() != 0) else {
            continue;
        };
        let place = || Flaw::at(format!("discounts[{index}].applied_money"));
        list.push(Discount {
            name: filled(&discount.name).unwrap_or(UNNAMED_DISCOUNT).to_owned(),
            amount: applied.money().map_err(|_| place())?,
        });
    }
    Ok(list)
}

/// Cancelled, refunded in full, else completed - also while a fulfillment is open.
pub(crate) fn status(cancelled: bool, refunded_in_full: bool) -> Status {
    match (cancelled, refunded_in_full) {
        (true, _) => Status::Cancelled,
        (false, true) => Status::Refunded,
        (false, false) => Status::Completed,
    }
}
