//! Writing records to the destination: never wrong for long.
//!
//! Fetch the record as it is now (the readers did) -> note what is desired and the intent -> write -> settle what
//! is known, leave open what is not. A write whose outcome is unknown becomes a flight: it is settled by looking.

mod addresses;
mod answered;
mod consent;
mod decide;
mod flights;
mod gone;
mod late;
mod orders;
mod people;
mod products;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use addresses::{mark as address_key, settle_address};
pub(crate) use consent::owe_opt_outs;
pub use decide::{Decision, Facts, decide};
pub use orders::BATCH;
pub(crate) use orders::{load_rows, record_id, write_rows};
pub(crate) use people::address_mark;
pub use people::import_outcome;

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::activecampaign::{Account, Refusal};
use tillsync_mapping::http::HttpError;

use crate::context::Engine;
use crate::fault::Fault;
use crate::paced::Paced;
use crate::state::{Connection, Run, RunKind};

/// Writes with an unknown outcome that one page sits out; more, and the page waits for better times.
const MAX_UNKNOWN: u32 = 2;

/// A record cannot have been changed later than this after now, whatever our clock says.
const FAR_AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// What says so is taken for changed this long before the run: early enough that a clock of ours that is ahead does not
/// make the next change look old.
const BEFORE_THE_RUN: SignedDuration = SignedDuration::from_hours(1);

/// What delivering needs.
pub struct Delivering<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// Whose records.
    pub connection: &'a Connection,
    /// `legacyConnectionId`.
    pub remote: i64,
    /// Which run counts them.
    pub run: &'a Run,
    /// Where they go.
    pub account: Account,
    /// How calls are made.
    pub http: &'a Paced<'a>,
    /// Whether records are written again because they did not arrive.
    pub again: bool,
    /// Whether they were written in vain before, as is known.
    pub tried: bool,
    /// Whether what is there as it is goes again.
    pub force: bool,
    /// Whether nothing of it may start an automation: what is repaired was there before.
    pub silent: bool,
    /// Versions from here on are another window's of the same run, unless the ledger does not know the record.
    pub followed: Option<Timestamp>,
    /// Orders of one call, at the most.
    pub most: usize,
    /// The window and the page of it that will count them.
    pub page: (u32, u32),
    unknown: AtomicU32,
}

impl<'a> Delivering<'a> {
    /// Delivering for a run.
    ///
    /// # Errors
    /// `connection.inactive` for a draft.
    pub async fn new(
        engine: &'a Engine,
        connection: &'a Connection,
        run: &'a Run,
        http: &'a Paced<'a>,
    ) -> Result<Self, Fault> {
        let account = engine.account(connection).await?;
        let remote = connection
            .remote
            .ok_or_else(|| Fault::reconnect("connection.inactive", "the connection is not set up yet"))?;
        let unknown = AtomicU32::new(0);
        let repairs = run.kind == RunKind::Reconcile;
        Ok(Self {
            engine,
            connection,
            remote,
            run,
            account,
            http,
            again: false,
            tried: false,
            force: run.force || repairs,
            silent: repairs,
            followed: None,
            most: BATCH,
            page: (0, 0),
            unknown,
        })
    }

    /// The same for records that another page counts.
    #[must_use]
    pub fn of_page(&self, page: (u32, u32)) -> Self {
        Self { account: self.account.clone(), page, unknown: AtomicU32::new(0), ..*self }
    }

    /// What was refused is tried again although it did not change: somebody asked for that.
    fn tries_again(&self) -> bool {
        self.force || matches!(self.run.kind, RunKind::Retry | RunKind::Manual)
    }

    /// A version to go by: one that lies far in the future would make every later change look old.
    fn believed(&self, version: Timestamp) -> Timestamp {
        if version.duration_since(self.engine.now()) <= FAR_AHEAD {
            return version;
        }
        self.run.started.saturating_sub(BEFORE_THE_RUN).unwrap_or(self.run.started)
    }

    /// First-time history is queued at the destination and read back; everything else is answered at once.
    fn queues_history(&self) -> bool {
        self.run.kind == RunKind::Historical && !self.again
    }

    /// Notes a write with an unknown outcome.
    ///
    /// # Errors
    /// `destination.unavailable` when there are too many of them.
    fn note_unknown(&self, what: &str) -> Result<(), Fault> {
        if self.unknown.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_UNKNOWN {
            return Err(Fault::retry("destination.unavailable", format!("{what}: no answer came, twice")));
        }
        Ok(())
    }
}

/// What a failed call means for the work at hand.
enum Failure {
    /// It is not known whether it was carried out.
    Unknown,
    /// These records are refused, with what was said of each.
    Records(Vec<(String, String)>),
    /// Some record of the batch is refused.
    Batch,
    /// The batch is too large.
    TooLarge,
    /// Nothing goes on as it is.
    Stop(Fault),
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Unknown => Self::Unknown,
            other => Self::Stop(other.into()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unavailable(_) => Self::Unknown,
            Refusal::Records(records) => Self::Records(records),
            Refusal::Batch(_) => Self::Batch,
            Refusal::TooLarge => Self::TooLarge,
            other => Self::Stop(stopped(other)),
        }
    }
}

/// A refusal that no other batch would mend.
#[must_use]
pub fn stopped(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::SlowDown(_) => Fault::retry("destination.throttled", "the destination asks to slow down"),
        Refusal::Key => Fault::reconnect("destination.key_refused", "the destination refuses the key"),
        Refusal::Unavailable(status) => {
            Fault::retry("destination.unavailable", format!("the destination answered {status}"))
        }
        Refusal::Schema(text) => {
            Fault::reject("destination.schema", format!("a request does not fit the destination: {text}"))
        }
        Refusal::NotFound => {
            Fault::reject("destination.connection_unknown", "the destination does not have it")
        }
        Refusal::TooLarge => Fault::reject("destination.too_large", "one record is too large"),
        Refusal::Duplicate => Fault::reject("destination.rejected", "it is there already"),
        Refusal::Records(_) => Fault::reject("destination.invalid_record", "a record is refused"),
        Refusal::Batch(text) | Refusal::Rejected(text) => Fault::reject("destination.rejected", text),
    }
}
