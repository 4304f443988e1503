//! What may never be printed by accident.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// A token or key: wiped when dropped, printed as `[secret]`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret in; surrounding white space is a slip of the clipboard and dropped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(SecretString::from(text.trim()))
    }

    /// The text itself: for a request's header or the vault, nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// True when there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A name, phone number or address of a person: sent on, stored, never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal(String);

impl Personal {
    /// The text without surrounding blanks, or none where nothing is left: an empty string sent on would wipe
    /// a good value (activecampaign.md section 4.6).
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text itself: for the wire only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}
