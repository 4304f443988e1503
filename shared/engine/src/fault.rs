//! What went wrong, by what to do next.

use tillsync_mapping::http::HttpError;
use tillsync_mapping::source::{CodeText, Next, SourceError};

use crate::ports::PortError;

/// An error of the engine: a stable code, one line for the operator, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// What to do next.
    pub kind: Kind,
    /// Known to `explain`.
    pub code: &'static str,
    /// Names the thing. Nothing of a record, no secret.
    pub detail: String,
}

/// What to do about a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The question was wrong: another one is needed.
    Usage,
    /// The same may work later.
    Retry,
    /// Somebody must authorise again, grant more, or mend a setting at a platform.
    Reconnect,
    /// It will never work as it is.
    Reject,
    /// Another worker has it; nothing to do.
    Taken,
}

impl Fault {
    /// A question that cannot be answered.
    pub fn usage(code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, code, detail: detail.into() }
    }

    /// Something that may work later.
    pub fn retry(code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind: Kind::Retry, code, detail: detail.into() }
    }

    /// Something only a person can mend.
    pub fn reconnect(code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind: Kind::Reconnect, code, detail: detail.into() }
    }

    /// Something that will never work.
    pub fn reject(code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind: Kind::Reject, code, detail: detail.into() }
    }

    /// Another worker was faster.
    pub(crate) fn taken() -> Self {
        Self { kind: Kind::Taken, code: "run.taken", detail: "another worker has this window".into() }
    }
}

/// Where a text of ours is not what it should be. The parser's own words may quote the text, so they are left out.
pub(crate) fn unreadable(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "not of its promised form" } else { "not JSON, or cut short" };
    format!("{what}: line {}, column {}", error.line(), error.column())
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        let kind = match error.next {
            Next::Retry | Next::Restart => Kind::Retry,
            Next::Reconnect => Kind::Reconnect,
            Next::Reject => Kind::Reject,
        };
        Self { kind, code: error.code, detail: error.detail }
    }
}

impl From<PortError> for Fault {
    fn from(error: PortError) -> Self {
        if error.is_key_other() {
            return Self::retry(crate::tokens::KEY_OTHER, error.detail);
        }
        Self::retry("data.unavailable", error.to_string())
    }
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Forbidden(host) => Self::reject(
                "destination.host_not_allowed",
                format!("the host {host} may not be called from here"),
            ),
            HttpError::Throttled => Self::retry("destination.throttled", "the destination asks to slow down"),
            HttpError::Withdrawn => {
                Self::reconnect("connection.inactive", "the connection ended before the call could be made")
            }
            HttpError::NotSent => Self::retry("destination.unavailable", "no connection to the destination"),
            HttpError::Unknown => Self::retry("destination.unavailable", "the destination's reply was lost"),
        }
    }
}

