//! The ports in memory, for every test: the same promises as the real ones, held by the same [`crate::contract`].

mod clock;
mod entropy;
mod queue;
mod store;
mod vault;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
pub use queue::MemoryQueue;
pub use store::MemoryStore;
pub use vault::MemoryVault;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; every use leaves the value whole, so one poisoned by a failed test is still sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
