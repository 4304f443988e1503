//! The account: its address and its key.

use crate::model::Secret;

/// An account that can be called.
#[derive(Clone, Debug)]
pub struct Account {
    /// The address with `/api/3`, without a slash at the end.
    pub base: String,
    /// The key of one of its users.
    pub key: Secret,
}

/// The text is no address of an account. Says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(pub String);

impl Account {
    /// Parses the address under Settings, Developer, with or without `/api/3`: https, or http on the loopback
    /// address; no user, query or fragment.
    ///
    /// # Errors
    /// [`InvalidUrl`] says what is wrong and shows the form.
    pub fn parse_base(_text: &str) -> Result<String, InvalidUrl> {
        todo!()
    }

    /// What the account is called in keys and budgets: the first label of its host, so that both host names of
    /// one account are one; `host:port` on the loopback address (rules.md section 4).
    #[must_use]
    pub fn destination(_base: &str) -> String {
        todo!()
    }
}
