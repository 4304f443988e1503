use std::time::Duration;

use jiff::SignedDuration;

use super::super::{Outcome, handle, start_backfill, start_poll, sweep};
use super::ended;
use crate::message::Work;
use crate::ports::{Lane, Queue};
use crate::state::{Run, RunState, WindowRow, update};
use crate::testing::{DAY, HOUR, Trouble, World, ago};

async fn shop() -> World {
    let world = World::new().await;
    (0..6).for_each(|n| world.net.shop().sell(&format!("O{n}"), ago((30 - n) * DAY)));
    world.net.shop().page = 2;
    world
}

async fn start(world: &World) -> Run {
    start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run
}

/// Does the work of the next message.
async fn step(world: &World) -> Outcome {
    let delivery = world.take().await.unwrap();
    handle(&world.engine, &delivery).await.unwrap()
}

async fn lease(world: &World, run: &str, holder: &str, seconds: i64) {
    let until = world.engine.now() + SignedDuration::from_secs(seconds);
    let lease = Some((holder.to_owned(), until));
    update(&*world.store, &WindowRow::key(run, 1), |window: &mut WindowRow| window.lease = lease.clone())
        .await
        .unwrap();
}

#[tokio::test]
async fn whatever_message_is_lost_a_sweep_brings_the_run_to_its_end() {
    for lost in 0..6 {
        let world = shop().await;
        let run = start(&world).await;
        let mut taken = 0;
        while let Some(delivery) = world.take().await {
            if taken == lost {
                world.queue.ack(&delivery).await.unwrap();
            } else {
                handle(&world.engine, &delivery).await.unwrap();
            }
            taken += 1;
            world.clock.advance(Duration::from_secs(20));
        }
        sweep(&world.engine, true).await.unwrap();
        sweep(&world.engine, true).await.unwrap();
        let run = ended(&world, &run.id).await;
        let orders = run.streams.unwrap().orders;
        assert_eq!((run.state, orders.synced, orders.observed), (RunState::Complete, 6, 6), "message {lost}");
        assert_eq!(world.calls("orders.queue"), 3, "a message too many writes nothing");
    }
}

/// Its process was killed between the rows of the run and its messages, or a message ended among the dead letters.
#[tokio::test]
async fn a_poll_whose_messages_were_lost_is_made_up_for_by_the_next() {
    for exclusive in [true, false] {
        let mut world = shop().await;
        world.engine.config.exclusive = exclusive;
        world.net.shop().sell("new", ago(HOUR));
        for lost in 0..3 {
            let begun = start_poll(&world.engine, "C1").await.unwrap();
            for _ in 0..lost {
                step(&world).await;
            }
            while let Some(delivery) = world.take().await {
                world.queue.ack(&delivery).await.unwrap();
            }
            assert!(world.idle().await, "nobody would ever work on it again");
            world.clock.advance(Duration::from_secs(1_800));
            let next = start_poll(&world.engine, "C1").await.unwrap();
            let run = ended(&world, &next.run.id).await;
            assert_eq!((run.state, &begun.run.id), (RunState::Complete, &run.id), "{exclusive} {lost}");
        }
        assert!(world.row("new").await.sent_at.is_some());
    }
}

#[tokio::test]
async fn a_sweep_starts_the_polls_that_are_due_and_no_others() {
    let world = shop().await;
    sweep(&world.engine, false).await.unwrap();
    assert!(world.idle().await, "due in half an hour");
    world.clock.advance(Duration::from_secs(3_600));
    sweep(&world.engine, false).await.unwrap();
    sweep(&world.engine, false).await.unwrap();
    assert_eq!(world.queue.dump(Lane::Live).len(), 1, "one tick queues it, the next does not");
    let next = crate::connections::find(&world.engine, "C1").await.unwrap().next_sync;
    assert_eq!(next, Some(world.engine.now() + SignedDuration::from_mins(30)));
    world.work().await;
    let runs = crate::connections::runs(&world.engine, "C1").await.unwrap();
    assert_eq!(runs.len(), 1);
    let mut paused = world.connection.clone();
    (paused.active_sync, paused.next_sync) = (false, None);
    world.save(&paused).await;
    sweep(&world.engine, false).await.unwrap();
    assert!(world.idle().await);
}

#[tokio::test]
async fn the_lease_of_a_dead_instance_holds_nobody_up() {
    let world = shop().await;
    let run = start(&world).await;
    step(&world).await;
    lease(&world, &run.id, "dead", 1_000).await;
    step(&world).await;
    assert_eq!(world.calls("orders.queue"), 3, "it was read at once");
    assert_eq!(ended(&world, &run.id).await.state, RunState::Complete);
}

#[tokio::test]
async fn a_window_in_work_elsewhere_is_left_alone_until_its_lease_ends() {
    let mut world = shop().await;
    world.engine.config.exclusive = false;
    let run = start(&world).await;
    step(&world).await;
    lease(&world, &run.id, "other", 100).await;
    let begun = world.engine.now();
    step(&world).await;
    assert_eq!(world.calls("orders.queue"), 0);
    // The other worker is dead, and its message came here: nobody else has one.
    let run = ended(&world, &run.id).await;
    assert_eq!(run.state, RunState::Complete);
    assert!(world.row("O0").await.sent_at.unwrap().duration_since(begun).as_secs() >= 100);
}

#[tokio::test]
async fn a_window_that_is_read_no_more_is_done_at_once() {
    let world = shop().await;
    let run = start(&world).await;
    step(&world).await;
    step(&world).await;
    let calls = world.net.all_calls();
    let again = Work::Window { connection: "C1".to_owned(), run: run.id.clone(), window: 1 };
    world.queue.send(Lane::Live, "C1", vec![again.encode().unwrap()], Duration::ZERO).await.unwrap();
    assert_eq!((step(&world).await, world.net.all_calls()), (Outcome::Done, calls));
}

#[tokio::test]
async fn what_cannot_be_read_ends_among_the_dead_letters() {
    let world = World::new().await;
    world.queue.send(Lane::Live, "C1", vec!["{}".to_owned()], Duration::ZERO).await.unwrap();
    for _ in 0..5 {
        assert_eq!(step(&world).await, Outcome::Failed);
        world.clock.advance(Duration::from_secs(5));
    }
    assert!(world.take().await.is_none());
    assert_eq!(world.queue.dead(Lane::Live, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn throttling_spends_no_attempts() {
    let world = shop().await;
    let run = start(&world).await;
    step(&world).await;
    for n in 1..=20 {
        world.net.plan("orders.search", n, Trouble::Says(429, Some("100")));
    }
    let mut deferred = 0;
    while deferred < 20 {
        match world.take().await {
            Some(delivery) => {
                assert_eq!(delivery.attempts, 1);
                assert!(matches!(handle(&world.engine, &delivery).await.unwrap(), Outcome::Later(_)));
                deferred += 1;
            }
            None => world.clock.advance(Duration::from_secs(10)),
        }
    }
    assert_eq!(ended(&world, &run.id).await.streams.unwrap().orders.synced, 6);
}

#[tokio::test]
async fn a_poll_gives_up_after_some_tries_and_the_next_one_reads_on() {
    let world = shop().await;
    world.net.shop().sell("new", ago(HOUR));
    world.net.plan("orders.search", 0, Trouble::Says(500, None));
    let run = super::poll(&world).await;
    assert_eq!(run.state, RunState::Incomplete);
    assert!(run.problem.unwrap().code.ends_with(".unavailable"));
    world.net.mend();
    let run = super::poll(&world).await;
    assert_eq!((run.state, run.streams.unwrap().orders.synced), (RunState::Complete, 1));
}
