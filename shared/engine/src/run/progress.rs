//! How far a run is, when it will be done, and why it takes that long.

use jiff::Timestamp;

use super::Parts;
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::Store;
use crate::state::{Phase, Run, RunKind, RunState, Stream, WindowState};
use crate::sums::{Calls, Streams};

/// Records one call carries (orders written, orders read back).
const PER_CALL: u64 = 100;
/// Source calls per thousand orders before anything was measured.
const SOURCE_CALLS_GUESSED: u64 = 20;

/// How far a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The run.
    pub run: Run,
    /// Its sums so far.
    pub streams: Streams,
    /// Its calls so far.
    pub calls: Calls,
    /// Seconds to its end, where they can be told.
    pub eta_seconds: Option<u64>,
    /// What the time is spent on.
    pub eta_reason: Option<String>,
}

/// Adds up a run's windows and flights.
///
/// # Errors
/// `run.unknown`, or of the store.
pub async fn progress(engine: &Engine, connection: &str, run: &str) -> Result<Progress, Fault> {
    let run = engine.run(connection, run).await?.value;
    of_store(&*engine.store, run, (engine.config.calls_per_second, engine.now())).await
}

async fn of_store(
    store: &dyn Store,
    run: Run,
    (calls_per_second, now): (u32, Timestamp),
) -> Result<Progress, Fault> {
    if let Some(streams) = run.streams.clone() {
        let calls = run.total.unwrap_or(run.calls);
        return Ok(Progress { run, streams, calls, eta_seconds: None, eta_reason: None });
    }
    let parts = Parts::load(store, &run.id).await?;
    let streams = parts.streams();
    let mut calls = run.calls;
    calls.add(parts.calls());
    let waiting = parts.windows.iter().find_map(|window| window.value.problem.clone());
    let (eta_seconds, eta_reason) = match (waiting, left_since(&run, &parts, now)) {
        (Some(problem), _) => (None, Some(format!("waiting: {} ({})", problem.detail, problem.code))),
        (None, Some(since)) => {
            (None, Some(format!("its worker was stopped: nobody has worked on it since {since}")))
        }
        (None, None) => eta(&run, &parts, &streams, calls, calls_per_second.into()),
    };
    Ok(Progress { run, streams, calls, eta_seconds, eta_reason })
}

/// Since when nobody works at a run whose worker was stopped, and that nobody has taken over. Whoever leaves off in
/// order gives back what it held.
fn left_since(run: &Run, parts: &Parts, now: Timestamp) -> Option<Timestamp> {
    let open = || parts.windows.iter().filter(|window| window.value.state == WindowState::Open);
    if run.ended() || open().any(|window| window.value.is_looked_after(now)) {
        return None;
    }
    let held = open().filter_map(|window| window.value.lease.as_ref()).chain(&run.looked_after);
    held.map(|(_, until)| *until).max().filter(|until| *until <= now)
}

fn eta(
    run: &Run,
    parts: &Parts,
    streams: &Streams,
    calls: Calls,
    rate: u64,
) -> (Option<u64>, Option<String>) {
    let in_flight = u64::try_from(parts.in_flight()).unwrap_or(u64::MAX);
    if run.phase == Phase::Settle {
        let seconds = in_flight.div_ceil(PER_CALL).div_ceil(rate).max(2);
        return (Some(seconds), Some("reading back what the destination has queued".into()));
    }
    if run.state == RunState::Queued {
        return (None, Some("waiting to be planned".into()));
    }
    if parts.windows.iter().any(|window| window.value.compares) {
        return (None, Some("comparing the days of both sides".into()));
    }
    let counted = matches!(run.kind, RunKind::Historical | RunKind::Reconcile);
    let Some((expected, exact)) = run.expected.filter(|_| counted) else {
        return (None, Some("reading what changed".into()));
    };
    if parts.windows.iter().any(|window| window.value.stream == Stream::Customers) {
        return (None, Some("reading the store's customers".into()));
    }
    let seen = streams.orders.observed;
    let left = expected.saturating_sub(seen);
    let writes = left.div_ceil(PER_CALL) + (left + in_flight).div_ceil(PER_CALL);
    let reads = match seen {
        0 => left * SOURCE_CALLS_GUESSED / 1_000,
        _ => left * calls.source / seen,
    };
    let store_rate = u64::from(crate::budget::STORE_CALLS_PER_SECOND);
    let (out, back) = (writes.div_ceil(rate), reads.div_ceil(store_rate));
    let about = if exact { "" } else { "at least, since only the first orders were counted: " };
    let reason = if out >= back {
        format!("{about}the destination is called {rate} times a second, {PER_CALL} orders a call")
    } else {
        format!("{about}the store is called {store_rate} times a second")
    };
    (Some(out.max(back)), Some(reason))
}
