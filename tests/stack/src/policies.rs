//! The roles of the template against what the functions do: nothing is missing, and nothing is there for nothing.

use std::collections::BTreeSet;

use serde_json::json;
use tillsync_sandbox::Changes;

use crate::check;
use crate::stack::{FUNCTIONS, Setup, Stack, TABLE};
use crate::template::Grant;

/// What is granted though no call of the function shows it: function, action, resource, reason.
const UNSEEN: &[(&str, &str, &str, &str)] = &[
    ("*", "logs:CreateLogStream", "*", "the service writes the log in the function's name"),
    ("*", "logs:PutLogEvents", "*", "the service writes the log in the function's name"),
    ("live_sync", "sqs:ReceiveMessage", "LiveQueue", "the mapping takes messages in the function's name"),
    ("live_sync", "sqs:DeleteMessage", "LiveQueue", "the mapping removes messages in the function's name"),
    (
        "live_sync",
        "sqs:GetQueueAttributes",
        "LiveQueue",
        "the mapping reads the queue in the function's name",
    ),
    ("backfill", "sqs:ReceiveMessage", "HistoryQueue", "the mapping takes messages in the function's name"),
    ("backfill", "sqs:DeleteMessage", "HistoryQueue", "the mapping removes messages in the function's name"),
    (
        "backfill",
        "sqs:GetQueueAttributes",
        "HistoryQueue",
        "the mapping reads the queue in the function's name",
    ),
    (
        "scheduled_poll",
        "sqs:SendMessage",
        "HistoryQueue",
        "lost history is queued anew by the first tick of an hour",
    ),
    (
        "oauth_callback",
        "sqs:SendMessage",
        "LiveQueue",
        "work that waited for an authorisation is queued anew",
    ),
    (
        "oauth_callback",
        "sqs:SendMessage",
        "HistoryQueue",
        "work that waited for an authorisation is queued anew",
    ),
];

fn excused(function: &str, (action, resource): &Grant) -> Option<&'static str> {
    let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
    let found = UNSEEN
        .iter()
        .find(|(of, what, whose, _)| fits(of, function) && *what == action.as_str() && fits(whose, resource));
    found.map(|(_, _, _, reason)| *reason)
}

/// The name in the template of what a call was about.
fn resource(stack: &Stack, name: &str) -> String {
    let queue = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    let queues = &stack.queues;
    match name {
        TABLE => "Table".into(),
        name if name == queue(&queues.live) => "LiveQueue".into(),
        name if name == queue(&queues.live_dead) => "LiveDead".into(),
        name if name == queue(&queues.history) => "HistoryQueue".into(),
        name if name == queue(&queues.history_dead) => "HistoryDead".into(),
        name if name.contains(":secret:") => "Secret".into(),
        other => other.to_owned(),
    }
}

/// The permissions that a function needed so far.
pub(crate) fn traced(stack: &Stack, function: &str) -> BTreeSet<Grant> {
    let calls = stack.endpoint(function).calls();
    let grants = calls.iter().flat_map(|call| call.grants.clone());
    grants.map(|(action, name)| (action, resource(stack, &name))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_grants_what_its_function_does_and_nothing_else() {
    let stack = crate::flows::with_application(Setup::of(1_500)).start().await;
    let connection = stack.connect().await["connection"].as_str().unwrap().to_owned();
    stack.operator(json!({"action": "list"})).await.ok();
    stack.ask("start").await;
    stack.until(async || (check::held(&stack) > 100).then_some(())).await;
    stack.ask("cancel").await;
    stack.ended().await;
    stack.ask("resume").await;
    check::complete(&stack, &stack.ended().await);
    stack.world.change(&Changes { new_sales: 3, age_seconds: 150, ..Changes::default() });
    stack.make_due(&connection).await;
    assert_eq!(stack.tick().await["due"], 1);
    check::complete(&stack, &stack.poll_ended().await);
    stack.ask("poll").await;
    stack.quiet().await;
    let lanes =
        [(&stack.queues.live, &stack.queues.live_dead), (&stack.queues.history, &stack.queues.history_dead)];
    for (queue, dead) in lanes {
        // One is longer than any of ours and put aside at once; the other is tried again.
        stack.sqs.send(queue, &"x".repeat(100_000)).await;
        stack.sqs.send(queue, "not json").await;
        stack.until(async || (stack.sqs.depth(dead).await == 2).then_some(())).await;
    }
    crate::flows::ask_health(&stack).await;
    crate::flows::sale_by_webhook(&stack, true).await;
    // The location is connected already: it is renewed.
    crate::flows::signing(&stack, "Shop").await;
    stack.quiet().await;
    let mut wrong = Vec::new();
    for function in FUNCTIONS {
        let (granted, traced) = (stack.template.grants(function), traced(&stack, function));
        for grant in granted.union(&traced) {
            let (has, does) = (granted.contains(grant), traced.contains(grant));
            let reason = excused(function, grant).filter(|_| !does);
            println!(
                "{function:15} {:35} {:13} {:8} {:7} {}",
                grant.0,
                grant.1,
                if has { "granted" } else { "-" },
                if does { "called" } else { "-" },
                reason.unwrap_or_default()
            );
            if !has || (!does && reason.is_none()) {
                let what = if has { "granted and never called" } else { "called and not granted" };
                wrong.push(format!("{function} {} {}: {what}", grant.0, grant.1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
