//! What was answered stays.

use std::time::Duration;

use jiff::SignedDuration;
use rusqlite::Connection;
use tillsync_engine::ports::{Clock, Condition, Item, Key, Lane, Queue, Store, Write};

use super::child::start;
use super::{create, item, manual, open, place};
use crate::Sqlite;

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let place = place();
    let (now, clock) = (manual().now(), manual());
    let lasting =
        Item { tag: "t".to_owned(), expires: Some(now + SignedDuration::from_hours(1)), ..item("a", "ü") };
    {
        let sqlite = Sqlite::open(&place.dir, clock.clone()).unwrap();
        let write = Write::Put { item: lasting.clone(), when: Condition::Absent };
        sqlite.write_each(vec![write, create("b", "2")]).await.unwrap();
        sqlite.send(Lane::History, "g", vec!["m".to_owned()], Duration::from_secs(60)).await.unwrap();
    }
    let sqlite = Sqlite::open(&place.dir, clock.clone()).unwrap();
    let found = sqlite.query("P", "", None, 9).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].tag.as_str(), found[0].body.as_str()), ("t", "ü"));
    let kept = found[0].expires.unwrap();
    assert_eq!(kept.as_microsecond(), lasting.expires.unwrap().as_microsecond());
    assert_eq!(sqlite.depth(Lane::History).await.unwrap(), 1);
    clock.advance(Duration::from_secs(60));
    let taken = sqlite.receive(Lane::History, 9, Duration::from_secs(60)).await.unwrap();
    assert_eq!(taken[0].body, "m");
    assert!(sqlite.receive(Lane::Live, 9, Duration::from_secs(60)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_it_answered() {
    let place = place();
    let mut child = start("write", &place.dir);
    let mut last = 0;
    for _ in 0..30 {
        last = child.says().parse::<u64>().unwrap();
    }
    child.kill();
    let sqlite = open(&place.dir);
    sqlite.check().await.unwrap();
    for n in 0..=last {
        let found = sqlite.query("P", &format!("{n:06}-"), None, 99).await.unwrap();
        assert_eq!(found.len(), 20, "batch {n} was answered");
    }
    // The batch it died in is there whole or not at all.
    let half = sqlite.query("P", "", Some(&format!("{last:06}-99")), 1_000).await.unwrap();
    assert_eq!(half.len() % 20, 0);
    assert!(sqlite.depth(Lane::Live).await.unwrap() > last);
}

#[tokio::test]
async fn what_expired_does_not_pile_up() {
    let place = place();
    let clock = manual();
    let sqlite = Sqlite::open(&place.dir, clock.clone()).unwrap();
    let brief = |n: usize| {
        let expires = Some(clock.now() + SignedDuration::from_secs(60));
        Write::Put { item: Item { expires, ..item(&format!("{n:03}"), "1") }, when: Condition::Absent }
    };
    sqlite.write_each((0..150).map(brief).collect()).await.unwrap();
    clock.advance(Duration::from_secs(61));
    sqlite.write_each(vec![create("x", "1")]).await.unwrap();
    sqlite.write_each(vec![create("y", "1")]).await.unwrap();
    assert_eq!(sqlite.get(&Key::new("P", "000")).await.unwrap(), None);
    let raw = Connection::open(place.dir.database()).unwrap();
    let count: i64 = raw.query_row("SELECT COUNT(*) FROM items", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 2);
}
