//! Telling somebody outside that something needs them: raised once, repeated daily, resolved once, never a flood.
//!
//! What is wrong is looked for anew at every tick and remembered in rows, with what each receiver was told. What
//! is to be said follows from such a row and the time alone, so a stop forgets nothing: at worst something is
//! said twice.

mod decide;
mod deliver;
mod facts;
mod rows;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::context::Engine;
use crate::fault::Fault;

/// Somebody who is told. What fails is told again later.
#[async_trait]
pub trait Receiver: Send + Sync {
    /// What it is called in rows and logs, as `url`: what was told is kept by this name.
    fn name(&self) -> &'static str;

    /// Hands over one JSON document; true when it was taken.
    async fn tell(&self, document: String) -> bool;
}

/// Looks for what is wrong, and tells the receivers.
pub struct Alerts {
    engine: Arc<Engine>,
    receivers: Vec<Arc<dyn Receiver>>,
    /// Since when this process works: what lay still before it gets its chance first.
    began: Timestamp,
}

impl Alerts {
    /// Alerts from now on.
    #[must_use]
    pub fn new(engine: Arc<Engine>, receivers: Vec<Arc<dyn Receiver>>) -> Self {
        let began = engine.now();
        Self { engine, receivers, began }
    }

    /// Looks once, and says what is to be said now. To be called every minute, by one process.
    ///
    /// # Errors
    /// Of the store. A receiver that fails is no error: it is tried again later.
    pub async fn tick(&self) -> Result<(), Fault> {
        if self.receivers.is_empty() {
            return Ok(());
        }
        watch::watch(&self.engine, self.began).await?;
        // One after the other: each notes in the same rows what it was told.
        for receiver in &self.receivers {
            deliver::tell(&self.engine, &**receiver).await?;
        }
        let names: Vec<&str> = self.receivers.iter().map(|receiver| receiver.name()).collect();
        deliver::forget(&self.engine, &names).await
    }
}
