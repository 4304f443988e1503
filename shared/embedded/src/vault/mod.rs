//! Secrets as sealed rows of the database, with the data key in a file of its own, or in the environment.

mod key;
mod legacy;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tillsync_engine::ports::{Condition, Held, Item, Key, PortError, Resealed, Store, Vault, Write, Written};
use tillsync_host::{DataKey, SealedVault};
use tillsync_mapping::model::Secret;
use tokio::sync::OnceCell;

use crate::dir::DataDir;
use crate::error::DataError;

/// The vault of a data directory. Any number of processes may use it at once: each reads the key anew, so one of them may
/// replace it while the others work.
pub struct DirVault {
    dir: DataDir,
    store: Arc<dyn Store>,
    given: Option<Secret>,
    /// The name of this installation, once what older versions left was taken over.
    install: OnceCell<String>,
}

/// Names an installation; whatever is sealed is bound to it.
#[derive(Serialize, Deserialize)]
struct Install {
    id: String,
}

impl DirVault {
    /// Opens the vault of a data directory over its database; `given` is the data key of the environment. Proves at once
    /// that the files can be used, where there are any.
    pub fn open(dir: &DataDir, store: Arc<dyn Store>, given: Option<Secret>) -> Result<Self, DataError> {
        legacy::read(dir)?;
        key::read(dir)?;
        Ok(Self { dir: dir.clone(), store, given, install: OnceCell::new() })
    }

    /// The name of this installation. The first to ask takes over what older versions left.
    async fn install(&self) -> Result<&str, PortError> {
        let install = self.install.get_or_try_init(async || {
            let install = self.named().await?;
            self.take_over(&install).await?;
            Ok::<_, PortError>(install)
        });
        Ok(install.await?)
    }

    async fn named(&self) -> Result<String, PortError> {
        let key = Key::new("INSTALL", "META");
        for _ in 0..2 {
            if let Some(item) = self.store.get(&key).await? {
                let row: Install =
                    serde_json::from_str(&item.body).map_err(|_| failed("the row INSTALL cannot be read"))?;
                return Ok(row.id);
            }
            let id = DataKey::generate().map_err(failed)?.expose().to_owned();
            let body = serde_json::to_string(&Install { id }).map_err(failed)?;
            let item = Item { key: key.clone(), rev: 0, tag: String::new(), body, expires: None };
            // Of two that name it, one is heard; the next look tells which.
            self.store.transact(vec![Write::Put { item, when: Condition::Absent }]).await?;
        }
        Err(failed("the installation could not be named"))
    }

    /// Seals what lies open in the file of older versions, and removes that. What is sealed already is newer; a crash on
    /// the way leaves the file, and the next process goes on.
    async fn take_over(&self, install: &str) -> Result<(), PortError> {
        if self.read(legacy::read).await?.is_none() {
            return Ok(());
        }
        let alone = self.lock(true).await?;
        // Another process may have done it meanwhile.
        let Some(secrets) = self.read(legacy::read).await? else { return Ok(()) };
        let sealed = self.opened_or_made(install).await?;
        for (owner, text) in &secrets {
            sealed.put_if(owner, &Secret::new(text), Condition::Absent).await?;
            if sealed.get(owner).await?.is_none() {
                return Err(failed("a secret that was taken over is not there"));
            }
        }
        self.read(legacy::remove).await?;
        drop(alone);
        tracing::info!(secrets = secrets.len(), "secrets.json was taken over: its secrets are sealed now");
        Ok(())
    }

    /// The keys there are, newest first: that of the environment stands before the file's.
    async fn keys(&self) -> Result<Option<Secret>, PortError> {
        let file = self.read(key::read).await?;
        Ok(match (&self.given, file) {
            (Some(given), Some(file)) => Some(Secret::new(&format!("{},{}", given.expose(), file.expose()))),
            (Some(given), None) => Some(given.clone()),
            (None, file) => file,
        })
    }

    fn sealed(&self, install: &str, keys: &Secret) -> Result<SealedVault, PortError> {
        let key = DataKey::parse(keys).map_err(failed)?;
        Ok(SealedVault::new(Arc::clone(&self.store), key, install))
    }

    /// The vault with the keys there are; none where there is no key and nothing is sealed.
    async fn there(&self, install: &str) -> Result<Option<SealedVault>, PortError> {
        if let Some(keys) = self.keys().await? {
            return self.sealed(install, &keys).map(Some);
        }
        // A key made now would open nothing of what is there, and make it look lost.
        if !self.store.query(SealedVault::OWNERS, "", None, 1).await?.is_empty() {
            let path = self.dir.data_key();
            let detail = format!("secrets are sealed here, and their key is not there: {}", path.display());
            return Err(PortError::key_other(detail));
        }
        Ok(None)
    }

    /// The same, with a key that is made where none is needed yet. Only under the lock, alone.
    async fn opened_or_made(&self, install: &str) -> Result<SealedVault, PortError> {
        if let Some(sealed) = self.there(install).await? {
            return Ok(sealed);
        }
        let made = DataKey::generate().map_err(failed)?;
        self.replace(&made).await?;
        self.sealed(install, &made)
    }

