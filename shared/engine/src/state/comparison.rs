//! What a comparison of the store with the destination asks for, gathers, and finds.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Run, Tagged};
use crate::ports::Key;

/// How long what was gathered is kept, should the comparison never end.
const GATHERED_IS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What somebody wants compared: days of the orders' dates, in the location's time zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// First day; none: from the first order on.
    pub first: Option<Date>,
    /// Last day; none: today.
    pub last: Option<Date>,
    /// Whether what is missing or differs at the destination is sent again, silently.
    pub repair: bool,
    /// Whether a whole history was sent before: only then older orders are missed.
    #[serde(default)]
    pub history_sent: bool,
}

/// An order of the store, as the destination should have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The source's id.
    pub id: String,
    /// In minor units.
    pub minor: i64,
    /// Amount and status, as sent.
    pub check: String,
    /// The rule that leaves it out today although it was sent; none for one that is eligible.
    pub left_out: Option<String>,
    /// When it was sent last.
    #[serde(default)]
    pub sent: Option<Timestamp>,
    /// The version that is known to have arrived.
    #[serde(default)]
    pub version: Option<Timestamp>,
    /// Why it may be missing or different; none where the ledger says that it is there as it is.
    pub why: Option<String>,
}

/// Orders of one day, gathered from one page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Gathered {
    /// The orders.
    pub orders: Vec<Expected>,
    /// When it is of no use any more.
    pub until: Timestamp,
}

/// A number of orders with their money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Orders.
    pub count: u64,
    /// Their amounts, in minor units of the location's currency.
    pub minor: i64,
}

/// An order in which the two sides differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The source's id, or what stands in its place at the destination.
    pub id: String,
    /// Why, where it is known.
    pub reason: Option<String>,
}

/// How many of a few orders the destination's older store shows, which is what merchants see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// Orders looked for.
    pub asked: u64,
    /// Those it shows, with the same amount.
    pub shown: u64,
}

/// What the comparison of one day found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// In the location's time zone.
    pub date: Date,
    /// Eligible orders at the store.
    pub source: Sum,
    /// Orders of the connection at the destination.
    pub destination: Sum,
    /// Eligible, and not at the destination.
    #[serde(default)]
    pub missing: Vec<Difference>,
    /// On both sides, with another amount or status, or older there than what was sent.
    #[serde(default)]
    pub different: Vec<Difference>,
    /// At the destination, and not eligible at the store.
    #[serde(default)]
    pub extra: Vec<Difference>,
}

impl Sum {
    /// Adds one order.
    pub fn add(&mut self, minor: i64) {
        self.count += 1;
        self.minor = self.minor.saturating_add(minor);
    }

    /// Adds another sum.
    pub fn join(&mut self, other: Self) {
        self.count += other.count;
        self.minor = self.minor.saturating_add(other.minor);
    }
}

impl Gathered {
    /// What their keys begin with, in the partition of a run.
    pub const PREFIX: &'static str = "EXP#";

    /// Where the orders of a day that came with a page of a window live.
    #[must_use]
    pub fn key(run: &str, date: Date, (window, page): (u32, u32)) -> Key {
        Key::new(Run::partition(run), format!("{}{date}#{window:05}#{page:06}", Self::PREFIX))
    }

    /// What to keep of a page's orders.
    #[must_use]
    pub fn new(orders: Vec<Expected>, now: Timestamp) -> Self {
        Self { orders, until: now.saturating_add(GATHERED_IS_KEPT).unwrap_or(now) }
    }
}

impl Day {
    /// What their keys begin with, in the partition of a run.
    pub const PREFIX: &'static str = "DAY#";

    /// Where a day lives.
    #[must_use]
    pub fn key(run: &str, date: Date) -> Key {
        Key::new(Run::partition(run), format!("{}{date}", Self::PREFIX))
    }

    /// Every difference of the day.
    pub fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.missing.iter().chain(&self.different).chain(&self.extra)
    }
}

impl Tagged for Gathered {
    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}
impl Tagged for Day {}
