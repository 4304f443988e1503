//! The file in which older versions kept secrets as they are: taken over once, then removed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};

use serde::Deserialize;

use crate::dir::DataDir;
use crate::error::{DataError, Kind};
use crate::permissions;

/// The version of the file's shape.
const VERSION: u32 = 1;

/// The file. No `Debug`: it would print them all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    version: u32,
    secrets: BTreeMap<String, String>,
}

/// What the file holds, if there is one.
pub(super) fn read(dir: &DataDir) -> Result<Option<BTreeMap<String, String>>, DataError> {
    let path = dir.secrets();
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
    let damaged = |what: String| DataError::new(Kind::SecretsUnreadable, &path, what);
    // The parser's own message may quote what it stumbled over, so only the place is told.
    let held: Secrets = serde_json::from_str(&text)
        .map_err(|error| damaged(format!("line {}, column {}", error.line(), error.column())))?;
    if held.version > VERSION {
        let what = format!("version {} is newer than {VERSION}", held.version);
        return Err(DataError::new(Kind::NewerVersion, &path, what));
    }
    Ok(Some(held.secrets))
}

/// Removes it for good.
pub(super) fn remove(dir: &DataDir) -> Result<(), DataError> {
    let path = dir.secrets();
    let failed = |error: io::Error| DataError::from_io(&path, &error);
    // Left by an older version that ended while it wrote.
    match fs::remove_file(path.with_extension("json.new")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    fs::remove_file(&path).and_then(|()| permissions::sync_dir(dir.path())).map_err(failed)
}
