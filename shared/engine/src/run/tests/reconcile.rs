use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::json;

use super::super::{days, start_reconcile};
use super::{history, poll};
use crate::shapes::Compared;
use crate::state::{Comparison, Day, Run, RunState};
use crate::testing::{DAY, HOUR, World, ago};

/// Twelve orders, one every ten days, all sent.
async fn world() -> World {
    let world = World::new().await;
    for n in 0..12 {
        world.net.shop().sell(&format!("O{n:02}"), ago((120 - n * 10) * DAY + 3 * HOUR));
    }
    world.net.shop().page = 5;
    history(&world).await;
    world
}

async fn compare(world: &World, asked: Comparison) -> (Run, Vec<Day>) {
    let started = start_reconcile(&world.engine, "C1", asked).await.unwrap();
    world.work().await;
    let run = world.load_run(&started.run.id).await;
    assert!(run.ended() && run.streams.as_ref().unwrap().orders.agrees(), "{run:?}");
    let days = days(&world.engine, &run.id).await.unwrap();
    (run, days)
}

fn named(days: &[Day]) -> Vec<(String, String)> {
    let all = days.iter().flat_map(Day::differences);
    all.map(|one| (one.id.clone(), one.reason.clone().unwrap_or_else(|| "none".into()))).collect()
}

#[tokio::test]
async fn both_sides_are_the_same_after_a_history() {
    let world = world().await;
    let before = world.net.account().orders.clone();
    let (run, days) = compare(&world, Comparison::default()).await;
    let found = Compared::of(&days);
    assert_eq!(
        (run.state, days.len(), found.source.count, found.source.minor),
        (RunState::Complete, 12, 12, 15_000)
    );
    assert_eq!(found.source, found.destination);
    assert_eq!((found.explained.len(), found.unexplained), (0, 0));
    assert_eq!(run.copies, None, "just sent: the older store may not follow yet");
    world.clock.advance(Duration::from_secs(60));
    let (run, _) = compare(&world, Comparison::default()).await;
    assert_eq!(run.copies.map(|copies| (copies.asked, copies.shown)), Some((5, 5)));
    assert_eq!(world.net.account().orders, before, "nothing is written");
}

