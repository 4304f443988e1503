//! The store.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use tillsync_engine::ports::{
    Condition, Item, Key, MAX_BATCH, MAX_TRANSACTION, PortError, Store, Write, Written, check_reads,
    check_writes,
};

use super::{Sqlite, timestamp};

const PORT: &str = "store";

/// What every statement holds against an item: an expired one is none.
macro_rules! alive {
    ($now:literal) => {
        concat!("(expires IS NULL OR expires > ", $now, ")")
    };
}

const GET: &str =
    concat!("SELECT sk, rev, expires, tag, body FROM items WHERE pk = ?1 AND sk = ?2 AND ", alive!("?3"));
/// Both ends of every range are plain comparisons, or the index would be read to the end of the partition.
const QUERY_FROM: &str = concat!(
    "SELECT sk, rev, expires, tag, body FROM items WHERE pk = ?1 AND sk >= ?2 AND sk < ?3 AND ",
    alive!("?4"),
    " ORDER BY sk LIMIT ?5"
);
const QUERY_AFTER: &str = concat!(
    "SELECT sk, rev, expires, tag, body FROM items WHERE pk = ?1 AND sk > ?2 AND sk < ?3 AND ",
    alive!("?4"),
    " ORDER BY sk LIMIT ?5"
);
const TALLY: &str = concat!(
    "SELECT tag, COUNT(*) FROM items WHERE pk = ?1 AND sk >= ?2 AND sk < ?3 AND tag <> '' AND ",
    alive!("?4"),
    " GROUP BY tag"
);
const INSERT: &str = "INSERT INTO items (pk, sk, rev, expires, tag, body) VALUES (?1, ?2, 1, ?3, ?4, ?5)
    ON CONFLICT (pk, sk) DO UPDATE SET rev = 1, expires = excluded.expires, tag = excluded.tag,
    body = excluded.body WHERE items.expires <= ?6";
const UPDATE: &str = concat!(
    "UPDATE items SET rev = rev + 1, expires = ?3, tag = ?4, body = ?5 WHERE pk = ?1 AND sk = ?2 AND rev = ?7 AND ",
    alive!("?6")
);
const DELETE: &str = concat!("DELETE FROM items WHERE pk = ?1 AND sk = ?2 AND rev = ?4 AND ", alive!("?3"));
const REVISION: &str = concat!("SELECT rev FROM items WHERE pk = ?1 AND sk = ?2 AND ", alive!("?3"));
/// A bound on the work a write does for others; the rest waits for the next one.
const FORGET: &str = "DELETE FROM items WHERE rowid IN
    (SELECT rowid FROM items WHERE expires <= ?1 ORDER BY expires LIMIT 100)";