    /// The vault for sealing, with the lock that keeps the key from being replaced meanwhile.
    async fn for_sealing(&self) -> Result<(SealedVault, std::fs::File), PortError> {
        let install = self.install().await?;
        if self.keys().await?.is_none() {
            let _alone = self.lock(true).await?;
            self.opened_or_made(install).await?;
        }
        let lock = self.lock(false).await?;
        let keys = self.keys().await?.ok_or_else(|| failed("the data key was removed"))?;
        Ok((self.sealed(install, &keys)?, lock))
    }

    async fn lock(&self, alone: bool) -> Result<std::fs::File, PortError> {
        self.read(move |dir| key::lock(dir, alone)).await
    }

    async fn replace(&self, keys: &Secret) -> Result<(), PortError> {
        let keys = keys.clone();
        self.read(move |dir| key::replace(dir, &keys)).await
    }

    /// Files block, so they are used on a thread that may.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DataDir) -> Result<T, DataError> + Send + 'static,
    ) -> Result<T, PortError> {
        let dir = self.dir.clone();
        match tokio::task::spawn_blocking(move || work(&dir)).await {
            Ok(done) => done.map_err(|error| error.for_port("vault")),
            Err(error) => Err(failed(error)),
        }
    }

    /// Puts a new key before the old one, where that was not done by one who ended on the way.
    async fn begin_rotation(&self) -> Result<Secret, PortError> {
        let _alone = self.lock(true).await?;
        let install = self.install().await?;
        self.opened_or_made(install).await?;
        let keys = self.read(key::read).await?.ok_or_else(|| failed("there is no data key"))?;
        if keys.expose().contains(',') {
            return Ok(keys);
        }
        let new = DataKey::generate().map_err(failed)?;
        let both = Secret::new(&format!("{},{}", new.expose(), keys.expose()));
        self.replace(&both).await?;
        Ok(both)
    }
}

fn failed(why: impl std::fmt::Display) -> PortError {
    PortError { what: "vault", detail: why.to_string() }
}

#[async_trait]
impl Vault for DirVault {
    async fn held(&self, owner: &str) -> Result<Option<Held>, PortError> {
        let install = self.install().await?;
        match self.there(install).await? {
            Some(sealed) => match sealed.held(owner).await {
                // Sealed anew between the two looks.
                Err(error) if error.is_key_other() => match self.there(install).await? {
                    Some(sealed) => sealed.held(owner).await,
                    None => Ok(None),
                },
                held => held,
            },
            None => Ok(None),
        }
    }

    async fn put_if(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError> {
        let (sealed, _lock) = self.for_sealing().await?;
        sealed.put_if(owner, secret, when).await
    }

    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        let (sealed, _lock) = self.for_sealing().await?;
        sealed.put(owner, secret).await
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        let install = self.install().await?;
        match self.there(install).await? {
            Some(sealed) => sealed.forget(owner).await,
            None => Ok(()),
        }
    }

    async fn forget_if(&self, owner: &str, rev: u64) -> Result<Written, PortError> {
        let install = self.install().await?;
        match self.there(install).await? {
            Some(sealed) => sealed.forget_if(owner, rev).await,
            None => Ok(Written::Conflict),
        }
    }

    /// Replaces the key of the directory while others work: a new one is put before it, everything is sealed anew, and
    /// then the old one goes. Whoever ends on the way leaves both, and the next call goes on. A key of the environment is
    /// the operator's to replace.
    async fn reseal(&self, owners: &[String]) -> Result<Resealed, PortError> {
        let install = self.install().await?.to_owned();
        if let Some(given) = &self.given {
            let mut resealed = self.for_sealing().await?.0.reseal(owners).await?;
            let (file, several) = (self.dir.data_key().exists(), given.expose().contains(','));
            resealed.note = match (resealed.left, several, file) {
                (0, true, _) => "everything is sealed with the first key of TILLSYNC_DATA_KEY: take the others out of it",
                (0, false, true) => "everything is sealed with TILLSYNC_DATA_KEY: the file data.key is of no use any more",
                (0, false, false) => "everything is sealed with TILLSYNC_DATA_KEY; for another key, put it before that one, with a comma between, and call this again",
                _ => "some secrets do not open with any of these keys: keep them all",
            }
            .to_owned();
            return Ok(resealed);
        }
        let both = self.begin_rotation().await?;
        let sealed = self.sealed(&install, &both)?;
        let first = sealed.reseal(owners).await?;
        // Nobody seals from here on; what somebody sealed meanwhile, he sealed with the new key.
        let _alone = self.lock(true).await?;
        let second = sealed.reseal(owners).await?;
        let mut resealed = Resealed { changed: first.changed + second.changed, ..second };
        resealed.note = if resealed.left == 0 {
            let new = both.expose().split(',').next().unwrap_or_default();
            self.replace(&Secret::new(new)).await?;
            "the old key is gone; copies of the directory made before need the data.key that was copied with them"
        } else {
            "some secrets do not open with any key there is, so the old keys were kept"
        }
        .to_owned();
        Ok(resealed)
    }
}
