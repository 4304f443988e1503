//! The items of the one table, as types. Everything is written under the condition that it is still as it was read.

mod comparison;
mod connection;
mod ledger;
mod people;
mod run;
mod settings;
mod window;

pub use comparison::{Comparison, Copies, Day, Difference, Expected, Gathered, Sum};
pub use connection::{Connection, ConnectionState, Counted, Cursor, Problem};
pub use ledger::{Entry, Intent, LedgerRow, State};
pub use people::{Address, Merged, PeopleRuns};
pub use run::{Flight, Phase, Run, RunKind, RunState, Stream};
pub use settings::{Link, Settings, Unnamed, WhichCustomers};
pub use window::{WindowRow, WindowState};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::{Fault, unreadable};
use crate::ports::{Condition, Item, Key, Store, Write, Written};

/// Tries of an optimistic update before it gives up: beyond it something is wrong, not merely busy.
const MAX_UPDATES: u32 = 50;

/// An item with the revision it was read at; 0 where it does not exist yet.
#[derive(Clone, Debug)]
pub struct Row<T> {
    /// Where it lives.
    pub key: Key,
    /// The revision read.
    pub rev: u64,
    /// What it says.
    pub value: T,
}

/// What an item is counted by; most are not counted.
pub trait Tagged {
    /// A word, or nothing.
    fn tag(&self) -> String {
        String::new()
    }

    /// When it is of no use to anybody any more; most are kept.
    fn expires(&self) -> Option<Timestamp> {
        None
    }
}

impl<T: Serialize + DeserializeOwned + Tagged> Row<T> {
    /// An item that is not there yet.
    pub fn new(key: Key, value: T) -> Self {
        Self { key, rev: 0, value }
    }

    /// Reads an item.
    ///
    /// # Errors
    /// `data.corrupt` where it is not what it should be.
    pub fn parse(item: &Item) -> Result<Self, Fault> {
        let value = serde_json::from_str(&item.body).map_err(|error| {
            let place = unreadable(&error);
            Fault::reject("data.corrupt", format!("{} {} is {place}", item.key.pk, item.key.sk))
        })?;
        Ok(Self { key: item.key.clone(), rev: item.rev, value })
    }

    /// The write that stores it, if nobody else did meanwhile.
    ///
    /// # Errors
    /// `data.corrupt` where it cannot be written as JSON.
    pub fn put(&self) -> Result<Write, Fault> {
        let body = serde_json::to_string(&self.value).map_err(|error| {
            Fault::reject("data.corrupt", format!("{} {}: {error}", self.key.pk, self.key.sk))
        })?;
        let item = Item {
            key: self.key.clone(),
            rev: 0,
            tag: self.value.tag(),
            body,
            expires: self.value.expires(),
        };
        Ok(Write::Put { item, when: self.condition() })
    }

    /// That nobody changed it since it was read.
    #[must_use]
    pub fn condition(&self) -> Condition {
        if self.rev == 0 { Condition::Absent } else { Condition::Rev(self.rev) }
    }

    /// The write that removes it.
    #[must_use]
    pub fn delete(&self) -> Write {
        Write::Delete { key: self.key.clone(), when: self.condition() }
    }
}

/// Reads one item.
///
/// # Errors
/// Of the store.
pub async fn load<T>(store: &dyn Store, key: Key) -> Result<Option<Row<T>>, Fault>
where
    T: Serialize + DeserializeOwned + Tagged,
{
    store.get(&key).await?.map(|item| Row::parse(&item)).transpose()
}

/// Reads every item of a partition below a prefix.
///
/// # Errors
/// Of the store.
pub async fn list<T>(store: &dyn Store, pk: &str, prefix: &str) -> Result<Vec<Row<T>>, Fault>
where
    T: Serialize + DeserializeOwned + Tagged,
{
    const PAGE: usize = 500;
    let mut rows: Vec<Row<T>> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.key.sk.clone());
        let items = store.query(pk, prefix, after.as_deref(), PAGE).await?;
        let last = items.len() < PAGE;
        for item in &items {
            rows.push(Row::parse(item)?);
        }
        if last {
            return Ok(rows);
        }
    }
}

/// Changes one item that exists, again and again until nobody else was faster.
///
/// # Errors
/// Of the store; `data.corrupt` where the item is not there.
pub async fn update<T, F>(store: &dyn Store, key: &Key, mut change: F) -> Result<Row<T>, Fault>
where
    T: Serialize + DeserializeOwned + Tagged,
    F: FnMut(&mut T),
{
    for _ in 0..MAX_UPDATES {
        let missing = || Fault::reject("data.corrupt", format!("{} {} is not there", key.pk, key.sk));
        let mut row: Row<T> = load(store, key.clone()).await?.ok_or_else(missing)?;
        change(&mut row.value);
        if store.transact(vec![row.put()?]).await? == Written::Done {
            row.rev += 1;
            return Ok(row);
        }
    }
    Err(Fault::retry("data.unavailable", format!("{} {} is changed by others all the time", key.pk, key.sk)))
}
