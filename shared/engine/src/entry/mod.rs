//! Events as the outside sends them, for hosts without a command line.

mod connecting;
mod event;
mod operator;
mod signing;
mod verbs;

#[cfg(test)]
mod tests;

pub use event::{Asked, Known};
pub use operator::{Credentials, help, operate};
