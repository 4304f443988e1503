mod child;
mod contract;
mod damage;
mod durable;
mod owner;
mod scrub;
mod secrets;
mod several;
mod speed;

use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;
use tillsync_engine::memory::ManualClock;
use tillsync_engine::ports::{Condition, Item, Key, Write};

use tillsync_host::SystemClock;

use crate::{CODES, DataDir, DataError, Sqlite};

/// A data directory that goes with its test.
struct Place {
    dir: DataDir,
    _temp: TempDir,
}

fn place() -> Place {
    let temp = tempfile::tempdir().unwrap();
    Place { dir: DataDir::open(temp.path().join("data")).unwrap(), _temp: temp }
}

fn manual() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2026-05-04T10:00:00.123456789Z".parse::<Timestamp>().unwrap()))
}

fn open(dir: &DataDir) -> Sqlite {
    Sqlite::open(dir, Arc::new(SystemClock)).unwrap()
}

fn item(sk: &str, body: &str) -> Item {
    Item { key: Key::new("P", sk), rev: 0, tag: String::new(), body: body.to_owned(), expires: None }
}

fn create(sk: &str, body: &str) -> Write {
    Write::Put { item: item(sk, body), when: Condition::Absent }
}

/// The error of a call that must fail, with what every error must say.
fn refused<T>(result: Result<T, DataError>) -> DataError {
    let Err(error) = result else { panic!("this must be refused") };
    let text = error.to_string();
    assert!(text.starts_with(error.code()) && text.contains(error.action()), "{text}");
    assert!(text.contains(error.path().to_str().unwrap()), "{text}");
    error
}

#[test]
fn every_kind_has_its_code() {
    use crate::error::Kind::*;
    let pairs = [
        (Directory, "data.directory"),
        (DirectoryWritable, "data.directory_writable"),
        (NewerVersion, "data.newer_version"),
        (Unreadable, "data.unreadable"),
        (Busy, "data.busy"),
        (Full, "data.full"),
        (NotWritable, "data.not_writable"),
        (SecretsReadable, "data.secrets_readable"),
        (SecretsUnreadable, "data.secrets_unreadable"),
        (Remains, "data.remains"),
        (Failed, "data.failed"),
    ];
    assert_eq!(pairs.len(), CODES.len());
    for (kind, code) in pairs {
        assert_eq!(DataError::new(kind, "/d".as_ref(), "x").code(), code);
    }
    for text in CODES {
        for sentence in [text.meaning, text.action] {
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence:?}");
        }
    }
}
