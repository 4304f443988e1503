use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::model::{Observed, Order, Reading, SkipReason};

use super::super::{Decision, Facts, decide};
use crate::state::{Intent, LedgerRow, State};
use crate::sums::Outcome;
use crate::testing::{DAY, HOUR, ago, beginning, order, ready, skipped};

pub(super) fn facts() -> Facts<'static> {
    Facts {
        run: "R1",
        started: beginning(),
        now: beginning() + SignedDuration::from_secs(10),
        live: SignedDuration::from_hours(24),
        force: false,
        retry: false,
        history_from: None,
        adopted: None,
        again: false,
        landing: SignedDuration::from_secs(60),
    }
}

/// A row of another run whose last write was long ago.
pub(super) fn row(state: State, version: Timestamp) -> LedgerRow {
    let mut row = LedgerRow::seen(version);
    row.become_state(
        state,
        (state == State::Parked).then_some("destination.invalid_record"),
        "R0",
        ago(2 * HOUR),
    );
    row.desired = Some(version);
    row.settled = (state == State::Synced).then_some(version);
    (row.times_sent, row.live, row.sent_at) = (1, Some(true), Some(ago(2 * HOUR)));
    row
}

pub(super) fn change(row: LedgerRow, change: impl FnOnce(&mut LedgerRow)) -> LedgerRow {
    let mut row = row;
    change(&mut row);
    row
}

pub(super) fn intent(row: &mut LedgerRow, at: Timestamp) {
    row.intent = Some(Intent { id: "A".into(), at, version: row.version });
}

/// The decision in a few words.
fn short(decision: &Decision) -> String {
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Skipped(reason) => format!("skipped {reason}"),
        Outcome::Parked(reason) => format!("parked {reason}"),
        Outcome::StillParked(reason) => format!("still parked {reason}"),
        other => format!("{other:?}").to_lowercase(),
    };
    match decision {
        Decision::Keep(kept) => format!("keep {}", outcome(kept)),
        Decision::Note(_, noted) => format!("note {}", outcome(noted)),
        Decision::Send(_, row) => format!("send {}", if row.live == Some(true) { "live" } else { "silent" }),
        Decision::Wait(_) => "wait".to_owned(),
    }
}

type Case<'a> = (&'a str, Observed<Order>, Option<LedgerRow>, Facts<'a>, &'a str);

pub(super) fn check(cases: Vec<Case<'_>>) {
    for (claim, record, row, facts, expected) in cases {
        assert_eq!(short(&decide(record, row, &facts)), expected, "{claim}");
    }
}

pub(super) fn sold(seconds: i64) -> Observed<Order> {
    ready(order("A", ago(seconds)))
}

#[test]
fn the_first_send_decides_whether_an_order_is_live() {
    let adopted = |seconds| Facts { adopted: Some(ago(seconds)), ..facts() };
    let nanosecond = jiff::ToSpan::nanosecond(1);
    check(vec![
        ("of this hour", sold(HOUR), None, facts(), "send live"),
        ("a second less than a day old", sold(DAY - 1), None, facts(), "send live"),
        ("a nanosecond less", ready(order("A", ago(DAY) + nanosecond)), None, facts(), "send live"),
        ("exactly a day old", sold(DAY), None, facts(), "send silent"),
        ("older", sold(400 * DAY), None, facts(), "send silent"),
        ("dated after the start of the run", sold(-HOUR), None, facts(), "send live"),
        (
            "counted from the start, however long the run takes",
            sold(DAY - 1),
            None,
            Facts { now: beginning() + SignedDuration::from_hours(9), ..facts() },
            "send live",
        ),
        ("before the take-over it may be there already", sold(HOUR), None, adopted(60), "send silent"),
        ("at the take-over", sold(HOUR), None, adopted(HOUR), "send silent"),
        ("after the take-over", sold(HOUR), None, adopted(2 * HOUR), "send live"),
    ]);
}

