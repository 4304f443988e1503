//! What goes over the wire, field by field. Empty fields are left out: an empty string would wipe a good value.

use jiff::Timestamp;
use serde::Serialize;

/// Which mutation carries orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// `bulkUpsertOrders`: waits and answers per order.
    Waiting,
    /// `bulkUpsertOrdersAsync`: queued, to be read back.
    Queued,
}

/// A connection to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConnection {
    /// `tillsync-<source>`.
    pub service: String,
    /// The location's id.
    pub externalid: String,
    /// Shown as the store's name on orders.
    pub name: String,
    /// A picture, as the API wants one.
    pub logo_url: String,
    /// Where the connection is managed.
    pub link_url: String,
}

/// An order as the mutation takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderInput {
    /// Key, second part.
    pub store_order_id: String,
    /// What people call it by.
    pub order_number: String,
    /// Newest change sent.
    pub store_modified_date: Timestamp,
}

impl OrderInput {
    /// What the order says, as a short text: equal texts need no second write. Leaves out the live flag and
    /// the modification time, which alone change nothing anybody sees.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        todo!()
    }
}

/// A product as the mutation takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductInput {
    /// Key, second part.
    pub store_primary_id: String,
}

impl ProductInput {
    /// As [`OrderInput::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> String {
        todo!()
    }
}

/// A person as bulk import and contact sync take one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactInput {
    /// The key.
    pub email: String,
}

impl ContactInput {
    /// As [`OrderInput::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> String {
        todo!()
    }
}
