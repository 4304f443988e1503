//! Why the two sides may differ in an order, from what the ledger knows of it. Pure.

use jiff::Timestamp;
use tillsync_mapping::model::{Observed, Order};

use crate::state::{LedgerRow, State};

/// The destination no longer has what it took.
pub(super) const LOST: &str = "destination.missing";
/// The destination holds something else than what was sent.
pub(super) const CHANGED: &str = "destination.changed";
/// It changed after the last poll: the next one brings it.
pub(super) const NOT_READ: &str = "not_read_yet";
/// It is on its way, or waits for its customer.
const PENDING: &str = "pending";
/// The destination has it from somebody else.
pub(super) const FOREIGN: &str = "not_ours";
/// It is older than the connection, whose history was not sent.
pub(super) const NOT_SENT: &str = "history_not_sent";
/// The destination has it on another day.
pub(super) const OTHER_DAY: &str = "another_day";

/// Every reason of a comparison that is not a code of its own elsewhere.
pub(crate) const REASONS: [(&str, &str); 5] = [
    (NOT_SENT, "It was made before the connection, whose history was not sent as a whole yet."),
    (NOT_READ, "It changed at the store after the last poll; the next one brings it."),
    (PENDING, "It is on its way, or waits for its customer."),
    (FOREIGN, "ActiveCampaign has an order of this connection that was not sent from here."),
    (OTHER_DAY, "ActiveCampaign has it under another date."),
];

/// Why an eligible order may be missing or different; none where the ledger says that it is there as it is, or
/// where nothing explains it. `read_to`: everything that changed up to here is in the ledger.
/// `history_from`: what was made before was never asked to be sent.
pub(super) fn why(
    record: &Observed<Order>,
    row: Option<&LedgerRow>,
    (read_to, history_from): (Timestamp, Timestamp),
) -> Option<String> {
    let newer = record.version > read_to;
    let Some(row) = row else {
        let reason = if record.created < history_from { NOT_SENT } else { NOT_READ };
        return (newer || reason == NOT_SENT).then(|| reason.to_owned());
    };
    let reason = || row.reason.clone();
    match row.state {
        State::Pending => Some(PENDING.to_owned()),
        State::Parked => reason(),
        State::Skipped if record.version > row.version => Some(NOT_READ.to_owned()),
        State::Skipped => reason(),
        State::Synced if row.settled.is_none_or(|settled| record.version > settled) && newer => {
            Some(NOT_READ.to_owned())
        }
        State::Synced => None,
    }
}
