//! The ledger: what we know of every record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tillsync_mapping::model::SkipReason;

use super::Tagged;
use crate::ports::Key;

/// How many entries of its past a record keeps.
const MAX_HISTORY: usize = 8;

/// One record of one stream.
#[derive(Clone, Serialize, Deserialize)]
pub struct LedgerRow {
    /// Where it stands.
    pub state: State,
    /// Why it is skipped or parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Newest version seen at the source.
    pub version: Timestamp,
    /// Newest version that is to be at the destination. It never goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Timestamp>,
    /// The write under way; what became of it is unknown while it stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// Newest version known to be at the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Timestamp>,
    /// What was sent last, as a short text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What read-back must find: amount and status as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Whether it may start automations: decided at the first send, never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<bool>,
    /// What people call it by: frozen at the first send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Its date at the destination, by which it is read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// When the last write was sent. No other follows within the landing time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// A write of it that the destination queues may take effect until then, whatever became of its reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Timestamp>,
    /// How often it was written.
    #[serde(default)]
    pub times_sent: u32,
    /// The run that wrote or refused it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The window of that run that counts it: another one of the same run that meets it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// The flight that will settle it, or has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flight: Option<String>,
    /// When it is looked at again, since its customer may come late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    /// How many such looks were asked for.
    #[serde(default, skip_serializing_if = "is_none")]
    pub looks: u8,
    /// What was said about it: where it could not be read, or why it was refused. Nothing of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The fingerprint of what the destination took last and answered, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
    /// The last request, exactly as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<RawValue>>,
    /// What happened to it, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Entry>,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// At the destination.
    Synced,
    /// On its way: written and not yet read back, or to be written again.
    Pending,
    /// Left out by a rule.
    Skipped,
    /// Needs somebody.
    Parked,
}

/// A write whose outcome is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The attempt.
    pub id: String,
    /// When it was noted, before the request went out.
    pub at: Timestamp,
    /// The version it carries.
    pub version: Timestamp,
}

/// Something that happened to a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What, in a word.
    pub event: String,
    /// In which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl LedgerRow {
    /// A record seen for the first time.
    #[must_use]
    pub fn seen(version: Timestamp) -> Self {
        Self {
            state: State::Pending,
            reason: None,
            version,
            desired: None,
            intent: None,
            settled: None,
            fingerprint: None,
            check: None,
            live: None,
            number: None,
            date: None,
            sent_at: None,
            queued: None,
            times_sent: 0,
            run: None,
            window: None,
            flight: None,
            look_at: None,
            looks: 0,
            note: None,
            taken: None,
            request: None,
            history: Vec::new(),
        }
    }

    /// The key of a record's row.
    #[must_use]
    pub fn key(partition: &str, stream: &str, id: &str) -> Key {
        Key::new(partition, format!("REC#{stream}#{id}"))
    }

    /// Moves to a state, and remembers it.
    pub fn become_state(&mut self, state: State, reason: Option<&str>, run: &str, at: Timestamp) {
        self.state = state;
        self.reason = reason.map(str::to_owned);
        if state != State::Parked {
            // What was said of it was said of another form of it.
            self.note = None;
        }
        self.run = Some(run.to_owned());
        let event = self.tag();
        if self.history.last().is_some_and(|last| last.event == event && last.run.as_deref() == Some(run)) {
            return;
        }
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(0);
        }
        self.history.push(Entry { at, event, run: Some(run.to_owned()) });
    }

    /// Forgets everything the row says of a person: what is left is that there was a record, and that it is left out.
    /// That it was sent stays, or comparing would take it for somebody else's.
    pub fn erase(&mut self, run: Option<&str>, at: Timestamp) {
        let reason = Some(SkipReason::Erased.word().to_owned());
        *self = Self {
            state: State::Skipped,
            reason,
            desired: self.desired,
            settled: self.settled,
            live: self.live,
            sent_at: self.sent_at,
            times_sent: self.times_sent.max(u32::from(self.intent.is_some())),
            run: run.map(str::to_owned).or_else(|| self.run.take()),
            window: self.window,
            flight: self.flight.take(),
            history: vec![Entry { at, event: "skipped:erased".into(), run: None }],
            ..Self::seen(self.version)
        };
    }

    /// True when it was of a person who was erased: it stays left out whatever is read of it.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.state == State::Skipped && self.reason.as_deref() == Some(SkipReason::Erased.word())
    }

    /// True when the record is at the destination, or may be.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        self.times_sent > 0
    }
}

impl std::fmt::Debug for LedgerRow {
    /// Without the request: it names a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerRow")
            .field("tag", &self.tag())
            .field("version", &self.version)
            .field("desired", &self.desired)
            .field("intent", &self.intent)
            .field("settled", &self.settled)
            .field("live", &self.live)
            .field("times_sent", &self.times_sent)
            .field("flight", &self.flight)
            .finish_non_exhaustive()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
fn is_none(looks: &u8) -> bool {
    *looks == 0
}

impl Tagged for LedgerRow {
    fn tag(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or("unknown");
        match self.state {
            State::Synced => "synced".into(),
            State::Pending => "pending".into(),
            State::Skipped => format!("skipped:{reason}"),
            State::Parked => format!("parked:{reason}"),
        }
    }
}
