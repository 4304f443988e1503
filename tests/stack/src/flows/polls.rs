//! Polls, by the schedule and by an operator.

use serde_json::json;
use tillsync_sandbox::Changes;

use crate::check;
use crate::stack::{Setup, Stack};

/// Long enough ago for a poll to look at it: the platform's index lags, and polls know it.
const AGO: u32 = 150;

fn sales(stack: &Stack, new_sales: usize) -> Vec<String> {
    let changes = Changes { new_sales, age_seconds: AGO, ..Changes::default() };
    let touched = stack.world.change(&changes);
    touched["new_sales"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn assert_live(stack: &Stack, ids: &[String]) {
    for id in ids {
        let order = stack.world.order(id);
        assert_eq!(order["records"][0]["history"][0]["creation_source"], "REAL_TIME", "{id}: {order:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_polls_what_is_due_and_nothing_else() {
    let stack = Setup::of(200).start().await;
    let connection = stack.connect().await["connection"].as_str().unwrap().to_owned();
    stack.ask("start").await;
    check::complete(&stack, &stack.ended().await);
    let early = stack.tick().await;
    assert_eq!((&early["ok"], &early["connections"], &early["due"]), (&json!(true), &json!(1), &json!(0)));
    let ids = sales(&stack, 7);
    stack.make_due(&connection).await;
    let tick = stack.tick().await;
    assert_eq!(
        (&tick["ok"], &tick["due"], &tick["failed"]),
        (&json!(true), &json!(1), &json!(0)),
        "{tick:#}"
    );
    check::complete(&stack, &stack.poll_ended().await);
    assert_live(&stack, &ids);
    check::arrived(&stack);
    let again = stack.tick().await;
    assert_eq!(again["due"], 0, "the next poll is half an hour away");
    check::clean(&stack);
    check::discreet(&stack).await;
    let metrics = stack.function("scheduled_poll").log.metrics();
    assert!(metrics.iter().any(|line| line["SyncLagSeconds"].is_u64()), "freshness is told: {metrics:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_polls_at_once() {
    let stack = Setup::of(100).start().await;
    stack.connect().await;
    let ids = sales(&stack, 3);
    let answer = stack.ask("poll").await;
    assert_eq!((&answer["ok"], &answer["already_running"]), (&json!(true), &json!(false)), "{answer:#}");
    let run = stack.poll_ended().await;
    check::complete(&stack, &run);
    assert_eq!(run["streams"]["orders"]["synced"], 3, "{run:#}");
    assert_live(&stack, &ids);
    check::clean(&stack);
}
