//! Processes that are stopped at a known time.

use std::time::Duration;

use jiff::SignedDuration;

use super::super::{Outcome, handle, start_backfill};
use crate::memory::ManualClock;
use crate::ports::{Clock, Delivery, Lane, Queue};
use crate::state::{Row, Run, RunState, WindowRow, WindowState, list};
use crate::testing::{DAY, Trouble, World, ago};

/// Over three years: four windows.
async fn thirty_orders() -> (World, Run) {
    orders(30).await
}

/// Thirty orders, so many days apart, of which a page holds one.
async fn orders(days: i64) -> (World, Run) {
    let world = World::new().await;
    for n in 0..30 {
        world.net.shop().sell(&format!("O{n}"), ago((30 - n) * days * DAY));
    }
    world.net.shop().page = 1;
    let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run;
    (world, run)
}

fn now(clock: &ManualClock) -> jiff::Timestamp {
    Clock::now(clock)
}

/// The first window of the run.
async fn window(world: &World, run: &Run) -> WindowRow {
    let rows: Vec<Row<WindowRow>> = list(&*world.store, &Run::partition(&run.id), "WIN#").await.unwrap();
    rows[0].value.clone()
}

/// An invocation of so many seconds with the next message; it never works beyond its end.
async fn invoke(world: &World, delivery: &Delivery, seconds: i64) -> Outcome {
    let deadline = now(&world.clock) + SignedDuration::from_secs(seconds);
    let outcome = handle(&world.engine.until(deadline), delivery).await.unwrap();
    assert!(now(&world.clock) <= deadline, "worked on beyond its end");
    outcome
}

/// Works off every message in invocations of so many seconds; says how many there were.
async fn work_in_slices(world: &World, seconds: i64) -> u32 {
    let mut invocations = 0;
    for _ in 0..5_000 {
        let Some(delivery) = world.take().await else {
            if world.idle().await {
                return invocations;
            }
            world.clock.advance(Duration::from_secs(5));
            continue;
        };
        assert_ne!(invoke(world, &delivery, seconds).await, Outcome::Failed);
        invocations += 1;
    }
    panic!("the work does not end");
}

/// Plans the run and takes its first window's message.
async fn first_window(world: &World) -> Delivery {
    let plan = world.take().await.unwrap();
    handle(&world.engine, &plan).await.unwrap();
    world.take().await.unwrap()
}

