//! The contract, in real time: all checks side by side, since most of them wait.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;
use tillsync_emulators::{Ministack, Moto};
use tillsync_engine::contract::{Check, Subject, Time, exact_queue_checks, queue_checks};
use tillsync_engine::ports::Queue;

use super::queues_at;

/// A check that is not held against a stand-in, and why that is no fault of ours.
type LeftOut = (&'static str, &'static str);

const MOTO: &[LeftOut] = &[
    (
        "queue_taking::an_old_receipt_does_nothing",
        "moto lets every receipt a message ever had delete it; AWS: the most recent one is needed, though an older \
         one of a standard queue might succeed",
    ),
    (
        "queue::never_two_holders",
        "moto takes messages without a lock, so that two who ask at once get the same one; AWS: at least once, and \
         seldom twice",
    ),
    (
        "queue::a_thousand_at_once",
        "moto goes through all messages for each it hands out, so that a thousand take two minutes",
    ),
];
const MINISTACK: &[LeftOut] = &[];
/// Checks of hundreds of calls: beside them the others would be late.
const MANY_CALLS: [&str; 2] = ["queue::a_thousand_at_once", "queue::never_two_holders"];

/// The time of the world.
struct RealTime;

#[async_trait]
impl Time for RealTime {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn pass(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }

    fn is_virtual(&self) -> bool {
        false
    }
}

/// Runs checks side by side and tells the names of those that failed.
async fn failing(url: &str, checks: Vec<Check<dyn Queue>>) -> Vec<&'static str> {
    let runs = checks.into_iter().map(async |check| {
        let (queue, ..) = queues_at(url).await;
        let under = Subject { port: Arc::new(queue) as Arc<dyn Queue>, time: Arc::new(RealTime) };
        let start = Instant::now();
        let broken = AssertUnwindSafe(check.run(&under)).catch_unwind().await.is_err();
        eprintln!("{}: {} s", check.name, start.elapsed().as_secs());
        broken.then_some(check.name)
    });
    join_all(runs).await.into_iter().flatten().collect()
}

async fn keeps_the_contract(url: &str, left_out: &[LeftOut]) {
    let mut checks: Vec<_> = queue_checks().into_iter().chain(exact_queue_checks()).collect();
    for (name, why) in left_out {
        let before = checks.len();
        checks.retain(|check| check.name != *name);
        assert_eq!(checks.len(), before - 1, "there is no check {name}");
        eprintln!("left out: {name}: {why}");
    }
    let (many, others): (Vec<_>, Vec<_>) =
        checks.into_iter().partition(|check| MANY_CALLS.contains(&check.name));
    let mut failed = failing(url, many).await;
    failed.extend(failing(url, others).await);
    assert!(failed.is_empty(), "promises broken: {failed:?}");
}

#[tokio::test]
async fn sqs_queue_keeps_the_contract_on_moto() {
    let place = Moto::start().await;
    keeps_the_contract(place.url(), MOTO).await;
}

#[tokio::test]
async fn sqs_queue_keeps_the_contract_on_ministack() {
    let place = Ministack::start().await;
    keeps_the_contract(place.url(), MINISTACK).await;
}
