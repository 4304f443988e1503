//! What cannot be used is refused, and left as it is.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tillsync_engine::ports::{Key, Store};

use super::{create, open, place, refused};
use tillsync_host::SystemClock;

use crate::{DataDir, DataError, Sqlite};

fn attempt(dir: &DataDir) -> Result<Sqlite, DataError> {
    Sqlite::open(dir, Arc::new(SystemClock))
}

#[tokio::test]
async fn a_newer_database_is_refused_untouched() {
    let place = place();
    open(&place.dir).write_each(vec![create("a", "1")]).await.unwrap();
    let raw = Connection::open(place.dir.database()).unwrap();
    let version: i64 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    raw.pragma_update(None, "user_version", version + 1).unwrap();
    assert_eq!(refused(attempt(&place.dir)).code(), "data.newer_version");
    let left: i64 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(left, version + 1);
    raw.pragma_update(None, "user_version", version).unwrap();
    assert!(open(&place.dir).get(&Key::new("P", "a")).await.unwrap().is_some());
}

#[test]
fn another_programs_database_is_refused_untouched() {
    let place = place();
    let raw = Connection::open(place.dir.database()).unwrap();
    raw.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    assert_eq!(refused(attempt(&place.dir)).code(), "data.unreadable");
    let mode: String = raw.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    let tables: i64 = raw.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!((mode.as_str(), tables), ("delete", 1));
}

#[test]
fn a_file_that_is_no_database_is_refused_untouched() {
    let place = place();
    let text = "This is a letter, not a database. ".repeat(100);
    fs::write(place.dir.database(), &text).unwrap();
    assert_eq!(refused(attempt(&place.dir)).code(), "data.unreadable");
    assert_eq!(fs::read_to_string(place.dir.database()).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_database_is_told() {
    let place = place();
    let sqlite = open(&place.dir);
    sqlite
        .write_each((0..500).map(|n| create(&format!("{n:03}"), &"x".repeat(500))).collect())
        .await
        .unwrap();
    sqlite.check().await.unwrap();
    drop(sqlite);
    let mut bytes = fs::read(place.dir.database()).unwrap();
    assert!(
        !Path::new(&format!("{}-wal", place.dir.database().display())).exists(),
        "the last one out tidies up"
    );
    // The first page holds the schema and stays; every other one is overwritten.
    bytes[4096..].fill(0xa5);
    fs::write(place.dir.database(), bytes).unwrap();
    let told = match attempt(&place.dir) {
        Ok(sqlite) => {
            let error = sqlite.get(&Key::new("P", "001")).await.unwrap_err();
            assert!(error.to_string().contains("data.unreadable"), "{error}");
            refused(sqlite.check().await)
        }
        Err(error) => error,
    };
    assert_eq!(told.code(), "data.unreadable");
}

#[test]
fn a_directory_that_cannot_be_is_refused() {
    let place = place();
    let file = place.dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_eq!(refused(DataDir::open(&file)).code(), "data.directory");
    assert_eq!(refused(DataDir::open(file.join("below"))).code(), "data.directory");
    fs::create_dir(place.dir.database()).unwrap();
    refused(attempt(&place.dir));
}
