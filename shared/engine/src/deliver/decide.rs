//! What is to be done about one observed record. Pure: facts in, decision out.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::activecampaign;
use tillsync_mapping::model::{Observed, Order, Reading, SkipReason};

use super::FAR_AHEAD;
use super::late::wait_for_buyer;
use super::orders::last_write;
use crate::state::{LedgerRow, State};
use crate::sums::Outcome;

/// What a decision rests on besides the record and its row.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The run that looks.
    pub run: &'a str,
    /// Its start: the live rule counts from here.
    pub started: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// Orders not older than this are live at their first send (rules.md section 2).
    pub live: SignedDuration,
    /// What is there as it is goes again.
    pub force: bool,
    /// What was refused is tried again although it did not change.
    pub retry: bool,
    /// Records made earlier are left out, unless they were sent before.
    pub history_from: Option<Timestamp>,
    /// When an existing connection was taken over.
    pub adopted: Option<Timestamp>,
    /// The record is written again because it did not arrive: what the run made of it before says nothing.
    pub again: bool,
    /// No second write within this time.
    pub landing: SignedDuration,
}

/// What is to be done about a record.
#[derive(Debug)]
pub enum Decision {
    /// Nothing; the row stays as it is.
    Keep(Outcome),
    /// Nothing is sent, but the row changes.
    Note(Box<LedgerRow>, Outcome),
    /// To be written, if it says anything new.
    Send(Arc<Order>, Box<LedgerRow>),
    /// To be looked at again once an earlier write has landed.
    Wait(Box<LedgerRow>),
}

/// Decides about one order.
#[must_use]
pub fn decide(record: Observed<Order>, row: Option<LedgerRow>, facts: &Facts<'_>) -> Decision {
    let mut row = row.unwrap_or_else(|| LedgerRow::seen(record.version));
    let sent = row.was_sent() || row.intent.is_some();
    let newer = record.version > row.version;
    row.version = row.version.max(record.version);
    if row.is_erased() {
        // Also where the store no longer says whose it was.
        return erased(row, facts);
    }
    match record.reading {
        Reading::Skipped { reason: SkipReason::Erased, .. } => erased(row, facts),
        Reading::Unreadable { code, place } => {
            let known = row.state == State::Parked && row.reason.as_deref() == Some(code);
            if known && !newer && row.run.as_deref() != Some(facts.run) {
                return Decision::Keep(Outcome::StillParked(code.into()));
            }
            row.note = Some(place);
            row.become_state(State::Parked, Some(code), facts.run, facts.now);
            Decision::Note(Box::new(row), Outcome::Parked(code.into()))
        }
        Reading::Skipped { late: Some(order), .. } if sent => match as_sent_before(order, &row) {
            Some(order) => to_be_sent(order, (record.version, record.created), row, facts),
            None => unsendable(record.version, row, facts),
        },
        Reading::Skipped { .. } if sent => unsendable(record.version, row, facts),
        Reading::Skipped { reason: SkipReason::NoCustomer, .. } => wait_for_buyer(record.created, row, facts),
        Reading::Skipped { reason, .. } => skip(reason, row, facts),
        Reading::Ready(_) if !sent && facts.history_from.is_some_and(|from| record.created < from) => {
            skip(SkipReason::BeforeHistory, row, facts)
        }
        Reading::Ready(order) => to_be_sent(order, (record.version, record.created), row, facts),
    }
}

/// The store no longer says who bought: the buyer is the one it was sent for.
fn as_sent_before(order: Arc<Order>, row: &LedgerRow) -> Option<Arc<Order>> {
    if order.buyer.is_some() {
        return Some(order);
    }
    let buyer = activecampaign::buyer_of(row.request.as_deref()?.get())?;
    Some(Arc::new(Order { buyer: Some(buyer), ..Arc::unwrap_or_clone(order) }))
}

pub(super) fn skip(reason: SkipReason, mut row: LedgerRow, facts: &Facts<'_>) -> Decision {
    let outcome = Outcome::Skipped(reason.word().into());
    row.look_at = None;
    row.become_state(State::Skipped, Some(reason.word()), facts.run, facts.now);
    Decision::Note(Box::new(row), outcome)
}

