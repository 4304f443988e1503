use std::time::Duration;

use jiff::SignedDuration;

use super::{ended, history, poll};
use crate::state::{Run, RunState, State, Stream};
use crate::sums::Tally;
use crate::testing::{DAY, HOUR, Trouble, World, ago, beginning};

/// A shop with so many old orders.
async fn shop(count: i64) -> World {
    let world = World::new().await;
    (0..count).for_each(|n| world.net.shop().sell(&format!("O{n}"), ago(30 * DAY + n)));
    world
}

fn orders(run: &Run) -> Tally {
    run.streams.clone().unwrap().orders
}

fn writes(world: &World) -> usize {
    world.calls("orders.push") + world.calls("orders.queue")
}

#[tokio::test]
async fn an_order_that_does_not_appear_is_written_once_more() {
    let world = shop(8).await;
    world.net.account().loses.insert("O3".to_owned(), 1);
    let run = history(&world).await;
    assert_eq!((run.state, orders(&run).synced, orders(&run).observed), (RunState::Complete, 8, 8));
    assert_eq!(world.net.orders_of("orders.push"), [["O3"]], "answered at once this time");
    let row = world.row("O3").await;
    assert_eq!((row.state, row.times_sent), (State::Synced, 2));
    let waited = row.sent_at.unwrap().duration_since(beginning());
    assert!((15 * 60..17 * 60).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test]
async fn an_order_lost_twice_is_parked() {
    let world = shop(8).await;
    world.net.account().loses.insert("O3".to_owned(), 1);
    world.net.plan("orders.push", 0, Trouble::Lost);
    let run = history(&world).await;
    let found = world.net.account().orders.contains_key("O3");
    assert!(!found && orders(&run).agrees());
    assert_eq!((run.state, orders(&run).synced, orders(&run).observed), (RunState::Complete, 7, 8));
    assert_eq!(orders(&run).parked["destination.lost"], 1);
    assert_eq!(world.row("O3").await.state, State::Parked);
    assert_eq!(writes(&world), 2);
}

#[tokio::test]
async fn a_lost_reply_is_settled_by_looking() {
    for (trouble, expected) in [(Trouble::Landed, 1), (Trouble::Lost, 2)] {
        for count in [3, 40] {
            let world = shop(count).await;
            world.net.plan("orders.queue", 1, trouble.clone());
            let run = history(&world).await;
            assert_eq!(orders(&run).synced, count.unsigned_abs(), "{trouble:?}");
            assert_eq!(writes(&world), expected, "{trouble:?} {count}");
            let row = world.row("O0").await;
            assert_eq!(
                (row.state, row.intent, row.settled, row.times_sent),
                (State::Synced, None, Some(ago(30 * DAY)), 1)
            );
        }
    }
}

#[tokio::test]
async fn a_rewriting_that_is_put_off_is_not_forgotten() {
    for trouble in [Trouble::Says(429, Some("90")), Trouble::NotSent] {
        let world = shop(8).await;
        world.net.account().loses.insert("O3".to_owned(), 1);
        let times = if matches!(trouble, Trouble::NotSent) { 4 } else { 1 };
        (1..=times).for_each(|n| world.net.plan("orders.push", n, trouble.clone()));
        let run = history(&world).await;
        assert_eq!(orders(&run).synced, 8);
        assert_eq!(world.row("O3").await.state, State::Synced, "{trouble:?}");
        assert!(world.net.account().orders.contains_key("O3"), "{trouble:?}");
    }
}

#[tokio::test]
async fn an_order_that_is_gone_from_the_shop_is_parked_with_the_reason() {
    let world = shop(8).await;
    world.net.account().loses.insert("O3".to_owned(), 1);
    let started = super::super::start_backfill(&world.engine, "C1", &Default::default()).await.unwrap();
    while world.calls("orders.queue") == 0 {
        let delivery = world.take().await.unwrap();
        super::super::handle(&world.engine, &delivery).await.unwrap();
    }
    world.net.shop().orders.retain(|order| order["id"] != "O3");
    let run = ended(&world, &started.run.id).await;
    assert_eq!((orders(&run).synced, orders(&run).parked["record.gone"]), (7, 1));
}

#[tokio::test]
async fn an_order_refused_when_it_is_written_again_counts_as_parked() {
    let world = shop(8).await;
    world.net.account().loses.extend([("O3".to_owned(), 1), ("O4".to_owned(), 1)]);
    let started = super::super::start_backfill(&world.engine, "C1", &Default::default()).await.unwrap();
    while world.calls("orders.queue") == 0 {
        let delivery = world.take().await.unwrap();
        super::super::handle(&world.engine, &delivery).await.unwrap();
    }
    world.net.account().refused.insert("O3".to_owned());
    let run = ended(&world, &started.run.id).await;
    assert_eq!((orders(&run).synced, orders(&run).parked["destination.invalid_record"]), (7, 1));
}

#[tokio::test]
async fn more_than_a_page_of_one_instant_is_read_back() {
    let world = World::new().await;
    (0..250).for_each(|n| world.net.shop().sell(&format!("O{n}"), ago(30 * DAY)));
    (0..130).for_each(|n| world.net.shop().sell(&format!("N{n}"), ago(29 * DAY)));
    let run = history(&world).await;
    assert_eq!((orders(&run).synced, writes(&world)), (380, 4));
}

#[tokio::test]
async fn imports_are_asked_for_until_they_are_done() {
    let world = World::new().await;
    (0..12).for_each(|n| world.net.shop().meet(&format!("P-guest{n}"), ago(DAY)));
    world.net.account().working = 3;
    world.net.account().bounced = vec!["GUEST3@example.org".to_owned()];
    let run = history(&world).await;
    let people = run.streams.unwrap().customers;
    assert_eq!((people.synced, people.parked["destination.invalid_record"]), (11, 1));
    assert_eq!(world.calls("contacts.import_info"), 4);
    assert_eq!(world.find(Stream::Customers, "P-guest3").await.unwrap().value.state, State::Parked);
    let failed = World::new().await;
    failed.net.shop().meet("P-guest", ago(DAY));
    failed.net.account().imports_fail = true;
    assert_eq!(history(&failed).await.streams.unwrap().customers.parked["destination.lost"], 1);
}

#[tokio::test]
async fn a_change_that_had_to_wait_is_written_however_close_it_was() {
    for millis in [60_000, 1_000, 400] {
        let world = World::new().await;
        world.net.shop().sell("A", ago(200));
        assert_eq!(orders(&poll(&world).await).synced, 1);
        world.clock.advance(Duration::from_secs(5));
        world.net.shop().refund("A", ago(200) + SignedDuration::from_millis(millis));
        let run = poll(&world).await;
        assert_eq!((run.state, orders(&run).observed, orders(&run).synced), (RunState::Complete, 1, 1));
        let there = world.net.account().orders["A"].0.clone();
        assert_eq!(there["normalizedStatus"], "REFUNDED", "{millis} milliseconds later");
        assert_eq!(writes(&world), 2);
        assert!(world.row("A").await.sent_at.unwrap() >= beginning() + SignedDuration::from_secs(60));
    }
}

#[tokio::test]
async fn what_a_lost_reply_wrote_is_what_the_next_change_is_compared_with() {
    let mut world = World::new().await;
    world.connection.created = ago(2 * HOUR);
    world.save(&world.connection).await;
    world.net.shop().sell("A", ago(HOUR));
    poll(&world).await;
    for (n, name) in ["Bea", "Ann"].into_iter().enumerate() {
        world.clock.advance(Duration::from_secs(600));
        let at = (world.engine.now() - SignedDuration::from_secs(300)).to_string();
        for (list, field) in [(0, "given_name"), (1, "note")] {
            let mut shop = world.net.shop();
            let record = if list == 0 { &mut shop.people[0] } else { &mut shop.orders[0] };
            record[field] = name.into();
            record["updated_at"] = at.clone().into();
        }
        if n == 0 {
            world.net.plan("orders.push", 1, Trouble::Landed);
        }
        poll(&world).await;
        let there = world.net.account().orders["A"].0.clone();
        assert_eq!(there["customerData"]["firstName"], name);
    }
    assert_eq!(world.calls("orders.push"), 3);
}
