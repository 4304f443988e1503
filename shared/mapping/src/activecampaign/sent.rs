//! What was sent before, read again.

use serde::Deserialize;

use crate::model::{Buyer, Email, Personal};

/// The part of a sent order that says who bought.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    email: String,
    store_customer_id: Option<String>,
    accepts_marketing: Option<bool>,
    #[serde(default)]
    customer_data: Person,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    company: Option<String>,
}

/// Who an order was sent for, from its request as it was sent: a store that has lost the buyer's profile no longer
/// says it. None where the text is no such request.
#[must_use]
pub fn buyer_of(request: &str) -> Option<Buyer> {
    let sent: Sent = serde_json::from_str(request).ok()?;
    let personal = |text: Option<String>| text.as_deref().and_then(Personal::new);
    let person = sent.customer_data;
    Some(Buyer {
        id: sent.store_customer_id,
        email: Email::parse(&sent.email).ok()?,
        first_name: personal(person.first_name),
        last_name: personal(person.last_name),
        phone: personal(person.phone),
        company: personal(person.company),
        accepts_marketing: sent.accepts_marketing,
    })
}
