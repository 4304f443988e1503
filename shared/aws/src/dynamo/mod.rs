//! The store: one table of DynamoDB.
//!
//! A row is `pk`, `sk`, `rev`, `tag`, `body`, with `exp` and `ttl` where it expires, and `wid`. Conditions are
//! judged by our own clock, since the service removes what has expired some days late. Every read is consistent.

mod condition;
mod read;
mod row;
mod used;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tillsync_engine::ports::{
    Clock, Item, Key, MAX_BATCH, MAX_TRANSACTION, PortError, Store, Write, Written, check_reads, check_writes,
};

use crate::service::refused;

pub use used::Used;

const PORT: &str = "store";
/// Keys one call may read.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
const KEYS_A_CALL: usize = 100;
/// Writes under way at once; each has a connection of its own.
const WRITES_AT_ONCE: usize = 32;

/// The store over one table with the keys `pk` and `sk`, both text.
pub struct DynamoStore {
    client: Client,
    table: String,
    clock: Arc<dyn Clock>,
    used: used::Counters,
}

impl DynamoStore {
    /// A store over a table; `clock` decides what has expired. How often and how long a call is tried is a matter
    /// of the client's configuration.
    #[must_use]
    pub fn new(client: Client, table: String, clock: Arc<dyn Clock>) -> Self {
        Self { client, table, clock, used: used::Counters::default() }
    }

    /// An error, with the name of the table: that it is not there is a matter of its name.
    fn refused<E, R>(&self, error: &SdkError<E, R>) -> PortError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let PortError { what, detail } = refused(PORT, error);
        PortError { what, detail: format!("table {}: {detail}", self.table) }
    }

    /// What calls have cost since this was last asked.
    #[must_use]
    pub fn take_used(&self) -> Used {
        self.used.take()
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        let call = self.client.get_item().table_name(&self.table).consistent_read(true);
        let call = call.set_key(Some(row::key_row(&key.pk, &key.sk)));
        let call = call.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let found = call.map_err(|error| self.refused(&error))?;
        self.used.read(found.consumed_capacity());
        found.item().map_or(Ok(None), |row| row::alive(row, self.clock.now()))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        check_reads(keys.len())?;
        let unique = read::unique(keys);
        let found = try_join_all(unique.chunks(KEYS_A_CALL).map(|keys| self.batch(keys))).await?;
        let found: HashMap<Key, Item> =
            found.into_iter().flatten().map(|item| (item.key.clone(), item)).collect();
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        check_reads(limit)?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.page(pk, prefix, after, limit).await
    }

    async fn tally(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError> {
        self.count(pk, prefix).await
    }

    async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        check_writes(&writes, MAX_BATCH)?;
        let under_way: Vec<_> = writes.into_iter().map(|write| self.write_one(write)).collect();
        stream::iter(under_way).buffered(WRITES_AT_ONCE).try_collect().await
    }

    async fn transact(&self, mut writes: Vec<Write>) -> Result<Written, PortError> {
        check_writes(&writes, MAX_TRANSACTION)?;
        match writes.len() {
            0 => Ok(Written::Done),
            // By itself a write costs half.
            1 => self.write_one(writes.remove(0)).await,
            _ => self.transact_all(writes).await,
        }
    }
}

#[cfg(test)]
mod tests;
