//! What one process tells another about signing in: where browsers are answered, and how a sign-in ended.

use super::rows::{Last, Place, last_key, place_key};
use crate::connect::Refused;
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::Key;
use crate::state::{Row, Tagged, load};

/// Notes that this process answers browsers, and under which address.
///
/// # Errors
/// Of the store.
pub async fn answers_here(engine: &Engine) -> Result<(), Fault> {
    note(engine, place_key(), Place { public_url: engine.config.public_url.clone() }).await
}

/// The address under which the process that answered last did so.
///
/// # Errors
/// Of the store.
pub async fn answers_at(engine: &Engine) -> Result<Option<String>, Fault> {
    let row: Option<Row<Place>> = load(&*engine.store, place_key()).await?;
    Ok(row.map(|row| row.value.public_url))
}

/// How the newest sign-in of a connection ended, within a day.
///
/// # Errors
/// Of the store.
pub async fn last(engine: &Engine, connection: &str) -> Result<Option<Last>, Fault> {
    let row: Option<Row<Last>> = load(&*engine.store, last_key(connection)).await?;
    Ok(row.map(|row| row.value))
}

/// Notes how a sign-in of a connection ended.
pub(super) async fn ended(engine: &Engine, connection: &str, fault: Option<&Fault>) -> Result<(), Fault> {
    let at = engine.now();
    let refused =
        fault.map(|fault| Refused { code: fault.code.to_owned(), detail: fault.detail.clone(), at });
    note(engine, last_key(connection), Last { at, refused }).await
}

/// The newest says it; of two at once either may.
async fn note<T>(engine: &Engine, key: Key, value: T) -> Result<(), Fault>
where
    T: serde::Serialize + serde::de::DeserializeOwned + Tagged,
{
    let before: Option<Row<T>> = load(&*engine.store, key.clone()).await?;
    let row = Row { key, rev: before.map_or(0, |row| row.rev), value };
    engine.store.transact(vec![row.put()?]).await?;
    Ok(())
}
