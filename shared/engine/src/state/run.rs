//! Runs, their windows, and the flights of records on their way.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tillsync_mapping::source::Field;

use super::{Comparison, Copies, Problem, Tagged};
use crate::ports::Key;
use crate::sums::{Calls, Streams, Tally};

/// How long a poll that ended is to be seen.
const POLLS_ARE_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// One run of one connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// ULID: sorts by time.
    pub id: String,
    /// Whose.
    pub connection: String,
    /// Why it runs.
    pub kind: RunKind,
    /// Where it stands.
    pub state: RunState,
    /// What it is at.
    pub phase: Phase,
    /// Fixes every bound and the live rule.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Windows not read yet.
    pub open_windows: u32,
    /// Number of the next window.
    pub windows: u32,
    /// Orders expected, as counted at the start; exact or not.
    pub expected: Option<(u64, bool)>,
    /// First instant asked for, of a historical run; none: from the beginning.
    pub from: Option<Timestamp>,
    /// Last instant asked for; none: the start of the run.
    pub to: Option<Timestamp>,
    /// Orders it sends at the most: a trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What it compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// A look at the older store of the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<Copies>,
    /// Whether it sends again what is there as it is.
    #[serde(default)]
    pub force: bool,
    /// Whether it reads all of the history the connection asks for, so that polls can go on from its start.
    pub full: bool,
    /// What kept it from reading everything.
    pub problem: Option<Problem>,
    /// The sums, once it ended; while it runs they are added up from its windows and flights.
    pub streams: Option<Streams>,
    /// Calls outside its windows.
    pub calls: Calls,
    /// All its calls, once it ended.
    pub total: Option<Calls>,
    /// Somebody looks after what is on its way until then: a second message for it does nothing.
    pub looked_after: Option<(String, Timestamp)>,
    /// The times of reading back so far, for the pause before the next.
    #[serde(default)]
    pub settle_tries: u32,
    /// Times in a row that planning or settling was put off without having come further.
    #[serde(default)]
    pub put_offs: u32,
    /// Records on their way when settling was put off last.
    #[serde(default)]
    pub left: u64,
}

impl WindowRow {
    /// True when somebody has it, or will have it when its time comes.
    #[must_use]
    pub fn is_looked_after(&self, now: Timestamp) -> bool {
        let held = self.lease.as_ref().is_some_and(|(_, until)| *until > now);
        held || self.not_before.is_some_and(|before| before > now)
    }
}

/// Why a run runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// What changed since the last poll.
    Poll,
    /// From the store's beginning, or a date.
    Historical,
    /// On demand: what changed, a second look at the last days, and what is parked.
    Manual,
    /// On demand: what is parked.
    Retry,
    /// Compares the store with the destination.
    Reconcile,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Planned.
    Queued,
    /// At work.
    Running,
    /// Read and settled everything.
    Complete,
    /// Ended without having read or settled everything.
    Incomplete,
    /// Ended on request.
    Cancelled,
}

/// What a run is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reads windows.
    Windows,
    /// Waits until everything on its way has arrived.
    Settle,
    /// Nothing is left.
    Done,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Sales.
    Orders,
    /// People.
    Customers,
    /// The catalogue, as far as orders mention it.
    Products,
}

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
    /// Who works at it, until when.
    pub lease: Option<(String, Timestamp)>,
    /// Times it was put off without having come further.
    pub strikes: u32,
    /// It was put off until then: a message too many that comes earlier does not count as another try.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Why it was put off or given up.
    pub problem: Option<Problem>,
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

/// Records of one batch that are on their way: queued at the destination, or written with an unknown outcome, or
/// waiting for the landing time of an earlier write.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flight {
    /// ULID.
    pub id: String,
    /// What they are.
    pub stream: Stream,
    /// When the request went out.
    pub sent: Timestamp,
    /// Whether the destination said it took them.
    pub accepted: bool,
    /// When it is worth while to look: a lost write may land until then. None: at any time.
    pub due: Option<Timestamp>,
    /// The destination's name of the batch, for people.
    pub batch: Option<String>,
    /// The oldest of their dates: reading back starts here.
    pub since: Timestamp,
    /// The newest of their dates: reading back ends here.
    pub until: Timestamp,
    /// Those not settled yet.
    pub left: Vec<String>,
    /// Whether they were written a second time.
    pub again: bool,
    /// What those settled came to.
    pub settled: Tally,
    /// The window and the page of it that counts its records. A page that failed has counted nothing, and then
    /// its flights do not count either.
    #[serde(default)]
    pub page: (u32, u32),
}

impl Run {
    /// Where a run lives: with its connection.
    #[must_use]
    pub fn key(connection: &str, id: &str) -> Key {
        Key::new(format!("CONN#{connection}"), format!("RUN#{id}"))
    }

    /// Marks the one run of a kind that is at work for a connection.
    #[must_use]
    pub fn active_key(connection: &str, kind: RunKind) -> Key {
        Key::new(format!("CONN#{connection}"), format!("ACTIVE#{}", kind.word()))
    }

    /// The partition of a run's windows and flights.
    #[must_use]
    pub fn partition(id: &str) -> String {
        format!("RUN#{id}")
    }

    /// True when nothing more will happen. A cancelled run still settles what was on its way.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.finished.is_some()
    }

    /// True when no more windows are to be read.
    #[must_use]
    pub fn reading(&self) -> bool {
        !self.ended() && self.state != RunState::Cancelled
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl RunKind {
    /// Whether it follows what changes, as polls do: then watermarks move with it.
    #[must_use]
    pub fn follows(self) -> bool {
        matches!(self, Self::Poll | Self::Manual)
    }

    /// Whether somebody waits for it, so that it does not wait for history.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Poll | Self::Manual | Self::Retry)
    }

    /// The word in keys and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Historical => "historical",
            Self::Manual => "manual",
            Self::Retry => "retry",
            Self::Reconcile => "reconcile",
        }
    }
}

impl RunState {
    /// The word in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Stream {
    /// The word in keys and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Customers => "customers",
            Self::Products => "products",
        }
    }

    /// The stream of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Orders, Self::Customers, Self::Products].into_iter().find(|stream| stream.word() == word)
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
            marks: Vec::new(),
            state: WindowState::Open,
            pages: 0,
            ready: 0,
            tally: Tally::default(),
            products: Tally::default(),
            calls: Calls::default(),
            lease: None,
            strikes: 0,
            not_before: None,
            problem: None,
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

impl Flight {
    /// Where it lives.
    #[must_use]
    pub fn key(run: &str, id: &str) -> Key {
        Key::new(Run::partition(run), format!("FLT#{id}"))
    }
}

impl Tagged for Run {
    /// What is read again and again is kept for a season; the rest for good.
    fn expires(&self) -> Option<Timestamp> {
        let ended = self.finished.filter(|_| self.kind.is_live())?;
        ended.checked_add(POLLS_ARE_KEPT).ok()
    }
}
impl Tagged for WindowRow {}
impl Tagged for Flight {}

mod field_word {
    use serde::{Deserialize, Deserializer, Serializer};
    use tillsync_mapping::source::Field;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
    pub(super) fn serialize<S: Serializer>(field: &Field, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match field {
            Field::Created => "created",
            Field::Updated => "updated",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Field, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "created" => Ok(Field::Created),
            "updated" => Ok(Field::Updated),
            _ => Err(serde::de::Error::custom("created or updated")),
        }
    }
}
