//! What can go wrong with the data directory, by what the operator can do about it.

use std::io;
use std::path::{Path, PathBuf};

use tillsync_engine::ports::PortError;
use tillsync_mapping::source::CodeText;

/// Something in the data directory cannot be used. Prints the code, the path and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}: {what}. {}", self.code(), path.display(), self.action())]
pub struct DataError {
    kind: Kind,
    path: PathBuf,
    what: String,
}

/// The kinds of [`DataError`], in the order of [`CODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    DirectoryWritable,
    NewerVersion,
    Unreadable,
    Busy,
    Full,
    NotWritable,
    SecretsReadable,
    SecretsUnreadable,
    Remains,
    Failed,
}

/// Every code of this crate. A [`Kind`] is the index of its line.
pub const CODES: &[CodeText] = &[
    CodeText {
        code: "data.directory",
        meaning: "The data directory cannot be made or opened.",
        action: "Choose another one with --data, or give your user the right to write there.",
    },
    CodeText {
        code: "data.directory_writable",
        meaning: "Other users may change files in the data directory.",
        action: "Run chmod 700 on the directory.",
    },
    CodeText {
        code: "data.newer_version",
        meaning: "The database was written by a newer version of tillsync.",
        action: "Install that version or a later one; nothing was changed.",
    },
    CodeText {
        code: "data.unreadable",
        meaning: "The database is damaged, or is no database of tillsync.",
        action: "Stop tillsync, keep a copy of the data directory, and put a backup in its place, or start with an \
                 empty directory and connect again: what was sent stays in ActiveCampaign.",
    },
    CodeText {
        code: "data.busy",
        meaning: "Another process kept the file locked for too long.",
        action: "Try again; if it lasts, look for a backup or a stopped process that holds the file.",
    },
    CodeText {
        code: "data.full",
        meaning: "The disk is full.",
        action: "Free some space; work goes on from where it stopped.",
    },
    CodeText {
        code: "data.not_writable",
        meaning: "A file of the data directory cannot be opened or written.",
        action: "Give your user the right to read and write it, and see that the disk is not mounted read-only.",
    },
    CodeText {
        code: "data.secrets_readable",
        meaning: "Other users may read the file of secrets.",
        action: "Run chmod 600 on the file; if others were on this machine, renew the tokens.",
    },
    CodeText {
        code: "data.secrets_unreadable",
        meaning: "The file of secrets is damaged.",
        action: "Put a backup in its place, or move it away and reconnect every connection.",
    },
    CodeText {
        code: "data.remains",
        meaning: "The person is erased from every row, but the files may still hold bytes of what was there before.",
        action: "Run the same command again; if it lasts, stop the other processes that use the data directory, and see \
                 that the disk has room for the database once more.",
    },
    CodeText {
        code: "data.failed",
        meaning: "The operating system or the database refused for another reason.",
        action: "The message names the reason; try again once it is mended.",
    },
];

impl DataError {
    pub(crate) fn new(kind: Kind, path: &Path, what: impl Into<String>) -> Self {
        Self { kind, path: path.to_owned(), what: what.into() }
    }

    /// The stable code, as `data.newer_version`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.text().code
    }

    /// What to do about it.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.text().action
    }

    /// The file or directory it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn text(&self) -> &'static CodeText {
        // A test holds the order of the list against the kinds.
        CODES.get(self.kind as usize).unwrap_or(&CODES[CODES.len() - 1])
    }

    /// A failure of the file system.
    pub(crate) fn from_io(path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Kind::NotWritable,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Kind::Full,
            _ => Kind::Failed,
        };
        Self::new(kind, path, error.to_string())
    }

    /// A failure of the database. SQLite's messages name tables and columns, never values.
    pub(crate) fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as E;
        let kind = match error.sqlite_error_code() {
            Some(E::DatabaseBusy | E::DatabaseLocked | E::FileLockingProtocolFailed) => Kind::Busy,
            Some(E::DatabaseCorrupt | E::NotADatabase) => Kind::Unreadable,
            Some(E::DiskFull) => Kind::Full,
            Some(E::ReadOnly | E::CannotOpen | E::PermissionDenied) => Kind::NotWritable,
            _ => Kind::Failed,
        };
        Self::new(kind, path, error.to_string())
    }

    /// As a port tells it.
    pub(crate) fn for_port(&self, what: &'static str) -> PortError {
        PortError { what, detail: self.to_string() }
    }
}
