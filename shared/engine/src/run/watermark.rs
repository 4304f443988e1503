//! How far a stream was read: where the next poll begins, and how far a watermark moves.
//!
//! Bounds are set by our clock, which may be wrong. Ahead of the source's it would move a watermark past what the
//! source had shown; so a watermark stays behind the source's own time, where the source tells it.

use jiff::{SignedDuration, Timestamp};

use super::{later, poll::SECOND_LOOK};
use crate::connections;
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::{Key, Write};
use crate::state::{Connection, Cursor, PeopleRuns, Row, WindowRow, load};

/// The source's time is told in whole seconds, so it may be later by as much. Lag and overlap are far longer.
const ROUNDED: SignedDuration = SignedDuration::from_secs(1);

/// How far a reading came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    to: Timestamp,
    /// Whether the source's own clock was past it.
    told: bool,
}

impl Reach {
    /// A reading up to `to` that began when it was `began_there` at the source: what was changed within `lag` before
    /// that, its index may not have shown.
    pub(super) fn new(to: Timestamp, began_there: Option<Timestamp>, lag: SignedDuration) -> Self {
        let shown = began_there.and_then(|began| began.checked_sub(lag).ok()?.checked_add(ROUNDED).ok());
        Self { to: shown.map_or(to, |shown| shown.min(to)), told: shown.is_some() }
    }

    /// Windows read side by side, or one after the other: the one that began first tells. None without any.
    pub(super) fn of(windows: &[&WindowRow], lag: SignedDuration) -> Option<Self> {
        let to = windows.iter().map(|window| window.to).max()?;
        let reach = Self::new(to, windows.iter().filter_map(|window| window.began_there).min(), lag);
        let all_told = windows.iter().all(|window| window.began_there.is_some());
        Some(Self { told: reach.told && all_told, ..reach })
    }

    /// The same, but not beyond this.
    pub(super) fn at_most(self, to: Timestamp) -> Self {
        Self { to: self.to.min(to), ..self }
    }
}

/// Where a poll begins to read a stream: a little before its watermark. One that lies in the future is damaged, for
/// our clock was wrong when it was written; nobody knows how long, so everything since the beginning is read again.
pub(super) async fn poll_from(
    engine: &Engine,
    connection: &Connection,
    key: Key,
    to: Timestamp,
) -> Result<Timestamp, Fault> {
    let now = engine.now();
    let cursor: Option<Row<Cursor>> = load(&*engine.store, key.clone()).await?;
    let watermark = match cursor {
        Some(cursor) if cursor.value.is_believed(now) => cursor.value.watermark,
        None => since_connected(connection.created, now),
        Some(cursor) => {
            let watermark = cursor.value.watermark;
            tracing::warn!(connection = connection.id, %watermark, "a watermark in the future is not believed");
            let created = match key == PeopleRuns::cursor(&connection.people_partition()) {
                true => first_of_store(engine, connection).await?,
                false => connection.created,
            };
            since_connected(created, now)
        }
    };
    let timing = &engine.config.timing;
    // A history of the same moment was not shown what had been made just before; later watermarks are behind by as much.
    let behind = if watermark <= connection.created { timing.overlap + timing.lag } else { timing.overlap };
    Ok(watermark.saturating_sub(behind).unwrap_or(watermark).min(to))
}

/// When the first connection of a store was made: they share a watermark of customers.
async fn first_of_store(engine: &Engine, connection: &Connection) -> Result<Timestamp, Fault> {
    let siblings = connections::of_people(engine, connection).await?;
    let created = siblings.iter().map(|one| one.created).min();
    Ok(created.unwrap_or(connection.created).min(connection.created))
}

/// Everything that polls are to follow. Where even the making of the connection lies in the future, as far back as a
/// second look reads.
pub(super) fn since_connected(created: Timestamp, now: Timestamp) -> Timestamp {
    if created <= now { created } else { now.saturating_sub(SECOND_LOOK).unwrap_or(now) }
}

/// Moves a watermark, forward only; one that was not to be believed when the reading began, to where that came.
pub(super) async fn forward(
    engine: &Engine,
    key: Key,
    reach: Reach,
    began: Timestamp,
) -> Result<Option<Write>, Fault> {
    let row: Option<Row<Cursor>> = load(&*engine.store, key.clone()).await?;
    let known = row.as_ref().filter(|row| row.value.is_believed(began)).map(|row| row.value.watermark);
    let watermark = later(known, reach.to);
    if row.as_ref().is_some_and(|row| row.value.watermark == watermark) {
        return Ok(None);
    }
    let cursor = Cursor { watermark, told: reach.told };
    let mut row = row.unwrap_or_else(|| Row::new(key, cursor.clone()));
    row.value = cursor;
    row.put().map(Some)
}
