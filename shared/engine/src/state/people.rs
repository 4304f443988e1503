//! Who of several runs of one store reads its customers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tagged;
use crate::ports::Key;

/// The runs of history at work for one (store, destination), and whether each has read its orders. The last one
/// to finish its orders reads the customers, so that they are read once and only people without an order are
/// left to import (rules.md section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleRuns {
    /// Run id to "its orders are read".
    pub runs: BTreeMap<String, bool>,
    /// The connection and run of the poll that reads the changed customers.
    #[serde(default)]
    pub poll: Option<(String, String)>,
    /// A history ended without anybody having read the customers: the next poll does.
    #[serde(default)]
    pub owed: bool,
}

impl PeopleRuns {
    /// Where it lives.
    #[must_use]
    pub fn key(people_partition: &str) -> Key {
        Key::new(people_partition, "RUNS")
    }

    /// How far the customers were read.
    #[must_use]
    pub fn cursor(people_partition: &str) -> Key {
        Key::new(people_partition, "CUR#customers")
    }

    /// Takes a run out. When it had not read its orders and all others have, the customers are owed.
    pub fn leave(&mut self, run: &str) {
        let unread = self.runs.remove(run) == Some(false);
        if unread && !self.runs.is_empty() && self.runs.values().all(|read| *read) {
            self.runs.clear();
            self.owed = true;
        }
    }

    /// Notes that a run read its orders. True when it is the last: it reads the customers.
    pub fn finish_orders(&mut self, run: &str) -> bool {
        self.runs.insert(run.to_owned(), true);
        let last = self.runs.values().all(|read| *read);
        if last {
            self.runs.clear();
            self.owed = false;
        }
        last
    }
}

impl Tagged for PeopleRuns {}

/// A profile that was merged into another one at the store: orders keep naming the old one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The id that no longer resolves.
    pub old: String,
    /// The profile it became.
    pub new: String,
}

impl Merged {
    /// What their keys begin with, in the partition of a store's people.
    pub const PREFIX: &'static str = "MERGED#";

    /// Where it lives.
    #[must_use]
    pub fn key(people_partition: &str, old: &str) -> Key {
        Key::new(people_partition, format!("{}{old}", Self::PREFIX))
    }
}

impl Tagged for Merged {}

/// Profiles kept of one address; beyond it something is wrong at the store.
const MAX_PROFILES: usize = 20;

/// What is known of one address of a store's people at a destination. The key holds a mark of it; the address
/// itself is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The id it goes by at the destination: of the profile that bought first.
    pub customer: Option<String>,
    /// Profiles that have bought with it.
    pub profiles: BTreeSet<String>,
    /// Profiles of which it was asked whether they became of others: that is asked once.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub asked: BTreeSet<String>,
    /// Profiles that opted out; of a few, one is enough.
    pub opted_out: BTreeSet<String>,
    /// Since when the customers that orders made before the opt-out are still to be told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Timestamp>,
}

impl Address {
    /// Where it lives.
    #[must_use]
    pub fn key(people_partition: &str, mark: &str) -> Key {
        Key::new(people_partition, format!("MAIL#{mark}"))
    }

    /// Notes that a profile opted out.
    pub fn opt_out(&mut self, profile: &str) {
        if self.opted_out.len() < MAX_PROFILES {
            self.opted_out.insert(profile.to_owned());
        }
    }

    /// Notes that it was asked what became of the others.
    pub fn ask(&mut self, profile: &str) {
        if self.asked.len() < MAX_PROFILES {
            self.asked.insert(profile.to_owned());
        }
    }

    /// Notes a profile.
    pub fn know(&mut self, profile: &str) {
        if self.profiles.len() < MAX_PROFILES {
            self.profiles.insert(profile.to_owned());
        }
    }
}

impl Tagged for Address {}