#[tokio::test]
async fn every_difference_is_named_with_its_reason() {
    let world = world().await;
    {
        let mut account = world.net.account();
        account.orders.remove("O01");
        account.orders.get_mut("O02").unwrap().0["finalAmount"] = json!(99.0);
        let mut stranger = account.orders["O03"].clone();
        stranger.0["storeOrderId"] = json!("X1");
        account.orders.insert("X1".into(), stranger);
    }
    let now = world.engine.now();
    world.net.shop().sell("new", now);
    world.net.shop().refund("O04", now);
    world.net.shop().orders.retain(|order| order["id"] != "O05");
    let (run, days) = compare(&world, Comparison::default()).await;
    assert_eq!(run.state, RunState::Complete, "all of them have a reason");
    let mut expected = vec![
        ("O01", "destination.missing"),
        ("O02", "destination.changed"),
        ("X1", "not_ours"),
        ("O04", "not_read_yet"),
        ("O05", "record.gone"),
        ("new", "not_read_yet"),
    ];
    let mut found = named(&days);
    found.sort();
    expected.sort_unstable();
    let found: Vec<_> = found.iter().map(|(id, reason)| (id.as_str(), reason.as_str())).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_old_version_of_the_same_amount_is_found_and_mended() {
    let world = world().await;
    let held = world.net.account().orders["O07"].0.clone();
    {
        let mut account = world.net.account();
        let order = &mut account.orders.get_mut("O07").unwrap().0;
        order["storeModifiedDate"] = json!("2001-02-03T04:05:06Z");
        order["lineItems"][0]["name"] = json!("as it was before");
    }
    world.clock.advance(Duration::from_secs(600));
    let (run, days) = compare(&world, Comparison::default()).await;
    assert_eq!(run.state, RunState::Complete);
    assert_eq!(named(&days), [("O07".to_owned(), "destination.changed".to_owned())]);
    compare(&world, Comparison { repair: true, ..Comparison::default() }).await;
    assert_eq!(world.net.account().orders["O07"].0, held);
    let (_, days) = compare(&world, Comparison::default()).await;
    assert_eq!(named(&days), []);
}

#[tokio::test]
async fn what_nothing_explains_is_never_called_complete() {
    let world = world().await;
    world.net.account().orders.remove("O06");
    // The ledger never heard of it either: it was missed.
    let key = crate::state::LedgerRow::key("CONN#C1", "orders", "O06");
    let item = world.engine.store.get(&key).await.unwrap().unwrap();
    let delete = crate::ports::Write::Delete { key, when: crate::ports::Condition::Rev(item.rev) };
    world.engine.store.transact(vec![delete]).await.unwrap();
    let (run, days) = compare(&world, Comparison::default()).await;
    assert_eq!(named(&days), [("O06".to_owned(), "none".to_owned())]);
    assert_eq!(run.state, RunState::Incomplete);
    assert_eq!(run.problem.unwrap().code, "reconcile.unexplained");
    // It is mended as well, and then there is nothing left to say.
    compare(&world, Comparison { repair: true, ..Comparison::default() }).await;
    let (run, days) = compare(&world, Comparison::default()).await;
    assert_eq!((run.state, named(&days)), (RunState::Complete, Vec::new()));
}

#[tokio::test]
async fn a_repair_sends_silently_what_was_lost_or_changed() {
    let world = world().await;
    world.clock.advance(Duration::from_secs(DAY.unsigned_abs()));
    world.net.shop().sell("live", world.engine.now() - SignedDuration::from_hours(1));
    poll(&world).await;
    assert_eq!(world.net.account().orders["live"].0["creationSource"], "REAL_TIME");
    world.clock.advance(Duration::from_secs(600));
    {
        let mut account = world.net.account();
        account.orders.remove("O01");
        account.orders.remove("live");
        account.orders.get_mut("O02").unwrap().0["finalAmount"] = json!(99.0);
    }
    let (run, _) = compare(&world, Comparison { repair: true, ..Comparison::default() }).await;
    assert_eq!((run.state, run.streams.as_ref().unwrap().orders.synced), (RunState::Complete, 3));
    {
        let account = world.net.account();
        assert_eq!(account.orders["O02"].0["finalAmount"], json!(12.5));
        assert_eq!(account.orders["live"].0["creationSource"], "HISTORICAL", "no automation starts twice");
    }
    let (run, days) = compare(&world, Comparison::default()).await;
    assert_eq!((run.state, named(&days)), (RunState::Complete, Vec::new()));
}

#[tokio::test]
async fn days_are_those_of_the_orders_dates() {
    let world = world().await;
    world.net.account().orders.remove("O01");
    world.net.account().orders.remove("O09");
    // The world begins on 2026-05-04 at 10; O09 was sold thirty days and three hours before.
    let day = date(2026, 4, 4);
    let (run, days) =
        compare(&world, Comparison { first: Some(day), last: Some(day), ..Comparison::default() }).await;
    assert_eq!((run.state, days.len(), days[0].date, days[0].source.count), (RunState::Complete, 1, day, 1));
    assert_eq!(named(&days), [("O09".to_owned(), "destination.missing".to_owned())]);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_not_compared() {
    let world = world().await;
    world.net.plan("orders.search", 0, crate::testing::Trouble::Says(403, None));
    let started = start_reconcile(&world.engine, "C1", Comparison::default()).await.unwrap();
    world.work().await;
    let run = world.load_run(&started.run.id).await;
    assert_eq!(run.state, RunState::Incomplete);
    assert!(days(&world.engine, &run.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_repaired_counts_once_and_never_starts_anything() {
    let world = world().await;
    world.clock.advance(Duration::from_secs(DAY.unsigned_abs()));
    world.net.shop().sell("live", world.engine.now() - SignedDuration::from_hours(1));
    poll(&world).await;
    world.clock.advance(Duration::from_secs(600));
    world.net.account().orders.remove("live");
    let key = crate::state::LedgerRow::key("CONN#C1", "orders", "live");
    let item = world.engine.store.get(&key).await.unwrap().unwrap();
    let delete = crate::ports::Write::Delete { key, when: crate::ports::Condition::Rev(item.rev) };
    world.engine.store.transact(vec![delete]).await.unwrap();
    let (run, _) = compare(&world, Comparison { repair: true, ..Comparison::default() }).await;
    assert_eq!(run.streams.unwrap().orders.observed, 13);
    assert_eq!(world.net.account().orders["live"].0["creationSource"], "HISTORICAL");
    let touched = world.engine.now() - SignedDuration::from_secs(200);
    world.net.shop().refund("live", touched);
    poll(&world).await;
    let there = world.net.account().orders["live"].0.clone();
    assert_eq!(
        (&there["normalizedStatus"], &there["creationSource"]),
        (&json!("REFUNDED"), &json!("HISTORICAL"))
    );
}

#[tokio::test]
async fn a_history_that_was_never_sent_is_not_missed_and_not_repaired() {
    let world = World::new().await;
    for n in 0..3 {
        world.net.shop().sell(&format!("O{n:02}"), ago((120 - n * 10) * DAY + 3 * HOUR));
    }
    let (run, days) = compare(&world, Comparison { repair: true, ..Comparison::default() }).await;
    let reasons: Vec<String> = named(&days).into_iter().map(|(_, reason)| reason).collect();
    assert_eq!((run.state, reasons), (RunState::Complete, vec!["history_not_sent".to_owned(); 3]));
    assert!(world.net.account().orders.is_empty());
}

#[tokio::test]
async fn what_was_sent_and_cannot_be_read_now_says_so() {
    let world = world().await;
    world.net.shop().orders.iter_mut().filter(|order| order["id"] == "O05").for_each(|order| {
        order["line_items"] = json!("broken");
    });
    let (_, days) = compare(&world, Comparison::default()).await;
    let unreadable = format!("{}.unreadable", crate::testing::source_name());
    assert_eq!(named(&days), [("O05".to_owned(), unreadable)]);
}
