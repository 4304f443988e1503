//! Tokens of stores: kept, renewed before they run out, given up when the platform says so, and taken up again.
//!
//! The vault holds the authorisation itself ([`Authorisation`]); beside it stands a row without secrets ([`Keeping`]) by
//! which the tick sees what is due and workers agree who renews.

mod authorisation;
mod codes;
#[cfg(test)]
mod ending;
mod give_back;
mod platform;
mod refused;
mod renew;
mod row;
mod stop;
#[cfg(test)]
mod tests;
mod wake;

use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Grant;

use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::Resealed;

pub use authorisation::Authorisation;
pub(crate) use codes::{CODES, KEY_OTHER, NOT_RENEWED};
pub(crate) use give_back::{Given, claim, give_back, is_used};
pub(crate) use refused::{Tokens, Verdict};
pub use renew::renew;
pub(crate) use renew::{ask_again, sweep};
pub use row::{Keeping, all};
pub(crate) use stop::refused_at_last;
pub use stop::revoked;

/// Where what a store authorised is kept.
#[must_use]
pub fn owner(source: &str, store: &str) -> String {
    format!("STORE#{source}#{store}")
}

/// Keeps what a merchant granted by signing in. The connections of the store that waited for it work again: their polls
/// are due at once, and histories that stopped for it go on.
///
/// # Errors
/// Of the vault and the store. A tick makes up for what was not done after the vault had taken it.
pub async fn keep(engine: &Engine, source: &str, grant: &Grant) -> Result<(), Fault> {
    let api_url = Some(engine.api_url(engine.source(source)?));
    let authorisation = Authorisation { api_url, ..Authorisation::of_grant(grant, engine.now()) };
    keep_all(engine, (source, &grant.store), &authorisation).await
}

/// Keeps a token somebody pasted, for the owner of a store ([`owner`]); then as [`keep`]. A grant of a sign-in that works
/// stays: it is renewed, and the pasted token is not. False where it does, and another one than the pasted token.
///
/// # Errors
/// As [`keep`].
pub async fn keep_pasted(engine: &Engine, owner: &str, token: &Secret) -> Result<bool, Fault> {
    let authorisation = Authorisation::pasted(token, engine.now());
    let Some(of) = owner.strip_prefix("STORE#").and_then(|rest| rest.split_once('#')) else {
        engine.vault.put(owner, &authorisation.sealed()?).await?;
        return Ok(true);
    };
    let stored = engine.vault.get(owner).await?.map(|stored| Authorisation::read(&stored)).transpose();
    if let Ok(Some(stored)) = &stored {
        let is_same = stored.access.expose() == token.expose();
        if stored.stopped.is_none() && (is_same || stored.works(engine.now())) {
            return Ok(is_same);
        }
    }
    keep_all(engine, of, &authorisation).await?;
    Ok(true)
}

async fn keep_all(engine: &Engine, of: (&str, &str), authorisation: &Authorisation) -> Result<(), Fault> {
    let now = engine.now();
    let sealed = authorisation.sealed()?;
    // First the mark by which a tick wakes whom this process may not come to.
    row::change(engine, of, |row| row.waking = Some(now)).await?;
    engine.vault.put(&owner(of.0, of.1), &sealed).await?;
    row::change(engine, of, |row| {
        row.take(authorisation);
        (row.failed, row.problem) = (None, None);
    })
    .await?;
    wake::wake(engine, of.0, of.1, None).await
}

/// Seals every token and key anew with the newest data key.
///
/// # Errors
/// Of the vault and the store.
pub async fn rotate(engine: &Engine) -> Result<Resealed, Fault> {
    let mut owners = Vec::new();
    // What an older version sealed stands in no list.
    for one in crate::connections::all(engine).await? {
        owners.extend([one.store_owner(), one.destination_owner()]);
    }
    Ok(engine.vault.reseal(&owners).await?)
}
