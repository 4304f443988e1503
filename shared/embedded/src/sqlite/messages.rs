//! The queues.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Row, Transaction, params};
use tillsync_engine::ports::{Dead, Delivery, Lane, MAX_ATTEMPTS, MAX_DELAY, PortError, Queue};

use super::deal::{Due, deal};
use super::{Inner, Sqlite};
use crate::error::DataError;
use crate::owner::Owner;

const PORT: &str = "queue";

const SEND: &str = "INSERT INTO messages (lane, grp, visible_at, attempts, takes, taken, body)
    VALUES (?1, ?2, ?3, 0, 0, 0, ?4)";
const JOIN_TURNS: &str = "INSERT INTO turns (lane, grp, served) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING";
const ANY_DUE: &str = "SELECT EXISTS (SELECT 1 FROM turns JOIN messages USING (lane, grp)
    WHERE lane = ?1 AND visible_at <= ?2)";
const TAKE: &str =
    "UPDATE messages SET visible_at = ?2, attempts = attempts + 1, takes = takes + 1, taken = 1
    WHERE id = ?1 RETURNING takes, attempts, body";
const BURY: &str = "INSERT INTO dead_letters (lane, grp, died_at, attempts, body)
    SELECT lane, grp, ?2, attempts, body FROM messages WHERE id = ?1";
const REMOVE: &str = "DELETE FROM messages WHERE id = ?1";
const ACK: &str = "DELETE FROM messages WHERE id = ?1 AND takes = ?2";
const EXTEND: &str = "UPDATE messages SET visible_at = ?3 WHERE id = ?1 AND takes = ?2";
const RELEASE: &str = "UPDATE messages SET visible_at = ?3, takes = takes + 1, taken = 0
    WHERE id = ?1 AND takes = ?2";
const DEFER: &str = "UPDATE messages SET visible_at = ?3, takes = takes + 1, taken = 0,
    attempts = MAX(attempts - 1, 0) WHERE id = ?1 AND takes = ?2";
const FREE: &str = "UPDATE messages SET visible_at = ?1, takes = takes + 1, taken = 0
    WHERE taken = 1 AND visible_at > ?1";
const DEPTH: &str = "SELECT COUNT(*) FROM messages WHERE lane = ?1";
const DEAD: &str = "SELECT body, attempts FROM dead_letters WHERE lane = ?1 ORDER BY id LIMIT ?2";

impl Sqlite {
    /// Makes every message visible that a former owner took and neither acknowledged nor handed back. Its attempts
    /// stay as they are: the taking it died in counts, or a message that kills its worker would never be dead.
    /// The new owner calls this once, before it receives; answers how many there were.
    pub async fn free_leases(&self, _proof: &Owner) -> Result<usize, DataError> {
        self.run(|inner| inner.writing(|tx| tx.prepare_cached(FREE)?.execute([inner.now()]))).await
    }

    async fn settle(
        &self,
        sql: &'static str,
        delivery: &Delivery,
        wait: Option<Duration>,
    ) -> Result<(), PortError> {
        // A receipt of another queue names nothing here.
        let Some((id, takes)) = parse(&delivery.receipt) else {
            return Ok(());
        };
        self.port(PORT, move |inner| {
            inner.writing(|tx| {
                let mut statement = tx.prepare_cached(sql)?;
                match wait {
                    Some(wait) => statement.execute(params![id, takes, inner.after(wait)])?,
                    None => statement.execute(params![id, takes])?,
                };
                Ok(())
            })
        })
        .await
    }
}

#[async_trait]
impl Queue for Sqlite {
    async fn send(
        &self,
        lane: Lane,
        group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError> {
        if bodies.is_empty() {
            return Ok(());
        }
        let (lane, group) = (number(lane), group.to_owned());
        self.port(PORT, move |inner| {
            inner.writing(|tx| {
                let visible_at = inner.after(delay.min(MAX_DELAY));
                tx.prepare_cached(JOIN_TURNS)?.execute(params![lane, group])?;
                let mut statement = tx.prepare_cached(SEND)?;
                for body in &bodies {
                    statement.execute(params![lane, group, visible_at, body])?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn receive(
        &self,
        lane: Lane,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, PortError> {
        self.port(PORT, move |inner| {
            // Idle workers ask often: an empty queue costs a look, no write lock and no sync.
            let due: bool = inner.reading(|tx| {
                tx.prepare_cached(ANY_DUE)?.query_row(params![number(lane), inner.now()], |row| row.get(0))
            })?;
            if !due || max == 0 {
                return Ok(Vec::new());
            }
            inner.writing(|tx| take(tx, inner, lane, max, visibility))
        })
        .await
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), PortError> {
        self.settle(EXTEND, delivery, Some(visibility)).await
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), PortError> {
        self.settle(ACK, delivery, None).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.settle(RELEASE, delivery, Some(delay.min(MAX_DELAY))).await
    }

    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.settle(DEFER, delivery, Some(delay.min(MAX_DELAY))).await
    }

    async fn depth(&self, lane: Lane) -> Result<u64, PortError> {
        self.port(PORT, move |inner| {
            inner.reading(|tx| tx.prepare_cached(DEPTH)?.query_row([number(lane)], |row| row.get(0)))
        })
        .await
    }

    async fn dead(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError> {
        self.port(PORT, move |inner| {
            inner.reading(|tx| {
                let letter = |row: &Row<'_>| Ok(Dead { body: row.get(0)?, attempts: row.get(1)? });
                tx.prepare_cached(DEAD)?.query_map(params![number(lane), limit], letter)?.collect()
            })
        })
        .await
    }
}

/// Takes what is dealt. Messages that were taken too often are buried and their places dealt anew; every round
/// removes some, so the loop ends.
fn take(
    tx: &Transaction<'_>,
    inner: &Inner,
    lane: Lane,
    max: usize,
    visibility: Duration,
) -> rusqlite::Result<Vec<Delivery>> {
    let now = inner.now();
    let visible_at = inner.after(visibility);
    let mut taken = Vec::new();
    loop {
        let mut buried = false;
        for Due { id, attempts } in deal(tx, number(lane), max - taken.len(), now)? {
            if attempts >= MAX_ATTEMPTS {
                tx.prepare_cached(BURY)?.execute(params![id, now])?;
                tx.prepare_cached(REMOVE)?.execute([id])?;
                buried = true;
                continue;
            }
            let delivery = tx.prepare_cached(TAKE)?.query_row(params![id, visible_at], |row| {
                let receipt = format!("{id}-{}", row.get::<_, i64>(0)?);
                Ok(Delivery { lane, receipt, attempts: row.get(1)?, body: row.get(2)? })
            })?;
            taken.push(delivery);
        }
        if !buried || taken.len() >= max {
            return Ok(taken);
        }
    }
}

impl Inner {
    /// The instant this long from now.
    fn after(&self, wait: Duration) -> i64 {
        self.now().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A lane as the tables hold it; the numbers must never change.
fn number(lane: Lane) -> i64 {
    match lane {
        Lane::Live => 0,
        Lane::History => 1,
    }
}

/// The message and the taking a receipt names.
fn parse(receipt: &str) -> Option<(i64, i64)> {
    let (id, takes) = receipt.split_once('-')?;
    Some((id.parse().ok()?, takes.parse().ok()?))
}

/// Every statement, for the test that reads their plans; but `FREE`, which runs once in an owner's life.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[SEND, JOIN_TURNS, ANY_DUE, TAKE, BURY, REMOVE, ACK, EXTEND, RELEASE, DEFER, DEPTH, DEAD];
