//! Runs: planned, cut into windows, read, settled, ended. Completion fires once.

mod advance;
mod estimate;
mod hints;
mod late;
mod look;
mod orphans;
mod over;
mod poll;
mod progress;
mod reconcile;
mod settle;
mod start;
mod sweep;
#[cfg(test)]
mod tests;
mod watermark;
mod window;
mod work;

pub(crate) use estimate::MAX_COUNT_CALLS;
pub use estimate::{Estimate, estimate};
pub(crate) use late::{mark, mark_person};
pub(crate) use over::end_runs;
pub use over::finish_ended;
pub use poll::{start_poll, start_retry, start_sync};
pub use progress::{Progress, progress};
pub(crate) use reconcile::REASONS;
pub use reconcile::{days, start_reconcile};
pub use start::{BackfillRequest, Started, active_run, cancel, resume, start_backfill};
pub use sweep::{Swept, requeue, sweep};
pub use work::{Outcome, handle};

use jiff::Timestamp;

use crate::context::Engine;
use crate::fault::Fault;
use crate::message::Work;
use crate::ports::{Lane, Store};
use crate::state::{Connection, Flight, Row, Run, RunKind, WindowRow, list, load};
use crate::sums::{Calls, Streams};

impl Engine {
    /// A run of a connection.
    ///
    /// # Errors
    /// `run.unknown`.
    pub async fn run(&self, connection: &str, run: &str) -> Result<Row<Run>, Fault> {
        load(&*self.store, Run::key(connection, run))
            .await?
            .ok_or_else(|| Fault::usage("run.unknown", format!("no run {run}")))
    }

    pub(crate) async fn send(&self, lane: Lane, group: &str, work: &[Work]) -> Result<(), Fault> {
        let bodies = work.iter().map(Work::encode).collect::<Result<Vec<_>, _>>()?;
        Ok(self.queue.send(lane, group, bodies, std::time::Duration::ZERO).await?)
    }
}

/// The lane of a run's work: history never delays live work.
fn lane(kind: RunKind) -> Lane {
    match kind {
        kind if kind.is_live() => Lane::Live,
        _ => Lane::History,
    }
}

/// A run's windows and flights, read together.
struct Parts {
    windows: Vec<Row<WindowRow>>,
    flights: Vec<Row<Flight>>,
}

impl Parts {
    async fn load(store: &dyn Store, run: &str) -> Result<Self, Fault> {
        let partition = Run::partition(run);
        Ok(Self {
            windows: list(store, &partition, "WIN#").await?,
            flights: list(store, &partition, "FLT#").await?,
        })
    }

    /// The sums of the run so far.
    fn streams(&self) -> Streams {
        let mut streams = Streams::default();
        for window in &self.windows {
            let tally = match window.value.stream {
                crate::state::Stream::Orders => &mut streams.orders,
                crate::state::Stream::Customers => &mut streams.customers,
                crate::state::Stream::Products => &mut streams.products,
            };
            let mut all = window.value.tally.clone();
            for flight in self.flights_of(&window.value) {
                all.add(&flight.value.tally());
            }
            if window.value.repairs {
                tally.replace(&all);
            } else {
                tally.add(&all);
            }
            streams.products.add(&window.value.products);
        }
        streams
    }

    /// The flights whose records were observed on the pages a window has counted.
    fn flights_of(&self, window: &WindowRow) -> impl Iterator<Item = &Row<Flight>> {
        self.flights
            .iter()
            .filter(|flight| flight.value.page.0 == window.n && flight.value.page.1 < window.pages)
    }

    /// True when the page of a flight's records was counted.
    fn counts(&self, flight: &Flight) -> bool {
        let (n, page) = flight.page;
        self.windows.iter().find(|window| window.value.n == n).is_none_or(|window| window.value.pages > page)
    }

    fn calls(&self) -> Calls {
        let mut calls = Calls::default();
        for window in &self.windows {
            calls.add(window.value.calls);
        }
        calls
    }

    /// Records on their way.
    fn in_flight(&self) -> usize {
        self.flights.iter().map(|flight| flight.value.left.len()).sum()
    }
}

/// The later of two instants, where there are any.
fn later(a: Option<Timestamp>, b: Timestamp) -> Timestamp {
    a.map_or(b, |a| a.max(b))
}

/// The later of two instants; one before that lies in the future was written by a clock that was wrong.
fn later_by(before: Option<Timestamp>, at: Timestamp, now: Timestamp) -> Timestamp {
    later(before.filter(|before| *before <= now), at)
}

/// The connections of a store and destination: they share its people.
async fn connections_of_store(engine: &Engine, owner: &Connection) -> Result<Vec<String>, Fault> {
    let siblings = crate::connections::of_people(engine, owner).await?;
    let mut ids: Vec<String> = siblings.into_iter().map(|one| one.id).collect();
    if !ids.contains(&owner.id) {
        ids.push(owner.id.clone());
    }
    Ok(ids)
}

/// Reads a connection.
///
/// # Errors
/// `connection.unknown`.
pub async fn connection(store: &dyn Store, id: &str) -> Result<Row<Connection>, Fault> {
    load(store, Connection::key(id))
        .await?
        .ok_or_else(|| Fault::usage("connection.unknown", format!("no connection {id}")))
}
