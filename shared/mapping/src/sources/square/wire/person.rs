//! Customers (square.md section 5).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{List, Text};

/// Answer of SearchCustomers; `customers` is missing when there are none.
#[derive(Deserialize)]
pub(crate) struct PersonsAnswer<'a> {
    #[serde(borrow, default)]
    pub(crate) customers: List<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) cursor: Option<Text<'a>>,
}

/// Answer of SearchCustomers that counts.
#[derive(Deserialize)]
pub(crate) struct PersonsCount {
    pub(crate) count: Option<u64>,
}

/// Answer of BulkRetrieveCustomers: an entry per id, errors inside a 200 (square.md section 5.2).
#[derive(Deserialize)]
pub(crate) struct BulkPeople<'a> {
    #[serde(borrow)]
    pub(crate) responses: Option<BTreeMap<Text<'a>, PersonEntry<'a>>>,
}

#[derive(Deserialize)]
pub(crate) struct PersonEntry<'a> {
    #[serde(borrow)]
    pub(crate) customer: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) errors: List<super::store::ErrorItem<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Person<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    #[serde(borrow)]
    pub(crate) given_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) family_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) company_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) email_address: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) phone_number: Option<Text<'a>>,
    pub(crate) preferences: Option<Preferences>,
}

#[derive(Deserialize)]
pub(crate) struct Preferences {
    pub(crate) email_unsubscribed: Option<bool>,
}
