//! The queues within a function.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tillsync_engine::ports::{Dead, Delivery, Lane, PortError, Queue};

use super::{BatchQueue, SqsQueue};

impl BatchQueue {
    /// The same queues, within a function.
    #[must_use]
    pub fn new(queue: Arc<SqsQueue>) -> Self {
        Self(queue)
    }
}

#[async_trait]
impl Queue for BatchQueue {
    async fn send(
        &self,
        lane: Lane,
        group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError> {
        self.0.send(lane, group, bodies, delay).await
    }

    async fn receive(
        &self,
        lane: Lane,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, PortError> {
        self.0.receive(lane, max, visibility).await
    }

    /// Nothing: the queue hides a message for six times the longest invocation.
    async fn extend(&self, _: &Delivery, _: Duration) -> Result<(), PortError> {
        Ok(())
    }

    /// Nothing: the service deletes what is not reported as failed.
    async fn ack(&self, _: &Delivery) -> Result<(), PortError> {
        Ok(())
    }

    /// Whoever calls this reports the message as failed; else the service deletes it. That it comes back sooner or
    /// later than asked is no failure.
    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        if let Err(error) = self.0.release(delivery, delay).await {
            tracing::warn!(detail = error.detail, "a message returns later than it should");
        }
        Ok(())
    }

    /// Sends the copy. The service deletes the original, which must not be reported as failed.
    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.0.send_copy(delivery, delay).await
    }

    async fn depth(&self, lane: Lane) -> Result<u64, PortError> {
        self.0.depth(lane).await
    }

    async fn dead(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError> {
        self.0.dead(lane, limit).await
    }
}
