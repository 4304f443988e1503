//! Where platforms send to: an address that nobody can guess, for each source. The table holds a digest of it, the
//! vault the word itself, which has to be told to the platform.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tillsync_mapping::model::Secret;
use tillsync_mapping::sources;

use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::Key;
use crate::state::{Connection, Row, Tagged};

/// The longest word that is looked up.
const MAX_TOKEN: usize = 100;

/// An address that is ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    source: String,
}

impl Tagged for Place {}

fn owner(source: &str) -> String {
    format!("HOOK#{source}")
}

fn key(token: &str) -> Key {
    Key::new(format!("HOOK#{}", hex::encode(Sha256::digest(token.as_bytes()))), "META")
}

/// The whole address.
pub(super) fn url(public_url: &str, source: &str, token: &str) -> String {
    format!("{}/webhooks/{source}/{token}", public_url.trim_end_matches('/'))
}

/// True where this is an address of the source. An older one stays one: the platform may still use it.
pub(super) async fn is_known(engine: &Engine, source: &str, token: &str) -> Result<bool, Fault> {
    let plain = token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain || token.is_empty() || token.len() > MAX_TOKEN {
        return Ok(false);
    }
    let row: Option<Row<Place>> = crate::state::load(&*engine.store, key(token)).await?;
    Ok(row.is_some_and(|row| row.value.source == source))
}

/// The address of a source; made where there is none. None for a source that sends nothing.
///
/// # Errors
/// Of the store and the vault.
pub async fn place(engine: &Engine, source: &str) -> Result<Option<String>, Fault> {
    if engine.source(source)?.webhooks().is_none() {
        return Ok(None);
    }
    if let Some(url) = address(engine, source).await? {
        return Ok(Some(url));
    }
    let token = [(); 3].map(|()| format!("{:016x}", engine.entropy.bits())).concat();
    // The digest first: an address that was told must be answered. One too many is an address nobody knows.
    let row = Row::new(key(&token), Place { source: source.to_owned() });
    engine.store.transact(vec![row.put()?]).await?;
    engine.vault.put(&owner(source), &Secret::new(&token)).await?;
    // Where two made one, the vault holds the last; both are answered.
    address(engine, source).await
}

/// The address of a source, where one was made.
///
/// # Errors
/// Of the vault.
pub async fn address(engine: &Engine, source: &str) -> Result<Option<String>, Fault> {
    let token = engine.vault.get(&owner(source)).await?;
    Ok(token.map(|token| url(&engine.config.public_url, source, token.expose())))
}

/// The addresses of every source that sends, made where there are none.
///
/// # Errors
/// Of the store and the vault.
pub async fn place_all(engine: &Engine) -> Result<Addresses, Fault> {
    for source in sources::all() {
        place(engine, source.name()).await?;
    }
    Ok(Addresses::load(engine).await)
}

/// The addresses there are, by source.
#[derive(Clone, Debug, Default)]
pub struct Addresses(BTreeMap<&'static str, String>);

impl Addresses {
    /// Reads them. A vault that does not open is told elsewhere.
    pub async fn load(engine: &Engine) -> Self {
        let mut all = BTreeMap::new();
        for source in sources::all() {
            if let Ok(Some(url)) = address(engine, source.name()).await {
                all.insert(source.name(), url);
            }
        }
        Self(all)
    }

    /// Where the platform of a connection sends to.
    #[must_use]
    pub fn of(&self, connection: &Connection) -> Option<&str> {
        self.0.get(connection.source.as_str()).map(String::as_str)
    }

    /// Each source with its address.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(source, url)| (*source, url.as_str()))
    }
}
