//! A store that counts what DynamoDB would bill: a write unit for each KB, twice in a transaction of several; a
//! read unit for each 4 KB, consistent (Amazon DynamoDB developer guide, "Read/write capacity mode").

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::ports::{Item, Key, PortError, Store, Write, Written};

/// Names and numbers of an item, besides its body.
const AROUND: usize = 60;

#[derive(Default)]
pub(crate) struct Bill {
    pub(crate) written: AtomicU64,
    pub(crate) read: AtomicU64,
    /// Write units by the start of the key, to see where they go.
    pub(crate) by_key: Mutex<BTreeMap<String, u64>>,
}

pub(crate) struct Billed {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) bill: Arc<Bill>,
}

impl Billed {
    pub(crate) fn over(inner: Arc<dyn Store>) -> (Arc<dyn Store>, Arc<Bill>) {
        let bill = Arc::new(Bill::default());
        (Arc::new(Self { inner, bill: bill.clone() }), bill)
    }

    fn write(&self, write: &Write, times: u64) {
        let key = write.key();
        let body = if let Write::Put { item, .. } = write { item.body.len() } else { 0 };
        let units = (key.pk.len() + key.sk.len() + body + AROUND).div_ceil(1024) as u64 * times;
        self.bill.written.fetch_add(units, Ordering::SeqCst);
        let word = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
        let name = format!("{}/{}", word(&key.pk), word(&key.sk));
        *self.bill.by_key.lock().unwrap().entry(name).or_default() += units;
    }

    fn read(&self, bytes: usize) {
        self.bill.read.fetch_add(bytes.div_ceil(4096).max(1) as u64, Ordering::SeqCst);
    }
}

fn size(item: &Item) -> usize {
    item.body.len() + item.key.pk.len() + item.key.sk.len() + AROUND
}

#[async_trait]
impl Store for Billed {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        let item = self.inner.get(key).await?;
        self.read(item.as_ref().map_or(0, size));
        Ok(item)
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        let items = self.inner.get_many(keys).await?;
        items.iter().for_each(|item| self.read(item.as_ref().map_or(0, size)));
        Ok(items)
    }

    async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        let items = self.inner.query(pk, prefix, after, limit).await?;
        self.read(items.iter().map(size).sum());
        Ok(items)
    }

    async fn tally(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError> {
        self.inner.tally(pk, prefix).await
    }

    async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        writes.iter().for_each(|write| self.write(write, 1));
        self.inner.write_each(writes).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Written, PortError> {
        let times = if writes.len() > 1 { 2 } else { 1 };
        writes.iter().for_each(|write| self.write(write, times));
        self.inner.transact(writes).await
    }
}
