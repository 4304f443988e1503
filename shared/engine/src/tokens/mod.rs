//! Tokens of stores: kept, renewed before they run out, given up when the platform says so.

mod authorisation;
mod codes;

use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Grant;

use crate::context::Engine;
use crate::fault::Fault;

pub use authorisation::Authorisation;
pub(crate) use codes::{CODES, KEY_OTHER};

/// Where what a store authorised is kept.
#[must_use]
pub fn owner(source: &str, store: &str) -> String {
    format!("STORE#{source}#{store}")
}

/// Keeps what a merchant granted by signing in; its connections work again.
///
/// # Errors
/// Of the vault and the store.
pub async fn keep(engine: &Engine, source: &str, grant: &Grant) -> Result<(), Fault> {
    let authorisation = Authorisation::of_grant(grant, engine.now());
    engine.vault.put(&owner(source, &grant.store), &authorisation.sealed()?).await?;
    Ok(())
}

/// Keeps a token somebody pasted, for the owner of a store ([`owner`]).
///
/// # Errors
/// Of the vault and the store.
pub async fn keep_pasted(engine: &Engine, owner: &str, token: &Secret) -> Result<(), Fault> {
    let authorisation = Authorisation::pasted(token, engine.now());
    engine.vault.put(owner, &authorisation.sealed()?).await?;
    Ok(())
}
