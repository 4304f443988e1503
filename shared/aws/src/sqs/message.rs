//! A message as the service tells of it, and what it is to us.

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tillsync_engine::ports::{Delivery, Lane, MAX_ATTEMPTS};

use super::{MAX_MESSAGE_BODY, SqsQueue};

/// The attribute with how often the message was taken as other copies of it.
pub(super) const TRIES: &str = "tries";
/// The attribute that says why a message was buried.
pub(super) const REASON: &str = "reason";
/// What is not ours, or not any more what we sent.
pub(super) const CORRUPT: &str = "data.corrupt";

/// Letters of a group.
const MAX_GROUP: usize = 128;

/// A message the service handed to a function.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// To be worked on.
    Delivery(Delivery),
    /// Taken more than [`MAX_ATTEMPTS`] times: to be buried.
    Spent(Delivery),
    /// Too long to be ours, or not told as the service tells: to be buried.
    Unreadable(Delivery),
}

/// What names a taking, and what a copy needs.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Receipt {
    /// The service's own.
    pub(super) handle: String,
    /// The group the message was sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    /// Why it cannot be worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

impl Receipt {
    pub(super) fn of(delivery: &Delivery) -> Option<Self> {
        serde_json::from_str(&delivery.receipt).ok()
    }
}

/// A message as either way of receiving tells it.
struct Told<'a> {
    handle: Option<&'a str>,
    body: Option<&'a str>,
    group: Option<&'a str>,
    taken: Option<&'a str>,
    tries: Option<&'a str>,
}

impl Told<'_> {
    /// The service's count is of this copy; the earlier ones are added.
    fn arrival(self, lane: Lane) -> Arrival {
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
        let taken = number(self.taken);
        let attempts = taken.unwrap_or(1).saturating_add(number(self.tries).unwrap_or(0));
        let is_ours = self.body.is_some_and(|body| body.len() <= MAX_MESSAGE_BODY) && taken.is_some();
        let receipt = Receipt {
            handle: self.handle.unwrap_or_default().to_owned(),
            group: self.group.map(str::to_owned),
            reason: (!is_ours).then(|| CORRUPT.to_owned()),
        };
        let receipt = serde_json::to_string(&receipt).unwrap_or_default();
        let delivery = Delivery { lane, receipt, body: self.body.unwrap_or_default().to_owned(), attempts };
        match (is_ours, attempts > MAX_ATTEMPTS) {
            (false, _) => Arrival::Unreadable(delivery),
            (true, true) => Arrival::Spent(delivery),
            (true, false) => Arrival::Delivery(delivery),
        }
    }
}

/// A message that was asked for.
pub(super) fn received(lane: Lane, message: &Message) -> Arrival {
    let of_service = |name| message.attributes()?.get(&name).map(String::as_str);
    let told = Told {
        handle: message.receipt_handle(),
        body: message.body(),
        group: of_service(MessageSystemAttributeName::MessageGroupId),
        taken: of_service(MessageSystemAttributeName::ApproximateReceiveCount),
        tries: message.message_attributes().and_then(|ours| ours.get(TRIES)?.string_value()),
    };
    told.arrival(lane)
}

impl SqsQueue {
    /// What a message is to us that the service handed to a function. Whoever gets [`Arrival::Spent`] or
    /// [`Arrival::Unreadable`] buries it.
    #[must_use]
    pub fn arrived(lane: Lane, message: &SqsMessage) -> Arrival {
        let of_service = |name: &str| message.attributes.get(name).map(String::as_str);
        let told = Told {
            handle: message.receipt_handle.as_deref(),
            body: message.body.as_deref(),
            group: of_service("MessageGroupId"),
            taken: of_service("ApproximateReceiveCount"),
            tries: message.message_attributes.get(TRIES).and_then(|tries| tries.string_value.as_deref()),
        };
        told.arrival(lane)
    }
}

/// A group as the service takes it: 1 to 128 letters, digits and marks of ASCII. Another becomes a digest: a group
/// only says whose turn it is, so its name need not be read back.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html>
pub(super) fn group_id(group: &str) -> String {
    let legal = (1..=MAX_GROUP).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_graphic());
    if legal { group.to_owned() } else { hex::encode(Sha256::digest(group.as_bytes())) }
}
