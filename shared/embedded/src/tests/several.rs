//! Several processes on one file.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::Connection;
use tillsync_engine::ports::{Condition, Key, Lane, Queue, Store, Write, Written};

use super::child::{Running, start};
use super::{create, item, open, place};
use crate::Sqlite;

/// Adds one to a number `times` times.
pub(super) async fn increment(sqlite: &Sqlite, times: usize) {
    for _ in 0..times {
        loop {
            let found = sqlite.get(&Key::new("P", "n")).await.unwrap().unwrap();
            let count: u64 = found.body.parse().unwrap();
            let write =
                Write::Put { item: item("n", &(count + 1).to_string()), when: Condition::Rev(found.rev) };
            if sqlite.write_each(vec![write]).await.unwrap() == [Written::Done] {
                break;
            }
        }
    }
}

#[tokio::test]
async fn processes_that_count_together_lose_nothing() {
    let place = place();
    let sqlite = open(&place.dir);
    sqlite.write_each(vec![create("n", "0")]).await.unwrap();
    let children = [start("increment", &place.dir), start("increment", &place.dir)];
    let second = open(&place.dir);
    join_all([increment(&sqlite, 40), increment(&second, 40)]).await;
    children.into_iter().for_each(Running::finish);
    let found = sqlite.get(&Key::new("P", "n")).await.unwrap().unwrap();
    assert_eq!(found.body, "160");
}

#[tokio::test]
async fn two_handles_never_take_the_same_message() {
    let place = place();
    let handles = [open(&place.dir), open(&place.dir), open(&place.dir)];
    let bodies = (0..300).map(|n| n.to_string()).collect();
    handles[0].send(Lane::Live, "g", bodies, Duration::ZERO).await.unwrap();
    let drain = async |sqlite: &Sqlite| {
        let mut mine = Vec::new();
        loop {
            let taken = sqlite.receive(Lane::Live, 7, Duration::from_secs(600)).await.unwrap();
            if taken.is_empty() {
                return mine;
            }
            mine.extend(taken.into_iter().map(|delivery| delivery.body));
        }
    };
    let held: Vec<String> = join_all(handles.iter().map(drain)).await.concat();
    assert_eq!(held.len(), 300);
    assert_eq!(held.into_iter().collect::<BTreeSet<_>>().len(), 300);
}

#[tokio::test]
async fn a_new_file_can_be_opened_by_many_at_once() {
    let place = place();
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&place.dir))).collect();
        for handle in opened {
            handle.join().unwrap();
        }
    });
    open(&place.dir).check().await.unwrap();
}

#[tokio::test]
async fn a_new_file_can_be_opened_by_many_processes_at_once() {
    let place = place();
    let mut children: Vec<Running> = (0..6).map(|_| start("open", &place.dir)).collect();
    for child in &mut children {
        child.says();
    }
    children.into_iter().for_each(Running::finish);
    open(&place.dir).check().await.unwrap();
}

#[tokio::test]
async fn opening_again_leaves_the_locks_of_others_alone() {
    let place = place();
    let sqlite = open(&place.dir);
    for n in 0..20 {
        let other = open(&place.dir);
        sqlite.write_each(vec![create(&format!("{n}"), "1")]).await.unwrap();
        drop(other);
        sqlite.write_each(vec![create(&format!("{n}-"), "1")]).await.unwrap();
    }
    assert_eq!(open(&place.dir).query("P", "", None, 99).await.unwrap().len(), 40);
    sqlite.check().await.unwrap();
}

#[tokio::test]
async fn readers_do_not_wait_for_a_writer() {
    let place = place();
    let sqlite = open(&place.dir);
    sqlite.write_each(vec![create("a", "1")]).await.unwrap();
    let other = Connection::open(place.dir.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE items SET body = '2'").unwrap();
    let found = sqlite.get(&Key::new("P", "a")).await.unwrap().unwrap();
    assert_eq!(found.body, "1", "what is not committed is not seen");
    assert!(
        sqlite.receive(Lane::Live, 10, Duration::ZERO).await.unwrap().is_empty(),
        "an idle look takes no lock"
    );
    other.execute_batch("COMMIT").unwrap();
    let found = sqlite.get(&Key::new("P", "a")).await.unwrap().unwrap();
    assert_eq!(found.body, "2", "what is committed is seen at once");
}
