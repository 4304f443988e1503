//! Pages and single records, put together from bytes without reading them.

use serde_json::Value;

use super::Context;
use super::cursor::Resume;
use super::error::Fail;
use crate::clock;
use crate::http::Reply;
use crate::shop::table::{Position, Row};

/// `{"name": record}`.
pub(crate) fn single(name: &str, row: Option<&Row>, id: &str) -> Result<Reply, Fail> {
    let row = row.ok_or_else(|| Fail::not_found(id))?;
    let mut body = format!("{{\"{name}\":").into_bytes();
    body.extend_from_slice(&row.bytes);
    body.push(b'}');
    Ok(Reply::bytes(200, body))
}

/// An object whose empty members are left out, as Square does.
#[derive(Debug, Default)]
pub(crate) struct Body(Vec<u8>);

impl Body {
    fn member(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.0.extend_from_slice(format!("\"{name}\":").as_bytes());
    }

    pub(crate) fn list<'a>(mut self, name: &str, records: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut first = true;
        for record in records {
            if first {
                self.member(name);
            }
            self.0.push(if first { b'[' } else { b',' });
            self.0.extend_from_slice(record);
            first = false;
        }
        if !first {
            self.0.push(b']');
        }
        self
    }

    pub(crate) fn value(mut self, name: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.member(name);
            self.0.extend_from_slice(value.to_string().as_bytes());
        }
        self
    }

    pub(crate) fn reply(mut self) -> Reply {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        Reply::bytes(200, self.0)
    }
}

impl Context<'_> {
    /// The query without its cursor: what a cursor is bound to.
    fn query_key(&self) -> String {
        let mut query: Vec<_> = self.call.query.iter().filter(|(name, _)| name != "cursor").collect();
        query.sort();
        let mut body = self.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("cursor");
        }
        format!("{} {} {query:?} {body}", self.call.method, self.call.path)
    }

    pub(super) fn resume(&self) -> Result<Resume, Fail> {
        let in_body = self.body.get("cursor").and_then(Value::as_str);
        let cursor = in_body.or(self.call.param("cursor")).filter(|c| !c.is_empty());
        self.state.cursors.resume(cursor, &self.query_key(), self.call, self.now)
    }

    /// The cursor of the next page.
    pub(super) fn cursor(&mut self, next: Option<Position>, until: i64) -> Option<Value> {
        let (key, expires) = (self.query_key(), self.now + self.settings.cursor_ttl_ms);
        next.map(|at| Value::from(self.state.cursors.issue(key, at, until, expires, self.now)))
    }

    /// How many records this page may have, after what settings and faults clip.
    pub(super) fn clip(&mut self, limit: usize) -> usize {
        self.state.pages += 1;
        let every = self.settings.square_empty_page_every;
        if every > 1 && self.state.pages.is_multiple_of(every) {
            return 0;
        }
        let limit = self.settings.square_page_max.map_or(limit, |max| limit.min(max));
        self.call.clip.map_or(limit, |max| limit.min(max))
    }

    /// Whether the index has had time to take the record in.
    pub(super) fn indexed(&self, row: &Row) -> bool {
        row.updated + self.settings.index_lag_ms <= self.now
    }

    /// A time parameter; the types are checked already.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.call.param(name).and_then(clock::parse)
    }

    pub(super) fn ascending(&self, default: bool) -> Result<bool, Fail> {
        match self.call.param("sort_order") {
            None => Ok(default),
            Some("ASC") => Ok(true),
            Some("DESC") => Ok(false),
            Some(_) => Err(Fail::bad("INVALID_SORT_ORDER", "sort_order", "ASC or DESC")),
        }
    }
}

/// The strings of a list member.
pub(crate) fn strings<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
