use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Calls, Outcome, Streams, Tally};

fn outcome() -> impl Strategy<Value = Outcome> {
    let reason =
        prop::sample::select(vec!["no_email", "not_paid", "destination.lost"]).prop_map(str::to_owned);
    prop_oneof![
        Just(Outcome::Synced),
        Just(Outcome::Unchanged),
        Just(Outcome::Pending),
        Just(Outcome::Waiting),
        reason.clone().prop_map(Outcome::Skipped),
        reason.clone().prop_map(Outcome::Parked),
        reason.prop_map(Outcome::StillParked),
    ]
}

proptest! {
    #[test]
    fn sums_agree_whatever_is_counted_and_whatever_flies(
        pages in prop::collection::vec(prop::collection::vec(outcome(), 0..30), 0..8),
    ) {
        let mut total = Tally::default();
        let mut landed = 0;
        for page in &pages {
            let mut tally = Tally::default();
            page.iter().for_each(|outcome| tally.count(outcome));
            prop_assert!(tally.agrees());
            let stays = page.iter().filter(|outcome| **outcome != Outcome::Pending).count() as u64;
            prop_assert_eq!(tally.without_flights().observed, stays);
            prop_assert!(tally.without_flights().agrees());
            landed += stays;
            total.add(&tally);
            prop_assert!(total.agrees());
        }
        prop_assert_eq!(total.without_flights().observed, landed);
    }

    #[test]
    fn a_tally_is_the_same_counted_at_once_or_in_parts(
        outcomes in prop::collection::vec(outcome(), 0..60),
        at in 0_usize..60,
    ) {
        let count = |outcomes: &[Outcome]| {
            let mut tally = Tally::default();
            outcomes.iter().for_each(|outcome| tally.count(outcome));
            tally
        };
        let (first, second) = outcomes.split_at(at.min(outcomes.len()));
        let mut parts = count(first);
        parts.add(&count(second));
        prop_assert_eq!(&parts, &count(&outcomes));
        let text = serde_json::to_string(&parts).unwrap();
        let stored = Tally { flying: 0, ..parts };
        prop_assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), stored);
    }

    #[test]
    fn ledger_tags_make_sums_that_agree(
        tags in prop::collection::btree_map("(synced|pending|(skipped|parked):[a-z_.]{1,9})", 0_u64..1_000, 0..9),
    ) {
        let tally = Tally::of_tags(&tags);
        prop_assert!(tally.agrees());
        prop_assert_eq!(tally.observed, tags.values().sum::<u64>());
    }
}

#[test]
fn records_parked_by_an_earlier_run_are_told_apart() {
    let mut streams = Streams::default();
    for outcome in
        [Outcome::Parked("a".into()), Outcome::StillParked("a".into()), Outcome::StillParked("b".into())]
    {
        streams.orders.count(&outcome);
    }
    streams.customers.count(&Outcome::Parked("c".into()));
    assert_eq!(streams.orders.parked, BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 1)]));
    assert_eq!((streams.newly_parked(), streams.observed()), (2, 4));
}

#[test]
fn sums_that_do_not_agree_are_seen() {
    assert!(!Tally { observed: 2, synced: 1, ..Tally::default() }.agrees());
    assert!(!Tally { observed: 1, synced: 1, pending: 1, ..Tally::default() }.agrees());
}

#[test]
fn a_tally_of_before_is_read() {
    let text = r#"{"observed":1,"synced":1,"unchanged":0,"skipped":{},"parked":{},"pending":0}"#;
    assert!(serde_json::from_str::<Tally>(text).unwrap().agrees());
}

#[test]
fn calls_of_both_sides_are_added() {
    let mut calls = Calls { source: 1, destination: 2 };
    calls.add(Calls { source: 10, destination: 20 });
    assert_eq!(calls, Calls { source: 11, destination: 22 });
}
