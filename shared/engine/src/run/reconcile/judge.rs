//! Why the two sides may differ in an order, from what the ledger knows of it. Pure.

use jiff::Timestamp;
use tillsync_mapping::model::{Observed, Order};

use crate::state::{LedgerRow, State};

/// The destination no longer has what it took.
pub(super) const LOST: &str = "destination.lost";
/// The destination holds something else than what was sent.
pub(super) const CHANGED: &str = "destination.changed";
/// It changed after the last poll: the next one brings it.
pub(super) const NOT_READ: &str = "not_read_yet";
/// It is on its way, or waits for its customer.
const PENDING: &str = "pending";
/// The destination has it from somebody else.
pub(super) const FOREIGN: &str = "not_ours";
/// The destination has it on another day.
pub(super) const OTHER_DAY: &str = "another_day";

/// Every reason of a comparison that is not a code of its own elsewhere.
pub(crate) const REASONS: [(&str, &str); 5] = [
    (NOT_READ, "It changed at the store after the last poll; the next one brings it."),
    (PENDING, "It is on its way, or waits for its customer."),
    (FOREIGN, "ActiveCampaign has an order of this connection that was not sent from here."),
    (OTHER_DAY, "ActiveCampaign has it under another date; its time changed at the store."),
    (CHANGED, "ActiveCampaign holds another amount or status than was sent: somebody changed it there."),
];

/// Why an eligible order may be missing or different; none where the ledger says that it is there as it is, or
/// where nothing explains it. `read_to`: everything that changed up to here is in the ledger.
pub(super) fn why(record: &Observed<Order>, row: Option<&LedgerRow>, read_to: Timestamp) -> Option<String> {
    let newer = record.version > read_to;
    let Some(row) = row else { return newer.then(|| NOT_READ.to_owned()) };
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
