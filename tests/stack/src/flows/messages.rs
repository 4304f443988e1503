//! Messages that come twice, that cannot be read, that are old.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tillsync_sandbox::Changes;

use crate::check;
use crate::mapping::event;
use crate::stack::{Setup, Stack};

const TIMEOUT: Duration = Duration::from_secs(120);

/// Messages as earlier versions wrote them: they lie in queues while a new version is rolled out.
const GOLDEN: [(&str, &str); 5] = [
    ("window", include_str!("../../messages/v1-window.json")),
    ("settle", include_str!("../../messages/v1-settle.json")),
    ("connect", include_str!("../../messages/v1-connect.json")),
    ("plan", include_str!("../../messages/v1-plan.json")),
    ("poll", include_str!("../../messages/v1-poll.json")),
];

fn golden(kind: &str, (connection, run): (&str, &str)) -> String {
    let text = GOLDEN.iter().find(|(of, _)| *of == kind).unwrap().1;
    text.trim().replace("CONNECTION", connection).replace("RUN", run)
}

/// Takes the one message that waits, without working on it.
async fn take(stack: &Stack, queue: &str) -> Value {
    let taken = stack.until(async || stack.sqs.receive(queue, 1, 0).await.ok()?.pop()).await;
    stack.sqs.delete(queue, &taken).await;
    taken
}

/// Without anything new a poll has nothing to run for.
fn a_sale(stack: &Stack) {
    stack.world.change(&Changes { new_sales: 1, age_seconds: 150, ..Changes::default() });
}

fn keys(text: &str) -> BTreeSet<String> {
    serde_json::from_str::<Value>(text).unwrap().as_object().unwrap().keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_delivered_twice_at_once_does_nothing_twice() {
    let mut stack = Setup { mapped: false, ..Setup::of(700) }.start().await;
    stack.connect().await;
    stack.ask("start").await;
    for _ in 0..2 {
        // The plan, then the window it led to.
        let message = take(&stack, &stack.queues.history.clone()).await;
        let event = event(&stack.queues.history, &[message]);
        let backfill = stack.function("backfill");
        let (one, two) = tokio::join!(backfill.invoke(&event, TIMEOUT), backfill.invoke(&event, TIMEOUT));
        assert_eq!(one.ok()["batchItemFailures"], json!([]));
        assert_eq!(two.ok()["batchItemFailures"], json!([]));
    }
    stack.map();
    check::complete(&stack, &stack.ended().await);
    check::arrived(&stack);
    check::clean(&stack);
    let eligible = stack.world.expected()["locations"][stack.location()]["eligible"].as_u64().unwrap();
    assert!(check::order_writes(&stack) <= eligible.div_ceil(100) + 2, "{}", check::order_writes(&stack));
    stack.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_ends_among_the_dead_letters_and_a_good_one_comes_back() {
    let stack = Setup { visibility: Some(Duration::from_secs(2)), ..Setup::of(60) }.start().await;
    let connection = stack.connect().await["connection"].as_str().unwrap().to_owned();
    let later = json!({"v": 99, "kind": "settle", "connection": connection, "run": "x"}).to_string();
    let unknown = json!({"v": 1, "kind": "dance", "connection": connection}).to_string();
    let huge = "x".repeat(200_000);
    let bodies = ["not json", later.as_str(), unknown.as_str(), huge.as_str()];
    let lanes = [
        (&stack.queues.live, &stack.queues.live_dead, "live_sync"),
        (&stack.queues.history, &stack.queues.history_dead, "backfill"),
    ];
    for (queue, dead, function) in lanes {
        for body in bodies {
            stack.sqs.send(queue, body).await;
        }
        stack.until(async || (stack.sqs.depth(dead).await == 4).then_some(())).await;
        stack.quiet().await;
        let records = stack.mappings[function].counts.records.load(std::sync::atomic::Ordering::Relaxed);
        assert!((4..=20).contains(&records), "{function} was given {records} records");
        // Looking at them is taking them; what is good is moved back.
        let mut found = BTreeSet::new();
        while let Some(message) = stack.sqs.receive(dead, 1, 0).await.unwrap().pop() {
            stack.sqs.delete(dead, &message).await;
            found.insert(message["Body"].as_str().unwrap().to_owned());
        }
        assert_eq!(found, bodies.map(str::to_owned).into());
    }
    let good = golden("poll", (&connection, ""));
    stack.sqs.send(&stack.queues.live_dead, &good).await;
    a_sale(&stack);
    stack.make_due(&connection).await;
    assert_eq!(stack.sqs.redrive(&stack.queues.live_dead, &stack.queues.live).await, 1);
    check::complete(&stack, &stack.poll_ended().await);
    check::discreet_without_people(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_the_first_version_are_worked_on() {
    let mut stack = Setup { mapped: false, ..Setup::of(120) }.start().await;
    let connection = stack.connect().await["connection"].as_str().unwrap().to_owned();
    let run = stack.ask("start").await["run"]["id"].as_str().unwrap().to_owned();
    let ids = (connection.as_str(), run.as_str());
    take(&stack, &stack.queues.history.clone()).await;
    stack.sqs.send(&stack.queues.history, &golden("plan", ids)).await;
    let plan = take(&stack, &stack.queues.history.clone()).await;
    let done = stack.function("backfill").invoke(&event(&stack.queues.history, &[plan]), TIMEOUT).await;
    assert_eq!(done.ok()["batchItemFailures"], json!([]));
    take(&stack, &stack.queues.history.clone()).await;
    stack.sqs.send(&stack.queues.history, &golden("window", ids)).await;
    stack.map();
    check::complete(&stack, &stack.ended().await);
    stack.sqs.send(&stack.queues.history, &golden("settle", ids)).await;
    a_sale(&stack);
    stack.make_due(&connection).await;
    stack.sqs.send(&stack.queues.live, &golden("poll", ids)).await;
    check::complete(&stack, &stack.poll_ended().await);
    stack.quiet().await;
    for dead in [&stack.queues.live_dead, &stack.queues.history_dead] {
        assert_eq!(stack.sqs.depth(dead).await, 0);
    }
    check::arrived(&stack);
    // What is written today has the form of the golden ones.
    for name in ["backfill", "live_sync", "scheduled_poll"] {
        for body in stack.endpoint(name).messages() {
            let kind = serde_json::from_str::<Value>(&body).unwrap()["kind"].as_str().unwrap().to_owned();
            assert_eq!(keys(&body), keys(&golden(&kind, ids)), "{name} writes {body}");
            assert!(body.len() < 2_000);
        }
    }
}
