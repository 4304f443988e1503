//! Records as they are served: their bytes, and the few keys that searches ask for.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

/// One record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// Index of the location.
    pub(crate) place: usize,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) closed: Option<i64>,
    pub(crate) state: String,
    /// Customers a search may ask for.
    pub(crate) people: Vec<String>,
    pub(crate) version: Option<i64>,
    /// Whether lists and searches show it at all.
    pub(crate) listed: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Row {
    /// Only for the filters nobody uses often: pages are served without this.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }
}

/// The time a list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Created,
    Updated,
    Closed,
}

/// A place in an ordered list: the time and the row of the last record read.
pub(crate) type Position = (i64, usize);

/// What part of a table a page is taken from; `to` is not part of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) by: By,
    pub(crate) ascending: bool,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) after: Option<Position>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    ids: HashMap<String, usize>,
    created: BTreeSet<Position>,
    updated: BTreeSet<Position>,
    closed: BTreeSet<Position>,
    /// What was made and changed since it was last asked, in order.
    touched: Vec<(String, Touch)>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    Made,
    Changed,
    Removed,
}

impl Table {
    /// What happened since this was asked last.
    pub(crate) fn take_touched(&mut self) -> Vec<(String, Touch)> {
        std::mem::take(&mut self.touched)
    }

    pub(crate) fn insert(&mut self, row: Row) {
        self.touched.push((row.id.clone(), Touch::Made));
        let index = self.rows.len();
        self.ids.insert(row.id.clone(), index);
        self.created.insert((row.created, index));
        self.updated.insert((row.updated, index));
        if let Some(closed) = row.closed {
            self.closed.insert((closed, index));
        }
        self.rows.push(row);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Row> {
        self.ids.get(id).and_then(|index| self.rows.get(*index))
    }

    #[cfg(test)]
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Changes a record's JSON and its update time together.
    pub(crate) fn change(&mut self, id: &str, updated: i64, change: impl FnOnce(&mut Value)) -> bool {
        let Some(index) = self.ids.get(id).copied() else {
            return false;
        };
        let Some(row) = self.rows.get_mut(index) else {
            return false;
        };
        self.touched.push((id.to_owned(), Touch::Changed));
        let mut json = row.json();
        change(&mut json);
        json["updated_at"] = Value::from(crate::clock::rfc3339(updated));
        row.version = json.get("version").and_then(Value::as_i64);
        let text = |name: &str| json.get(name).and_then(Value::as_str);
        if let Some(state) = text("state").or(text("status")) {
            state.clone_into(&mut row.state);
        }
        if let Some(customer) = text("customer_id").filter(|id| row.people.iter().all(|p| p != id)) {
            row.people.push(customer.to_owned());
        }
        let closed = text("closed_at").and_then(crate::clock::parse);
        if closed != row.closed {
            if let Some(before) = row.closed {
                self.closed.remove(&(before, index));
            }
            self.closed.extend(closed.map(|at| (at, index)));
            row.closed = closed;
        }
        row.bytes = json.to_string().into_bytes();
        self.updated.remove(&(row.updated, index));
        row.updated = updated;
        self.updated.insert((updated, index));
        true
    }

    /// Moves a record's creation: it arrives later than it was made.
    pub(crate) fn redate(&mut self, id: &str, at: i64) {
        let Some(index) = self.ids.get(id).copied() else { return };
        if let Some(row) = self.rows.get_mut(index) {
            self.created.remove(&(row.created, index));
            row.created = at;
            self.created.insert((at, index));
        }
        self.change(id, at, |json| json["created_at"] = Value::from(crate::clock::rfc3339(at)));
    }

    /// A record as it is, or was before it was removed.
    pub(crate) fn last(&self, id: &str) -> Option<&Row> {
        self.get(id).or_else(|| self.rows.iter().rev().find(|row| row.id == id))
    }

    /// The id no longer resolves, and no list shows the record.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(row) = self.ids.remove(id).and_then(|index| self.rows.get_mut(index)) {
            row.listed = false;
            self.touched.push((id.to_owned(), Touch::Removed));
        }
    }

    /// A page of at most `limit` rows that `keep` lets through, and where to go on if more follow.
    pub(crate) fn page(
        &self,
        range: Range,
        limit: usize,
        keep: impl Fn(&Row) -> bool,
    ) -> (Vec<&Row>, Option<Position>) {
        let mut page = Vec::with_capacity(limit.min(1000));
        let mut last = range.after;
        for position in self.walk(range) {
            let Some(row) = self.rows.get(position.1) else {
                continue;
            };
            if !row.listed || !keep(row) {
                continue;
            }
            if page.len() == limit {
                // Position zero stands for "from the start": an empty clipped page still goes on.
                return (page, Some(last.unwrap_or((start(range), usize::MAX))));
            }
            last = Some(position);
            page.push(row);
        }
        (page, None)
    }

    fn walk(&self, range: Range) -> Box<dyn Iterator<Item = Position> + '_> {
        use std::ops::Bound::{Excluded, Included};
        let index = match range.by {
            By::Created => &self.created,
            By::Updated => &self.updated,
            By::Closed => &self.closed,
        };
        let mut low = Included((range.from, 0));
        let mut high = Excluded((range.to, 0));
        if range.from >= range.to {
            return Box::new(std::iter::empty());
        }
        match range.after {
            Some((_, usize::MAX)) | None => {}
            Some(after) if range.ascending => low = Excluded(after),
            Some(after) => high = Excluded(after),
        }
        if let (Excluded(l) | Included(l), Excluded(h)) = (low, high)
            && l >= h
        {
            return Box::new(std::iter::empty());
        }
        let slice = index.range((low, high));
        if range.ascending { Box::new(slice.copied()) } else { Box::new(slice.rev().copied()) }
    }
}

fn start(range: Range) -> i64 {
    if range.ascending { range.from } else { range.to }
}
