//! Connections and the stores they belong to.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tillsync_mapping::model::Location;

use super::run::{is_false, is_zero};
use super::{Settings, Stream, Tagged};
use crate::ports::Key;

/// One location of a store, to one destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Connection {
    /// ULID.
    pub id: String,
    /// The import's name.
    pub name: String,
    /// Which source, as `sources::named` knows it.
    pub source: String,
    /// Where the source's API is.
    pub api_url: String,
    /// The store's id at the platform.
    pub store: String,
    /// The location.
    pub location: Location,
    /// The account's address, with `/api/3`.
    pub destination_url: String,
    /// The account, as budgets and keys call it.
    pub destination: String,
    /// `legacyConnectionId` at the destination; none while the connection is a draft.
    pub remote: Option<i64>,
    /// Where it stands.
    pub state: ConnectionState,
    /// How often it ended or began again: what was begun before writes nothing any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch: u64,
    /// Whether polls are planned for it.
    pub active_sync: bool,
    /// What somebody must mend.
    pub problem: Option<Problem>,
    /// What the operator chose.
    pub settings: Settings,
    /// Where it is managed, as the destination shows it.
    pub public_url: String,
    /// When it was connected.
    pub created: Timestamp,
    /// An existing connection at the destination was taken over at this time: its older orders may be there
    /// already, so they go silently whatever their age (rules.md section 2).
    pub adopted: Option<Timestamp>,
    /// When the last second look at the days before was read to its end (rules.md section 2).
    #[serde(default)]
    pub rechecked: Option<Timestamp>,
    /// How many orders its history held when it was connected.
    pub counted: Option<Counted>,
    /// End of the last run that read everything it set out to.
    pub last_sync: Option<Timestamp>,
    /// When the next poll is due.
    pub next_sync: Option<Timestamp>,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Being set up.
    Draft,
    /// Works.
    Active,
    /// Stopped on purpose, or by a fault only a newer version mends.
    Paused,
    /// Somebody must authorise again.
    NeedsReconnect,
    /// Ended; what was sent stays.
    Disconnected,
    /// Removed from the list; what was sent stays.
    Deleted,
}

/// A count of orders, so that they need not be counted twice within the hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Orders.
    pub orders: u64,
    /// False when counting stopped early.
    pub exact: bool,
    /// When they were counted.
    pub at: Timestamp,
}

/// What somebody must mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Known to `explain`.
    pub code: String,
    /// One line.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
}

/// How far a stream was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cursor {
    /// Everything changed up to here is in the ledger.
    pub watermark: Timestamp,
    /// Whether the source's own clock was past it by then: one that lies ahead of our clock is right all the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub told: bool,
}

impl Tagged for Connection {}
impl Tagged for Cursor {}

/// Our clock is not expected to be further behind the source's than this.
const MOST_BEHIND: SignedDuration = SignedDuration::from_hours(1);

impl Cursor {
    /// False for one that lies in the future: then a clock was wrong when it was written. Where the source's own
    /// clock had passed it, it is ours that is behind, and catches up.
    #[must_use]
    pub fn is_believed(&self, now: Timestamp) -> bool {
        let ahead = self.watermark.duration_since(now);
        ahead <= SignedDuration::ZERO || (self.told && ahead <= MOST_BEHIND)
    }
}

impl Connection {
    /// Where a connection lives.
    #[must_use]
    pub fn key(id: &str) -> Key {
        Key::new(Self::partition(id), "META")
    }

    /// The partition of a connection.
    #[must_use]
    pub fn partition(id: &str) -> String {
        format!("CONN#{id}")
    }

    /// Where the list of connections lives.
    #[must_use]
    pub fn index_key(id: &str) -> Key {
        Key::new("INDEX#CONN", id)
    }

    /// Holds (location, destination) unique.
    #[must_use]
    pub fn unique_key(&self) -> Key {
        Key::new("UNIQUE#CONN", format!("{}#{}#{}", self.source, self.location.id, self.destination))
    }

    /// How far orders were read.
    #[must_use]
    pub fn orders_cursor(id: &str) -> Key {
        Key::new(Self::partition(id), "CUR#orders")
    }

    /// The partition of the people of a store at a destination: they belong to the merchant, not to a location.
    #[must_use]
    pub fn people_partition(&self) -> String {
        format!("PEOPLE#{}#{}#{}", self.source, self.store, self.destination)
    }

    /// The partition of the ledger of a stream.
    #[must_use]
    pub fn partition_of(&self, stream: Stream) -> String {
        match stream {
            Stream::Customers => self.people_partition(),
            Stream::Orders | Stream::Products => Self::partition(&self.id),
        }
    }

    /// Where the store's token is kept.
    #[must_use]
    pub fn store_owner(&self) -> String {
        format!("STORE#{}#{}", self.source, self.store)
    }

    /// Where the account's key is kept.
    #[must_use]
    pub fn destination_owner(&self) -> String {
        format!("DEST#{}", self.destination)
    }

    /// True when somebody ended it: nothing is read or sent for it, and it counts for no store any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, ConnectionState::Disconnected | ConnectionState::Deleted)
    }

    /// Where it is managed, without a slash at the end.
    #[must_use]
    pub fn managed_at(&self) -> &str {
        self.public_url.trim_end_matches('/')
    }

    /// The word for a state, as answers have it.
    #[must_use]
    pub fn state_word(&self) -> &'static str {
        match self.state {
            ConnectionState::Draft => "draft",
            ConnectionState::Active => "active",
            ConnectionState::Paused => "paused",
            ConnectionState::NeedsReconnect => "needs_reconnect",
            ConnectionState::Disconnected => "disconnected",
            ConnectionState::Deleted => "deleted",
        }
    }
}
