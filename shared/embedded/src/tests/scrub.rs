//! What is deleted is off the disk.

use rusqlite::Connection;
use tillsync_engine::ports::{Condition, Item, Key, Store, Write};

use super::{Place, create, item, open, place};

/// What is looked for. Short enough for one page, so that it cannot hide by being cut.
const PERSON: &str = "person@example.org";

/// Whether any file of the directory holds the person.
fn held(place: &Place) -> bool {
    std::fs::read_dir(place.dir.path()).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(PERSON.len()).any(|part| part == PERSON.as_bytes())
    })
}

/// Bodies of very different length, so that pages are split, joined and freed, and long ones overflow.
fn body(n: usize) -> String {
    format!(
        "{}{PERSON}{}",
        "x".repeat(n * 37 % 700),
        "y".repeat(if n.is_multiple_of(9) { 9_000 } else { n % 50 })
    )
}

async fn fill_and_empty(sqlite: &crate::Sqlite) {
    for round in 0..20 {
        let all = (0..50).map(|n| create(&format!("{:04}", (n * 7919 + round) % 10_000), &body(n + round)));
        sqlite.write_each(all.collect()).await.unwrap();
    }
    let rows = sqlite.query("P", "", None, 1_000).await.unwrap();
    for (n, row) in rows.into_iter().enumerate() {
        let (key, when) = (row.key, Condition::Rev(row.rev));
        let write = if n.is_multiple_of(2) {
            Write::Delete { key, when }
        } else {
            Write::Put { item: Item { key, ..item("", "erased") }, when }
        };
        sqlite.transact(vec![write]).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_of_what_was_emptied_is_left_in_the_files() {
    let place = place();
    let sqlite = open(&place.dir);
    // Another process, as `serve` beside a command.
    let other = open(&place.dir);
    fill_and_empty(&sqlite).await;
    assert!(other.get(&Key::new("P", "0000")).await.is_ok());
    assert!(held(&place), "the log holds it");
    sqlite.scrub().await.unwrap();
    assert!(!held(&place));
    let before = sqlite.query("P", "", None, 1_000).await.unwrap();
    assert_eq!(other.query("P", "", None, 1_000).await.unwrap(), before);
    other.write_each(vec![create("zz", "1")]).await.unwrap();
    sqlite.check().await.unwrap();
}

#[tokio::test]
async fn what_an_earlier_version_left_goes_with_the_first_opening() {
    let place = place();
    drop(open(&place.dir));
    {
        // As that version did: nothing is overwritten, and the file says so by its version.
        let raw = Connection::open(place.dir.database()).unwrap();
        let tx = raw.unchecked_transaction().unwrap();
        for n in 0..200 {
            let values = ("P", format!("{n:04}"), body(n));
            tx.execute("INSERT INTO items VALUES (?1, ?2, 1, NULL, '', ?3)", values).unwrap();
        }
        tx.commit().unwrap();
        raw.execute("DELETE FROM items WHERE sk <> '0001'", []).unwrap();
        raw.execute("UPDATE items SET body = 'erased'", []).unwrap();
        raw.pragma_update(None, "user_version", 1).unwrap();
    }
    assert!(held(&place));
    let sqlite = open(&place.dir);
    assert!(!held(&place));
    assert_eq!(sqlite.get(&Key::new("P", "0001")).await.unwrap().unwrap().body, "erased");
}

#[tokio::test]
async fn a_reader_in_the_way_is_told_of() {
    let place = place();
    let sqlite = open(&place.dir);
    fill_and_empty(&sqlite).await;
    let raw = Connection::open(place.dir.database()).unwrap();
    let looking = raw.unchecked_transaction().unwrap();
    let _: i64 = looking.query_row("SELECT COUNT(*) FROM items", [], |row| row.get(0)).unwrap();
    sqlite.wait_for_others(std::time::Duration::ZERO).unwrap();
    let error = super::refused(sqlite.scrub().await);
    assert_eq!(error.code(), "data.remains");
    drop(looking);
    sqlite.scrub().await.unwrap();
    assert!(!held(&place));
}
