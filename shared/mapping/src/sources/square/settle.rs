//! Whether an order is paid, what was kept of it, and where it stands (rules.md sections 1 and 8).

use crate::model::{Currency, Money, Status};

use super::flaw::Flaw;
use super::map::{Parts, status};
use super::payment::Payment;
use super::wire::{Amount, Amounts, Order, OrderState, PaymentStatus};

/// An order's money.
pub(crate) struct Settlement<'s> {
    /// Nothing due and at least one completed payment; or nothing to pay and completed.
    pub(crate) paid: bool,
    /// Something proves a payment that could not be found: neither paid nor unpaid can be said.
    pub(crate) unproven: bool,
    /// What was paid and not given back, never below nothing.
    pub(crate) total: Money,
    pub(crate) status: Status,
    /// The first completed payment.
    pub(crate) first: Option<&'s Payment>,
}

impl<'s> Settlement<'s> {
    /// None for an order without a total that nobody says was paid: a draft.
    pub(crate) fn of(parts: &Parts<'s>) -> Result<Option<Self>, Flaw> {
        let order = parts.order;
        let completed: Vec<&Payment> = parts
            .payments
            .iter()
            .copied()
            .filter(|payment| payment.status == PaymentStatus::Completed)
            .collect();
        let Some(sold) = sold(order)? else {
            let done = order.state == Some(OrderState::Completed) || !completed.is_empty();
            return if done { Err(Flaw::at("total_money")) } else { Ok(None) };
        };
        let mixed = |_| Flaw::at("tenders");
        let nothing = Money::new(0, sold.currency);
        let mut received = nothing;
        let mut refunded = nothing;
        for payment in &completed {
            received = received.plus(payment.total.unwrap_or(nothing)).map_err(mixed)?;
        }
        for payment in &parts.payments {
            refunded = refunded.plus(payment.refunded.unwrap_or(nothing)).map_err(mixed)?;
        }
        let nothing_due = nothing_due(order, sold, received);
        let paid = match order.state {
            // Nothing to pay and called off is no sale.
            Some(OrderState::Canceled) if sold.minor <= 0 => false,
            Some(OrderState::Completed) if sold.minor <= 0 => true,
            _ => nothing_due && !completed.is_empty(),
        };
        let alive = matches!(order.state, Some(OrderState::Completed | OrderState::Open));
        // Paid by the order's total; else by what came in, which is all that can be lost again.
        let kept = if paid { sold } else { received };
        let total = kept.minus(refunded).map_err(mixed)?;
        let called_off = order.state == Some(OrderState::Canceled) || (!paid && completed.is_empty());
        Ok(Some(Self {
            paid,
            unproven: parts.missing && alive && nothing_due && sold.minor > 0,
            total: Money::new(total.minor.max(0), total.currency),
            status: status(called_off, refunded.minor > 0 && refunded.minor >= kept.minor),
            first: completed.first().copied(),
        }))
    }
}

/// What was sold: tip, tax and charges included. An exchange counts its net total.
fn sold(order: &Order<'_>) -> Result<Option<Money>, Flaw> {
    let total = amount(order.total_money.as_ref(), "total_money")?;
    if order.returns.is_empty() {
        return Ok(total);
    }
    let of = |amounts: &Option<Amounts<'_>>, place| {
        amount(amounts.as_ref().and_then(|amounts| amounts.total_money.as_ref()), place)
    };
    if let Some(net) = of(&order.net_amounts, "net_amounts.total_money")? {
        return Ok(Some(net));
    }
    match (total, of(&order.return_amounts, "return_amounts.total_money")?) {
        (Some(total), Some(back)) => {
            total.minus(back).map(Some).map_err(|_| Flaw::at("return_amounts.total_money"))
        }
        _ => Ok(total),
    }
}

/// `net_amount_due_money` says it; where it is absent, a completed order is due nothing, and any other is due
/// what its completed payments do not cover.
fn nothing_due(order: &Order<'_>, sold: Money, received: Money) -> bool {
    match (&order.net_amount_due_money, order.state) {
        (Some(due), _) => due.minor() <= 0,
        (None, Some(OrderState::Completed)) => true,
        (None, _) => received.minor >= sold.minor,
    }
}

fn amount(amount: Option<&Amount<'_>>, place: &str) -> Result<Option<Money>, Flaw> {
    amount.map(|amount| amount.money().map_err(|_| Flaw::at(place))).transpose()
}

/// Reads an amount and holds it to the currency of the order.
pub(crate) fn amount_in(
    amount: &Amount<'_>,
    currency: Currency,
    place: impl Fn() -> Flaw,
) -> Result<Money, Flaw> {
    let money = amount.money().map_err(|_| place())?;
    if money.currency == currency { Ok(money) } else { Err(place()) }
}
