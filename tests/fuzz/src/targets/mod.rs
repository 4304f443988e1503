//! The targets.

mod dates;
mod destination;
mod event;
mod message;
mod money;
mod order;
mod person;
mod row;
mod store;
mod webhook;

use crate::Target;

/// Every target that needs nothing of a host.
#[must_use]
pub fn all() -> Vec<Target> {
    let mut all = store::TARGETS.to_vec();
    all.extend(destination::TARGETS);
    all.extend([
        event::TARGET,
        message::TARGET,
        row::TARGET,
        money::TARGET,
        person::TARGET,
        dates::TARGET,
        webhook::TARGET,
    ]);
    all
}

/// Bytes as the text a reader would make of them, where only text can come in.
fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// No file of the tree is an input.
fn none() -> Vec<Vec<u8>> {
    Vec::new()
}
