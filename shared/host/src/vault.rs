//! Secrets as sealed rows of the store: the row gives what a plain secret store lacks, a change that fails when
//! somebody else was faster, and costs nothing while it lies there.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tillsync_engine::ports::{Condition, Held, Item, Key, PortError, Resealed, Store, Vault, Write, Written};
use tillsync_mapping::model::Secret;

use crate::seal::{DataKey, SealError};

/// What the owners of a draft's secrets begin with.
const DRAFT: &str = "DRAFT#";
/// Tries to change a row that others change too.
const MAX_TRIES: u32 = 50;

/// The vault over a store. What is sealed is bound to the installation, the owner and what it is.
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

/// The body of a row whose secret is forgotten. It stays for its revision: a row made anew would begin at 1 again, and
/// whoever had read the one before could write over it.
const FORGOTTEN: &str = "{}";

/// What became of one secret that was to be sealed anew.
enum One {
    Gone,
    Was,
    Changed,
    Left,
}

impl SealedVault {
    /// The partition that lists the owners.
    pub const OWNERS: &str = "INDEX#SECRET";

    /// A vault of an installation; `install` must never change, or nothing opens any more.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: DataKey, install: impl Into<String>) -> Self {
        Self { store, key, install: install.into() }
    }

    fn place(&self, owner: &str) -> String {
        let kind = match owner.split('#').next() {
            Some("STORE") => "authorisation of a store",
            Some("DEST") => "key of a destination",
            Some("DRAFT") => "secret of a draft",
            _ => "secret",
        };
        format!("tillsync\n{}\n{kind}\n{owner}", self.install)
    }

    /// The place as older versions wrote it.
    fn old_place(&self, owner: &str) -> String {
        format!("tillsync\n{}\n{owner}", self.install)
    }

    /// What a row holds; with the reason where it does not open.
    ///
    /// # Errors
    /// Of the store.
    pub async fn look(&self, owner: &str) -> Result<Option<Result<Held, SealError>>, PortError> {
        let Some(item) = self.row(owner).await? else { return Ok(None) };
        Ok(Some(self.opened(owner, &item)))
    }

    fn opened(&self, owner: &str, item: &Item) -> Result<Held, SealError> {
        let row: Sealed = serde_json::from_str(&item.body).map_err(|_| SealError::Foreign)?;
        let secret = match self.key.open(&self.place(owner), &row.sealed) {
            Err(SealError::Foreign) => self.key.open(&self.old_place(owner), &row.sealed)?,
            opened => opened?,
        };
        Ok(Held { secret, rev: item.rev })
    }

    async fn row(&self, owner: &str) -> Result<Option<Item>, PortError> {
        Ok(self.store.get(&key_of(owner)).await?.filter(|item| item.body != FORGOTTEN))
    }

    /// Writes a secret with its line in the list of owners.
    async fn write(&self, owner: &str, secret: &Secret, when: Condition) -> Result<Written, PortError> {
        let sealed = self.key.seal(&self.place(owner), secret).map_err(|error| failed(owner, error))?;
        let body = serde_json::to_string(&Sealed { sealed }).map_err(|error| failed(owner, error))?;
        let item = Item { key: key_of(owner), rev: 0, tag: String::new(), body, expires: None };
        for _ in 0..MAX_TRIES {
            let there = self.store.get(&key_of(owner)).await?;
            let rev = there.as_ref().map(|item| item.rev);
            let is_forgotten = there.is_some_and(|item| item.body == FORGOTTEN);
            let as_is = match (when, rev) {
                (Condition::Absent, None) => Condition::Absent,
                (Condition::Absent, Some(rev)) if is_forgotten => Condition::Rev(rev),
                (Condition::Rev(read), Some(rev)) if read == rev && !is_forgotten => when,
                _ => return Ok(Written::Conflict),
            };
            let listed = self.store.get(&listed(owner)).await?;
            let mut writes = vec![Write::Put { item: item.clone(), when: as_is }];
            // Made together with its line, so that a secret is never left out of the list.
            if when == Condition::Absent || listed.is_none() {
                let line = Item { key: self::listed(owner), body: "{}".to_owned(), ..listed_item() };
                let when = listed.map_or(Condition::Absent, |item| Condition::Rev(item.rev));
                writes.push(Write::Put { item: line, when });
            }
            if self.store.transact(writes).await? == Written::Done {
                return Ok(Written::Done);
            }
        }
        Err(failed(owner, "changed by others all the time"))
    }

    /// Removes a secret with its line in the list; false where one of the two was changed meanwhile.
    async fn remove(&self, owner: &str, item: Item) -> Result<bool, PortError> {
        let line = self.store.get(&listed(owner)).await?;
        let gone = |item: Item| Write::Delete { when: Condition::Rev(item.rev), key: item.key };
        let mut writes: Vec<Write> = line.map(gone).into_iter().collect();
        writes.push(if owner.starts_with(DRAFT) {
            // The id of a draft never comes again.
            gone(item)
        } else {
            let when = Condition::Rev(item.rev);
            Write::Put { item: Item { body: FORGOTTEN.to_owned(), ..item }, when }
        });
        Ok(self.store.transact(writes).await? == Written::Done)
    }

    /// Every owner that is listed.
    ///
    /// # Errors
    /// Of the store.
    pub async fn owners(&self) -> Result<BTreeSet<String>, PortError> {
        const PAGE: usize = 500;
        let mut owners = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let items = self.store.query(Self::OWNERS, "", after.as_deref(), PAGE).await?;
            after = items.last().map(|item| item.key.sk.clone());
            let last = items.len() < PAGE;
            owners.extend(items.into_iter().map(|item| item.key.sk));
            if last {
                return Ok(owners);
            }
        }
    }

    async fn reseal_one(&self, owner: &str) -> Result<One, PortError> {
        for _ in 0..MAX_TRIES {
            let Some(item) = self.row(owner).await? else { return Ok(One::Gone) };
            let Ok(held) = self.opened(owner, &item) else { return Ok(One::Left) };
            let newest =
                serde_json::from_str::<Sealed>(&item.body).is_ok_and(|row| self.key.is_newest(&row.sealed));
            if newest {
                return Ok(One::Was);
            }
            if self.write(owner, &held.secret, Condition::Rev(held.rev)).await? == Written::Done {
                return Ok(One::Changed);
            }
        }
        Err(failed(owner, "changed by others all the time"))
    }
}

