//! The machine's clock, put forward by as much as a test says, and what waits for it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tillsync_engine::ports::Clock;
use tillsync_host::SystemClock;
use tillsync_mapping::http::{Http, HttpError, Request, Response};
use tokio::sync::Notify;

/// Runs as the machine's clock does. The stand-ins keep the machine's: they do not age with the engine.
#[derive(Default)]
pub(crate) struct Ahead {
    millis: AtomicI64,
    moved: Notify,
    sleepers: Mutex<BTreeMap<u64, Timestamp>>,
    next: AtomicU64,
    /// Workers that found nothing to do.
    pub(crate) idle: AtomicUsize,
    calling: AtomicUsize,
}

impl Ahead {
    /// Puts it forward.
    pub(crate) fn advance(&self, by: SignedDuration) {
        self.millis.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    fn sleepers(&self) -> MutexGuard<'_, BTreeMap<u64, Timestamp>> {
        self.sleepers.lock().unwrap()
    }

    /// How long it is until somebody wakes up.
    pub(crate) fn next_waking(&self) -> Option<SignedDuration> {
        let earliest = self.sleepers().values().min().copied();
        earliest.map(|at| at.duration_since(self.now()).max(SignedDuration::ZERO))
    }

    /// True when so many workers all wait for this clock: asleep, or for a message to be due.
    pub(crate) fn is_waited_for(&self, workers: usize) -> bool {
        let waiting = self.idle.load(Ordering::SeqCst) + self.sleepers().len();
        self.calling.load(Ordering::SeqCst) == 0 && waiting >= workers
    }
}

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_millis(self.millis.load(Ordering::SeqCst))
    }

    /// By this clock: whoever sleeps wakes up when it is put forward.
    async fn sleep(&self, duration: Duration) {
        let asleep = Asleep::new(self, self.now() + duration);
        loop {
            let moved = self.moved.notified();
            let left = asleep.until.duration_since(self.now());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            // A move between the look and the wait is seen at the next look.
            let _ = tokio::time::timeout(left.min(Duration::from_millis(20)), moved).await;
        }
    }
}

/// Somebody who sleeps, until he wakes up or is no more.
struct Asleep<'a> {
    clock: &'a Ahead,
    id: u64,
    until: Timestamp,
}

impl<'a> Asleep<'a> {
    fn new(clock: &'a Ahead, until: Timestamp) -> Self {
        let id = clock.next.fetch_add(1, Ordering::SeqCst);
        clock.sleepers().insert(id, until);
        Self { clock, id, until }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.clock.sleepers().remove(&self.id);
    }
}

/// Calls out, and has the clock know that somebody does.
pub(crate) struct Calling<T>(pub(crate) T, pub(crate) std::sync::Arc<Ahead>);

#[async_trait]
impl<T: Http> Http for Calling<T> {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let _call = Call::new(&self.1);
        self.0.send(request).await
    }
}

struct Call<'a>(&'a Ahead);

impl<'a> Call<'a> {
    fn new(clock: &'a Ahead) -> Self {
        clock.calling.fetch_add(1, Ordering::SeqCst);
        Self(clock)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.calling.fetch_sub(1, Ordering::SeqCst);
    }
}
