//! Whose order it is (rules.md section 1, "Whose"; square.md section 4.5).

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Buyer, Email, Personal, SkipReason};
use crate::source::ReadOptions;

use super::flaw::Flaw;
use super::map::Parts;
use super::payment::Payment;
use super::people::{Facts, Profile, address, personal};
use super::wire::{Order, Recipient, filled};

/// Who an order belongs to.
pub(crate) enum Who {
    Known(Box<Buyer>),
    /// Nobody who can be written to, by this rule.
    Nobody(SkipReason),
    /// The customer's profile came and could not be read.
    Unreadable(Flaw),
}

/// Who, and when the profile last changed.
pub(crate) struct Answer {
    pub(crate) who: Who,
    pub(crate) updated: Option<Timestamp>,
}

/// `customer_id` of the order, else of a tender, else of a payment, else of the fulfillment recipient.
pub(crate) fn id<'s>(order: &'s Order<'_>, payments: &[&'s Payment]) -> Option<&'s str> {
    let tender = || order.tenders.iter().find_map(|tender| filled(&tender.customer_id));
    let payment = || payments.iter().find_map(|payment| payment.customer.as_deref());
    let recipient = || recipients(order).find_map(|recipient| filled(&recipient.customer_id));
    filled(&order.customer_id).or_else(tender).or_else(payment).or_else(recipient)
}

/// Looks up the buyer among the profiles read.
pub(crate) fn who(parts: &Parts<'_>, options: ReadOptions, people: &BTreeMap<String, Profile>) -> Answer {
    let silent = |who| Answer { who, updated: None };
    let Some(id) = parts.buyer() else {
        // An address alone is no customer, unless the setting says so.
        return silent(if options.buyers_by_email {
            by_email(parts)
        } else {
            Who::Nobody(SkipReason::NoCustomer)
        });
    };
    match people.get(id) {
        Some(Profile::Found(facts)) => Answer { who: known(facts), updated: facts.updated },
        Some(Profile::Gone) => silent(Who::Nobody(SkipReason::CustomerGone)),
        Some(Profile::Unreadable(flaw)) => silent(Who::Unreadable(flaw.clone())),
        // Not looked up, as nothing was sold.
        None => silent(Who::Nobody(SkipReason::NoCustomer)),
    }
}

fn known(facts: &Facts) -> Who {
    match &facts.email {
        Err(reason) => Who::Nobody(*reason),
        Ok(email) => Who::Known(Box::new(Buyer {
            id: Some(facts.id.clone()),
            email: email.clone(),
            first_name: facts.first_name.clone(),
            last_name: facts.last_name.clone(),
            phone: facts.phone.clone(),
            company: facts.company.clone(),
            accepts_marketing: facts.accepts_marketing,
        })),
    }
}

/// The setting `orders_without_customer: by_email`: the recipient's address, else the buyer's.
/// `display_name` is one text for both names, and where it parts is not told, so it is not used.
fn by_email(parts: &Parts<'_>) -> Who {
    for recipient in recipients(parts.order) {
        if filled(&recipient.email_address).is_some() {
            let named = recipient.address.as_ref();
            let first_name = named.and_then(|named| personal(&named.first_name));
            let last_name = named.and_then(|named| personal(&named.last_name));
            let phone = personal(&recipient.phone_number);
            return nameless(address(&recipient.email_address), first_name, last_name, phone);
        }
    }
    for payment in &parts.payments {
        if let Some(email) = &payment.buyer_email {
            return nameless(email.clone(), payment.first_name.clone(), payment.last_name.clone(), None);
        }
    }
    Who::Nobody(SkipReason::NoCustomer)
}

fn nameless(
    email: Result<Email, SkipReason>,
    first_name: Option<Personal>,
    last_name: Option<Personal>,
    phone: Option<Personal>,
) -> Who {
    match email {
        Err(reason) => Who::Nobody(reason),
        Ok(email) => Who::Known(Box::new(Buyer {
            id: None,
            email,
            first_name,
            last_name,
            phone,
            company: None,
            accepts_marketing: None,
        })),
    }
}

fn recipients<'s, 'w>(order: &'s Order<'w>) -> impl Iterator<Item = &'s Recipient<'w>> {
    order.fulfillments.iter().filter_map(|fulfillment| fulfillment.recipient())
}
