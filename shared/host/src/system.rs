//! The machine's own time and randomness.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tillsync_engine::ports::{Clock, Entropy, PortError};

/// The machine's clock; waits with tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The machine's random generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bits(&self) -> u64 {
        // Where the system has no generator, the standard library's hash keys still differ by call.
        getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one(0_u8))
    }

    fn secret(&self) -> Result<[u8; 32], PortError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|error| PortError { what: "entropy", detail: format!("no random numbers: {error}") })?;
        Ok(secret)
    }
}
