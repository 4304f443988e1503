//! Replies that are lost: the SDK asks again, and the store must not take its own work for another's.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use tillsync_emulators::{Asked, Fate};
use tillsync_engine::ports::{Condition, Key, Store, Write, Written};

use super::{create, item, through};
use crate::dynamo::write::{Try, put_refused};

/// Loses the first reply to an operation.
fn lose(operation: &'static str) -> impl Fn(&Asked) -> Fate {
    move |asked| if asked.operation == operation && asked.earlier == 0 { Fate::LoseReply } else { Fate::Pass }
}

#[test]
fn a_write_knows_its_own_work_by_its_id() {
    let failed = |wid: Option<&str>| {
        let error = ConditionalCheckFailedException::builder();
        let error = match wid {
            Some(wid) => {
                error.item("wid", AttributeValue::S(wid.to_owned())).item("pk", AttributeValue::S("P".into()))
            }
            None => error,
        };
        PutItemError::ConditionalCheckFailedException(error.build())
    };
    assert_eq!(put_refused(Some(&failed(Some("mine"))), "mine"), Try::Settled(Written::Done));
    assert_eq!(put_refused(Some(&failed(Some("other"))), "mine"), Try::Settled(Written::Conflict));
    assert_eq!(
        put_refused(Some(&failed(None)), "mine"),
        Try::Settled(Written::Conflict),
        "a row that is gone"
    );
    assert_eq!(put_refused(None, "mine"), Try::Failed(String::new()));
}

#[tokio::test]
async fn a_put_whose_reply_was_lost_is_done_and_no_conflict() {
    let under = through(lose("PutItem")).await;
    assert_eq!(under.store.write_each(vec![create("a", "1")]).await.unwrap(), [Written::Done]);
    assert_eq!(under.proxy.count("PutItem"), 2, "the SDK asked again");
    let found = under.store.get(&Key::new("P", "a")).await.unwrap().unwrap();
    assert_eq!((found.rev, found.body.as_str()), (1, "1"));
    // The same write anew is another's.
    assert_eq!(under.store.write_each(vec![create("a", "1")]).await.unwrap(), [Written::Conflict]);
}

#[tokio::test]
async fn a_delete_whose_reply_was_lost_is_done_and_no_conflict() {
    let under = through(lose("TransactWriteItems")).await;
    under.store.write_each(vec![create("a", "1")]).await.unwrap();
    let delete = Write::Delete { key: Key::new("P", "a"), when: Condition::Rev(1) };
    assert_eq!(under.store.write_each(vec![delete.clone()]).await.unwrap(), [Written::Done]);
    assert_eq!(under.proxy.count("TransactWriteItems"), 2, "the SDK asked again");
    assert_eq!(under.store.get(&Key::new("P", "a")).await.unwrap(), None);
    assert_eq!(under.store.write_each(vec![delete]).await.unwrap(), [Written::Conflict]);
}

#[tokio::test]
async fn a_transaction_whose_reply_was_lost_is_done_once() {
    let under = through(lose("TransactWriteItems")).await;
    under.store.write_each(vec![create("n", "1")]).await.unwrap();
    let update = Write::Put { item: item("n", "2"), when: Condition::Rev(1) };
    assert_eq!(under.store.transact(vec![update, create("m", "1")]).await.unwrap(), Written::Done);
    assert_eq!(under.proxy.count("TransactWriteItems"), 2, "the SDK asked again");
    let found = under.store.get(&Key::new("P", "n")).await.unwrap().unwrap();
    assert_eq!((found.rev, found.body.as_str()), (2, "2"));
}
