//! The pure half of tillsync: no clock, no socket, no runtime, no storage.
//!
//! A source turns a platform's answers into the [`model`]; [`activecampaign`] turns the model into what the
//! destination takes. Both speak in requests and replies as data ([`http`]); who sends them is not known here.

pub mod activecampaign;
#[cfg(test)]
pub(crate) mod contract;
pub mod http;
pub mod model;
pub mod source;
pub mod sources;
