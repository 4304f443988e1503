//! The faults of the services around the functions, as reliability.md section 4 lists them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tillsync_sandbox::Changes;

use crate::check;
use crate::endpoint::Trouble;
use crate::mapping::event;
use crate::runtime::Answer;
use crate::stack::{Setup, Stack};

const PLENTY: Duration = Duration::from_secs(120);

/// Takes a message, as the service does: its count of takings goes up.
async fn take(stack: &Stack, queue: &str) -> Value {
    stack.until(async || stack.sqs.receive(queue, 1, 0).await.ok()?.pop()).await
}

fn failed(answer: Answer) -> Vec<String> {
    let answer = answer.ok();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

/// How far polls have come.
async fn watermark(stack: &Stack, connection: &str) -> Value {
    let rows = stack.rows(&format!("CONN#{connection}")).await;
    rows.into_iter().find(|(sk, _)| sk == "CUR#orders").unwrap().1["watermark"].clone()
}

async fn dead(stack: &Stack) -> u64 {
    stack.sqs.depth(&stack.queues.live_dead).await + stack.sqs.depth(&stack.queues.history_dead).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_names_what_failed_and_nothing_begins_with_0_ms_left() {
    let mut setup = Setup { mapped: false, ..Setup::of(150) };
    (setup.visibility, setup.timeout) = (Some(Duration::from_secs(20)), Some(Duration::from_secs(40)));
    let mut stack = setup.start().await;
    let connection = stack.connect().await["connection"].as_str().unwrap().to_owned();
    let live = stack.queues.live.clone();
    let poll = json!({"v": 1, "kind": "poll", "connection": connection}).to_string();
    stack.sqs.send(&live, &poll).await;
    let bad = stack.sqs.send(&live, "not json").await;
    let batch = [take(&stack, &live).await, take(&stack, &live).await];
    let answer = stack.function("live_sync").invoke(&event(&live, &batch), PLENTY).await;
    assert_eq!(failed(answer), [bad], "what is done is not done again");
    for message in &batch {
        stack.sqs.delete(&live, message).await;
    }
    // A window, with a service that tells 0 ms.
    stack.ask("start").await;
    let history = stack.queues.history.clone();
    let plan = take(&stack, &history).await;
    let backfill = stack.function("backfill");
    assert!(failed(backfill.invoke(&event(&history, std::slice::from_ref(&plan)), PLENTY).await).is_empty());
    stack.sqs.delete(&history, &plan).await;
    let window = take(&stack, &history).await;
    let calls = || stack.world.stats()["square"]["calls"].as_u64().unwrap() + check::order_writes(&stack);
    let before = calls();
    let told = (Duration::ZERO, PLENTY);
    let answer = backfill.invoke_told(&event(&history, std::slice::from_ref(&window)), told).await;
    assert_eq!(failed(answer), [window["MessageId"].as_str().unwrap()], "it comes again");
    assert_eq!(calls(), before, "nothing began");
    let run = stack.ask("status").await["run"]["id"].as_str().unwrap().to_owned();
    let rows = stack.rows(&format!("RUN#{run}")).await;
    let row = &rows.iter().find(|(sk, _)| sk.starts_with("WIN#")).unwrap().1;
    assert!(row["lease"].is_null(), "nobody holds it: {row}");
    stack.map();
    check::complete(&stack, &stack.ended().await);
    check::arrived(&stack);
    stack.quiet().await;
    assert_eq!(dead(&stack).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_killed_five_times_is_buried_and_resume_brings_the_work_to_its_end() {
    let mut setup = Setup { mapped: false, ..Setup::of(300) };
    (setup.visibility, setup.timeout) = (Some(Duration::from_secs(4)), Some(Duration::from_secs(40)));
    let mut stack = setup.start().await;
    stack.connect().await;
    stack.ask("start").await;
    let history = stack.queues.history.clone();
    for taking in 1..=5_u64 {
        let message = take(&stack, &history).await;
        assert_eq!(message["Attributes"]["ApproximateReceiveCount"], taking.to_string());
        let (function, endpoint) = (stack.function("backfill"), stack.endpoint("backfill"));
        let event = event(&history, &[message]);
        let kill = async {
            // What comes in before it is at work is the start of its process.
            while !function.kill_one(0) {
                endpoint.more(1).await;
            }
        };
        let (answer, ()) = tokio::join!(function.invoke(&event, PLENTY), kill);
        assert_eq!(answer, Answer::TimedOut);
    }
    stack.map();
    stack.until(async || (dead(&stack).await == 1).then_some(())).await;
    stack.quiet().await;
    let run = stack.ask("status").await["run"].clone();
    assert!(run["finished"].is_null(), "nobody has ended it: {run}");
    assert_eq!(check::held(&stack), 0);
    stack.ask("resume").await;
    check::complete(&stack, &stack.ended().await);
    check::arrived(&stack);
    // The letter, moved back, is a message too many.
    let writes = check::order_writes(&stack);
    assert_eq!(stack.sqs.redrive(&stack.queues.history_dead, &history).await, 1);
    stack.quiet().await;
    assert_eq!((check::order_writes(&stack), dead(&stack).await), (writes, 0));
    check::clean(&stack);
}

/// The first sending names the windows of a poll; the second is what follows once its page was read.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_takes_nothing_moves_no_watermark_and_loses_no_sale() {
    let mut setup = Setup::of(100);
    (setup.visibility, setup.timeout) = (Some(Duration::from_secs(5)), Some(Duration::from_secs(40)));
    let stack = setup.start().await;
    let connection = stack.connect().await["connection"].as_str().unwrap().to_owned();
    stack.ask("start").await;
    check::complete(&stack, &stack.ended().await);
    for passed in [0, 1] {
        // Far enough back for every poll to move it: its end is two minutes ago.
        stack.alter((&connection, "CUR#orders"), "watermark", "2026-01-01T00:00:00Z").await;
        stack.world.change(&Changes { new_sales: 2, age_seconds: 150, ..Changes::default() });
        let before = watermark(&stack, &connection).await;
        assert_eq!(before, "2026-01-01T00:00:00Z");
        let endpoint = stack.endpoint("live_sync");
        endpoint.fail("SendMessageBatch", (passed, 1), Trouble::Refuse("AccessDeniedException"));
        stack.make_due(&connection).await;
        stack.tick().await;
        stack.until(async || (endpoint.armed() == 0).then_some(())).await;
        assert_eq!(watermark(&stack, &connection).await, before, "{passed}");
        stack.quiet().await;
        // Where nothing came again by itself, the next poll makes up for it.
        stack.make_due(&connection).await;
        stack.tick().await;
        stack.quiet().await;
        check::complete(&stack, &stack.poll_ended().await);
        check::arrived(&stack);
        assert_ne!(watermark(&stack, &connection).await, before, "{passed}");
    }
    assert_eq!(dead(&stack).await, 0);
    check::clean(&stack);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_spends_no_takings() {
    let mut setup = Setup::of(150);
    (setup.visibility, setup.timeout) = (Some(Duration::from_secs(40)), Some(Duration::from_secs(36)));
    let stack = setup.start().await;
    stack.connect().await;
    // Each pause is longer than what is left of the process.
    let later = json!({"kind": "rate_limited", "retry_after": 17});
    stack.ask("start").await;
    stack.fault("square", "SearchOrders", (0, 7), later);
    check::complete(&stack, &stack.ended().await);
    check::arrived(&stack);
    stack.quiet().await;
    assert_eq!(stack.world.stats()["square"]["faults"], 7);
    let counts = &stack.mappings["backfill"].counts;
    let (records, failed) = (counts.records.load(Ordering::Relaxed), counts.failed.load(Ordering::Relaxed));
    assert!(records > 9, "more takings than a message has: {records}");
    assert_eq!((failed, dead(&stack).await), (0, 0), "waiting is no failure");
}

/// Lambda stops a loop through a queue after some sixteen rounds, where the template does not allow it.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_handed_on_more_than_sixteen_times() {
    let mut setup = Setup::of(220);
    (setup.visibility, setup.timeout) = (Some(Duration::from_secs(40)), Some(Duration::from_secs(36)));
    setup.shop.settings.square_page_max = Some(10);
    let stack = setup.start().await;
    for function in ["live_sync", "backfill"] {
        assert_eq!(stack.template.recursive_loop(function), "Allow");
    }
    stack.connect().await;
    stack.ask("start").await;
    check::complete(&stack, &stack.ended().await);
    check::arrived(&stack);
    let sent = stack.endpoint("backfill").messages();
    let windows = sent.iter().filter(|body| body.contains("\"window\"")).count();
    assert!(windows > 17, "{windows} windows were queued");
    check::clean(&stack);
}
