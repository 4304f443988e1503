//! Secrets in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use tillsync_mapping::model::Secret;

use super::lock;
use crate::ports::{PortError, Vault};

/// A vault that is gone with its process.
#[derive(Debug, Default)]
pub struct MemoryVault {
    secrets: Mutex<BTreeMap<String, Secret>>,
}

impl MemoryVault {
    /// An empty vault.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Vault for MemoryVault {
    async fn get(&self, owner: &str) -> Result<Option<Secret>, PortError> {
        Ok(lock(&self.secrets).get(owner).cloned())
    }

    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        lock(&self.secrets).insert(owner.to_owned(), secret.clone());
        Ok(())
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        lock(&self.secrets).remove(owner);
        Ok(())
    }
}
