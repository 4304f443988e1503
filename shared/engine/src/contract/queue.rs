//! Sending and receiving.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Subject, let_others_run};
use crate::ports::{Delivery, Lane, MAX_DELAY, Queue};

type Under = Subject<dyn Queue>;

/// Long enough that no check is overtaken by it, short enough to wait for in real time.
pub(super) const A_WHILE: Duration = Duration::from_secs(8);
/// A little more than that.
pub(super) const LONGER: Duration = Duration::from_secs(9);
/// Longer than any check.
pub(super) const LONG: Duration = Duration::from_secs(600);

pub(super) async fn send(under: &Under, lane: Lane, group: &str, bodies: &[&str]) {
    let bodies = bodies.iter().map(|body| (*body).to_owned()).collect();
    under.port.send(lane, group, bodies, Duration::ZERO).await.expect("sends");
}

/// One receive.
pub(super) async fn receive(under: &Under, lane: Lane, max: usize, visibility: Duration) -> Vec<Delivery> {
    let taken = under.port.receive(lane, max, visibility).await.expect("receives");
    assert!(taken.len() <= max, "{} taken, {max} asked for", taken.len());
    assert!(taken.iter().all(|delivery| delivery.lane == lane), "a delivery knows its lane");
    taken
}

/// Receives until `count` messages are there: a queue may give fewer at a time than it has.
pub(super) async fn gather(under: &Under, lane: Lane, count: usize, visibility: Duration) -> Vec<Delivery> {
    let mut taken = Vec::new();
    for _ in 0..count + 20 {
        if taken.len() >= count {
            break;
        }
        taken.extend(receive(under, lane, (count - taken.len()).min(10), visibility).await);
    }
    assert_eq!(taken.len(), count, "messages that should be there are not");
    taken
}

/// The one message that must be there.
pub(super) async fn only(under: &Under, lane: Lane, visibility: Duration) -> Delivery {
    let mut taken = gather(under, lane, 1, visibility).await;
    nothing(under, lane).await;
    taken.remove(0)
}

/// Nothing is to be seen.
pub(super) async fn nothing(under: &Under, lane: Lane) {
    for _ in 0..3 {
        let taken = receive(under, lane, 10, LONG).await;
        assert!(taken.is_empty(), "nothing should be seen here, but {taken:?}");
    }
}

