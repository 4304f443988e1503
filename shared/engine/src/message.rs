//! What is put in queues: references of less than two kilobytes, versioned; nothing of a person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, unreadable};

/// The version written today. Older ones still decode.
const VERSION: u32 = 1;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Envelope {
    v: u32,
    #[serde(flatten)]
    work: Work,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Read one window of a run.
    Window {
        /// The connection.
        connection: String,
        /// The run.
        run: String,
        /// The window.
        window: u32,
    },
    /// Find out what became of a run's records on their way.
    Settle {
        /// The connection.
        connection: String,
        /// The run.
        run: String,
    },
    /// Poll a connection.
    Poll {
        /// The connection.
        connection: String,
    },
    /// Look after the authorisation of a store: renew its token, wake its connections.
    Renew {
        /// The source.
        source: String,
        /// The store's id there.
        store: String,
    },
    /// Finish the set-up of a draft.
    Connect {
        /// The draft.
        draft: String,
    },
    /// Find out how much a historical run has to read, and cut it into windows.
    Plan {
        /// The connection.
        connection: String,
        /// The run.
        run: String,
    },
    /// Look at what a webhook pointed at.
    Hints {
        /// The source.
        source: String,
        /// The store at it.
        store: String,
        /// The location, where it is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location: Option<String>,
        /// When the message came.
        received: Timestamp,
        /// What it points at.
        hint: Hint,
    },
    /// Forget what is kept for a draft that nobody went on with.
    Leftover {
        /// The draft.
        draft: String,
    },
    /// See to the webhook subscription of a source.
    Subscription {
        /// The source.
        source: String,
    },
}

/// What a webhook points at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// Orders.
    Orders(Vec<String>),
    /// Orders that give something back: the sales they refer to.
    Returns(Vec<String>),
    /// People.
    People(Vec<String>),
    /// Profiles that became one.
    Merged {
        /// The ids that no longer resolve.
        old: Vec<String>,
        /// The profile they became.
        new: String,
    },
    /// The authorisation was taken back.
    Revoked {
        /// When, where it is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
}

impl Work {
    /// The message for it.
    ///
    /// # Errors
    /// None in practice: every part is text.
    pub fn encode(&self) -> Result<String, Fault> {
        serde_json::to_string(&Envelope { v: VERSION, work: self.clone() })
            .map_err(|error| Fault::reject("data.corrupt", format!("a message: {error}")))
    }

    /// The connection and the run it is about, for logs.
    #[must_use]
    pub fn about(&self) -> (&str, &str) {
        match self {
            Self::Window { connection, run, .. }
            | Self::Settle { connection, run }
            | Self::Plan { connection, run } => (connection, run),
            Self::Poll { connection } => (connection, ""),
            Self::Connect { .. }
            | Self::Renew { .. }
            | Self::Hints { .. }
            | Self::Leftover { .. }
            | Self::Subscription { .. } => ("", ""),
        }
    }

    /// The work of a message.
    ///
    /// # Errors
    /// `data.corrupt` where it is no message, or one of a later version.
    pub fn decode(body: &str) -> Result<Self, Fault> {
        let envelope: Envelope = serde_json::from_str(body)
            .map_err(|error| Fault::reject("data.corrupt", format!("a message is {}", unreadable(&error))))?;
        if envelope.v > VERSION {
            let detail = format!("a message of version {}, newer than this program", envelope.v);
            return Err(Fault::reject("data.corrupt", detail));
        }
        Ok(envelope.work)
    }
}

#[cfg(test)]
mod tests;
