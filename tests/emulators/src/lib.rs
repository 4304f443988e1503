//! Starts the stand-ins of AWS for tests: DynamoDB inside the test itself ([`dynoxide`]), AWS's own DynamoDB
//! ([`DynamoLocal`]), and two of SQS and Secrets Manager ([`Moto`], [`Ministack`]). Each listens on a free port
//! of 127.0.0.1, has an address for the SDK ([`sdk`]), and ends with the test, even one that is killed.
//! [`Proxy`] stands between and loses replies.
//!
//! The tools lie below `target/tools`; `tests/tools` puts them there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code that other crates' tests call"
)]

mod create;
mod dynoxide;
mod process;
mod proxy;
mod sdk;
#[cfg(test)]
mod tests;
mod tools;

pub use create::{Queues, create_queues, create_secret, create_table};
pub use dynoxide::{Dynoxide, dynoxide};
pub use proxy::{Asked, Fate, Proxy};
pub use sdk::sdk;
pub use tools::{DynamoLocal, Ministack, Moto};