fn key_of(owner: &str) -> Key {
    Key::new(format!("SECRET#{owner}"), "META")
}

fn listed(owner: &str) -> Key {
    Key::new(SealedVault::OWNERS, owner)
}

fn listed_item() -> Item {
    Item { key: listed(""), rev: 0, tag: String::new(), body: String::new(), expires: None }
}

/// Names the owner, who is no secret, and never what is sealed.
fn failed(owner: &str, why: impl std::fmt::Display) -> PortError {
    PortError { what: "vault", detail: format!("the secret of {owner}: {why}") }
}

/// What does not open: with another key it would, or never.
#[must_use]
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
        self.write(owner, secret, when).await
    }

    async fn put(&self, owner: &str, secret: &Secret) -> Result<(), PortError> {
        for _ in 0..MAX_TRIES {
            let when = self.row(owner).await?.map_or(Condition::Absent, |item| Condition::Rev(item.rev));
            if self.write(owner, secret, when).await? == Written::Done {
                return Ok(());
            }
        }
        Err(failed(owner, "changed by others all the time"))
    }

    async fn forget(&self, owner: &str) -> Result<(), PortError> {
        for _ in 0..MAX_TRIES {
            let Some(item) = self.row(owner).await? else { return Ok(()) };
            if self.remove(owner, item).await? {
                return Ok(());
            }
        }
        Err(failed(owner, "changed by others all the time"))
    }

    async fn forget_if(&self, owner: &str, rev: u64) -> Result<Written, PortError> {
        for _ in 0..MAX_TRIES {
            let Some(item) = self.row(owner).await?.filter(|item| item.rev == rev) else {
                return Ok(Written::Conflict);
            };
            // Only its line in the list may have changed: then it is tried again.
            if self.remove(owner, item).await? {
                return Ok(Written::Done);
            }
        }
        Err(failed(owner, "changed by others all the time"))
    }

    async fn reseal(&self, owners: &[String]) -> Result<Resealed, PortError> {
        let mut all = self.owners().await?;
        all.extend(owners.iter().cloned());
        let mut resealed = Resealed::default();
        for owner in &all {
            let one = self.reseal_one(owner).await?;
            resealed.secrets += u64::from(!matches!(one, One::Gone));
            resealed.changed += u64::from(matches!(one, One::Changed));
            resealed.left += u64::from(matches!(one, One::Left));
        }
        Ok(resealed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tillsync_engine::contract::{self, Subject};
    use tillsync_engine::memory::{ManualClock, MemoryStore};
    use tillsync_engine::ports::{Condition, Item, Store, Vault, Write, Written};
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
        let swapped = Item { body: a.body, ..b.clone() };
        let put = Write::Put { item: swapped, when: Condition::Rev(b.rev) };
        store.transact(vec![put]).await.expect("writes");
        let error = here.get("STORE#b").await.expect_err("another's row");
        assert!(error.detail.contains("STORE#b") && !error.detail.contains("canary"), "{error}");
        vault(&store, "there").get("STORE#a").await.expect_err("another installation");
    }

    /// A renewal that read the row before the store was disconnected ends after somebody signed in anew.
    #[tokio::test]
    async fn what_was_read_before_a_secret_was_forgotten_writes_over_nothing() {
        let (store, _) = store();
        let vault = vault(&store, "here");
        vault.put("STORE#a", &Secret::new("first")).await.expect("writes");
        let read = vault.held("STORE#a").await.expect("reads").expect("is there").rev;
        vault.forget("STORE#a").await.expect("forgets");
        assert!(vault.look("STORE#a").await.expect("reads").is_none());
        assert_eq!(vault.reseal(&["STORE#a".to_owned()]).await.expect("seals").secrets, 0, "it is gone");
        let late = vault.put_if("STORE#a", &Secret::new("late"), Condition::Rev(read)).await;
        assert_eq!(late.expect("looks"), Written::Conflict);
        vault.put("STORE#a", &Secret::new("second")).await.expect("writes");
        let late = vault.put_if("STORE#a", &Secret::new("late"), Condition::Rev(read)).await;
        assert_eq!(late.expect("looks"), Written::Conflict);
        assert_eq!(vault.get("STORE#a").await.expect("reads").expect("is there").expose(), "second");
        // Nothing is left of a draft.
        vault.put("DRAFT#1#key", &Secret::new("key")).await.expect("writes");
        vault.forget("DRAFT#1#key").await.expect("forgets");
        assert!(store.get(&key_of("DRAFT#1#key")).await.expect("reads").is_none());
    }

    #[tokio::test]
    async fn what_an_older_version_sealed_opens_and_is_sealed_anew() {
        const OTHER: &str = "GFEDCBAzyxwvutsrqponmlkjihgfedcba9876543210";
        let (store, _) = store();
        let old = vault(&store, "here");
        // The form of older versions: another place, no list.
        let sealed = old.key.seal(&old.old_place("STORE#a"), &Secret::new("canary")).expect("seals");
        let body = format!(r#"{{"sealed":"{sealed}"}}"#);
        let item = Item { key: key_of("STORE#a"), rev: 0, tag: String::new(), body, expires: None };
        let put = Write::Put { item, when: Condition::Absent };
        store.transact(vec![put]).await.expect("writes");
        old.put("DEST#b", &Secret::new("canary-b")).await.expect("writes");
        let both = DataKey::parse(&Secret::new(&format!("{OTHER},{KEY}"))).expect("keys");
        let both = SealedVault::new(store.clone(), both, "here");
        assert_eq!(both.get("STORE#a").await.expect("reads").expect("is there").expose(), "canary");
        let resealed = both.reseal(&["STORE#a".to_owned()]).await.expect("seals");
        assert_eq!((resealed.secrets, resealed.changed, resealed.left), (2, 2, 0));
        let again = both.reseal(&[]).await.expect("seals");
        assert_eq!((again.secrets, again.changed), (2, 0), "it is listed by now");
        let new = DataKey::parse(&Secret::new(OTHER)).expect("a key");
        let new = SealedVault::new(store.clone(), new, "here");
        assert_eq!(new.get("STORE#a").await.expect("reads").expect("is there").expose(), "canary");
        let error = old.get("STORE#a").await.expect_err("with the old key alone");
        assert!(error.is_key_other(), "{error}");
        assert_eq!(old.reseal(&[]).await.expect("looks").left, 2, "the other key is still needed");
    }
}
