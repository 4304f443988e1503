//! The process ends at every effect there is, before it and after it, and another one goes on.

use std::time::Duration;

use futures_util::future::{Either, select};

use super::super::{BackfillRequest, handle, progress, start_backfill, start_poll, start_sync, sweep};
use crate::state::{Run, RunState};
use crate::testing::{DAY, HOUR, World, ago};

/// Old and live orders, one that is refused, and people without an order.
async fn shop() -> World {
    let mut world = World::new().await;
    world.connection.created = ago(2 * DAY);
    world.save(&world.connection).await;
    {
        let mut shop = world.net.shop();
        for n in 0..4 {
            shop.sell(&format!("O{n}"), ago((9 - n) * DAY));
        }
        shop.sell("live", ago(HOUR));
        shop.sell("bad", ago(HOUR - 60));
        (0..12).for_each(|n| shop.meet(&format!("P-guest{n}"), ago(HOUR)));
        shop.page = 3;
    }
    world.net.account().refused.insert("bad".to_owned());
    world.net.account().delay = 4;
    world.net.account().loses.insert("O1".to_owned(), 1);
    world
}

/// What is at work when the process ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scene {
    History,
    Trial,
    Forced,
    Poll,
    Manual,
}

async fn start(world: &World, scene: Scene) -> Run {
    let trial = BackfillRequest { limit: Some(4), ..BackfillRequest::default() };
    let forced = BackfillRequest { force: true, ..BackfillRequest::default() };
    let history = async |request| start_backfill(&world.engine, "C1", &request).await.unwrap().run;
    match scene {
        Scene::History => history(BackfillRequest::default()).await,
        Scene::Trial => history(trial).await,
        Scene::Forced => {
            history(BackfillRequest::default()).await;
            world.work().await;
            world.clock.advance(Duration::from_secs(120));
            history(forced).await
        }
        Scene::Poll => start_poll(&world.engine, "C1").await.unwrap().run,
        Scene::Manual => {
            prepare(world).await;
            start_sync(&world.engine, "C1").await.unwrap().run
        }
    }
}

/// What a manual sync has besides: a sale whose customer came, one whose customer may come, one that is gone, and
/// what was refused.
async fn prepare(world: &World) {
    for id in ["came", "stays", "gone"] {
        world.net.shop().sell_to_nobody(id, None, ago(20 * HOUR));
    }
    world.net.account().refused.insert("P-guest3".to_owned());
    start_poll(&world.engine, "C1").await.unwrap();
    world.work().await;
    world.net.account().refused.clear();
    let mut shop = world.net.shop();
    shop.attach("came", "P-came", ago(19 * HOUR));
    shop.remove("gone");
    drop(shop);
    world.clock.advance(Duration::from_secs(6 * 3_600));
}

/// Works until nothing is queued or the process ends; true where it ended.
async fn fell(world: &World) -> bool {
    let work = Box::pin(async {
        for _ in 0..5_000 {
            match world.take().await {
                Some(delivery) => drop(handle(&world.engine, &delivery).await.unwrap()),
                None if world.idle().await => return,
                None => world.clock.advance(Duration::from_secs(20)),
            }
        }
        panic!("the work does not end");
    });
    matches!(select(work, Box::pin(world.trip.fallen())).await, Either::Right(_))
}

/// Another process begins, as the embedded host does.
async fn go_on(world: &mut World, instance: &str) {
    world.restart(instance);
    world.clock.advance(Duration::from_secs(120));
    sweep(&world.engine, true).await.unwrap();
}

/// What a run came to, whatever is still pending.
async fn ended(world: &World, run: &str) -> Run {
    world.work().await;
    let run = world.load_run(run).await;
    assert!(run.ended() && run.open_windows == 0, "{run:?}");
    for (stream, tally) in run.streams.as_ref().unwrap().all() {
        assert!(tally.agrees(), "{stream}: {tally:?}");
    }
    run
}

