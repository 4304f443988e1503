//! Marks of records that are to be looked at again at a certain time: sales whose customer may come late, and
//! people whose opt-out is still to be told (rules.md section 1); and of runs that ended before their time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::orphans::orphan_windows;
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::{Condition, Key, MAX_BATCH, Write};
use crate::state::{Connection, Row, Stream, Tagged, WindowRow};

/// What their keys begin with, in the partition of a connection.
const PREFIX: &str = "DUE#";
/// References of one window.
pub(super) const REFERENCES: usize = 500;
/// Windows of marks one run takes up; the rest is the next run's.
const MAX_WINDOWS: usize = 4;

/// A record is to be looked at again: which and when is all in the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Due {
    id: String,
    /// What it is, where it is no order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<Stream>,
    /// Whether it is no record but a run that may have left some behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    run: bool,
}

impl Tagged for Due {}

/// The write that has an order looked at again. One that is there already says the same.
pub(crate) fn mark(connection: &str, id: &str, at: Timestamp) -> Result<Write, Fault> {
    let key = Key::new(Connection::partition(connection), format!("{}{id}", upto(at)));
    Row::new(key, Due { id: id.to_owned(), stream: None, run: false }).put()
}

/// The write that has a person read again, for an opt-out that is still to be told.
pub(crate) fn mark_person(connection: &str, id: &str, at: Timestamp) -> Result<Write, Fault> {
    let stream = Stream::Customers;
    let key = Key::new(Connection::partition(connection), format!("{}{}#{id}", upto(at), stream.word()));
    Row::new(key, Due { id: id.to_owned(), stream: Some(stream), run: false }).put()
}

/// The write that has the ledger searched for what a run left behind.
pub(super) fn mark_run(connection: &str, run: &str, at: Timestamp) -> Result<Write, Fault> {
    let key = Key::new(Connection::partition(connection), format!("{}run#{run}", upto(at)));
    Row::new(key, Due { id: run.to_owned(), stream: None, run: true }).put()
}

/// Seconds since 1970 at a fixed width sort as text.
fn upto(at: Timestamp) -> String {
    format!("{PREFIX}{:012}#", at.as_second().max(0))
}

/// True when a look is due.
pub(super) async fn is_any_due(engine: &Engine, connection: &str, now: Timestamp) -> Result<bool, Fault> {
    let first = engine.store.query(&Connection::partition(connection), PREFIX, None, 1).await?;
    Ok(first.first().is_some_and(|item| item.key.sk < upto(now)))
}

/// Windows of what is due by now.
pub(super) async fn due_windows(
    engine: &Engine,
    owner: &Connection,
    now: Timestamp,
) -> Result<Vec<WindowRow>, Fault> {
    let partition = Connection::partition(&owner.id);
    let (mut windows, mut runs) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    while windows.len() < MAX_WINDOWS {
        let items = engine.store.query(&partition, PREFIX, after.as_deref(), REFERENCES).await?;
        let full = items.len() == REFERENCES;
        let of = |stream| WindowRow::of(0, stream, Vec::new(), now);
        let (mut orders, mut people, mut taken) = (of(Stream::Orders), of(Stream::Customers), 0);
        for item in items.into_iter().take_while(|item| item.key.sk < upto(now)) {
            let due = Row::<Due>::parse(&item)?;
            (after, taken) = (Some(item.key.sk.clone()), taken + 1);
            if due.value.run {
                runs.push(item.key.sk);
                continue;
            }
            let window = if due.value.stream == Some(Stream::Customers) { &mut people } else { &mut orders };
            if !window.ids.contains(&due.value.id) {
                window.ids.push(due.value.id);
            }
            window.marks.push(item.key.sk);
        }
        windows.extend([orders, people].into_iter().filter(|window| !window.marks.is_empty()));
        if !full || taken < REFERENCES {
            break;
        }
    }
    if !runs.is_empty() {
        windows.extend(orphan_windows(engine, owner, runs, now).await?);
    }
    Ok(windows)
}

/// Removes marks whose look was taken. Whoever is stopped before it looks once more, and nothing else.
pub(super) async fn forget_marks(engine: &Engine, connection: &str, marks: &[String]) -> Result<(), Fault> {
    let partition = Connection::partition(connection);
    for marks in marks.chunks(MAX_BATCH) {
        let remove =
            |mark: &String| Write::Delete { key: Key::new(partition.clone(), mark), when: Condition::Rev(1) };
        engine.store.write_each(marks.iter().map(remove).collect()).await?;
    }
    Ok(())
}
