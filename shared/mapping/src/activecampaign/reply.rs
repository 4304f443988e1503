//! The replies, by what to do next.

use jiff::Timestamp;

use crate::http::Response;

/// A reply that is no success, by what to do next.
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

/// How far a bulk import is.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Any 2xx is enough.
///
/// # Errors
/// The refusal.
pub fn succeeded(_response: &Response) -> Result<(), Refusal> { todo!() }
/// Whether the plan has e-commerce; none when the account does not say.
///
/// # Errors
/// The refusal.
pub fn has_ecommerce(_response: &Response) -> Result<Option<bool>, Refusal> { todo!() }
/// The connection of an answer to create or change.
///
/// # Errors
/// The refusal.
pub fn connection(_response: &Response) -> Result<Connection, Refusal> { todo!() }
/// The connections of a list.
///
/// # Errors
/// The refusal.
pub fn connections(_response: &Response) -> Result<Vec<Connection>, Refusal> { todo!() }
/// The waiting mutation's answer: every order of `sent` is stored.
///
/// # Errors
/// The refusal.
pub fn orders_written(_response: &Response, _sent: &[&str]) -> Result<(), Refusal> { todo!() }
/// The queued mutation's answer: its record id.
///
/// # Errors
/// The refusal.
pub fn orders_queued(_response: &Response, _sent: &[&str]) -> Result<String, Refusal> { todo!() }
/// The products' answer.
///
/// # Errors
/// The refusal.
pub fn products_written(_response: &Response, _sent: &[&str]) -> Result<(), Refusal> { todo!() }
/// Orders of `searchOrder` or `getOrder` (none or one).
///
/// # Errors
/// The refusal.
pub fn orders_found(_response: &Response) -> Result<Vec<Stored>, Refusal> { todo!() }
/// The batch id of a bulk import. Refused people are named by their place in the batch, as text.
///
/// # Errors
/// The refusal.
pub fn import_queued(_response: &Response) -> Result<String, Refusal> { todo!() }
/// How far an import is.
///
/// # Errors
/// The refusal.
pub fn import_state(_response: &Response) -> Result<ImportState, Refusal> { todo!() }
/// One person's answer.
///
/// # Errors
/// The refusal.
pub fn contact_synced(_response: &Response) -> Result<(), Refusal> { todo!() }
