//! The engine under hostile schedules: one thread, virtual time, every choice from a seed.

pub mod account;
pub mod broken;
pub mod checker;
pub mod crashes;
pub mod executor;
pub mod faults;
pub mod history;
pub mod plan;
pub mod ports;
pub mod queue;
pub mod rng;
pub mod shop;
pub mod state;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod trace;
pub mod world;
