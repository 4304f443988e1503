//! Secrets, as one process reaches them: rows like all others.

use async_trait::async_trait;
use tillsync_engine::ports::{Condition, Held, PortError, Vault, Written};
use tillsync_mapping::model::Secret;

use super::{Line, trouble};
use crate::faults::{Fate, Kind};

#[async_trait]
impl Vault for Line {
    async fn held(&self, owner: &str) -> Result<Option<Held>, PortError> {
        self.reads("held", "").await?;
        self.outside.vault.held(owner).await
    }

    async fn put_if(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError> {
        self.changes(self.outside.vault.put_if(owner, secret, when)).await
    }

    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        self.changes(self.outside.vault.put(owner, secret)).await
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        self.changes(self.outside.vault.forget(owner)).await
    }

    async fn forget_if(&self, owner: &str, rev: u64) -> Result<Written, PortError> {
        self.changes(self.outside.vault.forget_if(owner, rev)).await
    }
}

impl Line {
    async fn changes<T: Send>(
        &self,
        change: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        let fate = self.fate(Kind::Write, "vault", "").await;
        self.takes(1_000, 9_000).await;
        match fate {
            Fate::FallBefore => self.fall().await,
            Fate::Refused => return Err(trouble("vault")),
            _ => {}
        }
        let done = change.await?;
        match fate {
            Fate::FallAfter => self.fall().await,
            Fate::Lost => return Err(trouble("vault")),
            _ => {}
        }
        Ok(done)
    }
}
