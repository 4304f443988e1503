//! How fast a platform may be called: one purse per destination and per store, whoever spends from it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ports::{Lane, PortError};

mod shared;

pub use shared::SharedBudget;

/// Calls in a second to a destination, of the five the account has for all its tools
/// (activecampaign.md section 1.2; design.md section 5).
pub const DESTINATION_CALLS_PER_SECOND: u32 = 4;
/// Calls in a second to a store (rules.md section 5; the platform publishes no number).
pub const STORE_CALLS_PER_SECOND: u32 = 8;
/// Bulk imports in a minute: below the 100 the destination allows (activecampaign.md section 5.2).
pub(crate) const IMPORTS_PER_MINUTE: u32 = 90;
/// The slowest pace an adapting purse falls to.
const SLOWEST: Duration = Duration::from_secs(2);
/// How long live work holds history back after its last call.
const LIVE_SHADOW: SignedDuration = SignedDuration::from_millis(500);

/// Something that is spent from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purse {
    /// Whose, as `DEST#acme`.
    pub key: String,
    /// The least time between two calls.
    pub interval: Duration,
    /// Falls to slower on refusal and rises again, since nobody publishes the right speed.
    pub adapts: bool,
}

impl Purse {
    /// Every call to a destination but bulk imports.
    #[must_use]
    pub fn destination(destination: &str, calls_per_second: u32) -> Self {
        let interval = Duration::from_secs(1) / calls_per_second.max(1);
        Self { key: format!("DEST#{destination}"), interval, adapts: false }
    }

    /// Bulk imports, which the destination counts apart.
    #[must_use]
    pub fn imports(destination: &str) -> Self {
        let interval = Duration::from_secs(60) / IMPORTS_PER_MINUTE;
        Self { key: format!("IMPORT#{destination}"), interval, adapts: false }
    }

    /// Every call to a store.
    #[must_use]
    pub fn store(source: &str, store: &str) -> Self {
        let interval = Duration::from_secs(1) / STORE_CALLS_PER_SECOND;
        Self { key: format!("STORE#{source}#{store}"), interval, adapts: true }
    }
}

/// Gives out the moments at which calls may be made.
#[async_trait]
pub trait Budget: Send + Sync {
    /// Takes the next moment. History yields to live work. A moment later than `latest` is told, but not taken:
    /// whoever cannot use it leaves it to others.
    async fn reserve(
        &self,
        purse: &Purse,
        lane: Lane,
        now: Timestamp,
        latest: Option<Timestamp>,
    ) -> Result<Timestamp, PortError>;

    /// Nobody calls before `until`: the other side asked for it.
    async fn pause(&self, purse: &Purse, until: Timestamp) -> Result<(), PortError>;
}

/// A budget in memory, for a host that is the only one to call.
#[derive(Default)]
pub struct LocalBudget(Mutex<BTreeMap<String, Spent>>);

/// What was given out of a purse.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Spent {
    /// The next free moment.
    next: Timestamp,
    /// The last moment given to live work.
    live: Timestamp,
    /// Between two calls, as adapted.
    interval: Duration,
}

#[async_trait]
impl Budget for LocalBudget {
    async fn reserve(
        &self,
        purse: &Purse,
        lane: Lane,
        now: Timestamp,
        latest: Option<Timestamp>,
    ) -> Result<Timestamp, PortError> {
        let mut purses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = purses.entry(purse.key.clone()).or_insert_with(|| Spent::fresh(purse, now));
        let mut after = spent.clone();
        let at = after.take(purse, lane, now);
        if is_usable(at, latest) {
            *spent = after;
        }
        Ok(at)
    }

    async fn pause(&self, purse: &Purse, until: Timestamp) -> Result<(), PortError> {
        let mut purses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        purses.entry(purse.key.clone()).or_insert_with(|| Spent::fresh(purse, until)).pause(purse, until);
        Ok(())
    }
}

/// Whether a moment is not too late.
fn is_usable(at: Timestamp, latest: Option<Timestamp>) -> bool {
    latest.is_none_or(|latest| at <= latest)
}

impl Spent {
    fn fresh(purse: &Purse, now: Timestamp) -> Self {
        Self { next: now, live: Timestamp::UNIX_EPOCH, interval: purse.interval }
    }

    /// Gives out the next moment.
    fn take(&mut self, purse: &Purse, lane: Lane, now: Timestamp) -> Timestamp {
        let mut at = self.next.max(now);
        if lane == Lane::History && at.duration_since(self.live) < LIVE_SHADOW {
            at = later(at, purse.interval);
        }
        if lane == Lane::Live {
            self.live = at;
        }
        self.next = later(at, self.interval);
        self.interval = risen(self.interval, purse.interval);
        at
    }

    fn pause(&mut self, purse: &Purse, until: Timestamp) {
        self.next = self.next.max(until);
        if purse.adapts {
            self.interval = (self.interval * 2).min(SLOWEST);
        }
    }
}

/// Rising again after a refusal: each call takes a thirty-second part off what is above the normal interval.
fn risen(interval: Duration, normal: Duration) -> Duration {
    interval.saturating_sub(normal) * 31 / 32 + normal
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::ZERO)).unwrap_or(at)
}

#[cfg(test)]
mod tests;
