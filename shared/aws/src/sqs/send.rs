//! Sending.

use std::time::Duration;

use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tillsync_engine::ports::{Delivery, Lane, MAX_DELAY, PortError};

use super::message::{Receipt, TRIES, group_id};
use super::{MAX_MESSAGE_BODY, MESSAGES_A_CALL, PORT, SqsQueue, seconds};
use crate::service::{Patience, refused};

/// Bytes of all messages of one call: what the service took before it took 1 MiB, and what stand-ins know.
const BYTES_A_CALL: usize = 256 * 1024;
/// Bytes a message may have besides its body.
const BESIDES: usize = 256;
/// Calls under way at once.
const CALLS_AT_ONCE: usize = 8;

impl SqsQueue {
    pub(super) async fn send_all(
        &self,
        lane: Lane,
        group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError> {
        if let Some(long) = bodies.iter().find(|body| body.len() > MAX_MESSAGE_BODY) {
            let detail = format!("a message of {} bytes, at most {MAX_MESSAGE_BODY}", long.len());
            return Err(PortError { what: PORT, detail });
        }
        let (url, group, delay) = (self.urls(lane).url.as_str(), group_id(group), seconds(delay, MAX_DELAY));
        let make = |(place, body)| entry(place, body).message_group_id(&group).delay_seconds(delay).build();
        let mut calls = Vec::new();
        for bodies in cut(bodies) {
            let entries: Result<Vec<_>, _> = bodies.into_iter().enumerate().map(make).collect();
            let entries = entries.map_err(|error| PortError { what: PORT, detail: error.to_string() })?;
            calls.push(self.send_batch(url, entries));
        }
        stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).try_collect().await
    }

    /// Sends until every message is taken: the service may take some and not others.
    async fn send_batch(
        &self,
        url: &str,
        mut entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<(), PortError> {
        let mut patience = Patience::new();
        loop {
            let call = self.client.send_message_batch().queue_url(url);
            let call = call.set_entries(Some(entries.clone())).send().await;
            let answer = call.map_err(|error| refused(PORT, &error))?;
            let Some(first) = answer.failed().first() else { return Ok(()) };
            let code = first.code().to_owned();
            let ours = answer.failed().iter().any(|failed| failed.sender_fault());
            if ours || !patience.wait().await {
                return Err(PortError { what: PORT, detail: format!("{code}: a message was not taken") });
            }
            entries.retain(|entry| answer.failed().iter().any(|failed| failed.id() == entry.id()));
        }
    }

    /// Sends a message anew, as if this taking had not been: the service cannot take a taking back. It keeps its
    /// group and its earlier tries.
    pub(super) async fn send_copy(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        let tries = delivery.attempts.saturating_sub(1);
        let call = self.client.send_message().queue_url(&self.urls(delivery.lane).url);
        let call = call.message_body(&delivery.body).delay_seconds(seconds(delay, MAX_DELAY));
        let call = call.set_message_group_id(Receipt::of(delivery).and_then(|receipt| receipt.group));
        let call =
            if tries == 0 { call } else { call.message_attributes(TRIES, attribute("Number", tries)?) };
        call.send().await.map(drop).map_err(|error| refused(PORT, &error))
    }
}

/// An attribute of a message.
pub(super) fn attribute(kind: &str, value: impl ToString) -> Result<MessageAttributeValue, PortError> {
    let value = MessageAttributeValue::builder().data_type(kind).string_value(value.to_string()).build();
    value.map_err(|error| PortError { what: PORT, detail: error.to_string() })
}

fn entry(place: usize, body: String) -> aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder {
    SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(body)
}

/// Bodies in the order given, cut into what one call takes.
pub(super) fn cut(bodies: Vec<String>) -> Vec<Vec<String>> {
    let mut calls: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for body in bodies {
        let more = body.len() + BESIDES;
        match calls.last_mut() {
            Some(call) if call.len() < MESSAGES_A_CALL && bytes + more <= BYTES_A_CALL => {
                bytes += more;
                call.push(body);
            }
            _ => {
                bytes = more;
                calls.push(vec![body]);
            }
        }
    }
    calls
}
