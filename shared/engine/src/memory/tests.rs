use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use jiff::Timestamp;

use super::{ManualClock, MemoryQueue, MemoryStore, MemoryVault, SeededEntropy};
use crate::contract::{self, Subject};
use crate::ports::{Clock, Entropy, Queue, Store, Vault};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2026-05-04T10:00:00.123456789Z".parse().unwrap()))
}

async fn store() -> Subject<dyn Store> {
    let time = clock();
    Subject { port: Arc::new(MemoryStore::new(time.clone())), time }
}

async fn queue() -> Subject<dyn Queue> {
    let time = clock();
    Subject { port: Arc::new(MemoryQueue::new(time.clone())), time }
}

async fn vault() -> Subject<dyn Vault> {
    Subject { port: Arc::new(MemoryVault::new()), time: clock() }
}

#[tokio::test]
async fn memory_store_keeps_the_contract() {
    contract::store(store).await;
}

#[tokio::test]
async fn memory_queue_keeps_the_contract() {
    contract::queue(queue).await;
    contract::fair_queue(queue).await;
}

#[tokio::test]
async fn memory_vault_keeps_the_contract() {
    contract::vault(vault).await;
}

#[tokio::test]
async fn sleeping_moves_the_clock() {
    let clock = clock();
    let start = clock.now();
    clock.sleep(Duration::from_secs(3600)).await;
    assert_eq!(clock.now().duration_since(start).as_secs(), 3600);
    clock.sleep(Duration::MAX).await;
    assert_eq!(clock.now(), Timestamp::MAX);
}

#[tokio::test]
async fn sleepers_sleep_through_the_same_time_and_wake_in_order() {
    let clock = clock();
    let start = clock.now();
    let ends = [7, 3, 9, 1, 5].map(|seconds| {
        let clock = clock.clone();
        async move {
            clock.sleep(Duration::from_secs(seconds)).await;
            clock.now().duration_since(start).as_secs()
        }
    });
    assert_eq!(join_all(ends).await, [7, 3, 9, 1, 5]);
    assert_eq!(clock.now().duration_since(start).as_secs(), 9);
    assert_eq!(clock.sleepers(), 0);
}

#[tokio::test]
async fn a_sleeper_nobody_polls_holds_up_nobody() {
    let clock = clock();
    let mut abandoned = clock.sleep(Duration::from_secs(1));
    assert!(futures_util::poll!(&mut abandoned).is_pending());
    clock.sleep(Duration::from_secs(5)).await;
    assert_eq!(clock.sleepers(), 1);
    drop(abandoned);
    assert_eq!(clock.sleepers(), 0);
}

#[tokio::test]
async fn a_held_clock_waits_for_the_test() {
    let clock = Arc::new(ManualClock::held(Timestamp::UNIX_EPOCH));
    let mut sleep = clock.sleep(Duration::from_secs(10));
    assert!(futures_util::poll!(&mut sleep).is_pending());
    clock.advance(Duration::from_secs(9));
    assert!(futures_util::poll!(&mut sleep).is_pending());
    let other = clock.clone();
    join(sleep, async move { other.advance(Duration::from_secs(1)) }).await;
    assert_eq!(clock.now().as_second(), 10);
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let bits = |seed| {
        let entropy = SeededEntropy::new(seed);
        [entropy.bits(), entropy.bits(), entropy.bits()]
    };
    assert_eq!(bits(1), bits(1));
    assert_ne!(bits(1), bits(2));
    assert_eq!(bits(0)[0], 0xe220_a839_7b1d_cdaf, "the published first value of SplitMix64");
}
