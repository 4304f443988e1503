//! The engine's ports on one machine: one SQLite file, one file with the key of its secrets, one lock that says who owns them.
//!
//! Everything lives in a [`DataDir`]. Any number of processes may open [`Sqlite`] and [`DirVault`] at once; the
//! one that holds [`Owner`] talks to the platforms.

mod dir;
mod error;
mod owner;
mod permissions;
mod sqlite;
mod vault;

pub use dir::DataDir;
pub use error::{CODES, DataError};
pub use owner::Owner;
pub use sqlite::Sqlite;
pub use vault::DirVault;

#[cfg(test)]
mod tests;
