//! Sales whose customer may come late (rules.md section 1): pending, looked at again, then left out.

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::model::SkipReason;

use super::Facts;
use super::decide::{Decision, skip};
use crate::state::{LedgerRow, State};
use crate::sums::Outcome;

/// A sale older than this gets no customer any more.
const YOUNG: SignedDuration = SignedDuration::from_hours(48);
/// From one look to the next: 10 minutes, 2 hours and 24 hours after the first.
const LOOKS: [SignedDuration; 3] =
    [SignedDuration::from_mins(10), SignedDuration::from_mins(110), SignedDuration::from_hours(22)];

/// Decides about a sale that names nobody.
pub(super) fn wait_for_buyer(created: Timestamp, mut row: LedgerRow, facts: &Facts<'_>) -> Decision {
    if row.state == State::Pending && row.look_at.is_some_and(|at| at > facts.now) {
        return Decision::Keep(Outcome::Waiting);
    }
    let waiting = row.look_at.is_some();
    let young = facts.now.duration_since(created) < YOUNG;
    let next = LOOKS.get(usize::from(row.looks)).filter(|_| waiting || (young && row.looks == 0));
    let Some(pause) = next else { return skip(SkipReason::NoCustomer, row, facts) };
    row.looks += 1;
    row.look_at = facts.now.checked_add(*pause).ok();
    row.become_state(State::Pending, Some(SkipReason::NoCustomer.word()), facts.run, facts.now);
    Decision::Note(Box::new(row), Outcome::Waiting)
}
