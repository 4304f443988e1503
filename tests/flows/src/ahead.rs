//! The machine's clock, put forward by as much as a test says.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tillsync_engine::ports::Clock;
use tillsync_host::SystemClock;

/// Runs as the machine's clock does. The stand-ins keep the machine's: they do not age with the engine.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    seconds: AtomicI64,
}

impl Ahead {
    /// Puts it forward.
    pub(crate) fn advance(&self, by: SignedDuration) {
        self.seconds.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.seconds.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}
