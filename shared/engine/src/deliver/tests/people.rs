use std::time::Duration;

use tillsync_mapping::activecampaign::ImportState;
use tillsync_mapping::model::{Customer, Observed, Reading, SkipReason};

use super::super::import_outcome;
use crate::state::{RunKind, State, Stream};
use crate::sums::Outcome;
use crate::testing::{DAY, HOUR, Trouble, World, ago, order, person, ready, run};

fn people(count: usize) -> Vec<Observed<Customer>> {
    (0..count).map(|n| person(&format!("P-n{n:03}"), ago(HOUR))).collect()
}

fn sizes(world: &World) -> Vec<usize> {
    world
        .net
        .bodies("contacts.import")
        .iter()
        .map(|body| body["contacts"].as_array().unwrap().len())
        .collect()
}

#[tokio::test]
async fn people_whom_orders_carry_are_not_imported() {
    for kind in [RunKind::Historical, RunKind::Poll] {
        let world = World::new().await;
        let run = run(kind, "R1");
        let orders = ["A", "B"].map(|id| ready(order(id, ago(30 * DAY)))).to_vec();
        world.deliver(&run, orders).await.unwrap();
        let crowd = ["P-A", "P-B"].map(|id| person(id, ago(HOUR))).to_vec();
        let tally = world.import(&run, crowd).await.unwrap();
        assert_eq!((tally.observed, tally.unchanged), (2, 2), "{kind:?}");
        assert_eq!(world.calls("contacts.import") + world.calls("contacts.sync"), 0);
    }
}

#[tokio::test]
async fn a_person_who_changed_after_the_order_is_written() {
    let world = World::new().await;
    world.deliver(&run(RunKind::Poll, "R1"), vec![ready(order("A", ago(HOUR)))]).await.unwrap();
    let mut married = person("P-A", ago(60));
    if let Reading::Ready(customer) = &mut married.reading {
        std::sync::Arc::make_mut(customer).last_name = tillsync_mapping::model::Personal::new("Lee");
    }
    assert_eq!(world.import(&run(RunKind::Poll, "R2"), vec![married]).await.unwrap().synced, 1);
    assert_eq!(world.calls("contacts.sync"), 1);
}

#[tokio::test]
async fn ten_changed_people_go_by_import_and_fewer_one_by_one() {
    let cases = [
        (RunKind::Poll, 9, 9, vec![]),
        (RunKind::Poll, 10, 0, vec![10]),
        (RunKind::Poll, 1_001, 0, vec![250, 250, 250, 250, 1]),
        // Only an import can be silent.
        (RunKind::Historical, 1, 0, vec![1]),
        (RunKind::Historical, 251, 0, vec![250, 1]),
    ];
    for (kind, count, synced, imports) in cases {
        let world = World::new().await;
        let tally = world.import(&run(kind, "R1"), people(count)).await.unwrap();
        assert!(tally.agrees() && tally.observed == count as u64);
        assert_eq!((world.calls("contacts.sync"), sizes(&world)), (synced, imports), "{kind:?} {count}");
        assert_eq!(tally.pending, (count - synced) as u64);
        let silent =
            world.net.bodies("contacts.import").iter().all(|body| body["exclude_automations"] == true);
        assert!(kind == RunKind::Poll || silent);
    }
}

#[tokio::test]
async fn refused_people_are_parked_by_their_place() {
    let world = World::new().await;
    world.net.account().refused.extend(["n003@example.org".to_owned(), "n011@example.org".to_owned()]);
    let tally = world.import(&run(RunKind::Poll, "R1"), people(12)).await.unwrap();
    assert_eq!((tally.pending, tally.parked_total()), (10, 2));
    assert_eq!(sizes(&world), [12, 10]);
    let row = world.find(Stream::Customers, "P-n003").await.unwrap().value;
    assert_eq!((row.state, row.reason.as_deref()), (State::Parked, Some("destination.invalid_record")));
    assert_eq!((row.times_sent, row.flight, row.intent), (0, None, None));
    let again = world.import(&run(RunKind::Poll, "R2"), vec![person("P-n003", ago(HOUR))]).await.unwrap();
    assert_eq!((again.parked_earlier, sizes(&world).len()), (1, 2), "parked until changed");
}

