//! Processes that are stopped at a known time.

use std::time::Duration;

use jiff::SignedDuration;

use super::super::{Outcome, handle, start_backfill};
use crate::memory::ManualClock;
use crate::ports::Clock;
use crate::state::{Run, RunState, WindowRow, WindowState, list};
use crate::testing::{DAY, Trouble, World, ago};

async fn thirty_orders() -> (World, Run) {
    let world = World::new().await;
    for n in 0..30 {
        world.net.shop().sell(&format!("O{n}"), ago((900 - 30 * n) * DAY));
    }
    world.net.shop().page = 1;
    let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run;
    (world, run)
}

fn now(clock: &ManualClock) -> jiff::Timestamp {
    Clock::now(clock)
}

/// Works off every message in invocations of so many seconds; says how many handed on.
async fn work_in_slices(world: &World, seconds: i64) -> u32 {
    let mut handed_on = 0;
    for _ in 0..5_000 {
        let Some(delivery) = world.take().await else {
            if world.idle().await {
                return handed_on;
            }
            world.clock.advance(Duration::from_secs(5));
            continue;
        };
        let deadline = now(&world.clock) + SignedDuration::from_secs(seconds);
        let outcome = handle(&world.engine.until(deadline), &delivery).await.unwrap();
        assert!(now(&world.clock) <= deadline, "worked on beyond its end");
        assert_ne!(outcome, Outcome::Failed);
        handed_on += u32::from(outcome == Outcome::Later(Duration::ZERO));
    }
    panic!("the work does not end");
}

#[tokio::test]
async fn what_is_left_of_a_window_is_handed_on_and_nothing_is_sent_twice() {
    let (world, run) = thirty_orders().await;
    let handed_on = work_in_slices(&world, 42).await;
    assert!(handed_on >= 4, "{handed_on}");
    let run = world.load_run(&run.id).await;
    let orders = run.streams.unwrap().orders;
    assert_eq!((run.state, orders.observed, orders.synced), (RunState::Complete, 30, 30));
    let mut sent: Vec<String> = world.net.orders_of("orders.queue").into_iter().flatten().collect();
    sent.sort();
    let count = sent.len();
    sent.dedup();
    assert_eq!((count, sent.len()), (30, 30), "each was sent once");
}

#[tokio::test]
async fn without_time_for_a_page_nothing_begins_and_it_counts_as_a_failure() {
    let (world, _) = thirty_orders().await;
    let plan = world.take().await.unwrap();
    handle(&world.engine, &plan).await.unwrap();
    let calls = world.net.all_calls();
    let delivery = world.take().await.unwrap();
    let deadline = now(&world.clock) + SignedDuration::from_secs(25);
    assert_eq!(handle(&world.engine.until(deadline), &delivery).await.unwrap(), Outcome::Failed);
    assert_eq!(world.net.all_calls(), calls, "nothing was called");
}

#[tokio::test]
async fn a_refusal_near_the_end_is_handed_on_without_a_strike() {
    let (world, run) = thirty_orders().await;
    let plan = world.take().await.unwrap();
    handle(&world.engine, &plan).await.unwrap();
    world.net.plan("orders.queue", 2, Trouble::Says(429, Some("38")));
    let delivery = world.take().await.unwrap();
    let deadline = now(&world.clock) + SignedDuration::from_secs(50);
    let outcome = handle(&world.engine.until(deadline), &delivery).await.unwrap();
    assert!(matches!(outcome, Outcome::Later(_)), "{outcome:?}");
    assert!(now(&world.clock) <= deadline);
    let rows: Vec<crate::state::Row<WindowRow>> =
        list(&*world.store, &Run::partition(&run.id), "WIN#").await.unwrap();
    let first = &rows[0].value;
    assert_eq!((first.state, first.lease.is_none()), (WindowState::Open, true), "free for the next worker");
    world.net.mend();
    work_in_slices(&world, 60).await;
    let orders = world.load_run(&run.id).await.streams.unwrap().orders;
    assert_eq!((orders.observed, orders.synced), (30, 30));
}

#[tokio::test]
async fn a_lease_ends_with_the_process_that_holds_it() {
    let (world, run) = thirty_orders().await;
    let plan = world.take().await.unwrap();
    handle(&world.engine, &plan).await.unwrap();
    let rows: Vec<crate::state::Row<WindowRow>> =
        list(&*world.store, &Run::partition(&run.id), "WIN#").await.unwrap();
    assert!(!rows.is_empty());
    let deadline = now(&world.clock) + SignedDuration::from_secs(90);
    assert_eq!(world.engine.until(deadline).lease(SignedDuration::from_mins(15)), deadline);
    assert!(world.engine.lease(SignedDuration::from_mins(15)) > deadline);
}
