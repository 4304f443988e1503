//! What the vault holds of a store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Grant;

use crate::fault::Fault;
use crate::state::Problem;

/// What a merchant authorised us with, as the vault holds it: a grant of a sign-in, or a token somebody pasted. No
/// `Serialize`: what is written goes through [`Authorisation::sealed`] alone.
#[derive(Clone, Debug)]
pub struct Authorisation {
    /// What calls are made with.
    pub access: Secret,
    /// What a new one is asked for with.
    pub refresh: Option<Secret>,
    /// When `access` runs out, as far as that is known.
    pub expires: Option<Timestamp>,
    /// When `access` was obtained; not known of a token that an older version stored.
    pub obtained: Option<Timestamp>,
    /// Whether it is of a sign-in, so that it can be renewed and taken back; false for a pasted token.
    pub granted: bool,
    /// Address of the API it was granted at; not known of one that an older version stored.
    pub api_url: Option<String>,
    /// Why it is of no use any more, once the platform has said so.
    pub stopped: Option<Problem>,
}

/// The form it is stored in.
#[derive(Serialize, Deserialize)]
struct Stored {
    access: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    obtained: Option<Timestamp>,
    #[serde(default)]
    granted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<Problem>,
}

impl Authorisation {
    /// Of a sign-in.
    #[must_use]
    pub fn of_grant(grant: &Grant, now: Timestamp) -> Self {
        Self {
            access: grant.access.clone(),
            refresh: grant.refresh.clone(),
            expires: grant.expires,
            obtained: Some(now),
            granted: true,
            api_url: None,
            stopped: None,
        }
    }

    /// Of a token somebody pasted.
    #[must_use]
    pub fn pasted(token: &Secret, now: Timestamp) -> Self {
        Self {
            access: token.clone(),
            refresh: None,
            expires: None,
            obtained: Some(now),
            granted: false,
            api_url: None,
            stopped: None,
        }
    }

    /// As it stands once it was renewed: what the answer does not name stays as it was.
    #[must_use]
    pub fn renewed(&self, grant: &Grant, now: Timestamp) -> Self {
        let refresh = grant.refresh.clone().or_else(|| self.refresh.clone());
        Self { refresh, api_url: self.api_url.clone(), ..Self::of_grant(grant, now) }
    }

    /// Whether it is of a sign-in, and as far as is known still taken.
    #[must_use]
    pub fn works(&self, now: Timestamp) -> bool {
        self.granted && self.stopped.is_none() && self.expires.is_none_or(|expires| expires > now)
    }

    /// What the vault is to hold.
    ///
    /// # Errors
    /// `data.corrupt` where it cannot be written as JSON.
    pub fn sealed(&self) -> Result<Secret, Fault> {
        let text = |secret: &Secret| secret.expose().to_owned();
        let stored = Stored {
            access: text(&self.access),
            refresh: self.refresh.as_ref().map(text),
            expires: self.expires,
            obtained: self.obtained,
            granted: self.granted,
            api_url: self.api_url.clone(),
            stopped: self.stopped.clone(),
        };
        let json = serde_json::to_string(&stored);
        json.map(|json| Secret::new(&json)).map_err(|_| Fault::reject("data.corrupt", "an authorisation"))
    }

    /// Reads what the vault holds. Older versions kept the bare token.
    ///
    /// # Errors
    /// `data.corrupt` where it is neither; what it is, is not told.
    pub fn read(secret: &Secret) -> Result<Self, Fault> {
        let text = secret.expose();
        if !text.starts_with('{') {
            let bare = Self::pasted(secret, Timestamp::UNIX_EPOCH);
            return Ok(Self { obtained: None, ..bare });
        }
        // The parser's own words may quote the text.
        let stored: Stored = serde_json::from_str(text)
            .map_err(|_| Fault::reject("data.corrupt", "what the vault holds of a store cannot be read"))?;
        Ok(Self {
            access: Secret::new(&stored.access),
            refresh: stored.refresh.map(|text| Secret::new(&text)),
            expires: stored.expires,
            obtained: stored.obtained,
            granted: stored.granted,
            api_url: stored.api_url,
            stopped: stored.stopped,
        })
    }
}
