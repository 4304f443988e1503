//! The one secret of a stack.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use tillsync_engine::Fault;
use tillsync_mapping::model::Secret;

use crate::service::refused;

/// Secrets by the names of the environment variables they are elsewhere, read from Secrets Manager. The secret of
/// the service is text: a JSON object of texts, as `{"TILLSYNC_DATA_KEY": "..."}`. An empty text is none.
pub struct StackSecret {
    id: String,
    fields: HashMap<String, Secret>,
}

/// What is wrong with the secret. Names it, never what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The service has none of this name, or does not give it to us.
    #[error(
        "the secret {id} cannot be read ({code}): check that it exists in this region and that this function's role may read it"
    )]
    Refused {
        /// ARN or name.
        id: String,
        /// The service's code.
        code: String,
    },
    /// The service did not answer.
    #[error("the secret {id} could not be read: {detail}")]
    Unavailable {
        /// ARN or name.
        id: String,
        /// What happened.
        detail: String,
    },
    /// Not a JSON object of texts.
    #[error(
        "the secret {id} is not a JSON object of texts. Do not write a new one: without its data key every token is \
         lost. Put its version AWSPREVIOUS back"
    )]
    Malformed {
        /// ARN or name.
        id: String,
    },
    /// A field that is needed is not there, or empty.
    #[error(
        "{name} is missing or empty in the secret {id}: put it there with infra/secret; never make up a new \
         TILLSYNC_DATA_KEY, but take the old one from the secret's version AWSPREVIOUS"
    )]
    Missing {
        /// The field.
        name: String,
        /// ARN or name.
        id: String,
    },
}

/// Codes that stay until somebody mends something.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
const LASTING: [&str; 5] = [
    "AccessDeniedException",
    "DecryptionFailure",
    "InvalidParameterException",
    "InvalidRequestException",
    "ResourceNotFoundException",
];

impl StackSecret {
    /// Reads a secret by ARN or name.
    ///
    /// # Errors
    /// Where it cannot be read or has not the form it needs.
    pub async fn read(client: &Client, id: &str) -> Result<Self, SecretError> {
        let found = client.get_secret_value().secret_id(id).send().await.map_err(|error| {
            let id = id.to_owned();
            match error.code() {
                Some(code) if LASTING.contains(&code) => SecretError::Refused { id, code: code.to_owned() },
                _ => SecretError::Unavailable { id, detail: refused("secret", &error).detail },
            }
        })?;
        Self::parse(id, found.secret_string().unwrap_or_default())
    }

    /// What a parser says may quote the text, so nothing of it is told.
    fn parse(id: &str, text: &str) -> Result<Self, SecretError> {
        let fields: HashMap<String, String> =
            serde_json::from_str(text).map_err(|_| SecretError::Malformed { id: id.to_owned() })?;
        let fields = fields.into_iter().map(|(name, text)| (name, Secret::new(text.trim())));
        Ok(Self { id: id.to_owned(), fields: fields.filter(|(_, secret)| !secret.is_empty()).collect() })
    }

    /// A field, unless it is absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        self.fields.get(name).cloned()
    }

    /// A field that is needed.
    ///
    /// # Errors
    /// Names the field and the secret, and says what to do.
    pub fn required(&self, name: &str) -> Result<Secret, SecretError> {
        self.get(name).ok_or_else(|| SecretError::Missing { name: name.to_owned(), id: self.id.clone() })
    }
}

/// The names alone.
impl fmt::Debug for StackSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&String> = self.fields.keys().collect();
        names.sort_unstable();
        f.debug_struct("StackSecret").field("id", &self.id).field("names", &names).finish()
    }
}

impl From<SecretError> for Fault {
    fn from(error: SecretError) -> Self {
        let words = error.to_string();
        match error {
            SecretError::Refused { .. } | SecretError::Missing { .. } => Self::usage("config.missing", words),
            SecretError::Malformed { .. } => Self::usage("config.invalid", words),
            SecretError::Unavailable { .. } => Self::retry("data.unavailable", words),
        }
    }
}

#[cfg(test)]
mod tests;
