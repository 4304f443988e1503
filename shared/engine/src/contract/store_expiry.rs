//! What has expired and is still there counts as gone.

use std::time::Duration;

use jiff::SignedDuration;

use super::Subject;
use super::store::{create, item, put, seed, seen, write};
use super::store_reading::page;
use crate::ports::{Condition, Item, Key, Store, Write, Written};

type Under = Subject<dyn Store>;

/// Four items that expire soon, one later, one never.
async fn mixed_items(under: &Under) {
    let soon = under.time.now() + SignedDuration::from_secs(4);
    let brief = |sk: &str| Item { expires: Some(soon), tag: "t".to_owned(), ..item("P", sk, "brief") };
    let later = Item { expires: Some(soon + SignedDuration::from_hours(2)), ..brief("c") };
    let lasting = Item { expires: None, ..brief("d") };
    let items = [brief("a"), brief("b"), later, lasting, brief("e"), brief("f")];
    seed(under, items.into_iter().map(|item| put(item, Condition::Absent)).collect()).await;
}

pub(super) async fn nothing_reads_what_expired(under: &Under) {
    mixed_items(under).await;
    assert_eq!(page(under, "P", "", None, 9).await.len(), 6, "nothing expires early");
    under.time.pass(Duration::from_secs(5)).await;
    assert_eq!(seen(under, "P", "a").await, None);
    let found = under.port.get_many(&[Key::new("P", "a"), Key::new("P", "d")]).await.expect("reads");
    assert!(found[0].is_none() && found[1].is_some());
    assert_eq!(page(under, "P", "", None, 2).await, ["c", "d"], "an expired item takes no place in a page");
    assert_eq!(under.port.tally("P", "").await.expect("counts"), [("t".to_owned(), 2)].into());
}

pub(super) async fn no_condition_finds_what_expired(under: &Under) {
    mixed_items(under).await;
    assert_eq!(write(under, create("P", "a", "x")).await, Written::Conflict, "it is still there");
    under.time.pass(Duration::from_secs(5)).await;
    let check = |sk: &str, when| Write::Check { key: Key::new("P", sk), when };
    assert_eq!(write(under, check("a", Condition::Rev(1))).await, Written::Conflict, "it has no revision");
    assert_eq!(write(under, check("a", Condition::Absent)).await, Written::Done);
    assert_eq!(write(under, put(item("P", "e", "x"), Condition::Rev(1))).await, Written::Conflict);
    let delete = Write::Delete { key: Key::new("P", "e"), when: Condition::Rev(1) };
    assert_eq!(write(under, delete).await, Written::Conflict);
    assert_eq!(write(under, create("P", "a", "again")).await, Written::Done);
    assert_eq!(seen(under, "P", "a").await, Some((1, "again".to_owned())), "its count starts anew");
    let both = vec![create("P", "b", "again"), check("f", Condition::Absent)];
    assert_eq!(under.port.transact(both).await.expect("answers"), Written::Done);
    let found = under.port.get(&Key::new("P", "b")).await.expect("reads").expect("is there");
    assert_eq!(
        (found.rev, found.expires, found.tag.as_str()),
        (1, None, ""),
        "nothing of the expired one is left"
    );
}
