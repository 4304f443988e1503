//! What tillsync does, without knowing where it runs: connect, read windows, deliver, account for every record.
//!
//! A host gives an [`Engine`] its ports; the engine names no platform and no host.

pub mod alerts;
pub mod budget;
mod codes;
pub mod connect;
pub mod connections;
mod context;
pub mod contract;
pub mod deliver;
pub mod doctor;
pub mod entry;
pub mod erase;
mod fault;
mod fence;
pub mod find;
pub mod intake;
mod ledger;
pub mod manage;
pub mod memory;
mod merged;
pub mod message;
mod meter;
mod nearest;
mod paced;
mod plan;
pub mod ports;
pub mod preview;
#[cfg(test)]
mod rules;
pub mod run;
pub mod shapes;
pub mod sign_in;
pub mod state;
mod sums;
#[cfg(test)]
mod testing;
pub mod tokens;

pub use codes::{codes, explained};
pub use context::{Config, Engine, Timing};
pub use fault::{CODES, Fault, Kind};
pub use meter::{Meter, Metric};
pub use paced::{End, Paced, pause_asked};
pub use plan::{day, day_of, history_from, years};
pub use sums::{Calls, Outcome, Streams, Tally};
