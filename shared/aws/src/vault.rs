//! The vault of a stack: sealed rows in the table, opened with the key that the stack's one secret holds.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tillsync_engine::entry::Credentials;
use tillsync_engine::intake::Hooks;
use tillsync_engine::ports::{Condition, Held, PortError, Resealed, Store, Vault, Written};
use tillsync_engine::{Config, Fault};
use tillsync_host::{DataKey, SealedVault, Settings, unopened};
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Application;

use crate::StackSecret;

/// Reads the stack's secret anew each time: the operator changes it between two events.
#[derive(Clone)]
pub struct StackCredentials {
    client: aws_sdk_secretsmanager::Client,
    id: String,
}

impl StackCredentials {
    /// Reads the secret of this name or ARN.
    #[must_use]
    pub fn new(client: aws_sdk_secretsmanager::Client, id: String) -> Self {
        Self { client, id }
    }

    async fn read(&self) -> Result<StackSecret, Fault> {
        Ok(StackSecret::read(&self.client, &self.id).await?)
    }

    async fn field(&self, name: &str) -> Result<Secret, Fault> {
        Ok(self.read().await?.required(name)?)
    }

    /// A field that is sent in a header: one word of plain characters.
    async fn word(&self, name: &str) -> Result<Secret, Fault> {
        let secret = self.field(name).await?;
        if secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(secret);
        }
        let detail = format!("{name} in the stack's secret: give it alone, as one word of plain characters");
        Err(Fault::usage("config.invalid", detail))
    }

    pub(crate) async fn given(&self) -> Result<Given, Fault> {
        Given::of(&self.read().await?)
    }

    async fn data_key(&self) -> Result<DataKey, Fault> {
        data_key(&self.read().await?)
    }
}

/// What the secret gives to the engine's configuration.
pub(crate) struct Given {
    /// The operator's applications at the platforms, by source.
    applications: BTreeMap<String, Application>,
    hooks: Hooks,
}

impl Given {
    fn of(secret: &StackSecret) -> Result<Self, Fault> {
        let applications = Settings::applications(|name| secret.get(name))?;
        Ok(Self { applications, hooks: tillsync_host::hooks(|name| secret.get(name)) })
    }

    pub(crate) fn put(self, config: &mut Config) {
        (config.applications, config.hooks) = (self.applications, self.hooks);
    }
}

fn data_key(secret: &StackSecret) -> Result<DataKey, Fault> {
    const NAME: &str = "TILLSYNC_DATA_KEY";
    DataKey::parse(&secret.required(NAME)?)
        .map_err(|error| Fault::usage("config.invalid", format!("{NAME} in the stack's secret: {error}")))
}

#[async_trait]
impl Credentials for StackCredentials {
    async fn source_token(&self) -> Result<Secret, Fault> {
        self.word("TILLSYNC_SOURCE_TOKEN").await
    }

    async fn destination_key(&self) -> Result<Secret, Fault> {
        self.word("TILLSYNC_DESTINATION_KEY").await
    }
}

/// Opens and seals with the key of the secret; when a row does not open, the key may have been replaced since, so
/// the secret is read again, once.
pub(crate) struct StackVault {
    credentials: StackCredentials,
    store: Arc<dyn Store>,
    install: String,
    now: RwLock<Arc<SealedVault>>,
}

impl StackVault {
    pub(crate) async fn open(
        credentials: StackCredentials,
        store: Arc<dyn Store>,
        install: String,
    ) -> Result<(Self, Given), Fault> {
        let secret = credentials.read().await?;
        let given = Given::of(&secret)?;
        let sealed = SealedVault::new(store.clone(), data_key(&secret)?, install.clone());
        let vault = Self { credentials, store, install, now: RwLock::new(Arc::new(sealed)) };
        Ok((vault, given))
    }

    fn now(&self) -> Arc<SealedVault> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn renew(&self) -> Result<Arc<SealedVault>, PortError> {
        let failed = |fault: Fault| PortError { what: "vault", detail: fault.detail };
        let key = self.credentials.data_key().await.map_err(failed)?;
        let sealed = Arc::new(SealedVault::new(self.store.clone(), key, self.install.clone()));
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&sealed);
        Ok(sealed)
    }
}

#[async_trait]
impl Vault for StackVault {
    /// A row that does not open with the newest keys either is an error: whoever gives the key back has lost nothing.
    async fn held(&self, owner: &str) -> Result<Option<Held>, PortError> {
        match self.now().look(owner).await? {
            None => Ok(None),
            Some(Ok(held)) => Ok(Some(held)),
            Some(Err(_)) => {
                self.renew().await?.look(owner).await?.transpose().map_err(|error| unopened(owner, error))
            }
        }
    }

    async fn put_if(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError> {
        self.renew().await?.put_if(owner, secret, when).await
    }

    /// With the newest key, read anew: a process that lives on must not seal with a key that is about to go.
    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        self.renew().await?.put(owner, secret).await
    }

    /// With the keys the secret holds now. Which of them go is the operator's to say.
    async fn reseal(&self, owners: &[String]) -> Result<Resealed, PortError> {
        let keys = self
            .credentials
            .data_key()
            .await
            .map_err(|fault| PortError { what: "vault", detail: fault.detail })?;
        let several = keys.count() > 1;
        let resealed = self.renew().await?.reseal(owners).await?;
        let note = match (resealed.left, several) {
            (0, true) => {
                "everything is sealed with the newest key: the old one may go, infra/secret ARN drop-old-key"
            }
            (0, false) => {
                "the secret holds one key, and everything is sealed with it; for another one, first infra/secret ARN new-key"
            }
            _ => "some secrets do not open with any of these keys: keep them all",
        };
        Ok(Resealed { note: note.to_owned(), ..resealed })
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        self.now().forget(owner).await
    }

    async fn forget_if(&self, owner: &str, rev: u64) -> Result<Written, PortError> {
        self.now().forget_if(owner, rev).await
    }
}

/// The vault of a function that has no business with secrets, and no right to read them.
pub(crate) struct NoVault;

#[async_trait]
impl Vault for NoVault {
    async fn held(&self, _: &str) -> Result<Option<Held>, PortError> {
        Err(none())
    }

    async fn put_if(&self, _: &str, _: &Secret, _: Condition) -> Result<Written, PortError> {
        Err(none())
    }

    async fn put(&self, _: &str, _: &Secret) -> Result<(), PortError> {
        Err(none())
    }

    async fn forget(&self, _: &str) -> Result<(), PortError> {
        Err(none())
    }

    async fn forget_if(&self, _: &str, _: u64) -> Result<Written, PortError> {
        Err(none())
    }
}

fn none() -> PortError {
    PortError { what: "vault", detail: "this function reads no secrets".to_owned() }
}

#[cfg(test)]
mod tests;