fn erased(mut row: LedgerRow, facts: &Facts<'_>) -> Decision {
    row.erase(Some(facts.run), facts.now);
    Decision::Note(Box::new(row), Outcome::Skipped(SkipReason::Erased.word().into()))
}

/// It is at the destination, and what changed cannot be sent any more, since nobody is left to send it for:
/// somebody must know.
fn unsendable(version: Timestamp, mut row: LedgerRow, facts: &Facts<'_>) -> Decision {
    const CODE: &str = "record.buyer_gone";
    if row.intent.is_none() && row.settled.is_some_and(|settled| version <= settled) {
        return unchanged(row, facts);
    }
    if row.reason.as_deref() == Some(CODE) && row.run.as_deref() != Some(facts.run) {
        return Decision::Keep(Outcome::StillParked(CODE.into()));
    }
    row.become_state(State::Parked, Some(CODE), facts.run, facts.now);
    Decision::Note(Box::new(row), Outcome::Parked(CODE.into()))
}

/// The destination has it. A record that was put aside to be looked at again is on its way no more.
fn unchanged(mut row: LedgerRow, facts: &Facts<'_>) -> Decision {
    let waits = row.state == State::Pending && row.intent.is_none() && row.desired <= row.settled;
    if !waits {
        return Decision::Keep(Outcome::Unchanged);
    }
    row.become_state(State::Synced, None, facts.run, facts.now);
    Decision::Note(Box::new(row), Outcome::Unchanged)
}

fn to_be_sent(
    order: Arc<Order>,
    (version, created): (Timestamp, Timestamp),
    mut row: LedgerRow,
    facts: &Facts<'_>,
) -> Decision {
    let this_run = row.run.as_deref() == Some(facts.run);
    let seen_before = row.desired.is_some_and(|desired| version <= desired);
    if this_run && seen_before && !facts.again {
        // Read a second time after a stop: it counts for what this run made of it.
        match row.state {
            State::Synced if row.intent.is_none() => return Decision::Keep(Outcome::Synced),
            State::Pending if row.flight.is_some() => return Decision::Keep(Outcome::Pending),
            State::Parked => return Decision::Keep(Outcome::Parked(row.reason.unwrap_or_default())),
            _ => {}
        }
    }
    let refused = row.reason.as_deref().is_some_and(|reason| reason.starts_with("destination."));
    if seen_before && row.state == State::Parked && refused && !facts.retry && !facts.force {
        // Refused once, and not changed since: sending it again would only be refused again.
        return Decision::Keep(Outcome::StillParked(row.reason.unwrap_or_default()));
    }
    // An older page. What was fetched by its id is the truth, even where a version goes back: it is the newest of
    // several things, and a profile may be merged into an older one.
    if !facts.again && row.settled.is_some_and(|settled| version < settled) {
        return unchanged(row, facts);
    }
    row.look_at = None;
    if row.live.is_none() {
        row.live = Some(is_live(&order, created, facts));
    }
    let landed = |sent: Timestamp| facts.now.duration_since(sent) >= facts.landing;
    let open = row.intent.is_some() || row.state == State::Pending;
    // Something newer is on its way: this is an old page, and the record has to be fetched anew.
    let overtaken = !facts.again && row.desired.is_some_and(|desired| version < desired);
    let too_early = last_write(&row).is_some_and(|sent| !landed(sent))
        && (open || facts.force || row.settled != Some(version));
    // Queued, or perhaps, and not read back yet: it may be applied at any time, so nothing follows it before it is
    // there.
    let in_queue = !facts.again && row.queued.is_some_and(|until| facts.now < until);
    if overtaken || too_early || in_queue {
        row.desired = row.desired.max(Some(version));
        row.become_state(State::Pending, None, facts.run, facts.now);
        return Decision::Wait(Box::new(row));
    }
    Decision::Send(order, Box::new(row))
}

/// Live: not older than a day at the start of the run, and not possibly at the destination already. A date that is
/// still to come is a till's whose clock is wrong: then it counts when the store had it.
fn is_live(order: &Order, created: Timestamp, facts: &Facts<'_>) -> bool {
    let is_wrong = order.date.duration_since(facts.now) > FAR_AHEAD;
    let date = if is_wrong { created } else { order.date };
    let recent = facts.started.duration_since(date) < facts.live;
    recent && facts.adopted.is_none_or(|adopted| date > adopted)
}
