//! What is remembered of alerts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::Key;
use crate::state::{Problem, RunKind, Tagged};

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The connection has stopped until somebody acts.
    NeedsSomebody,
    /// It was not read whole for too long.
    Stale,
    /// The newest run of a kind could not read or settle everything.
    Incomplete,
    /// A run parked records.
    Parked,
    /// The store's authorisation was not renewed for too long.
    Token,
    /// Webhooks do not come, or their subscription cannot be seen to.
    Webhooks,
}

impl Kind {
    /// The word in keys and documents.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NeedsSomebody => "needs_somebody",
            Self::Stale => "stale",
            Self::Incomplete => "incomplete",
            Self::Parked => "parked",
            Self::Token => "token",
            Self::Webhooks => "webhooks",
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wrong {
    /// Known to `explain`.
    pub(super) code: String,
    /// One line; nothing of a record.
    pub(super) detail: String,
    /// Since when.
    pub(super) since: Timestamp,
}

/// What a receiver was told last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// That it is wrong, or that it is right again.
    pub(super) wrong: bool,
    /// Its code at that time.
    pub(super) code: String,
    /// When.
    pub(super) at: Timestamp,
    /// It came back soon after it was told to be over: that it is over is told later now.
    pub(super) flapping: bool,
}

/// One alert of one connection, with what was told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// Whose.
    pub(super) connection: String,
    /// The connection's name, which outlives it here.
    pub(super) name: String,
    /// What it is about.
    pub(super) kind: Kind,
    /// The kind of run, or the run; empty where there is one alert of this kind.
    pub(super) of: String,
    /// What is wrong, or was.
    pub(super) wrong: Wrong,
    /// Since when it is right again; none while it is wrong.
    pub(super) right_since: Option<Timestamp>,
    /// What was told, by receiver.
    pub(super) told: BTreeMap<String, Told>,
}

impl Said {
    /// The partition of all alerts.
    pub(super) const PARTITION: &'static str = "ALERT#SAID";

    /// Where it lives.
    pub(super) fn key(connection: &str, kind: Kind, of: &str) -> Key {
        Key::new(Self::PARTITION, format!("{connection}#{}#{of}", kind.word()))
    }
}

/// A run that is not done with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watched {
    /// When it had ended, as it was judged; a history that is resumed ends again.
    pub(super) finished: Option<Timestamp>,
    /// That it parked records was noted.
    pub(super) parked: bool,
}

/// How the newest run of a kind ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Which.
    pub(super) run: String,
    /// When.
    pub(super) at: Timestamp,
    /// What it could not do; none when it did everything.
    pub(super) problem: Option<Problem>,
    /// It ended while its connection needed somebody, which is an alert of its own.
    pub(super) excused: bool,
}

/// How far the runs of a connection were judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Since when: what was parked earlier is no news.
    pub(super) began: Timestamp,
    /// Runs up to this one were judged, but for those that are watched.
    pub(super) after: Option<String>,
    /// Runs that have not ended, the newest history, which may be resumed, and those younger than `after`.
    pub(super) watched: BTreeMap<String, Watched>,
    /// How the newest poll ended, or a sync by hand, which reads no less.
    pub(super) poll: Option<Ended>,
    /// How the newest history ended.
    pub(super) historical: Option<Ended>,
    /// How the newest retry ended.
    #[serde(default)]
    pub(super) retry: Option<Ended>,
    /// How the newest comparison ended.
    #[serde(default)]
    pub(super) reconcile: Option<Ended>,
}

impl Seen {
    /// The partition of all.
    pub(super) const PARTITION: &'static str = "ALERT#SEEN";

    /// Nothing was judged yet.
    pub(super) fn new(began: Timestamp) -> Self {
        Self {
            began,
            after: None,
            watched: BTreeMap::new(),
            poll: None,
            historical: None,
            retry: None,
            reconcile: None,
        }
    }

    /// Where it lives.
    pub(super) fn key(connection: &str) -> Key {
        Key::new(Self::PARTITION, connection)
    }

    /// How the newest run of a kind ended.
    pub(super) fn ended(&mut self, kind: RunKind) -> &mut Option<Ended> {
        match kind {
            RunKind::Poll | RunKind::Manual | RunKind::Webhook => &mut self.poll,
            RunKind::Historical => &mut self.historical,
            RunKind::Retry => &mut self.retry,
            RunKind::Reconcile => &mut self.reconcile,
        }
    }
}

/// How a receiver is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// What it took within the last hour.
    pub(super) times: Vec<Timestamp>,
    /// How often in a row it failed.
    pub(super) failures: u32,
    /// It is left alone until then.
    pub(super) not_before: Option<Timestamp>,
}

impl Sent {
    /// Where it lives.
    pub(super) fn key(receiver: &str) -> Key {
        Key::new("ALERT#SENT", receiver)
    }
}

impl Tagged for Said {}
impl Tagged for Seen {}
impl Tagged for Sent {}
