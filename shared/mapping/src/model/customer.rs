//! People and places of a store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Currency, Email, Personal};

/// A person of the store who can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The source's id.
    pub id: String,
    /// The address that makes the contact.
    pub email: Email,
    /// Given name.
    pub first_name: Option<Personal>,
    /// Family name.
    pub last_name: Option<Personal>,
    /// As the store holds it.
    pub phone: Option<Personal>,
    /// The firm the person buys for.
    pub company: Option<Personal>,
    /// What the source says of marketing consent; none where it says nothing.
    pub accepts_marketing: Option<bool>,
    /// Newest change at the source.
    pub modified: Timestamp,
}

/// One merchant at a platform, as its token shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The platform's id of the merchant.
    pub id: String,
    /// Everything that can be connected, closed ones too.
    pub locations: Vec<Location>,
}

/// A place of a store that sells; what a connection is made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The platform's id.
    pub id: String,
    /// The name staff know it by.
    pub name: String,
    /// The currency it sells in.
    pub currency: Currency,
    /// IANA time zone, as `Europe/Paris`.
    pub timezone: String,
    /// BCP 47 language, where known.
    pub language: Option<String>,
    /// False when the location is closed.
    pub active: bool,
}
