//! Runs, their windows, and the flights of records on their way.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Comparison, Copies, Problem, Tagged};
use crate::ports::Key;
use crate::sums::{Calls, Streams, Tally};

/// How long a poll that ended is to be seen.
const POLLS_ARE_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The same of what webhooks pointed at: there may be a run for every sale.
const WEBHOOKS_ARE_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One run of one connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// ULID: sorts by time.
    pub id: String,
    /// Whose.
    pub connection: String,
    /// The connection's epoch when it began, or was resumed: once that has moved, it writes nothing any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch: u64,
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
    /// What a webhook pointed at.
    Webhook,
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
    /// Whether its records were put aside, something queued having been on its way: they are fetched anew in any case,
    /// since of one version the index may have shown an older content.
    #[serde(default, skip_serializing_if = "is_false")]
    pub aside: bool,
    /// Those not settled yet.
    pub left: Vec<String>,
    /// Whether they were written a second time.
    pub again: bool,
    /// Whether its records were written and no reply came. One that merely waits was never written, nor perhaps was one
    /// whose process ended.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unanswered: bool,
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

    /// Marks that this run is at work. Of most kinds there is one for a connection; what webhooks point at is read side by
    /// side, since one may wait a landing time for its record and the next sale must not.
    #[must_use]
    pub fn at_work_key(&self) -> Key {
        match self.kind {
            RunKind::Webhook => {
                let word = format!("ACTIVE#{}#{}", self.kind.word(), self.id);
                Key::new(format!("CONN#{}", self.connection), word)
            }
            kind => Self::active_key(&self.connection, kind),
        }
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
pub(super) fn is_false(flag: &bool) -> bool {
    !*flag
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
pub(super) fn is_zero(epoch: &u64) -> bool {
    *epoch == 0
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
        matches!(self, Self::Poll | Self::Manual | Self::Retry | Self::Webhook)
    }

    /// The word in keys and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Historical => "historical",
            Self::Manual => "manual",
            Self::Retry => "retry",
            Self::Webhook => "webhook",
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

impl Flight {
    /// Where it lives.
    #[must_use]
    pub fn key(run: &str, id: &str) -> Key {
        Key::new(Run::partition(run), format!("FLT#{id}"))
    }
}

impl Flight {
    /// What its records count for: what they came to, and those still on their way.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let left = u64::try_from(self.left.len()).unwrap_or(u64::MAX);
        let mut tally = self.settled.clone();
        (tally.observed, tally.pending) = (tally.observed + left, tally.pending + left);
        tally
    }
}

impl Tagged for Run {
    /// What is read again and again is kept for a season; the rest for good.
    fn expires(&self) -> Option<Timestamp> {
        let ended = self.finished.filter(|_| self.kind.is_live())?;
        let kept = if self.kind == RunKind::Webhook { WEBHOOKS_ARE_KEPT } else { POLLS_ARE_KEPT };
        ended.checked_add(kept).ok()
    }
}
impl Tagged for Flight {}