#[async_trait]
impl Store for Sqlite {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        let key = key.clone();
        self.port(PORT, move |inner| inner.reading(|tx| one(tx, &key, inner.now()))).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        check_reads(keys.len())?;
        let keys = keys.to_vec();
        // A look-up by key inside one transaction costs as little as its share of a longer statement.
        self.port(PORT, move |inner| {
            inner.reading(|tx| {
                let now = inner.now();
                keys.iter().map(|key| one(tx, key, now)).collect()
            })
        })
        .await
    }

    async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        check_reads(limit)?;
        let (pk, prefix, after) = (pk.to_owned(), prefix.to_owned(), after.map(str::to_owned));
        self.port(PORT, move |inner| {
            inner.reading(|tx| {
                let (sql, from) = match &after {
                    Some(after) if *after >= prefix => (QUERY_AFTER, after),
                    _ => (QUERY_FROM, &prefix),
                };
                let bounds = params![pk, from, end_of(&prefix), inner.now(), limit];
                tx.prepare_cached(sql)?.query_map(bounds, |row| item(&pk, row))?.collect()
            })
        })
        .await
    }

    async fn tally(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError> {
        let (pk, prefix) = (pk.to_owned(), prefix.to_owned());
        self.port(PORT, move |inner| {
            inner.reading(|tx| {
                let bounds = params![pk, prefix, end_of(&prefix), inner.now()];
                tx.prepare_cached(TALLY)?.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
        })
        .await
    }

    async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        check_writes(&writes, MAX_BATCH)?;
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        self.port(PORT, move |inner| {
            inner.writing(|tx| {
                let now = inner.now();
                forget_expired(tx, now)?;
                writes.iter().map(|each| write(tx, each, now)).collect()
            })
        })
        .await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Written, PortError> {
        check_writes(&writes, MAX_TRANSACTION)?;
        self.port(PORT, move |inner| {
            inner.writing(|tx| {
                let now = inner.now();
                // The conditions come first, all under the write lock: then nothing is left to undo.
                for each in &writes {
                    if !holds(tx, each, now)? {
                        return Ok(Written::Conflict);
                    }
                }
                for each in &writes {
                    write(tx, each, now)?;
                }
                Ok(Written::Done)
            })
        })
        .await
    }
}

fn one(tx: &Transaction<'_>, key: &Key, now: i64) -> rusqlite::Result<Option<Item>> {
    tx.prepare_cached(GET)?.query_row(params![key.pk, key.sk, now], |row| item(&key.pk, row)).optional()
}

fn item(pk: &str, row: &Row<'_>) -> rusqlite::Result<Item> {
    let expires = row.get::<_, Option<i64>>(2)?.map(|micros| timestamp(2, micros)).transpose()?;
    let key = Key::new(pk, row.get::<_, String>(0)?);
    Ok(Item { key, rev: row.get(1)?, tag: row.get(3)?, body: row.get(4)?, expires })
}

/// One write by itself.
fn write(tx: &Transaction<'_>, write: &Write, now: i64) -> rusqlite::Result<Written> {
    let changed = match write {
        Write::Put { item, when } => {
            let expires = item.expires.map(Timestamp::as_microsecond);
            let Key { pk, sk } = &item.key;
            match when {
                Condition::Absent => {
                    tx.prepare_cached(INSERT)?.execute(params![pk, sk, expires, item.tag, item.body, now])?
                }
                Condition::Rev(rev) => tx.prepare_cached(UPDATE)?.execute(params![
                    pk,
                    sk,
                    expires,
                    item.tag,
                    item.body,
                    now,
                    stored(*rev)
                ])?,
            }
        }
        Write::Delete { key, when: Condition::Rev(rev) } => {
            tx.prepare_cached(DELETE)?.execute(params![key.pk, key.sk, now, stored(*rev)])?
        }
        Write::Delete { .. } | Write::Check { .. } => usize::from(holds(tx, write, now)?),
    };
    Ok(if changed == 1 { Written::Done } else { Written::Conflict })
}

/// Whether the condition of a write is true now.
fn holds(tx: &Transaction<'_>, write: &Write, now: i64) -> rusqlite::Result<bool> {
    let key = write.key();
    let found: Option<i64> =
        tx.prepare_cached(REVISION)?.query_row(params![key.pk, key.sk, now], |row| row.get(0)).optional()?;
    let (Write::Put { when, .. } | Write::Delete { when, .. } | Write::Check { when, .. }) = write;
    Ok(match when {
        Condition::Absent => found.is_none(),
        Condition::Rev(rev) => found == Some(stored(*rev)),
    })
}

/// Removes some of what has expired: SQLite, unlike DynamoDB, would keep it for ever.
fn forget_expired(tx: &Transaction<'_>, now: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(FORGET)?.execute([now])?;
    Ok(())
}

/// A revision as the table holds it; one too large for it is none that any item has.
fn stored(rev: u64) -> i64 {
    i64::try_from(rev).unwrap_or(-1)
}

/// What comes right after all that starts with `prefix`. The order of UTF-8 bytes is the order of code points, so
/// the last character that has a next one is raised and the rest cut.
fn end_of(prefix: &str) -> Value {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        // The range knows that no character lies between U+D7FF and U+E000.
        if let Some(next) = (last..=char::MAX).nth(1) {
            rest.push(next);
            return Value::Text(rest);
        }
    }
    // SQLite sorts any blob after any text.
    Value::Blob(Vec::new())
}

/// Every statement, for the test that reads their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[GET, QUERY_FROM, QUERY_AFTER, TALLY, INSERT, UPDATE, DELETE, REVISION, FORGET];