#[tokio::test]
async fn a_refused_import_that_names_nobody_of_it_is_halved() {
    let world = World::new().await;
    world.net.account().cursed.insert("n003@example.org".to_owned());
    let tally = world.import(&run(RunKind::Historical, "R1"), people(16)).await.unwrap();
    assert_eq!((tally.pending, tally.parked_total()), (15, 1));
    assert_eq!(sizes(&world).len(), 9);
}

#[tokio::test]
async fn one_refused_person_does_not_hinder_the_others() {
    let world = World::new().await;
    world.net.account().refused.insert("n001@example.org".to_owned());
    let tally = world.import(&run(RunKind::Poll, "R1"), people(3)).await.unwrap();
    assert_eq!((tally.synced, tally.parked_total()), (2, 1));
    assert_eq!(world.net.account().people, ["n000@example.org", "n002@example.org"]);
}

#[tokio::test]
async fn lost_replies_put_the_window_off_and_nothing_is_acknowledged() {
    for (count, operation) in [(3, "contacts.sync"), (12, "contacts.import")] {
        for trouble in [Trouble::Landed, Trouble::Says(500, None), Trouble::Says(429, Some("90"))] {
            let world = World::new().await;
            world.net.plan(operation, 1, trouble);
            let run = run(RunKind::Poll, "R1");
            let fault = world.import(&run, people(count)).await.unwrap_err();
            assert_eq!(fault.kind, crate::fault::Kind::Retry);
            assert!(world.find(Stream::Customers, "P-n000").await.is_none());
            // As the queue does: nobody sits out a pause so long.
            world.clock.advance(Duration::from_secs(90));
            assert!(world.import(&run, people(count)).await.unwrap().agrees());
        }
    }
}

#[tokio::test]
async fn people_read_again_by_the_same_run_count_for_what_they_came_to() {
    let world = World::new().await;
    let run = run(RunKind::Historical, "R1");
    let mut crowd = people(12);
    crowd[4].reading = Reading::Skipped { reason: SkipReason::NoEmail, late: None };
    crowd[5].reading = Reading::Unreadable { code: "acme.unreadable", place: "x".into() };
    let first = world.import(&run, crowd.clone()).await.unwrap();
    assert_eq!((first.pending, first.skipped["no_email"], first.parked["acme.unreadable"]), (10, 1, 1));
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(world.import(&run, crowd).await.unwrap(), first);
    assert_eq!(world.calls("contacts.import"), 1);
}

#[tokio::test]
async fn an_import_says_what_became_of_each() {
    let world = World::new().await;
    world.import(&run(RunKind::Historical, "R1"), vec![person("P-ann", ago(HOUR))]).await.unwrap();
    let mark = world.find(Stream::Customers, "P-ann").await.unwrap().value.check.unwrap();
    let done = |refused: &[&str]| ImportState::Done {
        refused: refused.iter().map(|one| (*one).to_owned()).collect(),
    };
    let parked = |reason: &str| Some(Outcome::Parked(reason.to_owned()));
    let cases = [
        (ImportState::Working, None),
        (ImportState::Failed, parked("destination.lost")),
        (done(&[]), Some(Outcome::Synced)),
        (done(&["ben@example.org"]), Some(Outcome::Synced)),
        (done(&["ben@example.org", "ann@EXAMPLE.org"]), parked("destination.invalid_record")),
    ];
    for (state, expected) in cases {
        assert_eq!(import_outcome(&state, Some(&mark)), expected, "{state:?}");
    }
    assert!(!mark.contains('@'));
}
