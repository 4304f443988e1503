//! Cursors: opaque, bound to their query, and dead after a while.

use std::collections::HashMap;

use super::error::Fail;
use crate::http::Call;
use crate::rng::Rng;
use crate::shop::table::Position;

/// Live cursors kept at most; the oldest query is the one that suffers.
const KEPT: usize = 10_000;

#[derive(Debug, Clone)]
struct Entry {
    query: String,
    at: Position,
    until: i64,
    expires: i64,
}

#[derive(Debug)]
pub(crate) struct Cursors {
    entries: HashMap<String, Entry>,
    rng: Rng,
}

/// Where a page starts, and the right bound that the first page fixed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resume {
    pub(crate) after: Option<Position>,
    pub(crate) until: i64,
}

impl Cursors {
    pub(crate) fn new(seed: u64) -> Self {
        Self { entries: HashMap::new(), rng: Rng::new(seed ^ 0xC0_0C) }
    }

    /// A name nobody could guess.
    pub(crate) fn name(&mut self) -> String {
        self.rng.id("", 48)
    }

    pub(crate) fn issue(
        &mut self,
        query: String,
        at: Position,
        until: i64,
        expires: i64,
        now: i64,
    ) -> String {
        if self.entries.len() >= KEPT {
            self.entries.retain(|_, entry| entry.expires > now);
        }
        let name = self.name();
        self.entries.insert(name.clone(), Entry { query, at, until, expires });
        name
    }

    /// The place a cursor stands for, if it is alive and belongs to this very query.
    pub(crate) fn resume(
        &self,
        cursor: Option<&str>,
        query: &str,
        call: &Call,
        now: i64,
    ) -> Result<Resume, Fail> {
        let Some(cursor) = cursor else {
            return Ok(Resume { after: None, until: now });
        };
        let refuse = |detail: &str| Err(Fail::bad("INVALID_CURSOR", "cursor", detail));
        match self.entries.get(cursor) {
            _ if call.expire_cursor => refuse("The cursor has expired."),
            None => refuse("The cursor is not valid."),
            Some(entry) if entry.expires <= now => refuse("The cursor has expired."),
            Some(entry) if entry.query != query => refuse("The cursor belongs to another query."),
            Some(entry) => Ok(Resume { after: Some(entry.at), until: entry.until }),
        }
    }
}
