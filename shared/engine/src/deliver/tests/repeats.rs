//! Decisions about records that were written before.

use super::super::{Decision, Facts, decide};
use super::decisions::{change, check, facts, intent, row, sold};
use crate::state::State;
use crate::testing::{HOUR, ago};

#[test]
fn an_older_version_is_never_sent_over_a_newer_one() {
    let synced = row(State::Synced, ago(HOUR));
    let open = change(row(State::Pending, ago(HOUR)), |row| intent(row, ago(HOUR)));
    check(vec![
        ("settled newer", sold(2 * HOUR), Some(synced), facts(), "keep unchanged"),
        ("a newer one is on its way", sold(2 * HOUR), Some(open.clone()), facts(), "wait"),
        (
            "fetched as it is now: there is no newer one",
            sold(2 * HOUR),
            Some(open),
            Facts { again: true, ..facts() },
            "send live",
        ),
    ]);
}

#[test]
fn parked_stays_parked_until_it_changes() {
    let parked = || Some(row(State::Parked, ago(HOUR)));
    let here = || parked().map(|row| change(row, |row| row.run = Some("R1".into())));
    check(vec![
        ("the same", sold(HOUR), parked(), facts(), "keep still parked destination.invalid_record"),
        ("older", sold(2 * HOUR), parked(), facts(), "keep still parked destination.invalid_record"),
        ("changed", sold(HOUR - 1), parked(), facts(), "send live"),
        ("parked by this very run", sold(HOUR), here(), facts(), "keep parked destination.invalid_record"),
    ]);
}

#[test]
fn a_record_read_again_by_the_same_run_counts_for_what_it_came_to() {
    let here = |state| change(row(state, ago(HOUR)), |row| row.run = Some("R1".into()));
    let flying = change(here(State::Pending), |row| row.flight = Some("F".into()));
    let again = Facts { again: true, ..facts() };
    check(vec![
        ("written", sold(HOUR), Some(here(State::Synced)), facts(), "keep synced"),
        ("on its way", sold(HOUR), Some(flying.clone()), facts(), "keep pending"),
        ("on nobody's way", sold(HOUR), Some(here(State::Pending)), facts(), "send live"),
        ("changed meanwhile", sold(HOUR - 1), Some(here(State::Synced)), facts(), "send live"),
        (
            "its reply was lost",
            sold(HOUR),
            Some(change(here(State::Synced), |row| intent(row, ago(HOUR)))),
            facts(),
            "send live",
        ),
        ("written again on purpose", sold(HOUR), Some(flying), again, "send live"),
    ]);
}

#[test]
fn nothing_is_written_again_before_the_last_write_has_landed() {
    let written = |seconds, state| change(row(state, ago(HOUR)), |row| row.sent_at = Some(ago(seconds)));
    let open = |seconds| {
        change(row(State::Pending, ago(HOUR)), |row| {
            row.sent_at = None;
            intent(row, ago(seconds));
        })
    };
    // It is ten seconds later than the beginning; a request leaves within twenty of its intent.
    check(vec![
        ("an open write of now", sold(HOUR), Some(open(0)), facts(), "wait"),
        ("a second too early", sold(HOUR), Some(open(69)), facts(), "wait"),
        ("the landing time is over", sold(HOUR), Some(open(70)), facts(), "send live"),
        (
            "changed right after it was written",
            sold(HOUR - 1),
            Some(written(0, State::Synced)),
            facts(),
            "wait",
        ),
        (
            "changed a minute after it was written",
            sold(HOUR - 1),
            Some(written(50, State::Synced)),
            facts(),
            "send live",
        ),
        ("queued a moment ago", sold(HOUR), Some(written(0, State::Pending)), facts(), "wait"),
        (
            "written a moment ago, and the same",
            sold(HOUR),
            Some(written(0, State::Synced)),
            facts(),
            "send live",
        ),
    ]);
}

#[test]
fn waiting_notes_the_newest_version_and_that_it_is_pending() {
    let old = change(row(State::Synced, ago(HOUR)), |row| row.sent_at = Some(ago(0)));
    let Decision::Wait(row) = decide(sold(60), Some(old), &facts()) else { panic!("it waits") };
    assert_eq!((row.state, row.desired, row.version), (State::Pending, Some(ago(60)), ago(60)));
    assert_eq!(row.run.as_deref(), Some("R1"));
}
