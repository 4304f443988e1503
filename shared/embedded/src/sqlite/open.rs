//! Opening the file: settings, versions, refusals.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::schema::{APPLICATION_ID, SCRUBBED, STEPS};
use super::scrub;
use crate::error::{DataError, Kind};
use crate::permissions;

/// How long to wait for another process's write. Ours take milliseconds.
const BUSY: Duration = Duration::from_secs(30);
/// Distinct statements are few; none should ever be compiled twice.
const STATEMENTS: usize = 64;

/// Holds the inner pages of a few hundred thousand items; the default of 2 MiB does not.
const WRITER_CACHE_KIB: i64 = 8 * 1024;

/// Held while a connection of this process is made, see [`create`].
static OPENING: Mutex<()> = Mutex::new(());

/// The writing connection, over a file that is there and up to date.
pub(super) fn writer(path: &Path) -> Result<Connection, DataError> {
    let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    create(path).map_err(|error| DataError::from_io(path, &error))?;
    let failed = |error: rusqlite::Error| DataError::from_sqlite(path, &error);
    let mut connection = connect(path).map_err(failed)?;
    // Before anything is written: a file of somebody else must stay as it is.
    version_now(path, &mut connection)?;
    into_wal(&connection).map_err(failed)?;
    // FULL: an answered write survives a power cut, as the engine acknowledges messages on the strength of it.
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    // Pages that several commits change are written back once; larger logs gained nothing more.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(failed)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024).map_err(failed)?;
    migrate(path, &mut connection)?;
    Ok(connection)
}

/// The reading connection; it cannot write by accident.
pub(super) fn reader(path: &Path) -> Result<Connection, DataError> {
    let open = || {
        let connection = connect(path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|error| DataError::from_sqlite(path, &error))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    scrub::overwrite_deleted(&connection)?;
    Ok(connection)
}

/// Makes the file if there is none: SQLite would make it readable by all. Its `-wal` and `-shm` take over the mode.
///
/// A file that exists is not touched, and a new one only under [`OPENING`]: closing any handle of a file drops all
/// POSIX locks this process has on it, those of a connection on another thread too.
fn create(path: &Path) -> io::Result<()> {
    match permissions::private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// As [`version`], in a look of its own.
fn version_now(path: &Path, connection: &mut Connection) -> Result<usize, DataError> {
    let tx = connection.transaction().map_err(|error| DataError::from_sqlite(path, &error))?;
    version(path, &tx)
}

/// The file's version; a newer one is refused, and another program's file. Three looks in one transaction: between
/// two of them another process may be making the tables.
fn version(path: &Path, tx: &Transaction<'_>) -> Result<usize, DataError> {
    let look = || {
        let id: i64 = tx.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let held: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let tables: i64 = tx.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((id, held, tables))
    };
    let (id, held, tables) = look().map_err(|error| DataError::from_sqlite(path, &error))?;
    if id != APPLICATION_ID && (tables > 0 || held != 0 || id != 0) {
        return Err(DataError::new(Kind::Unreadable, path, "this is a database of another program"));
    }
    match usize::try_from(held) {
        Ok(version) if version <= STEPS.len() => Ok(version),
        _ => {
            let what = format!("its version is {held}, this tillsync knows up to {}", STEPS.len());
            Err(DataError::new(Kind::NewerVersion, path, what))
        }
    }
}

/// Turns on the write-ahead log. The change of mode does not wait for other processes by itself.
fn into_wal(connection: &Connection) -> rusqlite::Result<()> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
            Err(error) if waited < BUSY && error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                thread::sleep(PAUSE);
                waited += PAUSE;
            }
            done => return done,
        }
    }
}

/// Takes the steps that are missing, each with its number in one transaction.
fn migrate(path: &Path, connection: &mut Connection) -> Result<(), DataError> {
    let failed = |error: rusqlite::Error| DataError::from_sqlite(path, &error);
    for (number, step) in STEPS.iter().enumerate() {
        if version_now(path, connection)? > number {
            continue;
        }
        if number == SCRUBBED {
            // It cannot be within a transaction. Done twice by two processes it does no harm.
            scrub::rewrite(connection).map_err(failed)?;
        }
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        // Another process may have been quicker between the look and the lock.
        if version(path, &tx)? == number {
            tx.execute_batch(step).map_err(failed)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
            tx.pragma_update(None, "user_version", number + 1).map_err(failed)?;
        }
        tx.commit().map_err(failed)?;
    }
    Ok(())
}
