//! Time that a test moves.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::lock;
use crate::ports::Clock;

/// A clock that stands still until a test moves it or somebody sleeps on it.
///
/// [`ManualClock::new`] makes one whose `sleep` takes no real time: it moves the clock to the sleeper's end.
/// Several may sleep at once: they sleep through the same time, not one after the other, and wake in the order of
/// their ends as far as the executor lets them run. Not for a test in which a sleep bounds real work, as a timeout
/// of an HTTP call does: the sleep would win at once. For that [`ManualClock::held`] makes one whose sleepers wait
/// until [`ManualClock::advance`] or [`ManualClock::set`] has come to their end.
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<State>,
    /// Whether only the test moves the time.
    held: bool,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    next_id: u64,
    /// Who sleeps until when.
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
}

impl ManualClock {
    /// A clock that a sleep moves on.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self::make(now, false)
    }

    /// A clock that only the test moves on.
    #[must_use]
    pub fn held(now: Timestamp) -> Self {
        Self::make(now, true)
    }

    fn make(now: Timestamp, held: bool) -> Self {
        Self { state: Mutex::new(State { now, next_id: 0, sleepers: BTreeMap::new() }), held }
    }

    /// Sets the time, backwards too: a wall clock can be put back.
    pub fn set(&self, now: Timestamp) {
        let mut state = lock(&self.state);
        state.now = now;
        let due = state.sleepers.range_mut(..=(now, u64::MAX));
        for waker in due.filter_map(|(_, waker)| waker.take()) {
            waker.wake();
        }
    }

    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        let to = after(self.now(), by);
        self.set(to);
    }

    /// How many sleep at this moment.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        lock(&self.state).sleepers.len()
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        lock(&self.state).now
    }

    async fn sleep(&self, duration: Duration) {
        let mut sleeper = Sleeper::fall_asleep(self, duration);
        poll_fn(move |context| sleeper.poll(context)).await;
    }
}

/// One who sleeps; forgotten when the sleep is given up.
struct Sleeper<'a> {
    clock: &'a ManualClock,
    end: (Timestamp, u64),
    patience: u32,
}

impl<'a> Sleeper<'a> {
    /// How often a later sleeper lets others run before it moves the clock itself. A sleeper nobody polls may
    /// stand before it for ever, so it must not wait for ever.
    const PATIENCE: u32 = 64;

    fn fall_asleep(clock: &'a ManualClock, duration: Duration) -> Self {
        let mut state = lock(&clock.state);
        let end = (after(state.now, duration), state.next_id);
        state.next_id += 1;
        state.sleepers.insert(end, None);
        drop(state);
        Self { clock, end, patience: Self::PATIENCE }
    }

    fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut state = lock(&self.clock.state);
        if state.now >= self.end.0 {
            return Poll::Ready(());
        }
        if self.clock.held {
            state.sleepers.insert(self.end, Some(context.waker().clone()));
            return Poll::Pending;
        }
        // The first look lets those fall asleep that were started at the same time.
        let first_look = self.patience == Self::PATIENCE;
        let next = state.sleepers.keys().next() == Some(&self.end);
        if (next && !first_look) || self.patience == 0 {
            state.now = self.end.0;
            return Poll::Ready(());
        }
        self.patience -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        lock(&self.clock.state).sleepers.remove(&self.end);
    }
}

/// The instant this long after another; the end of time if there is none.
pub(super) fn after(start: Timestamp, wait: Duration) -> Timestamp {
    start.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
