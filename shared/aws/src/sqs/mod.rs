//! The queues: two of SQS, each with its dead letters.
//!
//! Standard queues, a message's group being its connection, so that the service deals fairly among connections
//! ("fair queues"). A message is taken at least once and in no order; which is why every piece of work is held by
//! a lease in the store, and a message too many does nothing.

mod batch;
mod dead;
mod message;
mod send;
mod taking;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use tillsync_engine::ports::{Dead, Delivery, Lane, MAX_DELAY, PortError, Queue};

use crate::service::refused;

pub use message::Arrival;

const PORT: &str = "queue";
/// Messages one call takes or sends.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MESSAGES_A_CALL: usize = 10;
/// Longest time a message is hidden, counted from its taking (same page).
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 3600);
/// The most a body of ours may have. Messages are references; the service bills by 64 KB.
pub const MAX_MESSAGE_BODY: usize = 64 * 1024;

/// The addresses of one lane's queues.
#[derive(Clone, Debug)]
pub struct LaneUrls {
    /// Messages to work on.
    pub url: String,
    /// Messages that were taken too often.
    pub dead: String,
}

/// The addresses of all queues.
#[derive(Clone, Debug)]
pub struct Lanes {
    /// Of [`Lane::Live`].
    pub live: LaneUrls,
    /// Of [`Lane::History`].
    pub history: LaneUrls,
}

/// The queues over SQS, for whoever asks for messages itself.
pub struct SqsQueue {
    client: Client,
    lanes: Lanes,
}

/// The queues as a function sees them that the service hands messages to: the service deletes what is not reported
/// as failed, and hides a message for as long as any invocation may take.
pub struct BatchQueue(Arc<SqsQueue>);

impl SqsQueue {
    /// Queues at these addresses.
    #[must_use]
    pub fn new(client: Client, lanes: Lanes) -> Self {
        Self { client, lanes }
    }

    fn urls(&self, lane: Lane) -> &LaneUrls {
        match lane {
            Lane::Live => &self.lanes.live,
            Lane::History => &self.lanes.history,
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(
        &self,
        lane: Lane,
        group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError> {
        self.send_all(lane, group, bodies, delay).await
    }

    async fn receive(
        &self,
        lane: Lane,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, PortError> {
        self.take(lane, max, visibility).await
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), PortError> {
        self.hide(delivery, visibility).await.map(drop)
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), PortError> {
        self.delete(delivery).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.hide(delivery, delay.min(MAX_DELAY)).await.map(drop)
    }

    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        // An old receipt shows here, before there is a copy. It also keeps the message away until it is deleted.
        if self.hide(delivery, taking::COPYING).await? {
            self.send_copy(delivery, delay).await?;
            self.delete(delivery).await?;
        }
        Ok(())
    }

    /// The service counts approximately: about a minute after the last change the count is right.
    async fn depth(&self, lane: Lane) -> Result<u64, PortError> {
        const COUNTS: [QueueAttributeName; 3] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let call = self.client.get_queue_attributes().queue_url(&self.urls(lane).url);
        let call = call.set_attribute_names(Some(COUNTS.to_vec())).send().await;
        let found = call.map_err(|error| refused(PORT, &error))?;
        let count = |name| found.attributes()?.get(name)?.parse::<u64>().ok();
        let counts: Option<u64> = COUNTS.iter().map(count).sum();
        counts
            .ok_or_else(|| PortError { what: PORT, detail: "the service did not tell its counts".to_owned() })
    }

    async fn dead(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError> {
        self.peek(lane, limit).await
    }
}

/// Whole seconds, rounded up, within what the service takes.
fn seconds(time: Duration, most: Duration) -> i32 {
    let time = time.min(most);
    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
