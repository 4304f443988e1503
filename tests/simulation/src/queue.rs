//! A queue as SQS is: at least once, in no order, invisible while in work, dead after five takings.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tillsync_engine::ports::{Dead, Delivery, Lane, MAX_ATTEMPTS};

use crate::executor::Process;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its lane.
    pub lane: Lane,
    /// What it says.
    pub body: String,
    /// When it may be taken.
    pub visible: Timestamp,
    /// Takings that count.
    pub attempts: u32,
    /// Counts takings and handings back: with the id it is the receipt.
    pub takes: u64,
    /// Who works on it.
    pub holder: Option<Process>,
}

/// Messages.
#[derive(Debug, Default)]
pub struct Messages {
    /// By number.
    pub all: BTreeMap<u64, Message>,
    /// The dead.
    pub dead: Vec<(Lane, Dead)>,
}

/// What comes of wanting a message.
#[derive(Debug)]
pub enum Taken {
    /// It is yours.
    Yours(Delivery),
    /// It was taken too often.
    Dead(String),
    /// It is not there, or not yet.
    Nothing,
}

impl Messages {
    /// Takes a message until `again`.
    pub fn take(&mut self, id: u64, process: Process, now: Timestamp, again: Timestamp) -> Taken {
        let Some(message) = self.all.get_mut(&id) else { return Taken::Nothing };
        if message.visible > now {
            return Taken::Nothing;
        }
        if message.attempts >= MAX_ATTEMPTS {
            let dead = Dead { body: message.body.clone(), attempts: message.attempts };
            let body = dead.body.clone();
            self.dead.push((message.lane, dead));
            self.all.remove(&id);
            return Taken::Dead(body);
        }
        message.attempts += 1;
        message.takes += 1;
        message.visible = again;
        message.holder = Some(process);
        Taken::Yours(Delivery {
            lane: message.lane,
            receipt: format!("{id}-{}", message.takes),
            body: message.body.clone(),
            attempts: message.attempts,
        })
    }

    /// The number of the message a receipt names, unless it was taken again or handed back.
    #[must_use]
    pub fn named(&self, receipt: &str) -> Option<u64> {
        let (id, takes) = receipt.split_once('-')?;
        let (id, takes) = (id.parse().ok()?, takes.parse::<u64>().ok()?);
        (self.all.get(&id)?.takes == takes).then_some(id)
    }
}
