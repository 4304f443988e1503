//! The list of sources. This is the only place that names them; a new one is a folder and its line here.

use crate::source::Source;

pub mod square;

/// Every source.
#[must_use]
pub fn all() -> Vec<&'static dyn Source> {
    vec![&square::Square]
}

/// The source of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Source> {
    all().into_iter().find(|source| source.name() == name)
}
