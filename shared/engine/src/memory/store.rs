//! Items in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;

use super::lock;
use crate::ports::{
    Clock, Condition, Item, Key, MAX_BATCH, MAX_TRANSACTION, PortError, Store, Write, Written, check_reads,
    check_writes,
};

/// A store that is gone with its process.
pub struct MemoryStore {
    items: Mutex<BTreeMap<Key, Item>>,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// An empty store; `clock` decides what has expired.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { items: Mutex::new(BTreeMap::new()), clock }
    }

    /// Everything that is there, in key order: for a test to compare or search.
    #[must_use]
    pub fn dump(&self) -> Vec<Item> {
        let now = self.clock.now();
        lock(&self.items).values().filter(|item| alive(item, now)).cloned().collect()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        Ok(find(&lock(&self.items), key, self.clock.now()).cloned())
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        check_reads(keys.len())?;
        let (items, now) = (lock(&self.items), self.clock.now());
        Ok(keys.iter().map(|key| find(&items, key, now).cloned()).collect())
    }

    async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        check_reads(limit)?;
        let (items, now) = (lock(&self.items), self.clock.now());
        let found = range(&items, pk, prefix, after).filter(|item| alive(item, now));
        Ok(found.take(limit).cloned().collect())
    }

    async fn tally(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError> {
        let (items, now) = (lock(&self.items), self.clock.now());
        let mut counts = BTreeMap::new();
        for item in range(&items, pk, prefix, None) {
            if alive(item, now) && !item.tag.is_empty() {
                *counts.entry(item.tag.clone()).or_insert(0) += 1;
            }
        }
        Ok(counts)
    }

    async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        check_writes(&writes, MAX_BATCH)?;
        let (mut items, now) = (lock(&self.items), self.clock.now());
        let each = writes.into_iter().map(|write| {
            if holds(&items, &write, now) {
                apply(&mut items, write);
                Written::Done
            } else {
                Written::Conflict
            }
        });
        Ok(each.collect())
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Written, PortError> {
        check_writes(&writes, MAX_TRANSACTION)?;
        let (mut items, now) = (lock(&self.items), self.clock.now());
        if !writes.iter().all(|write| holds(&items, write, now)) {
            return Ok(Written::Conflict);
        }
        for write in writes {
            apply(&mut items, write);
        }
        Ok(Written::Done)
    }
}

fn alive(item: &Item, now: Timestamp) -> bool {
    item.expires.is_none_or(|expires| expires > now)
}

fn find<'a>(items: &'a BTreeMap<Key, Item>, key: &Key, now: Timestamp) -> Option<&'a Item> {
    items.get(key).filter(|item| alive(item, now))
}

/// The items of a partition that start with `prefix` and come after `after`, expired ones too.
fn range<'a>(
    items: &'a BTreeMap<Key, Item>,
    pk: &'a str,
    prefix: &'a str,
    after: Option<&str>,
) -> impl Iterator<Item = &'a Item> {
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(Key::new(pk, after)),
        _ => Bound::Included(Key::new(pk, prefix)),
    };
    items
        .range((start, Bound::Unbounded))
        .map(|(_, item)| item)
        .take_while(move |item| item.key.pk == pk && item.key.sk.starts_with(prefix))
}

fn holds(items: &BTreeMap<Key, Item>, write: &Write, now: Timestamp) -> bool {
    let found = find(items, write.key(), now);
    let (Write::Put { when, .. } | Write::Delete { when, .. } | Write::Check { when, .. }) = write;
    match when {
        Condition::Absent => found.is_none(),
        Condition::Rev(rev) => found.is_some_and(|item| item.rev == *rev),
    }
}

/// Does a write whose condition holds.
fn apply(items: &mut BTreeMap<Key, Item>, write: Write) {
    match write {
        Write::Put { mut item, when } => {
            item.rev = match when {
                Condition::Absent => 1,
                Condition::Rev(rev) => rev + 1,
            };
            items.insert(item.key.clone(), item);
        }
        Write::Delete { key, .. } => {
            items.remove(&key);
        }
        Write::Check { .. } => {}
    }
}
