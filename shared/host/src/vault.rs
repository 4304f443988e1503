//! Secrets as sealed rows of the store: the row gives what a plain secret store lacks, a change that fails when
//! somebody else was faster, and costs nothing while it lies there.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tillsync_engine::ports::{Condition, Held, Item, Key, PortError, Store, Vault, Write, Written};
use tillsync_mapping::model::Secret;

use crate::seal::{DataKey, SealError};

/// Tries to change a row that others change too.
const MAX_TRIES: u32 = 50;

/// The vault over a store. What is sealed is bound to the installation and to its owner.
pub struct SealedVault {
    store: Arc<dyn Store>,
    key: DataKey,
    install: String,
}

/// What a row holds.
#[derive(Serialize, Deserialize)]
struct Sealed {
    sealed: String,
}

impl SealedVault {
    /// A vault of an installation; `install` must never change, or nothing opens any more.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: DataKey, install: impl Into<String>) -> Self {
        Self { store, key, install: install.into() }
    }

    fn place(&self, owner: &str) -> String {
        format!("tillsync\n{}\n{owner}", self.install)
    }

    /// What a row holds; with the reason where it does not open.
    ///
    /// # Errors
    /// Of the store.
    pub async fn look(&self, owner: &str) -> Result<Option<Result<Held, SealError>>, PortError> {
        let Some(item) = self.row(owner).await? else { return Ok(None) };
        let Ok(row) = serde_json::from_str::<Sealed>(&item.body) else {
            return Ok(Some(Err(SealError::Foreign)));
        };
        let opened = self.key.open(&self.place(owner), &row.sealed);
        Ok(Some(opened.map(|secret| Held { secret, rev: item.rev })))
    }

    fn item(&self, owner: &str, secret: &Secret) -> Result<Item, PortError> {
        let sealed = self.key.seal(&self.place(owner), secret).map_err(|error| failed(owner, error))?;
        let body = serde_json::to_string(&Sealed { sealed }).map_err(|error| failed(owner, error))?;
        Ok(Item { key: key_of(owner), rev: 0, tag: String::new(), body, expires: None })
    }

    async fn row(&self, owner: &str) -> Result<Option<Item>, PortError> {
        self.store.get(&key_of(owner)).await
    }
}

fn key_of(owner: &str) -> Key {
    Key::new(format!("SECRET#{owner}"), "META")
}

/// Names the owner, who is no secret, and never what is sealed.
fn failed(owner: &str, why: impl std::fmt::Display) -> PortError {
    PortError { what: "vault", detail: format!("the secret of {owner}: {why}") }
}

/// What does not open: with another key it would, or never.
pub fn unopened(owner: &str, error: SealError) -> PortError {
    match error {
        SealError::OtherKey => PortError::key_other(format!("the secret of {owner}: {error}")),
        _ => failed(owner, error),
    }
}

#[async_trait]
impl Vault for SealedVault {
    async fn held(&self, owner: &str) -> Result<Option<Held>, PortError> {
        self.look(owner).await?.transpose().map_err(|error| unopened(owner, error))
    }

    async fn put_if(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError> {
        let item = self.item(owner, secret)?;
        self.store.transact(vec![Write::Put { item, when }]).await
    }

    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        for _ in 0..MAX_TRIES {
            let when = self.row(owner).await?.map_or(Condition::Absent, |item| Condition::Rev(item.rev));
            if self.put_if(owner, secret, when).await? == Written::Done {
                return Ok(());
            }
        }
        Err(failed(owner, "changed by others all the time"))
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        for _ in 0..MAX_TRIES {
            let Some(item) = self.row(owner).await? else { return Ok(()) };
            let delete = Write::Delete { key: item.key, when: Condition::Rev(item.rev) };
            if self.store.transact(vec![delete]).await? == Written::Done {
                return Ok(());
            }
        }
        Err(failed(owner, "changed by others all the time"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tillsync_engine::contract::{self, Subject};
    use tillsync_engine::memory::{ManualClock, MemoryStore};
    use tillsync_engine::ports::{Store, Vault};
    use tillsync_mapping::model::Secret;

    use super::{SealedVault, key_of};
    use crate::seal::DataKey;

    const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

    fn vault(store: &Arc<MemoryStore>, install: &str) -> SealedVault {
        SealedVault::new(store.clone(), DataKey::parse(&Secret::new(KEY)).expect("a key"), install)
    }

    fn store() -> (Arc<MemoryStore>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        (Arc::new(MemoryStore::new(clock.clone())), clock)
    }

    #[tokio::test]
    async fn sealed_vault_keeps_the_contract() {
        contract::vault(async || {
            let (store, time) = store();
            Subject { port: Arc::new(vault(&store, "here")) as Arc<dyn Vault>, time }
        })
        .await;
    }

    #[tokio::test]
    async fn a_row_of_another_owner_or_installation_does_not_open() {
        let (store, _) = store();
        let here = vault(&store, "here");
        here.put("STORE#a", &Secret::new("canary-a")).await.expect("writes");
        here.put("STORE#b", &Secret::new("canary-b")).await.expect("writes");
        let a = store.get(&key_of("STORE#a")).await.expect("reads").expect("is there");
        assert!(!a.body.contains("canary"), "the row shows the secret");
        let b = store.get(&key_of("STORE#b")).await.expect("reads").expect("is there");
        let swapped = tillsync_engine::ports::Item { body: a.body, ..b.clone() };
        let put = tillsync_engine::ports::Write::Put {
            item: swapped,
            when: tillsync_engine::ports::Condition::Rev(b.rev),
        };
        store.transact(vec![put]).await.expect("writes");
        let error = here.get("STORE#b").await.expect_err("another's row");
        assert!(error.detail.contains("STORE#b") && !error.detail.contains("canary"), "{error}");
        vault(&store, "there").get("STORE#a").await.expect_err("another installation");
    }
}
