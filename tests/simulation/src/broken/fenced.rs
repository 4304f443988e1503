//! The designs that note what they are about to write, and compare afterwards: the right one, and three that leave
//! something out.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tillsync_engine::ports::{Clock, Store};

use super::steps::{Order, ROWS, Row, Seen, Told};
use crate::ports::Line;

const ROW: &str = "progress";
/// Nothing of an attempt this old is on its way any more: a process lives for 60 s, and what it sent lands within 59 s.
const LANDED_MICROS: i64 = 130_000_000;

/// How far an order is.
struct Progress {
    /// The newest version that anybody wanted to write.
    desired: i64,
    /// The newest that is known to be there.
    done: i64,
    /// Attempts whose end is not known, and when each began.
    open: BTreeMap<String, i64>,
}

impl Progress {
    fn of(row: &Row) -> Self {
        let open = row.body["open"].as_object().into_iter().flatten();
        let open = open.filter_map(|(attempt, at)| Some((attempt.clone(), at.as_i64()?))).collect();
        Self { desired: row.number("desired"), done: row.number("done"), open }
    }

    fn body(&self) -> Value {
        json!({"desired": self.desired, "done": self.done, "open": self.open})
    }

    /// Attempts that have landed if they ever will.
    fn landed(&self, now: i64) -> Vec<String> {
        let old = self.open.iter().filter(|(_, at)| now - **at > LANDED_MICROS);
        old.map(|(attempt, _)| attempt.clone()).collect()
    }
}

/// Skips what is done, though an attempt may be open.
pub(super) async fn skip_if_done(order: &Order, told: &Told) -> Option<()> {
    let progress = Progress::of(&order.row(ROW).await?);
    if progress.done < told.seen.version {
        bring(order, false).await?;
    }
    order.done(told).await
}

/// Skips what is done if no attempt is open.
pub(super) async fn skip_if_closed(order: &Order, told: &Told) -> Option<()> {
    skip_or(order, told, false).await
}

/// The same, but takes a place in the destination's queue for the end.
pub(super) async fn trust_the_queue(order: &Order, told: &Told) -> Option<()> {
    skip_or(order, told, true).await
}

async fn skip_or(order: &Order, told: &Told, queued: bool) -> Option<()> {
    let progress = Progress::of(&order.row(ROW).await?);
    if progress.done < told.seen.version || !progress.open.is_empty() {
        bring(order, queued).await?;
    }
    order.done(told).await
}

/// Resolves what was left open, order by order.
pub(super) async fn sweep(line: Line, queued: bool) -> Option<()> {
    let rows = line.query(ROWS, ROW, None, 10).await.ok()?;
    for row in rows {
        let Some(id) = row.key.sk.split_once('#').map(|(_, id)| id.to_owned()) else { continue };
        let order = Order { line: line.clone(), id };
        let progress = Progress::of(&order.row(ROW).await?);
        if !progress.landed(Clock::now(&line).as_microsecond()).is_empty() {
            bring(&order, queued).await?;
        }
    }
    Some(())
}

/// Fetches and writes until what was written is still what is wanted.
async fn bring(order: &Order, queued: bool) -> Option<()> {
    let attempt = order.line.process.to_string();
    loop {
        let seen = order.fetch().await?;
        let old = begin(order, &attempt, seen).await?;
        if queued {
            order.queue(seen).await?;
        } else {
            order.write(seen).await?;
        }
        if finish(order, &attempt, &old, seen).await? {
            return Some(());
        }
    }
}

/// Opens an attempt; those that this one makes good.
async fn begin(order: &Order, attempt: &str, seen: Seen) -> Option<Vec<String>> {
    loop {
        let row = order.row(ROW).await?;
        let mut progress = Progress::of(&row);
        let now = Clock::now(&order.line).as_microsecond();
        let old = progress.landed(now);
        progress.desired = progress.desired.max(seen.version);
        progress.open.insert(attempt.to_owned(), now);
        if order.put(ROW, &row, &progress.body()).await? {
            return Some(old);
        }
    }
}

/// Closes it, unless something newer is wanted by now.
async fn finish(order: &Order, attempt: &str, old: &[String], seen: Seen) -> Option<bool> {
    loop {
        let row = order.row(ROW).await?;
        let mut progress = Progress::of(&row);
        if progress.desired != seen.version {
            return Some(false);
        }
        progress.done = seen.version;
        progress.open.retain(|one, _| one != attempt && !old.contains(one));
        if order.put(ROW, &row, &progress.body()).await? {
            return Some(true);
        }
    }
}
