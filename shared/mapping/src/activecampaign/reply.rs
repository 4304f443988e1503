//! The replies, by what to do next.

mod amount;
mod connections;
mod copies;
mod customers;
mod errors;
mod graphql;
mod plan;
mod refuse;
mod rest;
mod text;

pub use amount::{minor_amount, same_amount};
pub use connections::{Connections, connection, connection_found, connections, connections_page};
pub use copies::{Copied, copies_found};
pub use customers::{EcomCustomer, customer_changed, customers_found};
pub use graphql::{orders_found, orders_queued, orders_written, products_written};
pub use plan::has_ecommerce;
pub use rest::{contact_synced, import_queued, import_state, succeeded};

use std::fmt;

use jiff::Timestamp;

/// A reply that is no success, by what to do next. Texts are for the operator: addresses are taken out of them
/// and they are short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too fast, or the account is in maintenance; nothing was done. `Retry-After` as it came.
    SlowDown(Option<String>),
    /// The key is refused: the connection needs somebody.
    Key,
    /// The other side failed; whether the write was done is not known.
    Unavailable(u16),
    /// These records are refused, by the ids that were sent, with what was said; the others were not stored.
    Records(Vec<(String, String)>),
    /// The batch is refused and no record is named.
    Batch(String),
    /// The batch or the document is too large.
    TooLarge,
    /// Our request does not fit the schema: a fault of ours, or their API changed.
    Schema(String),
    /// Something of the same key is there already.
    Duplicate,
    /// Not there.
    NotFound,
    /// The plan does not include it, or another refusal that repeating does not mend.
    Rejected(String),
}

/// A connection of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `legacyConnectionId`.
    pub id: i64,
    /// The platform's free name.
    pub service: String,
    /// The store's id there.
    pub externalid: String,
    /// The store's name on orders.
    pub name: String,
    /// The list new contacts join; `"0"` is none.
    pub list: String,
    /// The account's own integration.
    pub internal: bool,
    /// Whether it says to be stopped or disconnected. What says nothing is taken to run.
    pub stopped: bool,
}

/// An order as the destination holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The source's id.
    pub id: String,
    /// Sort key of the read-back.
    pub created: Timestamp,
    /// The version it holds.
    pub modified: Option<Timestamp>,
    /// Amount as the digits came.
    pub amount: String,
    /// Its status word.
    pub status: Option<String>,
}

impl Stored {
    /// True when it says what `check` (of `OrderInput::check`) says: the amount, and the status where it has one.
    #[must_use]
    pub fn agrees(&self, check: &str) -> bool {
        let Some((amount, status)) = check.split_once(' ') else {
            return false;
        };
        same_amount(&self.amount, amount) && self.status.as_deref().is_none_or(|word| word == status)
    }
}

/// How far a bulk import is.
#[derive(Clone, PartialEq, Eq)]
pub enum ImportState {
    /// Not yet done, or not yet known.
    Working,
    /// Done; these addresses were refused.
    Done {
        /// Addresses as the answer names them. Personal.
        refused: Vec<String>,
    },
    /// It did not run.
    Failed,
}

impl fmt::Debug for ImportState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Working => f.write_str("Working"),
            Self::Done { refused } => write!(f, "Done {{ refused: {} }}", refused.len()),
            Self::Failed => f.write_str("Failed"),
        }
    }
}
