//! What webhooks point at.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ended;
use crate::message::{Hint, Work};
use crate::ports::Lane;
use crate::state::{ConnectionState, Run, RunKind, RunState, Stream};
use crate::testing::{HOUR, World, ago, beginning};

async fn tell(world: &World, location: Option<&str>, received: Timestamp, hint: Hint) {
    let work = Work::Hints {
        source: crate::testing::source_name().to_owned(),
        store: "M1".to_owned(),
        location: location.map(str::to_owned),
        received,
        hint,
    };
    world.engine.send(Lane::Live, "M1", &[work]).await.unwrap();
}

fn orders(ids: &[&str]) -> Hint {
    Hint::Orders(ids.iter().map(|id| (*id).to_owned()).collect())
}

async fn runs(world: &World) -> Vec<Run> {
    let runs = crate::connections::runs(&world.engine, "C1").await.unwrap();
    runs.into_iter().filter(|run| run.kind == RunKind::Webhook).collect()
}

#[tokio::test]
async fn the_events_of_a_sale_are_one_look_and_one_write_and_old_ones_change_nothing() {
    let world = World::new().await;
    world.net.shop().sell("O1", ago(60));
    for _ in 0..5 {
        tell(&world, Some("L1"), world.engine.now(), orders(&["O1"])).await;
    }
    world.work().await;
    assert_eq!((world.calls("orders.batch_retrieve"), world.calls("orders.push")), (1, 1));
    let all = runs(&world).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].state, RunState::Complete, "{:?}", all[0].problem);
    assert_eq!(world.row("O1").await.live, Some(true));
    // Days later the same comes again.
    world.clock.advance(Duration::from_secs(3 * 86_400));
    for _ in 0..5 {
        tell(&world, None, world.engine.now(), orders(&["O1"])).await;
    }
    world.work().await;
    assert_eq!(
        (world.calls("orders.batch_retrieve"), world.calls("orders.push")),
        (2, 1),
        "one look, no write"
    );
}

#[tokio::test]
async fn the_live_rule_counts_from_the_receipt_however_long_the_message_waited() {
    for (received, live) in [(ago(HOUR), true), (beginning() + SignedDuration::from_hours(30), false)] {
        let world = World::new().await;
        world.net.shop().sell("O1", ago(2 * HOUR));
        world.clock.advance(Duration::from_secs(30 * 3_600));
        tell(&world, Some("L1"), received, orders(&["O1"])).await;
        world.work().await;
        assert_eq!(world.row("O1").await.live, Some(live), "received {received}");
    }
}

#[tokio::test]
async fn what_is_not_there_or_of_another_location_leaves_no_record() {
    let world = World::new().await;
    world.net.shop().sell("O1", ago(60));
    let cases = [(Some("L1"), "O404"), (None, "O404"), (Some("L2"), "O1")];
    for (location, id) in cases {
        tell(&world, location, world.engine.now(), orders(&[id])).await;
        world.work().await;
        assert!(world.find(Stream::Orders, id).await.is_none(), "{id} at {location:?}");
    }
    tell(&world, None, world.engine.now(), Hint::People(vec!["P404".into()])).await;
    world.work().await;
    assert!(world.find(Stream::Customers, "P404").await.is_none());
    assert!(runs(&world).await.iter().all(|run| run.state == RunState::Complete));
}

