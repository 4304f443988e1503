//! What happened in a schedule, told without a word of the engine's: all that the checker sees.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::shop::{Person, Sale};

/// A write of an order that took effect at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// When.
    pub at: Timestamp,
    /// Which order.
    pub order: String,
    /// `storeModifiedDate`, as sent.
    pub modified: String,
    /// `storeCreatedDate`, as sent.
    pub date: String,
    /// `finalAmount`, as sent.
    pub amount: String,
    /// `normalizedStatus`, as sent.
    pub status: String,
    /// Whether it may start automations.
    pub live: bool,
    /// Whether it came through the destination's queue.
    pub queued: bool,
}

/// Something that was seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A request left for the destination, or for the source.
    Called {
        /// To the destination.
        destination: bool,
        /// What is called.
        operation: &'static str,
        /// By which process.
        process: u32,
        /// Whether it changes anything there.
        writes: bool,
    },
    /// A write of this order went nowhere: the request, or what the destination had queued.
    Vanished(String),
    /// A watermark was written: its key and its value.
    Watermark {
        /// Where it lives.
        key: String,
        /// The instant.
        to: Timestamp,
    },
    /// Whoever ended the connection was told that it is ended.
    Ended,
    /// Somebody begins it again.
    Begun,
    /// The store refuses the token from here on, or takes it again.
    Revoked(bool),
    /// A process asks for a new access token.
    Renewing(u32),
    /// It knows what came of it.
    Renewed(u32),
    /// The authorisation was given back to the store.
    TakenBack,
    /// Somebody is to authorise again.
    AskedToReconnect,
    /// A process ended in the middle of something.
    Fell(u32),
    /// A process was stopped because its time was up.
    TimeUp(u32),
}

/// The whole story.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What was seen, in order.
    pub facts: Vec<(Timestamp, Fact)>,
    /// What took effect at the destination, in order.
    pub landed: Vec<Landed>,
    /// What the destination holds in the end: amount and status by order.
    pub there: BTreeMap<String, (String, String)>,
    /// Whose they are there: the address, by order.
    pub buyers: BTreeMap<String, String>,
    /// What every order's row is counted by.
    pub tags: BTreeMap<String, String>,
    /// Whether the store was signed in to, so that its token can be renewed.
    pub signed_in: bool,
    /// Whether processes stood still.
    pub paused: bool,
    /// What its customers say of marketing, by address.
    pub consent: BTreeMap<String, Option<bool>>,
    /// What the store holds in the end.
    pub sales: Vec<Sale>,
    /// Its people.
    pub people: Vec<Person>,
    /// Every durable item in the end: partition, sort key, body.
    pub items: Vec<(String, String, String)>,
    /// Ids the destination refuses.
    pub poisoned: Vec<String>,
    /// When the connection was made.
    pub connected: Timestamp,
    /// Whether a history was asked for; else only what is newer than the connection is wanted.
    pub backfilled: bool,
    /// Whether nothing went wrong.
    pub faultless: bool,
    /// Whether the process ended at moments that were chosen, and nothing else went wrong.
    pub enumerated: bool,
    /// Whether a comparison repaired: what it sends again goes as history.
    pub repaired: bool,
    /// Whether somebody asked for something by hand.
    pub asked: bool,
    /// Times somebody changed their mind about e-mails.
    pub consents: usize,
    /// When faults ended.
    pub calm: Timestamp,
    /// The end.
    pub end: Timestamp,
}
