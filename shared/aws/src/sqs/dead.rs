//! Dead letters.

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName};
use tillsync_engine::ports::{Dead, Delivery, Lane, MAX_ATTEMPTS, PortError};

use super::message::{REASON, Receipt};
use super::send::attribute;
use super::{MESSAGES_A_CALL, PORT, SqsQueue};
use crate::service::refused;

/// Seconds a dead letter is hidden while it is looked at; should the look be cut short, it returns by itself.
const LOOKING_SECONDS: i32 = 20;
/// Seconds a call waits for messages: only one that waits asks all servers of the service.
const WAIT_SECONDS: i32 = 1;
/// Dead letters one look goes through, so that the oldest are among them.
const MAX_LOOK: usize = 1_000;
/// Bytes kept of a body that is not ours: what the service takes, with room for attributes.
const MAX_KEPT: usize = 1_000_000;

impl SqsQueue {
    /// Moves a message to the dead letters; one that is not ours gets the code of that as its attribute `reason`.
    /// A crash in between doubles the letter and loses none.
    ///
    /// # Errors
    /// Where the service refuses; then the message is where it was.
    pub async fn bury(&self, delivery: &Delivery) -> Result<(), PortError> {
        let call = self.client.send_message().queue_url(&self.urls(delivery.lane).dead);
        let call = call.message_body(&delivery.body[..delivery.body.floor_char_boundary(MAX_KEPT)]);
        let receipt = Receipt::of(delivery).unwrap_or_default();
        let call = call.set_message_group_id(receipt.group);
        let call = match receipt.reason {
            Some(reason) => call.message_attributes(REASON, attribute("String", reason)?),
            None => call,
        };
        call.send().await.map_err(|error| refused(PORT, &error))?;
        self.delete(delivery).await
    }

    /// Looks at the dead letters and hands them back. For the moment of a look another sees fewer.
    pub(super) async fn peek(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError> {
        let url = &self.urls(lane).dead;
        let mut seen: Vec<Message> = Vec::new();
        while limit > 0 && seen.len() < MAX_LOOK {
            let call = self.client.receive_message().queue_url(url).max_number_of_messages(10);
            let call = call.visibility_timeout(LOOKING_SECONDS).wait_time_seconds(WAIT_SECONDS);
            let call = call.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
            let messages = call.send().await.map_err(|error| refused(PORT, &error))?.messages;
            match messages {
                Some(messages) if !messages.is_empty() => seen.extend(messages),
                _ => break,
            }
        }
        self.hand_back(url, &seen).await?;
        seen.sort_by_key(sent_at);
        let letter =
            |message: Message| Dead { body: message.body.unwrap_or_default(), attempts: MAX_ATTEMPTS };
        Ok(seen.into_iter().take(limit).map(letter).collect())
    }

    async fn hand_back(&self, url: &str, seen: &[Message]) -> Result<(), PortError> {
        for messages in seen.chunks(MESSAGES_A_CALL) {
            let entry = |(place, message): (usize, &Message)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(place.to_string())
                    .set_receipt_handle(message.receipt_handle.clone())
                    .visibility_timeout(0)
                    .build()
            };
            let entries: Result<Vec<_>, _> = messages.iter().enumerate().map(entry).collect();
            let entries = entries.map_err(|error| PortError { what: PORT, detail: error.to_string() })?;
            let call = self.client.change_message_visibility_batch().queue_url(url);
            call.set_entries(Some(entries)).send().await.map_err(|error| refused(PORT, &error))?;
        }
        Ok(())
    }
}

/// Milliseconds since 1970.
fn sent_at(message: &Message) -> u64 {
    let sent = message.attributes().and_then(|told| told.get(&MessageSystemAttributeName::SentTimestamp));
    sent.and_then(|sent| sent.parse().ok()).unwrap_or_default()
}
