//! The process ends at every effect there is, before it and after it, and another one goes on.

use std::time::Duration;

use futures_util::future::{Either, select};

use super::super::{handle, start_backfill, start_poll, start_sync, sweep};
use super::ended;
use crate::state::{Run, RunKind, RunState};
use crate::testing::{DAY, HOUR, World, ago, beginning};

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

async fn start(world: &World, kind: RunKind) -> Run {
    match kind {
        RunKind::Historical => start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run,
        RunKind::Manual => start_sync(&world.engine, "C1").await.unwrap().run,
        _ => start_poll(&world.engine, "C1").await.unwrap().run,
    }
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

/// Falls at every so-manieth effect in turn, and perhaps once more soon after.
async fn check(kind: RunKind, second_fall: Option<u64>, every: usize) {
    let world = shop().await;
    let run = start(&world, kind).await;
    let expected = ended(&world, &run.id).await;
    let there: Vec<String> = world.net.account().orders.keys().cloned().collect();
    let wanted = expected.streams.unwrap();
    for n in (1..).step_by(every) {
        let mut world = shop().await;
        let run = start(&world, kind).await;
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
        let run = ended(&world, &run.id).await;
        let streams = run.streams.unwrap();
        assert_eq!(
            (run.state, &streams.orders),
            (expected.state, &wanted.orders),
            "fell at {n}, {second_fall:?}"
        );
        // People whose order was answered just before the fall are imported as well: that changes nothing there.
        let (people, sought) = (&streams.customers, &wanted.customers);
        assert_eq!((people.observed, people.pending), (sought.observed, 0), "fell at {n}, {second_fall:?}");
        assert!(streams.products.observed <= wanted.products.observed);
        assert_eq!(world.net.account().orders.keys().cloned().collect::<Vec<_>>(), there, "fell at {n}");
        assert_eq!((run.started, run.state), (beginning(), RunState::Complete));
    }
}

#[tokio::test]
async fn a_history_that_falls_anywhere_counts_every_record_once() {
    check(RunKind::Historical, None, 1).await;
}

#[tokio::test]
async fn a_poll_that_falls_anywhere_counts_every_record_once() {
    check(RunKind::Poll, None, 1).await;
}

#[tokio::test]
async fn falling_a_second_time_changes_nothing() {
    check(RunKind::Historical, Some(14), 4).await;
    check(RunKind::Poll, Some(9), 2).await;
}
