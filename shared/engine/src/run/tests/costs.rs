//! What work costs where every write is billed: an idle connection is polled 1,440 times a month.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::handle;
use super::{history, watermarks};
use crate::budget::SharedBudget;
use crate::message::Work;
use crate::ports::{Lane, Store};
use crate::state::{Connection, Merged, Row, RunState};
use crate::testing::{Bill, Billed, DAY, Trouble, World, ago};

const ORDERS: u64 = 200;

/// A world whose store is billed, and whose history was sent.
async fn billed() -> (World, Arc<Bill>) {
    billed_beside(0).await
}

/// The same beside so many connections of other stores.
async fn billed_beside(count: usize) -> (World, Arc<Bill>) {
    let mut world = World::new().await;
    others(&world, count).await;
    for n in 0..ORDERS {
        world.net.shop().sell(&format!("O{n:03}"), ago((900 - i64::try_from(n).unwrap()) * DAY));
    }
    let (store, bill) = Billed::over(world.engine.store.clone());
    world.engine.budget = Arc::new(SharedBudget::new(store.clone()));
    world.engine.store = store;
    history(&world).await;
    (world, bill)
}

/// Units written and read since the last look.
fn taken(bill: &Bill) -> (u64, u64) {
    (bill.written.swap(0, Ordering::SeqCst), bill.read.swap(0, Ordering::SeqCst))
}

/// Polls half an hour later; says how many messages that took.
async fn poll(world: &World) -> usize {
    world.clock.advance(Duration::from_secs(1_800));
    world.engine.send(Lane::Live, "C1", &[Work::Poll { connection: "C1".into() }]).await.unwrap();
    let mut messages = 0;
    while let Some(delivery) = world.take().await {
        handle(&world.engine, &delivery).await.unwrap();
        messages += 1;
    }
    messages
}

async fn runs(world: &World) -> usize {
    crate::connections::runs(&world.engine, "C1").await.unwrap().len()
}

#[tokio::test]
async fn an_idle_poll_and_a_sent_order_cost_few_units() {
    let (world, bill) = billed().await;
    let (written, read) = taken(&bill);
    assert!(written <= 8 * ORDERS && read <= 7 * ORDERS, "a history: {written} written, {read} read");
    let before = watermarks(&world).await;
    taken(&bill);
    assert_eq!(poll(&world).await, 1, "one message, and no run");
    let (written, read) = taken(&bill);
    assert!(written <= 7 && read <= 13, "an idle poll: {written} written, {read} read: {:?}", bill.by_key);
    assert_eq!(runs(&world).await, 1, "only the history");
    let now = world.engine.now();
    let connection = crate::connections::find(&world.engine, "C1").await.unwrap();
    assert!(connection.last_sync.is_some_and(|last| now.duration_since(last).as_secs() <= 1));
    let after = watermarks(&world).await;
    assert!(after > before && after.0.is_some_and(|at| at < now), "{before:?} {after:?}");
}

#[tokio::test]
async fn a_look_that_finds_something_or_fails_leaves_it_to_a_run() {
    let (world, _) = billed().await;
    let before = watermarks(&world).await;
    world.net.shop().sell("NEW", world.engine.now());
    poll(&world).await;
    assert_eq!(runs(&world).await, 2);
    assert!(world.row("NEW").await.sent_at.is_some());
    assert!(watermarks(&world).await > before);
    // The store does not answer: nothing moves, and the run says why.
    let before = watermarks(&world).await;
    world.net.plan("orders.search", 0, Trouble::Says(403, None));
    poll(&world).await;
    let newest = crate::connections::runs(&world.engine, "C1").await.unwrap().remove(0);
    assert_eq!(newest.state, RunState::Incomplete);
    assert_eq!(watermarks(&world).await, before);
}

#[tokio::test]
async fn the_first_poll_of_a_day_is_a_run() {
    let (world, _) = billed().await;
    world.clock.advance(Duration::from_secs(86_400));
    poll(&world).await;
    assert_eq!(runs(&world).await, 2);
}

/// So many connections of other stores, as a version that knew no index of stores left them.
async fn others(world: &World, count: usize) {
    for n in 0..count {
        let mut other = crate::testing::connection(&format!("X{n:04}"), &format!("XL{n}"));
        other.store = format!("X{n}");
        let row = Row::new(Connection::key(&other.id), other.clone()).put().unwrap();
        let listed = Row::new(Connection::index_key(&other.id), other).put().unwrap();
        world.store.transact(vec![row, listed]).await.unwrap();
    }
}

/// What a message about an order that is known costs to take, its run and all: units read.
async fn told(world: &World, bill: &Bill) -> u64 {
    world.clock.advance(Duration::from_secs(120));
    taken(bill);
    let work = Work::Hints {
        source: crate::testing::source_name().to_owned(),
        store: "M1".to_owned(),
        location: Some("L1".to_owned()),
        received: world.engine.now(),
        hint: crate::message::Hint::Orders(vec!["O000".to_owned()]),
    };
    world.engine.send(Lane::Live, "M1", &[work]).await.unwrap();
    while let Some(delivery) = world.take().await {
        handle(&world.engine, &delivery).await.unwrap();
    }
    taken(bill).1
}

#[tokio::test]
async fn a_message_of_one_store_reads_no_other_stores_connections() {
    let (world, bill) = billed().await;
    let before = runs(&world).await;
    told(&world, &bill).await;
    let alone = told(&world, &bill).await;
    assert_eq!(runs(&world).await, before + 2, "each was looked at");
    assert!(alone <= 40, "{alone} read");
    // What thousands of profiles became is nothing to it.
    let people = world.connection.people_partition();
    for n in 0..2_000 {
        let link = Merged { old: format!("OLD{n}"), new: format!("NEW{n}") };
        world
            .store
            .transact(vec![Row::new(Merged::key(&people, &link.old), link).put().unwrap()])
            .await
            .unwrap();
    }
    assert_eq!(told(&world, &bill).await, alone, "no link is read");
    // Those from before are found once, whichever message comes first.
    let (world, bill) = billed_beside(1_000).await;
    told(&world, &bill).await;
    let among = told(&world, &bill).await;
    assert_eq!(among, alone, "of 1,001 connections one is read");
    let known =
        crate::connections::of_store(&world.engine, (crate::testing::source_name(), "X7")).await.unwrap();
    assert_eq!(known.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["X0007"]);
}
