//! Secrets in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use tillsync_mapping::model::Secret;

use super::lock;
use crate::ports::{Condition, Held, PortError, Vault, Written};

/// A vault that is gone with its process.
#[derive(Debug, Default)]
pub struct MemoryVault {
    secrets: Mutex<BTreeMap<String, Held>>,
}

impl MemoryVault {
    /// An empty vault.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

fn next(before: Option<&Held>) -> u64 {
    before.map_or(1, |held| held.rev + 1)
}

#[async_trait]
impl Vault for MemoryVault {
    async fn held(&self, owner: &str) -> Result<Option<Held>, PortError> {
        Ok(lock(&self.secrets).get(owner).cloned())
    }

    async fn put_if(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError> {
        let mut secrets = lock(&self.secrets);
        let before = secrets.get(owner);
        let holds = match when {
            Condition::Absent => before.is_none(),
            Condition::Rev(rev) => before.is_some_and(|held| held.rev == rev),
        };
        if !holds {
            return Ok(Written::Conflict);
        }
        let held = Held { secret: secret.clone(), rev: next(before) };
        secrets.insert(owner.to_owned(), held);
        Ok(Written::Done)
    }

    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        let mut secrets = lock(&self.secrets);
        let held = Held { secret: secret.clone(), rev: next(secrets.get(owner)) };
        secrets.insert(owner.to_owned(), held);
        Ok(())
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        lock(&self.secrets).remove(owner);
        Ok(())
    }

    async fn forget_if(&self, owner: &str, rev: u64) -> Result<Written, PortError> {
        let mut secrets = lock(&self.secrets);
        if secrets.get(owner).is_none_or(|held| held.rev != rev) {
            return Ok(Written::Conflict);
        }
        secrets.remove(owner);
        Ok(Written::Done)
    }
}
