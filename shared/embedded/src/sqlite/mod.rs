//! Store and queue in one SQLite file.
//!
//! Two connections: one writes, one reads. In WAL mode a reader never waits for a writer and sees every commit
//! made before its statement began, so a long write transaction does not hold up the console. All calls block and
//! so run on tokio's blocking threads. Other processes may have the file open at the same time: whatever decides on
//! what it reads does so inside `BEGIN IMMEDIATE`, which takes the file's write lock before the first look.

mod deal;
mod items;
mod messages;
mod open;
mod schema;
mod scrub;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tillsync_engine::ports::{Clock, PortError};

use crate::dir::DataDir;
use crate::error::{DataError, Kind};

/// The database of a data directory: the engine's `Store` and `Queue`.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    write: Mutex<Connection>,
    read: Mutex<Connection>,
    clock: Arc<dyn Clock>,
}

impl Sqlite {
    /// Opens the database, made and brought up to date as needed. `clock` decides what has expired and which
    /// messages are due.
    pub fn open(dir: &DataDir, clock: Arc<dyn Clock>) -> Result<Self, DataError> {
        let path = dir.database();
        let write = open::writer(&path)?;
        let read = open::reader(&path)?;
        Ok(Self { inner: Arc::new(Inner { path, write: Mutex::new(write), read: Mutex::new(read), clock }) })
    }

    /// The version of the tables, to which every database is brought when it is opened.
    #[must_use]
    pub fn version() -> usize {
        schema::STEPS.len()
    }

    /// Reads the whole file and checks its structure: for `doctor`, since it takes seconds on a large one.
    pub async fn check(&self) -> Result<(), DataError> {
        let found = self.run(|inner| {
            inner.reading(|tx| tx.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)))
        });
        match found.await?.as_str() {
            "ok" => Ok(()),
            fault => Err(DataError::new(Kind::Unreadable, &self.inner.path, fault)),
        }
    }

    /// Leaves nothing of what was deleted or overwritten in the files, whoever wrote it: for after an erasure.
    ///
    /// # Errors
    /// `data.remains` where something may be left; the same may be tried again.
    pub async fn scrub(&self) -> Result<(), DataError> {
        let scrub = |inner: &Inner| {
            let connection = inner.write.lock().unwrap_or_else(PoisonError::into_inner);
            scrub::scrub(&inner.path, &connection)
        };
        self.run(scrub).await
    }

    /// How long this one waits for others, for tests of those who are in the way.
    #[cfg(test)]
    pub(crate) fn wait_for_others(&self, time: std::time::Duration) -> rusqlite::Result<()> {
        self.inner.write.lock().unwrap_or_else(PoisonError::into_inner).busy_timeout(time)
    }

    /// Runs blocking work where it may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, DataError> + Send + 'static,
    ) -> Result<T, DataError> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(done) => done,
            Err(error) => Err(DataError::new(Kind::Failed, &self.inner.path, error.to_string())),
        }
    }

    /// As [`Self::run`], for a port.
    async fn port<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Inner) -> Result<T, DataError> + Send + 'static,
    ) -> Result<T, PortError> {
        self.run(work).await.map_err(|error| error.for_port(what))
    }
}

impl Inner {
    /// One consistent view of the file.
    fn reading<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, DataError> {
        self.within(&self.read, TransactionBehavior::Deferred, work)
    }

    /// One write transaction; an error undoes it all.
    fn writing<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, DataError> {
        self.within(&self.write, TransactionBehavior::Immediate, work)
    }

    fn within<T>(
        &self,
        connection: &Mutex<Connection>,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, DataError> {
        // Every use ends its transaction, so a lock poisoned by a panic still guards a sound connection.
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        let result = connection.transaction_with_behavior(behavior).and_then(|tx| {
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        });
        result.map_err(|error| DataError::from_sqlite(&self.path, &error))
    }

    /// Now, as the tables hold time: microseconds since 1970.
    fn now(&self) -> i64 {
        self.clock.now().as_microsecond()
    }
}

/// Time from a table.
fn timestamp(column: usize, micros: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, micros))
}

#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static str> {
    [items::STATEMENTS, messages::STATEMENTS, deal::STATEMENTS].concat().into_iter()
}