#[test]
fn the_live_flag_is_never_computed_again() {
    let silent = change(row(State::Synced, ago(3 * HOUR)), |row| row.live = Some(false));
    let live = row(State::Synced, ago(900 * DAY));
    check(vec![
        ("silent stays silent", sold(HOUR), Some(silent), facts(), "send silent"),
        ("live stays live", sold(800 * DAY), Some(live), facts(), "send live"),
    ]);
}

#[test]
fn polls_leave_out_what_is_older_than_the_history() {
    let poll = Facts { history_from: Some(ago(DAY)), ..facts() };
    let unsent = change(row(State::Skipped, ago(2 * DAY)), |row| row.times_sent = 0);
    let open = change(unsent.clone(), |row| intent(row, ago(HOUR)));
    check(vec![
        ("never sent", sold(DAY + 1), None, poll.clone(), "note skipped before_history"),
        ("seen, never sent", sold(DAY + 1), Some(unsent), poll.clone(), "note skipped before_history"),
        ("the very first instant belongs to it", sold(DAY), None, poll.clone(), "send silent"),
        ("sent before", sold(DAY + 1), Some(row(State::Synced, ago(9 * DAY))), poll.clone(), "send live"),
        ("perhaps sent before", sold(DAY + 1), Some(open), poll, "send live"),
        ("a history selects by itself", sold(900 * DAY), None, facts(), "send silent"),
    ]);
}

#[test]
fn an_order_once_sent_is_kept_right_when_a_rule_would_leave_it_out() {
    let gone = |late| Observed {
        reading: Reading::Skipped { reason: SkipReason::CustomerGone, late },
        ..skipped(order("A", ago(HOUR)), SkipReason::NotPaid)
    };
    let unpaid = || skipped(order("A", ago(HOUR)), SkipReason::NotPaid);
    let old = || Some(row(State::Synced, ago(3 * HOUR)));
    let parked = |run| {
        let mut row = row(State::Synced, ago(3 * HOUR));
        row.become_state(State::Parked, Some("record.buyer_gone"), run, ago(2 * HOUR));
        Some(row)
    };
    check(vec![
        ("never sent", unpaid(), None, facts(), "note skipped not_paid"),
        ("sent", unpaid(), old(), facts(), "send live"),
        (
            "perhaps sent",
            unpaid(),
            Some(change(LedgerRow::seen(ago(3 * HOUR)), |row| intent(row, ago(HOUR)))),
            facts(),
            "send live",
        ),
        ("sent, but nothing can be made of it", gone(None), old(), facts(), "note parked record.buyer_gone"),
        ("as an earlier run found", gone(None), parked("R0"), facts(), "keep still parked record.buyer_gone"),
        ("as this run found", gone(None), parked("R1"), facts(), "note parked record.buyer_gone"),
    ]);
}

#[test]
fn what_cannot_be_read_is_parked() {
    let broken = || Observed {
        reading: Reading::Unreadable { code: "acme.unreadable", place: "tenders".into() },
        ..sold(HOUR)
    };
    let parked = change(row(State::Parked, ago(HOUR)), |row| row.desired = None);
    // As it was parked: by another run, at this version.
    let known = |version| {
        let mut row = LedgerRow::seen(ago(version));
        row.become_state(State::Parked, Some("acme.unreadable"), "R0", ago(2 * HOUR));
        Some(row)
    };
    let of_this_run = known(HOUR).map(|row| change(row, |row| row.run = Some("R1".into())));
    check(vec![
        ("again, unchanged", broken(), known(HOUR), facts(), "keep still parked acme.unreadable"),
        ("again, an older page", broken(), known(HOUR - 1), facts(), "keep still parked acme.unreadable"),
        ("again, changed since", broken(), known(HOUR + 1), facts(), "note parked acme.unreadable"),
        (
            "parked for another reason",
            broken(),
            Some(row(State::Parked, ago(HOUR))),
            facts(),
            "note parked acme.unreadable",
        ),
        ("a second time in this run", broken(), of_this_run, facts(), "note parked acme.unreadable"),
        ("new", broken(), None, facts(), "note parked acme.unreadable"),
        ("sent before", broken(), Some(row(State::Synced, ago(DAY))), facts(), "note parked acme.unreadable"),
        ("readable now, at the same version", sold(HOUR), Some(parked), facts(), "send live"),
    ]);
}

