//! Comparing the store with the destination (rules.md sections 2 and 6): what the store holds is read and mapped
//! once more, what the destination holds is read back, and every day is compared, order by order.
//!
//! First windows of the store are gathered by day of the orders' dates (`gather`); then one window walks through
//! the days of both sides (`compare`, `walk`) and gives each difference its reason (`judge`). What is to be
//! repaired goes by reference, like everything else that is named.

mod compare;
mod copies;
mod gather;
mod judge;
mod walk;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::source::Field;

use super::Parts;
use super::late::REFERENCES;
use super::start::{Started, active_connection, new_run, write_new};
pub(crate) use judge::REASONS;

use crate::context::Engine;
use crate::fault::Fault;
use crate::message::Work;
use crate::ports::Lane;
use crate::state::{Comparison, Connection, Day, Row, Run, RunKind, RunState, Stream, WindowRow, list};

/// How much earlier an order may be made than it is dated: invoices are paid weeks later.
const PAID_LATER: SignedDuration = SignedDuration::from_hours(31 * 24);
/// How much later an order may be made than it is dated: offline sales arrive up to 72 hours late.
const ARRIVED_LATER: SignedDuration = SignedDuration::from_hours(72);
/// Orders one repair sends; the rest is the next one's.
const MAX_REPAIRS: usize = 40_000;
/// Reasons of differences that a repair mends; those without a reason are mended too.
const MENDED: [&str; 2] = [judge::LOST, judge::CHANGED];

/// Starts a comparison; answers with the one at work where there is one.
///
/// # Errors
/// `connection.inactive`, `config.invalid`, or of the store.
pub async fn start_reconcile(engine: &Engine, id: &str, mut asked: Comparison) -> Result<Started, Fault> {
    let connection = active_connection(engine, id).await?;
    if asked.first.zip(asked.last).is_some_and(|(first, last)| first > last) {
        return Err(Fault::usage("config.invalid", "the first day is later than the last"));
    }
    let today = engine.now().to_zoned(zone(&connection)).date();
    if let Some(first) = asked.first.filter(|first| *first > today) {
        return Err(Fault::usage("config.invalid", format!("from {first}: this day is still to come")));
    }
    let runs = crate::connections::runs(engine, id).await?;
    asked.history_sent =
        runs.iter().any(|run| run.kind == RunKind::Historical && run.full && run.state == RunState::Complete);
    let mut run = new_run(engine, &connection, RunKind::Reconcile);
    let zone = zone(&connection);
    let start = |date: Date| date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    let first = asked.first.and_then(start).and_then(|first| first.checked_sub(PAID_LATER).ok());
    run.from = first.max(connection.settings.history_from).or(connection.settings.history_from);
    let end = asked.last.and_then(|last| last.tomorrow().ok()).and_then(start);
    run.to = end.and_then(|end| end.checked_add(ARRIVED_LATER).ok());
    run.comparison = Some(asked);
    let started = write_new(engine, &connection, run, Vec::new(), None).await?;
    if started.already {
        let same = |other: Comparison| {
            (other.first, other.last, other.repair) == (asked.first, asked.last, asked.repair)
        };
        if !started.run.comparison.is_some_and(same) {
            let detail = format!("run {} is at work and compares something else", started.run.id);
            return Err(Fault::reject("connection.busy", detail));
        }
        return Ok(started);
    }
    let work = Work::Plan { connection: id.to_owned(), run: started.run.id.clone() };
    engine.send(Lane::History, id, &[work]).await?;
    Ok(started)
}

/// The days a comparison found, oldest first.
///
/// # Errors
/// Of the store.
pub async fn days(engine: &Engine, run: &str) -> Result<Vec<Day>, Fault> {
    let rows: Vec<Row<Day>> = list(&*engine.store, &Run::partition(run), Day::PREFIX).await?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

/// What follows when every window of a comparison is read: the walk through the days, then the repair.
pub(super) async fn next_windows(engine: &Engine, run: &Run, parts: &Parts) -> Result<Vec<WindowRow>, Fault> {
    let now = engine.now();
    let refused = parts.windows.iter().any(|window| window.value.state == crate::state::WindowState::Refused);
    let walked = parts.windows.iter().any(|window| window.value.compares);
    if !walked && !refused {
        let window = WindowRow::open(0, Stream::Orders, Field::Updated, Timestamp::UNIX_EPOCH, now);
        return Ok(vec![WindowRow { compares: true, ..window }]);
    }
    let repaired = parts.windows.iter().any(|window| window.value.repairs);
    if !walked || repaired || !run.comparison.is_some_and(|asked| asked.repair) {
        return Ok(Vec::new());
    }
    let mut ids = Vec::new();
    for day in days(engine, &run.id).await? {
        let mended = |reason: &Option<String>| reason.as_deref().is_none_or(|word| MENDED.contains(&word));
        let wrong = day.missing.iter().chain(&day.different).filter(|one| mended(&one.reason));
        ids.extend(wrong.map(|one| one.id.clone()));
    }
    ids.truncate(MAX_REPAIRS);
    let window =
        |ids: &[String]| WindowRow { repairs: true, ..WindowRow::of(0, Stream::Orders, ids.to_vec(), now) };
    Ok(ids.chunks(REFERENCES).map(window).collect())
}

fn zone(connection: &Connection) -> TimeZone {
    TimeZone::get(&connection.location.timezone).unwrap_or(TimeZone::UTC)
}
