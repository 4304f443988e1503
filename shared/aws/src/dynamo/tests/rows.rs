//! What lies in the table.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use tillsync_emulators::Fate;
use tillsync_engine::ports::{Condition, Item, Key, Store, Write, Written};

use super::{TABLE, Under, create, item, through};
use crate::Used;
use crate::dynamo::row::{Row, key_row};

async fn row(under: &Under, sk: &str) -> Row {
    let call = under.direct.get_item().table_name(TABLE).set_key(Some(key_row("P", sk)));
    call.send().await.unwrap().item.unwrap()
}

#[tokio::test]
async fn a_row_has_what_is_needed_and_no_more() {
    let under = through(|_| Fate::Pass).await;
    under.store.write_each(vec![create("a", "{}")]).await.unwrap();
    let mut names: Vec<String> = row(&under, "a").await.into_keys().collect();
    names.sort();
    assert_eq!(names, ["body", "pk", "rev", "sk", "wid"]);
    let expires = Some(Timestamp::from_microsecond(4_102_444_800_000_001).unwrap());
    let item = Item { tag: "synced".to_owned(), expires, ..item("a", "{}") };
    under.store.write_each(vec![Write::Put { item, when: Condition::Rev(1) }]).await.unwrap();
    let row = row(&under, "a").await;
    assert_eq!(row["rev"], AttributeValue::N("2".to_owned()));
    assert_eq!(row["tag"], AttributeValue::S("synced".to_owned()));
    assert_eq!(row["exp"], AttributeValue::N("4102444800000001".to_owned()));
    assert_eq!(row["ttl"], AttributeValue::N("4102444801".to_owned()), "whole seconds, never too early");
}

#[tokio::test]
async fn a_body_is_deflated_where_that_saves_something() {
    let under = through(|_| Fate::Pass).await;
    let short = "a".repeat(700);
    let long = format!("[{}]", vec![r#"{"id":"ORDER-0001","state":"COMPLETED"}"#; 8_000].join(","));
    assert!(long.len() > 300_000);
    // Letters without any order do not deflate below three quarters, and stay below what a row may have.
    let mut state = 7_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + u8::try_from((state >> 33) % 94).unwrap())
    };
    let wild: String = (0..300_000).map(|_| letter()).collect();
    for (sk, body) in [("short", &short), ("long", &long), ("wild", &wild)] {
        assert_eq!(under.store.write_each(vec![create(sk, body)]).await.unwrap(), [Written::Done]);
        let found = under.store.get(&Key::new("P", sk)).await.unwrap().unwrap();
        assert!(found.body == *body, "{sk} does not come back as it went");
    }
    assert!(row(&under, "short").await["body"].is_s());
    let packed = row(&under, "long").await["body"].as_b().unwrap().as_ref().len();
    assert!(packed < 3_000, "{packed} bytes");
    let error = under.store.write_each(vec![create("huge", &"x".repeat(5_000_000))]).await.unwrap_err();
    assert!(error.detail.contains("P huge: a body that is too long"), "{error}");
}

#[tokio::test]
async fn calls_tell_what_they_cost() {
    let under = through(|_| Fate::Pass).await;
    under.store.write_each(vec![create("a", "1"), create("b", "1")]).await.unwrap();
    assert_eq!(under.store.take_used(), Used { read_tenths: 0, write_tenths: 20 });
    under.store.transact(vec![create("c", "1"), create("d", "1")]).await.unwrap();
    assert_eq!(under.store.take_used(), Used { read_tenths: 0, write_tenths: 40 }, "twice the price");
    under.store.get(&Key::new("P", "a")).await.unwrap();
    under.store.query("P", "", None, 10).await.unwrap();
    under.store.tally("P", "").await.unwrap();
    under.store.get_many(&[Key::new("P", "a"), Key::new("P", "b")]).await.unwrap();
    assert_eq!(under.store.take_used(), Used { read_tenths: 50, write_tenths: 0 });
    assert_eq!(under.store.write_each(vec![create("a", "1")]).await.unwrap(), [Written::Conflict]);
    assert_eq!(under.store.take_used(), Used { read_tenths: 0, write_tenths: 10 });
}
