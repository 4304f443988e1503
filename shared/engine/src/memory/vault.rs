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
    slots: Mutex<BTreeMap<String, Slot>>,
}

/// One owner's place; its revision outlives what was forgotten.
#[derive(Debug, Default)]
struct Slot {
    secret: Option<Secret>,
    rev: u64,
}

impl Slot {
    fn change(&mut self, secret: Option<Secret>) {
        self.rev += 1;
        self.secret = secret;
    }

    fn meets(&self, when: Condition) -> bool {
        match when {
            Condition::Absent => self.secret.is_none(),
            Condition::Rev(rev) => self.secret.is_some() && self.rev == rev,
        }
    }
}

impl MemoryVault {
    /// An empty vault.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn change_if(&self, owner: &str, when: Condition, secret: Option<&Secret>) -> Written {
        let mut slots = lock(&self.slots);
        let slot = slots.entry(owner.to_owned()).or_default();
        if !slot.meets(when) {
            return Written::Conflict;
        }
        slot.change(secret.cloned());
        Written::Done
    }
}

#[async_trait]
impl Vault for MemoryVault {
    async fn held(&self, owner: &str) -> Result<Option<Held>, PortError> {
        let slots = lock(&self.slots);
        let slot = slots.get(owner);
        Ok(slot.and_then(|slot| slot.secret.clone().map(|secret| Held { secret, rev: slot.rev })))
    }

    async fn put_if(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError> {
        Ok(self.change_if(owner, when, Some(secret)))
    }

    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        lock(&self.slots).entry(owner.to_owned()).or_default().change(Some(secret.clone()));
        Ok(())
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        lock(&self.slots).entry(owner.to_owned()).or_default().change(None);
        Ok(())
    }

    async fn forget_if(&self, owner: &str, rev: u64) -> Result<Written, PortError> {
        Ok(self.change_if(owner, Condition::Rev(rev), None))
    }
}
