//! Windows: slices of time of one stream, or records by reference.

mod field_word;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tillsync_mapping::source::Field;

use super::run::{is_false, is_zero};
use super::{Problem, Run, Stream, Tagged};
use crate::ports::Key;
use crate::sums::{Calls, Tally};

/// A slice of time of one stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WindowRow {
    /// Its number within the run.
    pub n: u32,
    /// What is read.
    pub stream: Stream,
    /// By creation (history) or by update (polls).
    #[serde(with = "field_word")]
    pub field: Field,
    /// First instant.
    pub from: Timestamp,
    /// Last instant.
    pub to: Timestamp,
    /// Everything up to this instant is in the ledger; a window taken up again starts here.
    pub checkpoint: Option<Timestamp>,
    /// Records read at the very instant of the checkpoint: they come again and are counted once.
    pub at_checkpoint: Vec<String>,
    /// References to be fetched, of a window that is no slice of time; those done are taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Newer versions are another window's of the same run, and not looked at here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than: Option<Timestamp>,
    /// The walk through the days of a comparison, when all that is to be compared was read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compares: bool,
    /// References of what a comparison found missing, to be sent again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repairs: bool,
    /// How often references that are not shown yet are still waited for: they were told of a moment ago.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waits: u64,
    /// The marks that asked for this look, removed when it was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// Where it stands.
    pub state: WindowState,
    /// Pages counted so far.
    #[serde(default)]
    pub pages: u32,
    /// Orders counted so far that may be sent.
    #[serde(default)]
    pub ready: u64,
    /// What its records came to.
    pub tally: Tally,
    /// What its products came to.
    pub products: Tally,
    /// Calls it made.
    pub calls: Calls,
    /// What time it was at the source when its first reading began, where the source tells: what it shows later is
    /// not to be relied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_there: Option<Timestamp>,
    /// Who works at it, until when.
    pub lease: Option<(String, Timestamp)>,
    /// Times it was put off without having come further.
    pub strikes: u32,
    /// It was put off until then: a message too many that comes earlier does not count as another try.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Why it was put off or given up.
    pub problem: Option<Problem>,
    /// When it is of no use to anybody any more; most are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// Where a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    /// To be read, or being read.
    Open,
    /// Read to its end.
    Done,
    /// The source did not let it be read.
    Refused,
}

impl WindowRow {
    /// True when somebody has it, or will have it when its time comes.
    #[must_use]
    pub fn is_looked_after(&self, now: Timestamp) -> bool {
        let held = self.lease.as_ref().is_some_and(|(_, until)| *until > now);
        held || self.not_before.is_some_and(|before| before > now)
    }

    /// True once somebody took it up, even if they ended before its first page was read.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.lease.is_some() || self.pages > 0 || self.not_before.is_some()
    }
}

impl WindowRow {
    /// A window to be read.
    #[must_use]
    pub fn open(n: u32, stream: Stream, field: Field, from: Timestamp, to: Timestamp) -> Self {
        Self {
            n,
            stream,
            field,
            from,
            to,
            checkpoint: None,
            at_checkpoint: Vec::new(),
            ids: Vec::new(),
            older_than: None,
            compares: false,
            repairs: false,
            waits: 0,
            marks: Vec::new(),
            state: WindowState::Open,
            pages: 0,
            ready: 0,
            tally: Tally::default(),
            products: Tally::default(),
            calls: Calls::default(),
            began_there: None,
            lease: None,
            strikes: 0,
            not_before: None,
            problem: None,
            expires: None,
        }
    }

    /// Records to be fetched by reference.
    #[must_use]
    pub fn of(n: u32, stream: Stream, ids: Vec<String>, now: Timestamp) -> Self {
        Self { ids, ..Self::open(n, stream, Field::Updated, now, now) }
    }

    /// True for a slice of the time of changes: once it is read, the watermark moves. References are none.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.field == Field::Updated && self.from < self.to
    }

    /// Where it lives.
    #[must_use]
    pub fn key(run: &str, n: u32) -> Key {
        Key::new(Run::partition(run), format!("WIN#{n:05}"))
    }
}

impl Tagged for WindowRow {
    fn expires(&self) -> Option<Timestamp> {
        self.expires
    }
}
