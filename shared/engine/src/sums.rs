//! Sums that always agree: observed = synced + unchanged + skipped + parked + pending.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the records of a stream came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All that were looked at.
    pub observed: u64,
    /// Written by this run and known to be there.
    pub synced: u64,
    /// There already, as they are.
    pub unchanged: u64,
    /// Left out, by rule.
    pub skipped: BTreeMap<String, u64>,
    /// In need of somebody, by reason.
    pub parked: BTreeMap<String, u64>,
    /// On their way.
    pub pending: u64,
    /// Of the parked: by an earlier run, and not changed since.
    #[serde(default)]
    pub parked_earlier: u64,
    /// Of the synced: sent as history although they are newer than the history, since they arrived late.
    #[serde(default)]
    pub sent_silently: u64,
    /// Of the pending: those in a flight, which counts them itself. Never stored.
    #[serde(skip)]
    pub flying: u64,
}

/// What one record came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written and there.
    Synced,
    /// There already.
    Unchanged,
    /// Left out.
    Skipped(String),
    /// Needs somebody.
    Parked(String),
    /// Needs somebody, since an earlier run.
    StillParked(String),
    /// On its way, in a flight.
    Pending,
    /// To be looked at again; no flight answers for it.
    Waiting,
}

impl Tally {
    /// Counts one record.
    pub fn count(&mut self, outcome: &Outcome) {
        self.observed += 1;
        match outcome {
            Outcome::Synced => self.synced += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Skipped(reason) => *self.skipped.entry(reason.clone()).or_default() += 1,
            Outcome::Parked(reason) => *self.parked.entry(reason.clone()).or_default() += 1,
            Outcome::StillParked(reason) => {
                *self.parked.entry(reason.clone()).or_default() += 1;
                self.parked_earlier += 1;
            }
            Outcome::Pending => {
                self.pending += 1;
                self.flying += 1;
            }
            Outcome::Waiting => self.pending += 1,
        }
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        self.observed += other.observed;
        self.synced += other.synced;
        self.unchanged += other.unchanged;
        self.pending += other.pending;
        self.sent_silently += other.sent_silently;
        self.parked_earlier += other.parked_earlier;
        self.flying += other.flying;
        for (reason, n) in &other.skipped {
            *self.skipped.entry(reason.clone()).or_default() += n;
        }
        for (reason, n) in &other.parked {
            *self.parked.entry(reason.clone()).or_default() += n;
        }
    }

    /// The same without what is in flights. A page that is read twice after a stop would else count for pending
    /// what a flight of its first reading answers for.
    #[must_use]
    pub fn without_flights(&self) -> Self {
        Self {
            observed: self.observed.saturating_sub(self.flying),
            pending: self.pending.saturating_sub(self.flying),
            flying: 0,
            ..self.clone()
        }
    }

    /// Puts what became of records in the place of what they counted for: they were observed already.
    pub fn replace(&mut self, now: &Self) {
        let there = self.unchanged.min(now.observed);
        self.unchanged -= there;
        let was_pending = self.pending.min(now.observed - there);
        self.pending -= was_pending;
        // What was not counted before is observed now.
        let observed = self.observed + (now.observed - there - was_pending);
        self.add(now);
        self.observed = observed;
    }

    /// How many are parked.
    #[must_use]
    pub fn parked_total(&self) -> u64 {
        self.parked.values().sum()
    }

    /// True when every record observed is accounted for.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let skipped: u64 = self.skipped.values().sum();
        self.observed == self.synced + self.unchanged + skipped + self.parked_total() + self.pending
    }

    /// The tally of ledger tags, as the store counts them.
    #[must_use]
    pub fn of_tags(tags: &BTreeMap<String, u64>) -> Self {
        let mut tally = Self::default();
        for (tag, n) in tags {
            tally.observed += n;
            match tag.split_once(':') {
                Some(("skipped", reason)) => *tally.skipped.entry(reason.to_owned()).or_default() += n,
                Some(("parked", reason)) => *tally.parked.entry(reason.to_owned()).or_default() += n,
                _ if tag == "pending" => tally.pending += n,
                _ => tally.synced += n,
            }
        }
        tally
    }
}

/// The tallies of a run or a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    /// Sales.
    pub orders: Tally,
    /// People.
    pub customers: Tally,
    /// Catalogue.
    pub products: Tally,
}

impl Streams {
    /// Every stream with its word.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &Tally); 3] {
        [("orders", &self.orders), ("customers", &self.customers), ("products", &self.products)]
    }

    /// How many records were parked, those of earlier runs left out.
    #[must_use]
    pub fn newly_parked(&self) -> u64 {
        self.all().iter().map(|(_, tally)| tally.parked_total().saturating_sub(tally.parked_earlier)).sum()
    }

    /// How many records were looked at.
    #[must_use]
    pub fn observed(&self) -> u64 {
        self.all().iter().map(|(_, tally)| tally.observed).sum()
    }
}

/// Calls made on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// To the source.
    pub source: u64,
    /// To the destination.
    pub destination: u64,
}

impl Calls {
    /// The sum of two.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.source += other.source;
        self.destination += other.destination;
    }
}

#[cfg(test)]
mod tests;
