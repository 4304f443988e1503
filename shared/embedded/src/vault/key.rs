//! The data key of a directory: a file of one line, newest key first, that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};

use tillsync_host::DataKey;
use tillsync_mapping::model::Secret;

use crate::dir::DataDir;
use crate::error::{DataError, Kind};
use crate::permissions;

/// Whoever holds it shared may seal; whoever holds it alone may change the key.
pub(super) fn lock(dir: &DataDir, alone: bool) -> Result<File, DataError> {
    let path = dir.secrets_lock();
    let failed = |error: io::Error| DataError::from_io(&path, &error);
    let file = permissions::open_private(&path).map_err(failed)?;
    if alone { file.lock() } else { file.lock_shared() }.map_err(failed)?;
    Ok(file)
}

/// The keys as text, if there is a file.
pub(super) fn read(dir: &DataDir) -> Result<Option<Secret>, DataError> {
    let path = dir.data_key();
    let failed = |error: io::Error| DataError::from_io(&path, &error);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // Of the open file, not of the path: what was checked is what is read.
    if permissions::others_may_read(&file.metadata().map_err(failed)?) {
        return Err(DataError::new(Kind::SecretsReadable, &path, "other users may read it"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    let text = Secret::new(&text);
    DataKey::parse(&text)
        .map_err(|error| DataError::new(Kind::SecretsUnreadable, &path, error.to_string()))?;
    Ok(Some(text))
}

/// Replaces the file whole: a crash leaves the old one or the new one. Only under [`lock`], alone.
pub(super) fn replace(dir: &DataDir, keys: &Secret) -> Result<(), DataError> {
    let path = dir.data_key();
    let write = || -> io::Result<()> {
        let fresh = path.with_extension("key.new");
        // Left by a crash; opening it again would keep whatever mode it has.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = permissions::private(OpenOptions::new().write(true).create_new(true)).open(&fresh)?;
        file.write_all(keys.expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        permissions::sync_dir(dir.path())
    };
    write().map_err(|error| DataError::from_io(&path, &error))
}
