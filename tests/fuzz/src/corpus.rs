//! Inputs that lie in the tree.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Target;
use crate::mutate::Seed;

/// The folder of this package.
fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The inputs of a target, with the name of each: its own files, then the fixtures.
///
/// # Panics
/// Where a file cannot be read.
#[must_use]
pub fn of(target: &Target) -> Vec<(String, Seed)> {
    let own = files(&here().join("corpus").join(target.name));
    let own = own.into_iter().map(|path| (path.display().to_string(), Seed::new(read(&path))));
    let fixtures = (target.fixtures)().into_iter().enumerate();
    let fixtures = fixtures.map(|(n, bytes)| (format!("fixture {n}"), Seed::new(bytes)));
    own.chain(fixtures).collect()
}

/// The files of a folder of the repository, by name; none where there is no such folder.
pub(crate) fn files_in(folder: &str) -> Vec<PathBuf> {
    files(&here().join("../..").join(folder))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// A file as JSON.
///
/// # Panics
/// Where it is none.
pub(crate) fn json(path: &Path) -> Value {
    let bytes = read(path);
    let value = serde_json::from_slice(&bytes);
    assert!(value.is_ok(), "{} is not JSON", path.display());
    value.unwrap_or_default()
}

/// A file of the repository as JSON.
///
/// # Panics
/// Where it is none.
pub(crate) fn json_at(path: &str) -> Value {
    json(&here().join("../..").join(path))
}

fn read(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path);
    assert!(bytes.is_ok(), "{} cannot be read", path.display());
    bytes.unwrap_or_default()
}

/// A value as the bytes it would be sent as.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
