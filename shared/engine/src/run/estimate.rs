//! What a history would take, before anything is sent.

use jiff::Timestamp;
use tillsync_mapping::source::{Count, Field, Window};

use super::{BackfillRequest, connection};
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::Lane;
use crate::state::{Connection, Counted, update};

/// Calls spent on counting: each counts a thousand orders.
pub(crate) const MAX_COUNT_CALLS: u32 = 20;
/// Records one call carries.
const PER_CALL: u64 = 100;
/// Source calls per thousand orders (README: figures).
const SOURCE_CALLS: u64 = 30;

/// What a history would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Orders to read.
    pub orders: u64,
    /// False when counting stopped early: there are more.
    pub exact: bool,
    /// Calls to the destination, about: written and read back.
    pub destination_calls: u64,
    /// Calls to the store, about.
    pub source_calls: u64,
    /// Minutes, about.
    pub minutes: u64,
    /// Why it takes so long.
    pub because: String,
}

/// Counts what a history would read. A count of all of it is kept, so that the run need not count again.
///
/// # Errors
/// Of the source; `connection.unknown`.
pub async fn estimate(engine: &Engine, id: &str, request: &BackfillRequest) -> Result<Estimate, Fault> {
    let owner = connection(&*engine.store, id).await?.value;
    let source = engine.source(&owner.source)?;
    let access = engine.access(&owner).await?;
    let http = engine.source_http(&owner.source, &owner.store, Lane::Live);
    let now = engine.now();
    let to = request.to.unwrap_or(now).min(now);
    let from = request.from.or(owner.settings.history_from).unwrap_or(Timestamp::UNIX_EPOCH).min(to);
    let window = Window { field: Field::Created, from, to };
    let mut count = source.count_orders(&http, &access, window, MAX_COUNT_CALLS).await?;
    if *request == BackfillRequest::default() {
        let counted = Counted { orders: count.orders, exact: count.exact, at: now };
        update(&*engine.store, &Connection::key(id), |connection: &mut Connection| {
            connection.counted = Some(counted);
        })
        .await?;
    }
    if let Some(limit) = request.limit.filter(|limit| *limit <= count.orders) {
        count = Count { orders: limit, exact: true };
    }
    Ok(Estimate::of(count, engine.config.calls_per_second))
}

impl Estimate {
    /// What so many orders take at so many calls a second.
    #[must_use]
    pub fn of(count: Count, calls_per_second: u32) -> Self {
        let rate = u64::from(calls_per_second.max(1));
        let destination_calls = count.orders.div_ceil(PER_CALL) * 2;
        Self {
            orders: count.orders,
            exact: count.exact,
            destination_calls,
            source_calls: (count.orders * SOURCE_CALLS).div_ceil(1_000),
            minutes: destination_calls.div_ceil(rate * 60),
            because: format!(
                "the destination is called {rate} times a second, {PER_CALL} orders a call, and read back"
            ),
        }
    }
}
