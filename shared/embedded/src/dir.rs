//! The data directory: what lies where.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{DataError, Kind};
use crate::permissions;

/// The directory everything is kept in. It exists, and only its owner can change it.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Opens the directory; a missing one is made, with its parents, for its owner only (0700). One that others
    /// may write to is refused, since they could put a file of theirs in the place of ours.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DataError> {
        let path = path.into();
        permissions::create_private_dir(&path)
            .map_err(|error| DataError::new(Kind::Directory, &path, error.to_string()))?;
        let metadata =
            fs::metadata(&path).map_err(|error| DataError::new(Kind::Directory, &path, error.to_string()))?;
        if !metadata.is_dir() {
            return Err(DataError::new(Kind::Directory, &path, "this is no directory"));
        }
        if permissions::others_may_write(&metadata) {
            return Err(DataError::new(Kind::DirectoryWritable, &path, "other users may write here"));
        }
        Ok(Self { path })
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether only its owner can look into it. Not needed, since the files are private by themselves.
    pub fn is_private(&self) -> Result<bool, DataError> {
        let metadata = fs::metadata(&self.path).map_err(|error| DataError::from_io(&self.path, &error))?;
        Ok(!permissions::others_may_read(&metadata))
    }

    /// The database; beside it lie `-wal` and `-shm`, which belong to it.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("tillsync.db")
    }

    /// The key that secrets are sealed with.
    #[must_use]
    pub fn data_key(&self) -> PathBuf {
        self.path.join("data.key")
    }

    /// Where older versions kept the secrets.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.path.join("secrets.json")
    }

    /// Held while something is sealed, or the key is changed.
    pub(crate) fn secrets_lock(&self) -> PathBuf {
        self.path.join("secrets.lock")
    }

    /// Held by the process that owns the directory.
    #[must_use]
    pub fn owner_lock(&self) -> PathBuf {
        self.path.join("owner.lock")
    }
}
