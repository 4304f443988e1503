//! The event source mapping of a queue: polls it, invokes the function with the records as the service words them,
//! and removes what succeeded. What failed stays, to be seen again when its visibility ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::function::{Function, REGION};
use crate::runtime::Answer;
use crate::sqs::{Sqs, arn};

/// What a mapping is set to.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) queue: String,
    /// Records of one invocation.
    pub(crate) batch: usize,
    /// Invocations at once.
    pub(crate) concurrency: usize,
    /// Time of one invocation.
    pub(crate) timeout: Duration,
}

/// What a mapping did.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Requests that brought records, and those that removed them.
    pub(crate) requests: AtomicU64,
    /// Records handed over.
    pub(crate) records: AtomicU64,
    /// Records that failed.
    pub(crate) failed: AtomicU64,
    /// Invocations under way.
    pub(crate) busy: AtomicUsize,
}

/// A mapping at work, until it is dropped.
pub(crate) struct Mapping {
    pub(crate) counts: Arc<Counts>,
    _pollers: JoinSet<()>,
}

impl Mapping {
    pub(crate) fn start(function: &Arc<Function>, sqs: &Sqs, settings: &Settings) -> Self {
        let counts = Arc::new(Counts::default());
        let mut pollers = JoinSet::new();
        for _ in 0..settings.concurrency {
            pollers.spawn(poll(Arc::clone(function), sqs.clone(), settings.clone(), Arc::clone(&counts)));
        }
        Self { counts, _pollers: pollers }
    }

    /// True while an invocation is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.counts.busy.load(Ordering::Relaxed) > 0
    }
}

async fn poll(function: Arc<Function>, sqs: Sqs, settings: Settings, counts: Arc<Counts>) {
    loop {
        let Ok(messages) = sqs.receive(&settings.queue, settings.batch, 1).await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        if messages.is_empty() {
            // Emulators answer an empty queue at once.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        counts.busy.fetch_add(1, Ordering::Relaxed);
        counts.requests.fetch_add(2, Ordering::Relaxed);
        counts.records.fetch_add(messages.len() as u64, Ordering::Relaxed);
        let answer = function.invoke(&event(&settings.queue, &messages), settings.timeout).await;
        let failed = failed(&answer, &ids(&messages));
        counts.failed.fetch_add(failed.len() as u64, Ordering::Relaxed);
        for message in messages.iter().filter(|message| !failed.contains(&id(message))) {
            sqs.delete(&settings.queue, message).await;
        }
        counts.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

fn id(message: &Value) -> String {
    message["MessageId"].as_str().unwrap().to_owned()
}

fn ids(messages: &[Value]) -> BTreeSet<String> {
    messages.iter().map(id).collect()
}

/// The event of a batch.
pub(crate) fn event(queue: &str, messages: &[Value]) -> Value {
    let records: Vec<Value> = messages.iter().map(|message| record(queue, message)).collect();
    json!({"Records": records})
}

fn record(queue: &str, message: &Value) -> Value {
    let mut attributes = Map::new();
    for (name, value) in message["MessageAttributes"].as_object().into_iter().flatten() {
        let mut one = Map::new();
        for (theirs, ours) in [("StringValue", "stringValue"), ("BinaryValue", "binaryValue")] {
            if let Some(text) = value.get(theirs) {
                one.insert(ours.into(), text.clone());
            }
        }
        one.insert("stringListValues".into(), json!([]));
        one.insert("binaryListValues".into(), json!([]));
        one.insert("dataType".into(), value["DataType"].clone());
        attributes.insert(name.clone(), one.into());
    }
    json!({
        "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
        "attributes": message["Attributes"], "messageAttributes": attributes, "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs", "eventSourceARN": arn(queue), "awsRegion": REGION,
    })
}

/// The records that failed. An answer the service cannot take fails them all.
pub(crate) fn failed(answer: &Answer, all: &BTreeSet<String>) -> BTreeSet<String> {
    let Answer::Ok(answer) = answer else { return all.clone() };
    let failures = match answer {
        Value::Null => return BTreeSet::new(),
        Value::Object(members) => members.get("batchItemFailures").unwrap_or(&Value::Null),
        _ => return all.clone(),
    };
    let failures = match failures {
        Value::Null => return BTreeSet::new(),
        Value::Array(failures) => failures,
        _ => return all.clone(),
    };
    let named: Option<BTreeSet<String>> =
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().map(str::to_owned)).collect();
    named.filter(|named| named.is_subset(all)).unwrap_or_else(|| all.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{event, failed};
    use crate::runtime::Answer;

    #[test]
    fn answers_are_taken_as_the_service_takes_them() {
        let all: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
        let one: BTreeSet<String> = ["b".to_owned()].into();
        let none = BTreeSet::new();
        let cases = [
            (Value::Null, &none),
            (json!({}), &none),
            (json!({"batchItemFailures": null}), &none),
            (json!({"batchItemFailures": []}), &none),
            (json!({"batchItemFailures": [{"itemIdentifier": "b"}]}), &one),
            (json!({"batchItemFailures": [{"itemIdentifier": "c"}]}), &all),
            (json!({"batchItemFailures": [{"itemIdentifier": ""}]}), &all),
            (json!({"batchItemFailures": [{"itemIdentifier": null}]}), &all),
            (json!({"batchItemFailures": [{"itemidentifier": "b"}]}), &all),
            (json!({"batchItemFailures": {"itemIdentifier": "b"}}), &all),
            (json!("done"), &all),
        ];
        for (answer, expected) in cases {
            assert_eq!(&failed(&Answer::Ok(answer.clone()), &all), expected, "{answer}");
        }
        assert_eq!(failed(&Answer::TimedOut, &all), all);
    }

    #[test]
    fn a_record_is_worded_as_by_the_service() {
        let message = json!({
            "MessageId": "m", "ReceiptHandle": "r", "Body": "{}", "MD5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
            "Attributes": {"ApproximateReceiveCount": "1"},
            "MessageAttributes": {"attempts": {"StringValue": "2", "DataType": "Number"}},
        });
        let event = event("http://127.0.0.1:1/123456789012/live", &[message]);
        let record = &event["Records"][0];
        assert_eq!(record["eventSourceARN"], "arn:aws:sqs:us-east-1:123456789012:live");
        assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
        assert_eq!(record["messageAttributes"]["attempts"]["stringValue"], "2");
        assert_eq!(record["messageAttributes"]["attempts"]["dataType"], "Number");
    }
}
