//! Square's JSON as it comes: only the fields in use, unknown fields ignored, null the same as absent, unknown
//! words of an enumeration kept as `Unknown` (square.md section 0: additive changes land in old versions).
//!
//! Everything borrows from the answer's bytes; what outlives them is copied by whoever keeps it.

mod catalog;
mod order;
mod payment;
mod person;
mod store;
mod text;

pub(crate) use catalog::{CatalogAnswer, CatalogObject, CategoryRef, Item, Variation};
pub(crate) use order::{
    Amounts, EntriesAnswer, FulfillmentKind, Line, Order, OrderState, OrdersAnswer, Recipient, Tender, Unit,
};
pub(crate) use payment::{
    Payment, PaymentAnswer, PaymentStatus, PaymentsAnswer, PostalAddress, Refund, RefundsAnswer,
};
pub(crate) use person::{BulkPeople, Person, PersonEntry, PersonsAnswer, PersonsCount};
pub(crate) use store::{
    ErrorsAnswer, LocationsAnswer, Place, PlaceStatus, RevokeAnswer, TokenAnswer, TokenStatus,
};
pub(crate) use text::{Amount, List, Text, filled};
