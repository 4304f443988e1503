//! The source's answers as the program types them: the very same definitions, so that the two cannot drift apart.

#![allow(dead_code, reason = "the floor only parses; nothing looks at what came out")]

#[path = "../../../../shared/mapping/src/sources/square/wire/catalog.rs"]
mod catalog;
#[path = "../../../../shared/mapping/src/sources/square/wire/order.rs"]
mod order;
#[path = "../../../../shared/mapping/src/sources/square/wire/payment.rs"]
mod payment;
#[path = "../../../../shared/mapping/src/sources/square/wire/person.rs"]
mod person;
#[path = "../../../../shared/mapping/src/sources/square/wire/store.rs"]
mod store;
#[path = "../../../../shared/mapping/src/sources/square/wire/text.rs"]
mod text;

use payment::PostalAddress;
use text::{Amount, List, Text, filled};

use serde::Deserialize;

use super::Answered;

/// Parses an answer of the source; what else it answers is small and is parsed without a form.
pub(super) fn parse(path: &str, body: &[u8]) -> Result<(), serde_json::Error> {
    match path {
        "/v2/orders/search" | "/v2/orders/batch-retrieve" => {
            typed::<order::OrdersAnswer<'_, order::Order<'_>>>(body)
        }
        path if path.starts_with("/v2/payments?") => {
            typed::<payment::PaymentsAnswer<'_, payment::Payment<'_>>>(body)
        }
        path if path.starts_with("/v2/refunds?") => typed::<Refunds<'_>>(body),
        "/v2/customers/search" => typed::<Persons<'_>>(body),
        "/v2/customers/bulk-retrieve" => typed::<People<'_>>(body),
        "/v2/catalog/batch-retrieve" => typed::<Catalog<'_>>(body),
        _ => typed::<Answered>(body),
    }
}

fn typed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<(), serde_json::Error> {
    // What was parsed must not be thought away.
    serde_json::from_slice::<T>(body).map(|parsed| drop(std::hint::black_box(parsed)))
}

/// The program parses these in two steps, the second once per record; here in one.
#[derive(Deserialize)]
struct Refunds<'a> {
    #[serde(borrow, default)]
    refunds: List<payment::Refund<'a>>,
}

#[derive(Deserialize)]
struct Persons<'a> {
    #[serde(borrow, default)]
    customers: List<person::Person<'a>>,
}

#[derive(Deserialize)]
struct People<'a> {
    #[serde(borrow)]
    responses: Option<std::collections::HashMap<Text<'a>, Entry<'a>>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    customer: Option<person::Person<'a>>,
}

#[derive(Deserialize)]
struct Catalog<'a> {
    #[serde(borrow, default)]
    objects: List<catalog::CatalogObject<'a>>,
    #[serde(borrow, default)]
    related_objects: List<catalog::CatalogObject<'a>>,
}