/// Every code of the engine itself. Sources and the destination bring their own.
pub const CODES: &[CodeText] = &[
    CodeText {
        code: "config.missing",
        meaning: "A setting that is needed is not there.",
        action: "Set the variable or option the message names, in the form it shows.",
    },
    CodeText {
        code: "config.invalid",
        meaning: "A setting does not have the form it needs.",
        action: "Correct the variable or option the message names.",
    },
    CodeText {
        code: "config.clock",
        meaning: "The clock of this machine and that of the store differ by more than a minute.",
        action: "Set this machine's clock, best by a time server. Nothing is lost meanwhile: what changes may come as \
                 much later as the clocks differ.",
    },
    CodeText {
        code: "connection.unknown",
        meaning: "No connection has this id or name.",
        action: "List the connections (`tillsync connections`; as an event, `list`) and use an id or a name of the list.",
    },
    CodeText {
        code: "connection.ambiguous",
        meaning: "Several connections have this name.",
        action: "Use the id; the list of connections has it.",
    },
    CodeText {
        code: "connection.remade",
        meaning: "The connection had been removed at ActiveCampaign, and another one was made in its place.",
        action: "Send the history again (`tillsync backfill start`; as an event, `start`): it starts no automation.",
    },
    CodeText {
        code: "connection.name_taken",
        meaning: "Another connection has this name, and commands find connections by their names.",
        action: "Give another name.",
    },
    CodeText {
        code: "connection.kept",
        meaning: "The location was connected already: its name and its history stay as they were.",
        action: "Nothing, if that is right; what was asked for otherwise did not change it.",
    },
    CodeText {
        code: "connection.busy",
        meaning: "A run of this kind is at work for the connection already.",
        action: "Wait for it, or look at it among the runs (`tillsync runs`; as an event, `runs`).",
    },
    CodeText {
        code: "connection.inactive",
        meaning: "The connection is not active, so nothing is read or sent for it.",
        action: "Read its state in the list of connections. Resume one that is paused (`tillsync resume`; as an event, \
                 `unpause`), begin a disconnected one again (`reconnect`); else mend what the state names, and connect again.",
    },
    CodeText {
        code: "connection.late",
        meaning: "The connection was not read whole for longer than it should take.",
        action: "See that `tillsync serve` runs, or the schedule of the AWS host; then look at its runs (`tillsync runs`; as \
                 an event, `runs`) and mend what they name.",
    },
    CodeText {
        code: "connection.stale",
        meaning: "The connection was not read whole for longer than it should be.",
        action: "Look at its newest runs (`tillsync runs`) and mend what they name; see that `serve` works and the network is there.",
    },
    CodeText {
        code: "connection.failed",
        meaning: "A location could not be connected.",
        action: "Read the message; nothing was left behind, so connect again when it is mended.",
    },
    CodeText {
        code: "event.invalid",
        meaning: "The event cannot be understood.",
        action: "Send {} for the actions there are, with an example of each to paste.",
    },
    CodeText {
        code: "event.unavailable",
        meaning: "The event asks for something this version does not do.",
        action: "Leave out what the message names, or use a later version.",
    },
    CodeText {
        code: "event.secret",
        meaning: "The event holds a secret, and events are kept by the services they pass through.",
        action: "Put it into the stack's secret, as TILLSYNC_SOURCE_TOKEN or TILLSYNC_DESTINATION_KEY, and leave it out.",
    },
    CodeText {
        code: "event.unknown",
        meaning: "The function was called with an event of a kind it does not take.",
        action: "Send {} for what it takes; if a rule or a mapping sends the event, correct where it points.",
    },
    CodeText {
        code: "location.unknown",
        meaning: "The store has no location of this id or name.",
        action: "Use an id or a name of the open locations; the message lists those there are.",
    },
    CodeText {
        code: "location.ambiguous",
        meaning: "Several locations of the store have this name.",
        action: "Use the id; the message lists them.",
    },
    CodeText {
        code: "location.closed",
        meaning: "The location is closed at the store, so it sells nothing.",
        action: "Open it at the store, or connect another location.",
    },
    CodeText {
        code: "setting.unknown",
        meaning: "A connection has no setting of this name.",
        action: "Use one of the settings the message lists.",
    },
    CodeText {
        code: "source.unknown",
        meaning: "There is no source of this name.",
        action: "Use one of the names the message lists.",
    },
    CodeText {
        code: "destination.connection_exists",
        meaning: "The destination has a connection for this location already; a second one would count sales twice.",
        action: "Leave out the connection type, and the one that is there is used.",
    },
    CodeText {
        code: "destination.changed",
        meaning: "ActiveCampaign holds another amount or status than was sent: somebody changed it there.",
        action: "Nothing, if that is right; `tillsync reconcile --repair` sends it again as the store has it.",
    },
    CodeText {
        code: "destination.missing",
        meaning: "ActiveCampaign took this order and does not hold it any more.",
        action: "Send it again, silently: `tillsync reconcile --repair`; as an event, `reconcile` with `repair`.",
    },
    CodeText {
        code: "destination.rejected",
        meaning: "The destination refuses a call for a reason that repeating does not mend.",
        action: "Read the message; if it names a right, give the key's user that right and connect again.",
    },
    CodeText {
        code: "reconcile.unexplained",
        meaning: "The store and the destination differ in orders, and nothing known explains it.",
        action: "Look at the differences without a reason, then send them again (`tillsync reconcile --repair`; as an event, `reconcile` with `repair`); report it if they come back.",
    },
    CodeText {
        code: "record.buyer_gone",
        meaning: "The record was sent, has changed since, and its buyer is no longer known at the store or has no address.",
        action: "Correct the order at ActiveCampaign by hand, or give the buyer an address at the store.",
    },
    CodeText {
        code: "record.gone",
        meaning: "The record was to be written again, and the store does not have it any more.",
        action: "Nothing, if it was removed at the store on purpose.",
    },
    CodeText {
        code: "record.unknown",
        meaning: "The ledger has no record of this stream and id.",
        action: "Check the stream and the id; poll the connection if the record is new at the store.",
    },
    CodeText {
        code: "route.unknown",
        meaning: "There is nothing at this address.",
        action: "Check the path; the README lists the addresses that are answered.",
    },
    CodeText {
        code: "run.unknown",
        meaning: "The connection has no such run, or none that could be continued.",
        action: "List its runs (`tillsync runs`; as an event, `runs`).",
    },
    CodeText {
        code: "run.incomplete",
        meaning: "The run could not read or settle everything; what it did is kept.",
        action: "Mend what its reason names, then resume the history (`tillsync backfill resume`; as an event, `resume`), or wait for the next poll.",
    },
    CodeText {
        code: "run.parked",
        meaning: "The run parked records for several reasons; each needs somebody.",
        action: "Read the reasons in the run's sums (`tillsync runs`), ask `tillsync explain` for each, and mend what it says.",
    },
    CodeText {
        code: "run.no_time",
        meaning: "The process that was to read is stopped before one page could be read.",
        action: "Give the function more time (Timeout, at least 60 seconds); the work is tried again.",
    },
    CodeText {
        code: "run.taken",
        meaning: "Another worker has this piece of work.",
        action: "Nothing; the other worker goes on.",
    },
    CodeText {
        code: "data.unavailable",
        meaning: "What holds the data did not do what it was asked.",
        action: "Check what the message names: the disk, the table, the queue or the secret. Work that was queued is tried again.",
    },
    CodeText {
        code: "data.corrupt",
        meaning: "An item of the data store cannot be read.",
        action: "Restore the data folder from a backup, and report the item the message names.",
    },
    CodeText {
        code: "code.unknown",
        meaning: "No message carries this code.",
        action: "Copy the code from the message.",
    },
];
