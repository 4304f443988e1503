//! A person, as bulk import and contact sync take one (activecampaign.md sections 5.1 and 5.2).

use std::fmt;

use serde::Serialize;

use super::fingerprint;
use crate::model::{Email, Personal};

/// A person as bulk import and contact sync take one.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactInput {
    /// The key.
    pub email: String,
    /// Given name.
    pub first_name: Option<Personal>,
    /// Family name.
    pub last_name: Option<Personal>,
    /// As the store holds it.
    pub phone: Option<Personal>,
    /// The account the contact belongs to. Contact sync has no field for it; it goes by import only.
    pub company: Option<Personal>,
}

/// One person of a bulk import.
#[derive(Serialize)]
struct Imported<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_acct_name: Option<&'a Personal>,
    /// Sent here and at the request: sources differ on the place (activecampaign.md section 5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude_automations: Option<bool>,
}

/// The one person of a contact sync.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Synced<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a Personal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a Personal>,
}

impl ContactInput {
    /// As [`super::OrderInput::fingerprint`]. Addresses that are one person's count as one.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let email = Email::parse(&self.email).map_or_else(|_| self.email.clone(), |email| email.canonical());
        fingerprint(&self.imported(&email, false))
    }

    /// As an entry of a bulk import.
    pub(in super::super) fn as_import(&self, silent: bool) -> impl Serialize {
        self.imported(&self.email, silent)
    }

    /// As the contact of a contact sync.
    pub(in super::super) fn as_sync(&self) -> impl Serialize {
        Synced {
            email: &self.email,
            first_name: self.first_name.as_ref(),
            last_name: self.last_name.as_ref(),
            phone: self.phone.as_ref(),
        }
    }

    fn imported<'a>(&'a self, email: &'a str, silent: bool) -> Imported<'a> {
        Imported {
            email,
            first_name: self.first_name.as_ref(),
            last_name: self.last_name.as_ref(),
            phone: self.phone.as_ref(),
            customer_acct_name: self.company.as_ref(),
            exclude_automations: silent.then_some(true),
        }
    }
}

impl fmt::Debug for ContactInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContactInput([personal])")
    }
}