#[tokio::test]
async fn a_sale_that_is_told_of_before_it_is_shown_is_looked_for_again_within_seconds() {
    // When it is shown, after the message; whether the message is enough, and how many looks that takes.
    let cases = [(0, true, 1), (1, true, 2), (9, true, 3), (39, true, 4), (41, false, 4), (3_000, false, 4)];
    for (seconds, found, looks) in cases {
        let world = World::new().await;
        world.net.shop().sell("O1", ago(60));
        tell(&world, Some("L1"), world.engine.now(), orders(&["O1", "O2"])).await;
        let shown = world.engine.now() + SignedDuration::from_secs(seconds);
        for _ in 0..80 {
            if world.engine.now() >= shown && world.net.shop().orders.iter().all(|order| order["id"] != "O2")
            {
                world.net.shop().sell("O2", ago(30));
            }
            match world.take().await {
                Some(delivery) => drop(super::super::handle(&world.engine, &delivery).await.unwrap()),
                None => world.clock.advance(Duration::from_secs(1)),
            }
        }
        world.work().await;
        assert_eq!(world.find(Stream::Orders, "O2").await.is_some(), found, "shown after {seconds} s");
        assert_eq!(world.calls("orders.batch_retrieve"), looks, "shown after {seconds} s");
        let all = runs(&world).await;
        assert!(all.len() == 1 && all[0].state == RunState::Complete, "{all:?}");
        assert_eq!(all[0].streams.as_ref().unwrap().orders.observed, 1 + u64::from(found));
    }
    // What gives something back leads to its sale; it may be shown as late.
    for (seconds, found) in [(0, true), (20, true), (3_000, false)] {
        let world = World::new().await;
        tell(&world, None, world.engine.now(), Hint::Returns(vec!["O2".into()])).await;
        let shown = world.engine.now() + SignedDuration::from_secs(seconds);
        for _ in 0..80 {
            if world.engine.now() >= shown && world.net.shop().orders.is_empty() {
                world.net.shop().sell("O2", ago(30));
            }
            match world.take().await {
                Some(delivery) => drop(super::super::handle(&world.engine, &delivery).await.unwrap()),
                None => world.clock.advance(Duration::from_secs(1)),
            }
        }
        assert!(world.idle().await && world.calls("orders.batch_retrieve") <= 10);
        assert_eq!(world.find(Stream::Orders, "O2").await.is_some(), found, "shown after {seconds} s");
    }
    // Nobody said where it was sold: it may be another location's, which is not asked for again.
    let world = World::new().await;
    tell(&world, None, world.engine.now(), orders(&["O2"])).await;
    world.work().await;
    assert_eq!(world.calls("orders.batch_retrieve"), 1);
}

#[tokio::test]
async fn only_a_store_that_is_connected_leaves_a_row_of_its_webhooks() {
    let world = World::new().await;
    let mut deleted = crate::testing::connection("C2", "L2");
    (deleted.store, deleted.state) = ("M2".to_owned(), ConnectionState::Deleted);
    world.save(&deleted).await;
    for (store, leaves) in [("M9", false), ("M2", false), ("M1", true)] {
        let work = Work::Hints {
            source: crate::testing::source_name().to_owned(),
            store: store.to_owned(),
            location: None,
            received: world.engine.now(),
            hint: orders(&["O404"]),
        };
        world.engine.send(Lane::Live, store, &[work]).await.unwrap();
        world.work().await;
        let known = crate::intake::hooked_store(&world.engine, crate::testing::source_name(), store);
        assert_eq!(known.await.unwrap().last.is_some(), leaves, "{store}");
    }
}

#[tokio::test]
async fn a_look_whose_run_never_came_to_be_is_taken_over() {
    let mut world = World::new().await;
    world.net.shop().sell("O1", ago(60));
    let now = world.engine.now();
    // The process ends between noting that it looks and its run.
    let looked = super::super::hints::looked_by(&world.connection, "O1", now, "01NOBODY").unwrap();
    world.engine.store.write_each(vec![looked]).await.unwrap();
    world.restart("two");
    tell(&world, Some("L1"), now, orders(&["O1"])).await;
    world.work().await;
    assert_eq!(world.calls("orders.push"), 1);
    assert!(world.row("O1").await.was_sent());
}

#[tokio::test]
async fn what_is_stopped_drops_hints_and_merges_are_noted_once() {
    let world = World::new().await;
    world.net.shop().sell("O1", ago(60));
    let mut paused = world.connection.clone();
    paused.state = ConnectionState::Paused;
    world.save(&paused).await;
    tell(&world, Some("L1"), world.engine.now(), orders(&["O1"])).await;
    world.work().await;
    assert!(runs(&world).await.is_empty() && world.net.all_calls() == 0);
    world.save(&world.connection).await;
    for new in ["New", "Other"] {
        tell(&world, None, world.engine.now(), Hint::Merged { old: vec!["Old".into()], new: new.into() })
            .await;
        world.work().await;
    }
    let access = world.engine.access_to_orders(&world.connection).await.unwrap();
    let links = access.merged.of(&["Old".to_owned()].into()).await.unwrap();
    assert_eq!(links.get("Old").map(String::as_str), Some("New"), "what is noted stays");
}

#[tokio::test]
async fn a_webhook_run_holds_up_no_other() {
    let world = World::new().await;
    world.net.shop().sell("O1", ago(60));
    let run = Run { kind: RunKind::Webhook, ..crate::testing::run(RunKind::Webhook, "01A") };
    let other = Run { id: "01B".into(), ..run.clone() };
    assert_ne!(run.at_work_key(), other.at_work_key());
    let poll = super::super::start_poll(&world.engine, "C1").await.unwrap().run;
    tell(&world, Some("L1"), world.engine.now(), orders(&["O1"])).await;
    world.work().await;
    assert!(ended(&world, &poll.id).await.finished.is_some());
}
