//! Starting polls: what changed since the last one.

use jiff::Timestamp;
use tillsync_mapping::source::Field;

use super::start::{MAX_TRIES, Started, active_connection, new_run, send_windows, write_new};
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::ports::Key;
use crate::state::{Connection, Cursor, PeopleRuns, Row, Run, RunKind, RunState, Stream, WindowRow, load};

/// The longest slice of time in which changed customers are read whole: their windows cannot be sorted, so one
/// invocation must get through each.
const PEOPLE_SLICE_HOURS: i64 = 24;
/// Slices one poll reads at the most; the rest is the next poll's.
const MAX_PEOPLE_SLICES: usize = 30;
/// Starts a poll: one window of orders, and the store's changed customers.
///
/// # Errors
/// `connection.inactive`, or of the store.
pub async fn start_poll(engine: &Engine, id: &str) -> Result<Started, Fault> {
    for _ in 1..MAX_TRIES {
        match try_poll(engine, id).await {
            Err(fault) if fault.kind == Kind::Retry => {}
            answer => return answer,
        }
    }
    try_poll(engine, id).await
}

async fn try_poll(engine: &Engine, id: &str) -> Result<Started, Fault> {
    let connection = active_connection(engine, id).await?;
    let Begin { orders: from, to } = poll_begin(engine, &connection).await?;
    let mut windows = vec![WindowRow::open(1, Stream::Orders, Field::Updated, from, to)];
    let mut run = new_run(engine, id, RunKind::Poll);
    let people = claim_people(engine, &connection, &run).await?;
    if let Some(people) = &people {
        windows.extend(people_slices(people_begin(engine, &connection, to).await?, to));
        if people.value.owed {
            let n = u32::try_from(windows.len()).unwrap_or(u32::MAX).saturating_add(1);
            windows.push(WindowRow::open(n, Stream::Customers, Field::Created, Timestamp::UNIX_EPOCH, to));
        }
    }
    run.state = RunState::Running;
    run.windows = u32::try_from(windows.len()).unwrap_or(u32::MAX);
    run.open_windows = run.windows;
    let with = people.map(|people| people.put()).transpose()?;
    let started = write_new(engine, &connection, run, windows, with).await?;
    if !started.already {
        send_windows(engine, &started.run).await?;
    }
    Ok(started)
}

/// The time a poll reads.
pub(super) struct Begin {
    /// From here on, of orders.
    pub(super) orders: Timestamp,
    /// Up to here, of everything: the source's index is behind.
    pub(super) to: Timestamp,
}

/// Where a poll of a connection begins and ends.
pub(super) async fn poll_begin(engine: &Engine, connection: &Connection) -> Result<Begin, Fault> {
    let to = engine.now().saturating_sub(engine.config.timing.lag).unwrap_or(connection.created);
    let orders = begin(engine, connection, Connection::orders_cursor(&connection.id), to).await?;
    Ok(Begin { orders, to })
}

/// Where a poll begins to read the store's customers.
pub(super) async fn people_begin(
    engine: &Engine,
    connection: &Connection,
    to: Timestamp,
) -> Result<Timestamp, Fault> {
    begin(engine, connection, PeopleRuns::cursor(&connection.people_partition()), to).await
}

async fn begin(
    engine: &Engine,
    connection: &Connection,
    key: Key,
    to: Timestamp,
) -> Result<Timestamp, Fault> {
    let cursor: Option<Row<Cursor>> = load(&*engine.store, key).await?;
    let watermark = cursor.map_or(connection.created, |cursor| cursor.value.watermark);
    Ok(watermark.saturating_sub(engine.config.timing.overlap).unwrap_or(watermark).min(to))
}

/// Claims the store's customers for a poll: one poll of a store and destination reads them, whichever of the
/// connections it is for. None while another one does.
async fn claim_people(
    engine: &Engine,
    connection: &Connection,
    run: &Run,
) -> Result<Option<Row<PeopleRuns>>, Fault> {
    let key = PeopleRuns::key(&connection.people_partition());
    let mut row =
        load(&*engine.store, key.clone()).await?.unwrap_or_else(|| Row::new(key, PeopleRuns::default()));
    if let Some((connection, run)) = &row.value.poll {
        let other: Option<Row<Run>> = load(&*engine.store, Run::key(connection, run)).await?;
        if other.is_some_and(|other| !other.value.ended()) {
            return Ok(None);
        }
    }
    row.value.poll = Some((connection.id.clone(), run.id.clone()));
    Ok(Some(row))
}

fn people_slices(from: Timestamp, to: Timestamp) -> Vec<WindowRow> {
    let mut slices = Vec::new();
    let mut start = from;
    while slices.len() < MAX_PEOPLE_SLICES {
        let end =
            start.saturating_add(jiff::SignedDuration::from_hours(PEOPLE_SLICE_HOURS)).unwrap_or(to).min(to);
        let n = u32::try_from(slices.len()).unwrap_or(u32::MAX).saturating_add(2);
        slices.push(WindowRow::open(n, Stream::Customers, Field::Updated, start, end));
        if end >= to {
            break;
        }
        start = end.saturating_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(end);
    }
    slices
}
