//! The one process that owns a data directory and talks to the platforms (rules.md section 7).

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::process;

use jiff::Timestamp;

use crate::dir::DataDir;
use crate::error::DataError;
use crate::permissions;

/// Proof that this process owns a data directory, until it is dropped or the process ends in any way.
///
/// The lock is the operating system's, on an open file: a killed owner leaves it free at once, and the text in
/// the file is only for people. The file itself stays, since deleting it would let two processes lock two files.
#[derive(Debug)]
pub struct Owner {
    _lock: File,
}

impl Owner {
    /// Takes the directory if nobody has it. A new owner calls `Sqlite::free_leases` before it works.
    pub fn try_take(dir: &DataDir) -> Result<Option<Self>, DataError> {
        let path = dir.owner_lock();
        let failed = |error: io::Error| DataError::from_io(&path, &error);
        let mut file = permissions::open_private(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let started = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        file.set_len(0).map_err(failed)?;
        writeln!(file, "pid {} since {started}", process::id()).map_err(failed)?;
        Ok(Some(Self { _lock: file }))
    }

    /// What the last owner wrote about itself, as `pid 4711 since 2026-05-04T10:00:00Z`: for a message, after
    /// [`Owner::try_take`] found the directory taken. Empty while an owner is just starting.
    #[must_use]
    pub fn describe(dir: &DataDir) -> String {
        fs::read_to_string(dir.owner_lock()).unwrap_or_default().trim().to_owned()
    }
}