pub(super) async fn what_is_sent_is_received(under: &Under) {
    let bodies = [r#"{"v":1}"#, "Jürgen's \"日本\" 👩‍👩‍👧", "{\"a\":\n'%'}"];
    send(under, Lane::Live, "CONN#ü'", &bodies).await;
    let taken = gather(under, Lane::Live, 3, LONG).await;
    let got: BTreeSet<&str> = taken.iter().map(|delivery| delivery.body.as_str()).collect();
    assert_eq!(got, bodies.into());
    assert!(taken.iter().all(|delivery| delivery.attempts == 1), "the first time is the first attempt");
    nothing(under, Lane::Live).await;
}

pub(super) async fn nothing_sent_is_nothing_received(under: &Under) {
    nothing(under, Lane::Live).await;
    send(under, Lane::Live, "g", &[]).await;
    nothing(under, Lane::Live).await;
    assert_eq!(under.port.depth(Lane::Live).await.expect("counts"), 0);
    assert_eq!(under.port.dead(Lane::Live, 10).await.expect("lists"), []);
}

pub(super) async fn a_delay_hides(under: &Under) {
    under.port.send(Lane::Live, "g", vec!["late".to_owned()], A_WHILE).await.expect("sends");
    nothing(under, Lane::Live).await;
    send(under, Lane::Live, "g", &["now"]).await;
    assert_eq!(only(under, Lane::Live, LONG).await.body, "now", "one that waits holds up no other");
    under.time.pass(LONGER).await;
    assert_eq!(only(under, Lane::Live, LONG).await.body, "late");
}

pub(super) async fn a_long_delay_is_cut(under: &Under) {
    if !under.time.is_virtual() {
        return;
    }
    let week = Duration::from_secs(7 * 24 * 3600);
    under.port.send(Lane::Live, "g", vec!["late".to_owned()], week).await.expect("sends");
    under.time.pass(MAX_DELAY.saturating_sub(Duration::from_secs(1))).await;
    nothing(under, Lane::Live).await;
    under.time.pass(Duration::from_secs(1)).await;
    let delivery = only(under, Lane::Live, LONG).await;
    under.port.defer(&delivery, week).await.expect("defers");
    nothing(under, Lane::Live).await;
    under.time.pass(MAX_DELAY).await;
    let delivery = only(under, Lane::Live, LONG).await;
    under.port.release(&delivery, Duration::MAX).await.expect("releases");
    nothing(under, Lane::Live).await;
    under.time.pass(MAX_DELAY).await;
    only(under, Lane::Live, LONG).await;
}

pub(super) async fn lanes_are_apart(under: &Under) {
    send(under, Lane::History, "g", &["old"]).await;
    nothing(under, Lane::Live).await;
    send(under, Lane::Live, "g", &["new"]).await;
    assert_eq!(only(under, Lane::Live, LONG).await.body, "new");
    assert_eq!(only(under, Lane::History, LONG).await.body, "old");
}

pub(super) async fn depth_counts_waiting_and_taken(under: &Under) {
    let depth = async |lane| under.port.depth(lane).await.expect("counts");
    send(under, Lane::Live, "g", &["a", "b"]).await;
    send(under, Lane::Live, "h", &["c"]).await;
    under.port.send(Lane::Live, "g", vec!["late".to_owned()], LONG).await.expect("sends");
    send(under, Lane::History, "g", &["old"]).await;
    assert_eq!(
        (depth(Lane::Live).await, depth(Lane::History).await),
        (4, 1),
        "what waits for its time counts"
    );
    let taken = gather(under, Lane::Live, 2, LONG).await;
    assert_eq!(depth(Lane::Live).await, 4, "what is in work counts");
    under.port.ack(&taken[0]).await.expect("acknowledges");
    assert_eq!(depth(Lane::Live).await, 3);
}

pub(super) async fn at_most_max_are_taken(under: &Under) {
    send(under, Lane::Live, "g", &["1", "2", "3", "4", "5"]).await;
    send(under, Lane::Live, "h", &["6", "7"]).await;
    assert!(receive(under, Lane::Live, 0, LONG).await.is_empty());
    let mut seen = BTreeSet::new();
    for _ in 0..30 {
        for max in [1, 3, 2] {
            // `receive` holds the answer against `max`.
            for delivery in receive(under, Lane::Live, max, LONG).await {
                assert!(seen.insert(delivery.body.clone()), "{} was taken twice", delivery.body);
            }
        }
    }
    assert_eq!(seen.len(), 7, "all are taken in the end");
}

pub(super) async fn a_thousand_at_once(under: &Under) {
    let bodies: Vec<String> = (0..1_000).map(|n| format!("{n:04}")).collect();
    under.port.send(Lane::History, "g", bodies.clone(), Duration::ZERO).await.expect("sends");
    let taken = gather(under, Lane::History, 1_000, LONG).await;
    let got: BTreeSet<String> = taken.into_iter().map(|delivery| delivery.body).collect();
    assert_eq!(got, bodies.into_iter().collect());
}

pub(super) async fn never_two_holders(under: &Under) {
    for group in 0..4 {
        let bodies = (0..50).map(|n| format!("{group}-{n}")).collect();
        under.port.send(Lane::Live, &format!("g{group}"), bodies, Duration::ZERO).await.expect("sends");
    }
    let worker = async || {
        let mut mine = Vec::new();
        for _ in 0..100 {
            mine.extend(receive(under, Lane::Live, 7, LONG).await);
            let_others_run().await;
        }
        mine
    };
    let held: Vec<Delivery> = join_all((0..8).map(|_| worker())).await.into_iter().flatten().collect();
    let bodies: BTreeSet<&str> = held.iter().map(|delivery| delivery.body.as_str()).collect();
    let receipts: BTreeSet<&str> = held.iter().map(|delivery| delivery.receipt.as_str()).collect();
    assert_eq!(held.len(), 200, "each message is held by one, and none is left");
    assert_eq!((bodies.len(), receipts.len()), (200, 200));
}

pub(super) async fn a_backlog_starves_nobody(under: &Under) {
    let backlog = (0..500).map(|n| format!("big{n}")).collect();
    under.port.send(Lane::Live, "big", backlog, Duration::ZERO).await.expect("sends");
    under.time.pass(A_WHILE).await;
    send(under, Lane::Live, "small", &["small1", "small2", "small3"]).await;
    let taken = receive(under, Lane::Live, 10, LONG).await;
    assert_eq!(taken.len(), 10);
    let small = taken.iter().filter(|delivery| delivery.body.starts_with("small")).count();
    assert_eq!(small, 3, "the younger group gets its share of the first hand");
}

pub(super) async fn small_receives_take_turns(under: &Under) {
    for group in ["a", "b", "c"] {
        let backlog = (0..50).map(|_| group.to_owned()).collect();
        under.port.send(Lane::Live, group, backlog, Duration::ZERO).await.expect("sends");
        under.time.pass(A_WHILE).await;
    }
    let mut order = String::new();
    for _ in 0..9 {
        for delivery in receive(under, Lane::Live, 1, LONG).await {
            order.push_str(&delivery.body);
            under.port.ack(&delivery).await.expect("acknowledges");
        }
    }
    assert_eq!(order, "abcabcabc");
}