#[test]
fn a_date_that_is_still_to_come_makes_nothing_live() {
    // Days from now to the date of the order, hours since the store has it, whether it starts automations.
    let cases = [
        (-400, 1, false),
        (0, 1, true),
        (1, 400, true),
        (2, 23, true),
        (2, 25, false),
        (360_000, 9_000, false),
    ];
    for (days, hours, live) in cases {
        let mut order = order("O1", beginning() + SignedDuration::from_hours(24 * days));
        order.date = beginning() + SignedDuration::from_hours(24 * days);
        let mut record = ready(order);
        record.created = ago(hours * HOUR);
        let Decision::Send(_, row) = decide(record, None, &facts()) else { panic!("{days} {hours}") };
        assert_eq!(row.live, Some(live), "{days} {hours}");
    }
}

/// The same version said something else, was put aside to be fetched anew, and then its buyer was gone, or an older
/// page was read: it waits for nothing any more.
#[test]
fn what_was_put_aside_and_is_there_as_it_is_waits_no_longer() {
    let aside = |desired| {
        let row = row(State::Synced, ago(HOUR));
        change(row, |row| {
            (row.state, row.flight, row.desired) = (State::Pending, Some("F1".into()), Some(desired));
        })
    };
    let gone = || Observed {
        reading: Reading::Skipped { reason: SkipReason::CustomerGone, late: None },
        ..ready(order("O1", ago(HOUR)))
    };
    let older = || ready(order("O1", ago(2 * HOUR)));
    for record in [gone(), older()] {
        let Decision::Note(row, Outcome::Unchanged) = decide(record, Some(aside(ago(HOUR))), &facts()) else {
            panic!("it is there")
        };
        assert_eq!(row.state, State::Synced);
    }
    // Something newer is on its way: that is settled by its flight.
    let kept = decide(older(), Some(aside(ago(60))), &facts());
    assert!(matches!(kept, Decision::Keep(Outcome::Unchanged)), "{kept:?}");
}

#[test]
fn nothing_follows_a_write_of_unknown_outcome_too_soon_whatever_was_seen_since() {
    let known = |since: i64| {
        change(row(State::Synced, ago(HOUR)), |row| {
            intent(row, ago(since));
            row.become_state(State::Parked, Some("acme.unreadable"), "R0", ago(since));
        })
    };
    check(vec![
        ("the same version, ten seconds later", sold(HOUR), Some(known(0)), facts(), "wait"),
        ("before it has landed", sold(HOUR), Some(known(69)), facts(), "wait"),
        ("when it has landed", sold(HOUR), Some(known(70)), facts(), "send live"),
    ]);
}

#[test]
fn what_the_destination_has_queued_is_not_overtaken_until_it_counts_as_lost() {
    let queued = |seconds: i64| {
        change(row(State::Pending, ago(HOUR)), |row| {
            (row.flight, row.sent_at) = (Some("F".into()), Some(ago(seconds)));
            row.queued = Some(ago(seconds - 15 * 60));
        })
    };
    let in_no_flight = change(queued(300), |row| (row.flight, row.queued) = (None, None));
    // Ten seconds have passed since the beginning.
    let lost = 15 * 60 - 10;
    check(vec![
        ("newer, five minutes after", sold(600), Some(queued(300)), facts(), "wait"),
        ("newer, a second before it is lost", sold(600), Some(queued(lost - 1)), facts(), "wait"),
        ("newer, when it is lost", sold(600), Some(queued(lost)), facts(), "send live"),
        ("newer, and long lost", sold(600), Some(queued(HOUR)), facts(), "send live"),
        (
            "written again, as it did not arrive",
            sold(600),
            Some(queued(300)),
            Facts { again: true, ..facts() },
            "send live",
        ),
        ("newer, nothing queued", sold(600), Some(in_no_flight), facts(), "send live"),
    ]);
}