#[tokio::test]
async fn what_is_left_of_a_window_is_handed_on_and_nothing_is_sent_twice() {
    let (world, run) = thirty_orders().await;
    let invocations = work_in_slices(&world, 42).await;
    assert!(invocations > 7, "{invocations}: 7 would do with time enough");
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
async fn what_failed_before_does_not_count_against_what_is_handed_on() {
    let (world, run) = orders(2).await;
    // Three takings that came to nothing: the process was killed.
    let mut delivery = first_window(&world).await;
    for _ in 0..3 {
        world.queue.release(&delivery, Duration::ZERO).await.unwrap();
        delivery = loop {
            let taken = world.take().await.unwrap();
            if taken.body == delivery.body {
                break taken;
            }
            world.queue.defer(&taken, Duration::from_secs(1)).await.unwrap();
        };
    }
    assert_eq!(delivery.attempts, 4);
    invoke(&world, &delivery, 41).await;
    assert_eq!(window(&world, &run).await.state, WindowState::Open, "it was handed on");
    let again = loop {
        let Some(taken) = world.take().await else {
            world.clock.advance(Duration::from_secs(1));
            continue;
        };
        if taken.body == delivery.body {
            break taken;
        }
    };
    assert_eq!(again.attempts, 1);
}

#[tokio::test]
async fn without_time_for_a_page_nothing_begins_and_it_counts_as_a_failure() {
    let (world, _) = thirty_orders().await;
    let delivery = first_window(&world).await;
    let calls = world.net.all_calls();
    assert_eq!(invoke(&world, &delivery, 25).await, Outcome::Failed);
    assert_eq!(world.net.all_calls(), calls, "nothing was called");
}

#[tokio::test]
async fn a_pause_longer_than_the_process_is_waited_for_without_a_strike() {
    for asked in ["38", "600"] {
        for turn in [1, 2] {
            let (world, run) = thirty_orders().await;
            let delivery = first_window(&world).await;
            world.net.plan("orders.queue", turn, Trouble::Says(429, Some(asked)));
            let outcome = invoke(&world, &delivery, 50).await;
            let Outcome::Later(pause) = outcome else { panic!("{outcome:?}") };
            assert!(pause > Duration::from_secs(30), "{pause:?}: it comes back when it may call");
            let first = window(&world, &run).await;
            assert_eq!((first.strikes, first.lease.is_none()), (0, true), "free for the next worker");
            // Those who come meanwhile take no moment of the account, and no strike either.
            let calls = world.calls("orders.queue");
            world.net.mend();
            work_in_slices(&world, 60).await;
            assert!(world.calls("orders.queue") > calls);
            let orders = world.load_run(&run.id).await.streams.unwrap().orders;
            assert_eq!((orders.observed, orders.synced), (30, 30), "{asked} {turn}");
        }
    }
}

#[tokio::test]
async fn a_lease_ends_with_the_process_that_holds_it() {
    let (world, run) = thirty_orders().await;
    let delivery = first_window(&world).await;
    // The process is killed at its first call to the destination.
    let deadline = now(&world.clock) + SignedDuration::from_secs(90);
    let engine = world.engine.until(deadline);
    world.net.plan("orders.queue", 0, Trouble::Says(503, None));
    world.trip.arm(14);
    tokio::select! {
        _ = handle(&engine, &delivery) => panic!("it should have been killed"),
        () = world.trip.fallen() => world.trip.disarm(),
    }
    let lease = window(&world, &run).await.lease;
    assert_eq!(lease.map(|(_, until)| until), Some(deadline));
}

#[tokio::test]
async fn messages_too_many_cost_no_strikes() {
    let (mut world, run) = thirty_orders().await;
    world.engine.config.exclusive = false;
    let delivery = first_window(&world).await;
    world.net.plan("orders.search", 0, Trouble::Says(503, None));
    invoke(&world, &delivery, 170).await;
    assert_eq!(window(&world, &run).await.strikes, 1);
    // A sweep long after finds the window put off, and a message too many finds it too.
    for _ in 0..3 {
        let copy = vec![delivery.body.clone()];
        world.queue.send(Lane::History, "C1", copy, Duration::ZERO).await.unwrap();
    }
    for _ in 0..4 {
        let taken = world.take().await.unwrap();
        if taken.body == delivery.body {
            invoke(&world, &taken, 170).await;
        }
    }
    assert_eq!(window(&world, &run).await.strikes, 1, "they came before its time");
}

#[tokio::test]
async fn planning_and_settling_that_never_come_further_end_the_run_with_a_reason() {
    for operation in ["orders.search", "orders.read_back"] {
        let (world, run) = thirty_orders().await;
        if operation == "orders.read_back" {
            first_window(&world).await;
            world.clock.advance(Duration::from_secs(1_000));
        }
        world.net.plan(operation, 0, Trouble::Says(503, None));
        let mut invocations = 0;
        while !world.load_run(&run.id).await.ended() {
            let Some(delivery) = world.take().await else {
                world.clock.advance(Duration::from_secs(5));
                continue;
            };
            invoke(&world, &delivery, 170).await;
            invocations += 1;
            assert!(invocations < 1_000, "{operation}: it goes in circles");
        }
        let run = world.load_run(&run.id).await;
        assert_eq!(run.state, RunState::Incomplete, "{operation}");
        assert!(run.problem.is_some(), "{operation}");
    }
}
