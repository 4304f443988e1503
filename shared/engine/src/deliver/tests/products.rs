use tillsync_mapping::model::Product;

use crate::state::{RunKind, State, Stream};
use crate::sums::Tally;
use crate::testing::{Trouble, World, product, run};

fn shelf(count: usize) -> Vec<Product> {
    (0..count).map(|n| product(&format!("V{n:03}"))).collect()
}

fn sizes(world: &World) -> Vec<usize> {
    let bodies = world.net.bodies("products.push");
    bodies.iter().map(|body| body["variables"]["products"].as_array().unwrap().len()).collect()
}

#[tokio::test]
async fn products_go_once_in_a_run() {
    let world = World::new().await;
    let run = run(RunKind::Historical, "R1");
    let tally = world.stock(&run, shelf(3)).await.unwrap();
    assert_eq!((tally.observed, tally.synced), (3, 3));
    assert_eq!(
        world.stock(&run, shelf(3)).await.unwrap(),
        Tally::default(),
        "the next page mentions them again"
    );
    let more = world.stock(&run, shelf(4)).await.unwrap();
    assert_eq!((more.observed, more.synced), (1, 1));
    assert_eq!(sizes(&world), [3, 1]);
}

#[tokio::test]
async fn unchanged_products_are_counted_and_not_sent() {
    let world = World::new().await;
    world.stock(&run(RunKind::Historical, "R1"), shelf(3)).await.unwrap();
    let mut changed = shelf(3);
    changed[1].sku = Some("B-1".to_owned());
    let tally = world.stock(&run(RunKind::Poll, "R2"), changed).await.unwrap();
    assert_eq!((tally.observed, tally.unchanged, tally.synced), (3, 2, 1));
    assert_eq!(sizes(&world), [3, 1]);
    assert_eq!(world.find(Stream::Products, "V001").await.unwrap().value.times_sent, 2);
}

#[tokio::test]
async fn refused_products_are_parked_and_the_rest_goes() {
    let world = World::new().await;
    world.net.account().refused.insert("V001".to_owned());
    let tally = world.stock(&run(RunKind::Historical, "R1"), shelf(4)).await.unwrap();
    assert_eq!((tally.synced, tally.parked_total()), (3, 1));
    assert_eq!(sizes(&world), [4, 3]);
    let row = world.find(Stream::Products, "V001").await.unwrap().value;
    assert_eq!((row.state, row.times_sent), (State::Parked, 0));
}

#[tokio::test]
async fn a_refusal_without_a_name_or_for_size_is_halved() {
    let world = World::new().await;
    world.net.account().cursed.insert("V002".to_owned());
    let tally = world.stock(&run(RunKind::Historical, "R1"), shelf(4)).await.unwrap();
    assert_eq!((tally.synced, tally.parked_total()), (3, 1));
    let world = World::new().await;
    world.net.account().most = 100;
    let tally = world.stock(&run(RunKind::Historical, "R1"), shelf(300)).await.unwrap();
    assert_eq!(tally.synced, 300);
    assert!(sizes(&world).iter().all(|size| *size <= 250));
    assert_eq!(world.net.account().products.len(), 300);
}

#[tokio::test]
async fn a_lost_reply_is_repeated_at_once() {
    let world = World::new().await;
    world.net.plan("products.push", 1, Trouble::Landed);
    world.net.plan("products.push", 2, Trouble::Lost);
    assert_eq!(world.stock(&run(RunKind::Historical, "R1"), shelf(2)).await.unwrap().synced, 2);
    world.net.plan("products.push", 0, Trouble::Lost);
    let fault = world.stock(&run(RunKind::Historical, "R2"), vec![product("new")]).await.unwrap_err();
    assert_eq!(fault.code, "destination.unavailable");
    assert_eq!(sizes(&world).len(), 6);
}
