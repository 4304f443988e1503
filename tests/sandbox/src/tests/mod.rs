//! What the stand-ins promise.

mod account;
mod awkward;
mod behind;
mod consent;
mod faults;
mod graphql;
mod probe;
mod shop;
mod square;

/// Token count and first field, for the test of the counter.
fn tokens(document: &str) -> (usize, Option<String>) {
    crate::ac::scan(document)
}
