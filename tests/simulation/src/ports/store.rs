//! Durable items, as one process reaches them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tillsync_engine::ports::{Item, Key, MAX_BATCH, PortError, Store, Write, Written, check_writes};

use super::{Line, trouble};
use crate::faults::{Fate, Kind};
use crate::history::Fact;

#[async_trait]
impl Store for Line {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        self.reads("get", &key.sk).await?;
        self.outside.items.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.reads("get_many", keys.first().map_or("", |key| &key.sk)).await?;
        self.outside.items.get_many(keys).await
    }

    async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        self.reads("query", prefix).await?;
        self.outside.items.query(pk, prefix, after, limit).await
    }

    async fn tally(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError> {
        self.reads("tally", prefix).await?;
        self.outside.items.tally(pk, prefix).await
    }

    async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        check_writes(&writes, MAX_BATCH)?;
        if self.outside.state().faults.exactly.is_none() {
            return self.write_some(writes).await;
        }
        // One after the other: a process may end between any two.
        let mut written = Vec::with_capacity(writes.len());
        for write in writes {
            written.append(&mut self.write_some(vec![write]).await?);
        }
        Ok(written)
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Written, PortError> {
        let fate =
            self.fate(Kind::Write, "transact", writes.first().map_or("", |write| &write.key().sk)).await;
        self.takes(1_000, 9_000).await;
        match fate {
            Fate::FallBefore => self.fall().await,
            Fate::Refused => return Err(trouble("store")),
            _ => {}
        }
        let marks = seen(&writes);
        let written = self.outside.items.transact(writes).await?;
        if written == Written::Done {
            self.saw(marks);
        }
        match fate {
            Fate::FallAfter => self.fall().await,
            Fate::Lost => return Err(trouble("store")),
            _ => {}
        }
        Ok(written)
    }
}

impl Line {
    /// Each by itself: of a call that fails, any part may have been done.
    async fn write_some(&self, mut writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let fate = self.fate(Kind::Write, "write", writes.first().map_or("", |write| &write.key().sk)).await;
        self.takes(1_000, 9_000).await;
        let all = writes.len() as u64;
        let done = match fate {
            Fate::FallBefore | Fate::Refused => self.outside.sim.draw(|rng| rng.below(all)),
            _ => all,
        };
        writes.truncate(usize::try_from(done).unwrap_or(0));
        let each: Vec<_> = writes.iter().map(|write| seen(std::slice::from_ref(write))).collect();
        let written = self.outside.items.write_each(writes).await?;
        let done = each.into_iter().zip(&written).filter(|(_, written)| **written == Written::Done);
        self.saw(done.flat_map(|(marks, _)| marks).collect());
        match fate {
            Fate::FallBefore | Fate::FallAfter => self.fall().await,
            Fate::Refused | Fate::Lost => return Err(trouble("store")),
            _ => {}
        }
        Ok(written)
    }
}

/// What writes tell: watermarks, that somebody is to authorise again, that a connection has ended or works.
fn seen(writes: &[Write]) -> Vec<Fact> {
    let stopped = writes.iter().any(|write| {
        matches!(write, Write::Put { item, .. } if item.key.pk.starts_with("CONN#") && item.key.sk == "META"
            && item.body.contains(r#""state":"needs_reconnect""#))
    });
    let mut facts = watermarks(writes);
    facts.extend(stopped.then_some(Fact::AskedToReconnect));
    let lives = writes.iter().filter_map(|write| {
        let Write::Put { item, .. } = write else { return None };
        let is_it = item.key.pk.starts_with("CONN#") && item.key.sk == "META";
        let over = item.body.contains(r#""state":"disconnected""#);
        is_it.then_some(if over { Fact::Ended } else { Fact::Begun })
    });
    facts.extend(lives);
    facts
}

/// The watermarks among writes.
fn watermarks(writes: &[Write]) -> Vec<Fact> {
    let mark = |write: &Write| {
        let Write::Put { item, .. } = write else { return None };
        item.key.sk.starts_with("CUR#").then_some(())?;
        let body: serde_json::Value = serde_json::from_str(&item.body).ok()?;
        let to = body["watermark"].as_str()?.parse().ok()?;
        Some(Fact::Watermark { key: format!("{}/{}", item.key.pk, item.key.sk), to })
    };
    writes.iter().filter_map(mark).collect()
}
