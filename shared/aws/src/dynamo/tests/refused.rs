//! What the service refuses, in part or for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tillsync_emulators::{Asked, Fate};
use tillsync_engine::ports::{Condition, Key, Store, Write, Written};

use super::{create, item, through};
use crate::dynamo::read::{Start, start};
use crate::dynamo::write::{Try, cancelled_for};

fn cancelled(reason: &str) -> Fate {
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let reasons = format!(r#"[{{"Code":"{reason}","Message":"m"}},{{"Code":"None"}}]"#);
    let words = "Transaction cancelled, please refer cancellation reasons for specific reasons";
    Fate::Answer(400, format!(r#"{{"__type":"{kind}","Message":"{words}","CancellationReasons":{reasons}}}"#))
}

#[test]
fn a_failed_condition_is_an_answer_and_a_collision_is_none() {
    let tried = |reasons: &[&'static str]| cancelled_for(reasons.iter().copied());
    assert_eq!(tried(&["None", "ConditionalCheckFailed"]), Try::Settled(Written::Conflict));
    assert_eq!(tried(&["TransactionConflict", "ConditionalCheckFailed"]), Try::Settled(Written::Conflict));
    assert_eq!(tried(&["TransactionConflict", "None", "ThrottlingError"]), Try::Again);
    assert_eq!(tried(&["ProvisionedThroughputExceeded"]), Try::Again);
    let failed = Try::Failed("TransactionCanceledException: ThrottlingError, ValidationError".to_owned());
    assert_eq!(tried(&["ValidationError", "None", "ThrottlingError", "ValidationError"]), failed);
    assert_eq!(tried(&["None"]), Try::Failed("TransactionCanceledException: ".to_owned()));
}

#[tokio::test]
async fn transactions_that_collide_are_tried_again() {
    let collide = |asked: &Asked| match (asked.operation.as_str(), asked.earlier) {
        ("TransactWriteItems", 0..3) => cancelled("TransactionConflict"),
        _ => Fate::Pass,
    };
    let under = through(collide).await;
    let writes = vec![create("a", "1"), create("b", "1")];
    assert_eq!(under.store.transact(writes).await.unwrap(), Written::Done);
    assert_eq!(under.proxy.count("TransactWriteItems"), 4);
}

#[tokio::test]
async fn a_put_that_meets_a_transaction_is_tried_again() {
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
    let json = format!(r#"{{"__type":"{kind}","message":"Transaction is ongoing for the item"}}"#);
    let under = through(move |asked| match (asked.operation.as_str(), asked.earlier) {
        ("PutItem", 0..2) => Fate::Answer(400, json.clone()),
        _ => Fate::Pass,
    });
    let under = under.await;
    assert_eq!(under.store.transact(vec![create("a", "1")]).await.unwrap(), Written::Done);
    assert_eq!(
        (under.proxy.count("PutItem"), under.proxy.count("TransactWriteItems")),
        (3, 0),
        "one costs half"
    );
}

#[tokio::test]
async fn what_never_passes_is_an_error_that_tells_nothing_of_the_record() {
    let under = through(|asked| match asked.operation.as_str() {
        "TransactWriteItems" => cancelled("TransactionConflict"),
        "PutItem" => {
            Fate::Answer(400, r#"{"__type":"x#ValidationException","message":"no good"}"#.to_owned())
        }
        _ => Fate::Pass,
    });
    let under = under.await;
    let writes = vec![create("a", "canary"), create("b", "canary")];
    let error = under.store.transact(writes).await.unwrap_err();
    assert!(error.detail.contains("TransactionCanceledException"), "{error}");
    let error = under.store.write_each(vec![create("a", "canary")]).await.unwrap_err();
    assert_eq!((error.what, error.detail.as_str()), ("store", "ValidationException: no good"));
}

#[tokio::test]
async fn keys_left_unprocessed_are_asked_for_again() {
    let short = Arc::new(AtomicBool::new(false));
    let is_short = Arc::clone(&short);
    let under = through(move |asked| {
        if asked.operation != "BatchGetItem" || !is_short.swap(false, Ordering::Relaxed) {
            return Fate::Pass;
        }
        // Nothing is answered, everything is left.
        let asked: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
        let left = serde_json::json!({"Responses": {}, "UnprocessedKeys": asked["RequestItems"]});
        Fate::Answer(200, left.to_string())
    });
    let under = under.await;
    let names: Vec<String> = (0..150).map(|n| format!("{n:03}")).collect();
    let writes = names.iter().map(|sk| create(sk, sk)).collect();
    assert_eq!(under.store.write_each(writes).await.unwrap(), vec![Written::Done; 150]);
    let mut keys: Vec<Key> = names.iter().rev().map(|sk| Key::new("P", sk)).collect();
    keys.extend(keys.clone());
    for (is_short, calls) in [(false, 2), (true, 5)] {
        short.store(is_short, Ordering::Relaxed);
        let found = under.store.get_many(&keys).await.unwrap();
        let found: Vec<String> = found.into_iter().map(|item| item.unwrap().body).collect();
        assert_eq!(found, keys.iter().map(|key| key.sk.clone()).collect::<Vec<_>>());
        assert_eq!(under.proxy.count("BatchGetItem"), calls, "a hundred keys a call, each key once");
    }
}

#[tokio::test]
async fn a_check_by_itself_writes_nothing() {
    let under = through(|_| Fate::Pass).await;
    let check = Write::Check { key: Key::new("P", "a"), when: Condition::Absent };
    assert_eq!(under.store.transact(vec![check]).await.unwrap(), Written::Done);
    let update = Write::Put { item: item("a", "1"), when: Condition::Rev(3) };
    assert_eq!(under.store.write_each(vec![update]).await.unwrap(), [Written::Conflict]);
    assert_eq!((under.proxy.count("GetItem"), under.proxy.count("PutItem")), (1, 1));
}

#[test]
fn a_page_never_starts_outside_its_question() {
    assert_eq!(start("REC#", None), Start::First);
    assert_eq!(start("REC#", Some("")), Start::First);
    assert_eq!(start("REC#", Some("REC")), Start::First);
    assert_eq!(start("REC#", Some("A")), Start::First);
    assert_eq!(start("REC#", Some("REC#")), Start::After("REC#"));
    assert_eq!(start("REC#", Some("REC#7")), Start::After("REC#7"));
    assert_eq!(start("REC#", Some("REC$")), Start::Beyond);
    assert_eq!(start("", Some("x")), Start::After("x"));
}