/// Falls at every so-manieth effect in turn, and perhaps once more soon after.
async fn check(scene: Scene, second_fall: Option<u64>, every: usize) {
    let world = shop().await;
    let run = start(&world, scene).await;
    let expected = ended(&world, &run.id).await;
    let there: Vec<String> = world.net.account().orders.keys().cloned().collect();
    let ledger = crate::connections::sums(&world.engine, &world.connection).await.unwrap();
    let wanted = expected.streams.unwrap();
    for n in (1..).step_by(every) {
        let mut world = shop().await;
        let begun = start(&world, scene).await;
        world.trip.arm(n);
        if !fell(&world).await {
            assert!(n > 20, "{n} effects only");
            return;
        }
        go_on(&mut world, "two").await;
        if let Some(second) = second_fall {
            world.trip.arm(second);
            if fell(&world).await {
                go_on(&mut world, "three").await;
            }
            world.trip.disarm();
        }
        let run = ended(&world, &begun.id).await;
        let streams = run.streams.unwrap();
        let place = format!("{scene:?} fell at {n}, {second_fall:?}");
        assert_eq!((run.state, &streams.orders), (expected.state, &wanted.orders), "{place}");
        // People whose order was answered just before the fall are imported as well: that changes nothing there.
        let (people, sought) = (&streams.customers, &wanted.customers);
        assert_eq!((people.observed, people.pending), (sought.observed, 0), "{place}");
        assert!(streams.products.observed <= wanted.products.observed, "{place}");
        assert_eq!(world.net.account().orders.keys().cloned().collect::<Vec<_>>(), there, "{place}");
        assert_eq!((run.started, run.state), (begun.started, RunState::Complete), "{place}");
        let now = crate::connections::sums(&world.engine, &world.connection).await.unwrap();
        assert_eq!((now.orders, now.products), (ledger.orders.clone(), ledger.products.clone()), "{place}");
    }
}

#[tokio::test]
async fn a_history_that_falls_anywhere_counts_every_record_once() {
    check(Scene::History, None, 1).await;
}

#[tokio::test]
async fn a_poll_that_falls_anywhere_counts_every_record_once() {
    check(Scene::Poll, None, 1).await;
}

#[tokio::test]
async fn a_manual_sync_that_falls_anywhere_counts_every_record_once() {
    check(Scene::Manual, None, 1).await;
}

#[tokio::test]
async fn a_trial_and_a_forced_history_may_fall_anywhere() {
    check(Scene::Trial, None, 2).await;
    check(Scene::Forced, None, 3).await;
}

#[tokio::test]
async fn an_opt_out_that_falls_anywhere_is_told() {
    for n in 1.. {
        let mut world = shop().await;
        start(&world, Scene::Poll).await;
        world.work().await;
        world.clock.advance(Duration::from_secs(3_600));
        let now = world.engine.now();
        world.net.shop().unsubscribe("P-live", true, now - jiff::SignedDuration::from_mins(10));
        let begun = start(&world, Scene::Poll).await;
        world.trip.arm(n);
        if !fell(&world).await {
            assert!(n > 8, "{n} effects only");
            return;
        }
        go_on(&mut world, "two").await;
        assert_eq!(ended(&world, &begun.id).await.state, RunState::Complete, "{n}");
        let consents = world.net.account().consents("live@example.org");
        assert_eq!(consents, [("7".to_owned(), "0".into())], "fell at {n}");
    }
}

#[tokio::test]
async fn a_run_says_that_nobody_works_on_it() {
    let mut world = shop().await;
    let run = start(&world, Scene::History).await;
    world.trip.arm(24);
    assert!(fell(&world).await);
    world.trip.disarm();
    let reason = async |world: &World| {
        progress(&world.engine, "C1", &run.id).await.unwrap().eta_reason.unwrap_or_default()
    };
    assert!(!reason(&world).await.contains("nobody"), "its lease lasts: it may be alive");
    let held = world.engine.now();
    world.clock.advance(Duration::from_secs(3_600));
    let said = reason(&world).await;
    let since: jiff::Timestamp = said.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(said.contains("nobody") && since > held && since <= world.engine.now(), "{said}");
    world.restart("two");
    sweep(&world.engine, true).await.unwrap();
    while reason(&world).await.contains("nobody") {
        let delivery = world.take().await.unwrap();
        handle(&world.engine, &delivery).await.unwrap();
    }
    assert_eq!(ended(&world, &run.id).await.state, RunState::Complete);
}

/// Found by the simulator: the flight of a page that failed counted what the page counted when it was read again.
#[tokio::test]
async fn what_changed_since_a_fall_counts_once() {
    for n in (1..).step_by(2) {
        let mut world = shop().await;
        let begun = start(&world, Scene::History).await;
        world.trip.arm(n);
        if !fell(&world).await {
            assert!(n > 20, "{n} effects only");
            return;
        }
        let now = world.engine.now();
        world.net.shop().refund("O0", now);
        go_on(&mut world, "two").await;
        // What may be queued is not written over before its time is up.
        world.clock.advance(Duration::from_secs(900));
        let orders = ended(&world, &begun.id).await.streams.unwrap().orders;
        assert_eq!((orders.observed, orders.pending), (6, 0), "fell at {n}: {orders:?}");
    }
}

#[tokio::test]
async fn falling_a_second_time_changes_nothing() {
    check(Scene::History, Some(14), 4).await;
    check(Scene::Poll, Some(9), 2).await;
    check(Scene::Manual, Some(11), 4).await;
}
