//! What is kept of a sign-in: links, sessions, states. Each goes by itself.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::connect::Refused;
use crate::ports::Key;
use crate::state::Tagged;

/// How long a link works.
pub(super) const LINK: SignedDuration = SignedDuration::from_mins(15);
/// How long a session lasts.
pub(super) const SESSION: SignedDuration = SignedDuration::from_hours(12);
/// How long a sign-in may take (rules.md section 6).
pub(super) const STATE: SignedDuration = SignedDuration::from_mins(30);
/// How long a state is known after it was used or is over: who comes back late is told so.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// A one-time link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Link {
    /// The path it leads to. Ours, never one that was asked for.
    pub(super) next: String,
    /// When it stops to work.
    pub(super) until: Timestamp,
}

/// A browser that came by a link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Session {
    /// When it ends.
    pub(super) until: Timestamp,
}

/// A sign-in that was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Digest of the session it was begun in.
    pub(super) session: String,
    /// At which source.
    pub(super) source: String,
    /// The address the source was told to send the browser to.
    pub(super) redirect: String,
    /// The connection that is authorised again, and its store: no other one will do.
    pub(super) connection: Option<(String, String)>,
    /// The draft it belongs to.
    pub(super) draft: Option<String>,
    /// When it is over.
    pub(super) until: Timestamp,
    /// Whether the browser came back with it.
    pub(super) used: bool,
}

/// How the newest sign-in of a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// When.
    pub at: Timestamp,
    /// Why it came to nothing; none where it worked.
    pub refused: Option<Refused>,
}

/// Where the process that answers browsers is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) public_url: String,
}

impl Tagged for Place {}

impl Tagged for Last {
    fn expires(&self) -> Option<Timestamp> {
        self.at.checked_add(REMEMBERED).ok()
    }
}

impl Tagged for Link {
    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

impl Tagged for Session {
    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

impl Tagged for Begun {
    fn expires(&self) -> Option<Timestamp> {
        self.until.checked_add(REMEMBERED).ok()
    }
}

/// Where a link lives.
pub(super) fn link_key(digest: &str) -> Key {
    Key::new(format!("LINK#{digest}"), "META")
}

/// Where a session lives.
pub(super) fn session_key(digest: &str) -> Key {
    Key::new(format!("SESSION#{digest}"), "META")
}

/// Where a state lives.
pub(super) fn state_key(digest: &str) -> Key {
    Key::new(format!("STATE#{digest}"), "META")
}

/// Where the end of a connection's newest sign-in lives.
pub(super) fn last_key(connection: &str) -> Key {
    Key::new(format!("SIGNED#{connection}"), "META")
}

/// Where the place of the process that answers lives.
pub(super) fn place_key() -> Key {
    Key::new("HOST#console", "META")
}
