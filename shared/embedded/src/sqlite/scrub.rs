//! What was deleted leaves the disk too.
//!
//! SQLite keeps what was deleted or overwritten in free pages, in the gaps of pages that were split, and in the log. So
//! every connection overwrites what it deletes (`secure_delete`), and where somebody is to be forgotten the whole file is
//! written anew: only that leaves no gap, and it also covers what earlier versions left.

use std::path::Path;

use rusqlite::Connection;

use crate::error::{DataError, Kind};

/// Every connection has this from its first instant.
pub(super) fn overwrite_deleted(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))
}

/// Writes the file anew, with what is in force and nothing else, and empties the log. Others read meanwhile and wait to
/// write; a hundred thousand orders take seconds.
pub(super) fn rewrite(connection: &Connection) -> rusqlite::Result<bool> {
    // The new file is made beside first. In memory it would take as much of that as the file is long.
    connection.pragma_update(None, "temp_store", "FILE")?;
    let done = connection.execute_batch("VACUUM").and_then(|()| empty_log(connection));
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    done
}

/// Takes the log over into the file and cuts it to nothing; false where a reader was in the way for too long.
fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        .map(|busy| busy == 0)
}

/// As [`rewrite`], for one who was promised that nothing is left.
pub(super) fn scrub(path: &Path, connection: &Connection) -> Result<(), DataError> {
    let left = |why: String| DataError::new(Kind::Remains, path, why);
    match rewrite(connection) {
        Ok(true) => Ok(()),
        Ok(false) => Err(left("another process is in the way".to_owned())),
        Err(error) => Err(left(error.to_string())),
    }
}
