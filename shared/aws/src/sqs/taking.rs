//! Taking messages, and what becomes of one.

use std::time::Duration;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use tillsync_engine::ports::{Delivery, Lane, PortError};

use super::message::{Arrival, Receipt, TRIES, received};
use super::{MAX_VISIBILITY, MESSAGES_A_CALL, PORT, SqsQueue, seconds};
use crate::service::refused;

/// How long a message stays hidden while its copy is sent and it is deleted.
pub(super) const COPYING: Duration = Duration::from_secs(60);
/// Calls that may bring nothing but what is to be buried.
const MAX_BURYING: usize = 10;

impl SqsQueue {
    pub(super) async fn take(
        &self,
        lane: Lane,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, PortError> {
        let mut taken = Vec::new();
        for _ in 0..max.div_ceil(MESSAGES_A_CALL).saturating_add(MAX_BURYING) {
            let rest = max.saturating_sub(taken.len()).min(MESSAGES_A_CALL);
            let Some(rest) = i32::try_from(rest).ok().filter(|rest| *rest > 0) else { break };
            let call = self.client.receive_message().queue_url(&self.urls(lane).url);
            let call =
                call.max_number_of_messages(rest).visibility_timeout(seconds(visibility, MAX_VISIBILITY));
            let call = call
                .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
                .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
                .message_attribute_names(TRIES);
            let answer = call.send().await.map_err(|error| refused(PORT, &error))?;
            if answer.messages().is_empty() {
                break;
            }
            for message in answer.messages() {
                match received(lane, message) {
                    Arrival::Delivery(delivery) => taken.push(delivery),
                    Arrival::Spent(delivery) | Arrival::Unreadable(delivery) => self.bury(&delivery).await?,
                }
            }
        }
        Ok(taken)
    }

    /// Hides a message for this long from now; false where the receipt is of no use any more.
    pub(super) async fn hide(&self, delivery: &Delivery, time: Duration) -> Result<bool, PortError> {
        let Some(receipt) = Receipt::of(delivery) else { return Ok(false) };
        let call = self.client.change_message_visibility().queue_url(&self.urls(delivery.lane).url);
        let call = call.receipt_handle(receipt.handle).visibility_timeout(seconds(time, MAX_VISIBILITY));
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_old(&error) => Ok(false),
            Err(error) => Err(refused(PORT, &error)),
        }
    }

    /// Deletes a message, unless the receipt is of no use any more.
    pub(super) async fn delete(&self, delivery: &Delivery) -> Result<(), PortError> {
        let Some(receipt) = Receipt::of(delivery) else { return Ok(()) };
        let call = self.client.delete_message().queue_url(&self.urls(delivery.lane).url);
        match call.receipt_handle(receipt.handle).send().await {
            Err(error) if !is_old(&error) => Err(refused(PORT, &error)),
            _ => Ok(()),
        }
    }
}

/// Whether the service says that this taking is over.
/// <https://repost.aws/knowledge-center/sqs-receipt-handle-error>
fn is_old<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let (code, words) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    is_of_old_receipt(code, words)
}

/// Codes come with and without the name of the service before them. A parameter may be wrong for other reasons,
/// which are errors: twelve hours in all are over, for one.
pub(super) fn is_of_old_receipt(code: &str, words: &str) -> bool {
    let code = code.rsplit('.').next().unwrap_or_default();
    match code {
        "ReceiptHandleIsInvalid" | "MessageNotInflight" => true,
        "InvalidParameterValue" => words.contains("ReceiptHandle"),
        _ => false,
    }
}
