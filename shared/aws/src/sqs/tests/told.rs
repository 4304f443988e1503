//! What is read off a message, and what is put into a request: no service needed.

use aws_lambda_events::sqs::SqsMessage;
use serde_json::json;
use std::time::Duration;
use tillsync_engine::ports::{Delivery, Lane};

use crate::sqs::message::{Receipt, group_id};
use crate::sqs::send::cut;
use crate::sqs::taking::is_of_old_receipt;
use crate::sqs::{MAX_MESSAGE_BODY, MAX_VISIBILITY, seconds};
use crate::{Arrival, SqsQueue};

fn event(body: &str, taken: &str, tries: Option<&str>) -> SqsMessage {
    let tries = tries.map(|tries| json!({"stringValue": tries, "dataType": "Number"}));
    let ours = tries.map_or(json!({}), |tries| json!({"tries": tries}));
    serde_json::from_value(json!({
        "messageId": "m", "receiptHandle": "handle", "body": body, "messageAttributes": ours,
        "attributes": {"ApproximateReceiveCount": taken, "SentTimestamp": "1", "MessageGroupId": "CONN#1"},
    }))
    .unwrap()
}

fn work(arrival: Arrival) -> Delivery {
    match arrival {
        Arrival::Delivery(delivery) => delivery,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_handed_over_tells_its_attempts_and_its_group() {
    let first = work(SqsQueue::arrived(Lane::History, &event("{}", "1", None)));
    assert_eq!((first.lane, first.body.as_str(), first.attempts), (Lane::History, "{}", 1));
    let receipt = Receipt::of(&first).unwrap();
    assert_eq!((receipt.handle.as_str(), receipt.group.as_deref()), ("handle", Some("CONN#1")));
    assert_eq!(work(SqsQueue::arrived(Lane::Live, &event("{}", "2", Some("3")))).attempts, 5);
}

#[test]
fn a_message_taken_too_often_or_not_ours_is_for_the_dead_letters() {
    let spent = SqsQueue::arrived(Lane::Live, &event("{}", "3", Some("3")));
    assert!(matches!(&spent, Arrival::Spent(delivery) if delivery.attempts == 6), "{spent:?}");
    let fits = event(&"x".repeat(MAX_MESSAGE_BODY), "1", None);
    assert!(matches!(SqsQueue::arrived(Lane::Live, &fits), Arrival::Delivery(_)));
    let long = event(&"x".repeat(MAX_MESSAGE_BODY + 1), "9", None);
    for message in [long, event("{}", "many", None), serde_json::from_value(json!({"body": "{}"})).unwrap()] {
        match SqsQueue::arrived(Lane::Live, &message) {
            Arrival::Unreadable(delivery) => {
                assert_eq!(Receipt::of(&delivery).unwrap().reason.as_deref(), Some("data.corrupt"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_group_is_legal_or_becomes_so() {
    for legal in ["g", "CONN#01J9Z'", &"x".repeat(128)] {
        assert_eq!(group_id(legal), legal);
    }
    for illegal in ["", "CONN#ü'", "a b", &"x".repeat(129)] {
        let made = group_id(illegal);
        assert!(made.len() == 64 && made.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{made}");
        assert_eq!(made, group_id(illegal), "the same each time");
    }
    assert_ne!(group_id("ü"), group_id("ö"));
}

#[test]
fn batches_hold_ten_messages_and_what_a_call_takes() {
    let sizes = |bodies: Vec<String>| cut(bodies).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(Vec::new()), [0; 0]);
    assert_eq!(sizes(vec!["a".to_owned(); 25]), [10, 10, 5]);
    assert_eq!(
        sizes(vec!["x".repeat(MAX_MESSAGE_BODY); 7]),
        [3, 3, 1],
        "four of 64 KiB leave no room for the rest"
    );
    let flat: Vec<String> = cut((0..12).map(|n| n.to_string()).collect()).concat();
    assert_eq!(flat, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn times_are_whole_seconds_within_what_the_service_takes() {
    let time = |millis| seconds(Duration::from_millis(millis), MAX_VISIBILITY);
    assert_eq!([time(0), time(1), time(1_000), time(1_001)], [0, 1, 1, 2]);
    assert_eq!(seconds(Duration::MAX, MAX_VISIBILITY), 43_200);
}

#[test]
fn an_old_receipt_is_told_from_a_wrong_request() {
    let expired =
        "Value AQEB for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.";
    assert!(is_of_old_receipt("InvalidParameterValue", expired));
    assert!(is_of_old_receipt("ReceiptHandleIsInvalid", ""));
    assert!(is_of_old_receipt("AWS.SimpleQueueService.MessageNotInflight", ""));
    let over = "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the \
                message is beyond the limit [43200 seconds]";
    assert!(!is_of_old_receipt("InvalidParameterValue", over));
    assert!(!is_of_old_receipt("AWS.SimpleQueueService.NonExistentQueue", ""));
}
