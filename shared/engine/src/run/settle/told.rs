//! What a row, and an order found at the destination, tell.

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::activecampaign::Stored;

use crate::state::{LedgerRow, State};
use crate::sums::Outcome;

/// What a record counts for that is settled, or that another run answers for.
pub(super) fn outcome_of(row: &LedgerRow) -> Outcome {
    let reason = row.reason.clone().unwrap_or_default();
    match row.state {
        State::Parked => Outcome::Parked(reason),
        State::Skipped => Outcome::Skipped(reason),
        State::Synced | State::Pending => Outcome::Synced,
    }
}

/// True when the newest version was sent at all: a record that was put aside still shows the one before, which may
/// be of the same second.
pub(super) fn is_written(row: &LedgerRow) -> bool {
    row.intent.as_ref().is_some_and(|intent| Some(intent.version) >= row.desired)
}

/// True when the destination holds what was sent, or something newer.
pub(super) fn is_there(stored: &Stored, row: &LedgerRow) -> bool {
    let newer = match (stored.modified, row.desired) {
        (Some(stored), Some(desired)) => stored >= whole_second(desired),
        _ => true,
    };
    newer && row.check.as_deref().is_none_or(|check| stored.agrees(check))
}

/// The destination may keep whole seconds only.
pub(in crate::run) fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

/// The pause before looking again: records appear within seconds, or take long.
pub(super) fn pause(tries: u32) -> SignedDuration {
    const SECONDS: [i64; 8] = [1, 2, 3, 5, 8, 15, 30, 60];
    let place = usize::try_from(tries).unwrap_or(usize::MAX).min(SECONDS.len() - 1);
    SignedDuration::from_secs(SECONDS[place])
}
