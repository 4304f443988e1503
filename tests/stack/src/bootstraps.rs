//! The bootstraps of the functions, driven as the services around them would: real events, real answers,
//! deadlines that kill, messages that come twice.
//!
//! Nothing of AWS is here. `runtime` is the Runtime API, `mapping` the event source mapping of a queue; the
//! APIs are those of emulators, behind an `endpoint` that notes every call. The platforms are the sandbox.

#[cfg(test)]
mod chain;
#[cfg(test)]
mod check;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod function;
#[cfg(test)]
mod harness_tests;
#[cfg(test)]
mod log;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod runtime;
#[cfg(test)]
mod sqs;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod template;
#[cfg(test)]
mod trace;
