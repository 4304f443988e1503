//! The history by an operator's events and the queue.

use serde_json::json;

use crate::check;
use crate::stack::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_orders_arrive_by_events_and_the_queue() {
    let mut setup = Setup::of(5_000);
    setup.shop.customers = 400;
    let stack = setup.start().await;
    let connected = stack.connect().await;
    assert_eq!(
        (&connected["ok"], &connected["orders"]["total"]),
        (&json!(true), &json!(5_000)),
        "{connected:#}"
    );
    let started = stack.ask("start").await;
    assert_eq!(started["already_running"], false, "{started:#}");
    let again = stack.ask("start").await;
    assert_eq!((&again["already_running"], &again["run"]["id"]), (&json!(true), &started["run"]["id"]));
    let run = stack.ended().await;
    check::complete(&stack, &run);
    check::arrived(&stack);
    let expected = &stack.world.expected()["locations"][stack.location()];
    let orders = &run["streams"]["orders"];
    assert_eq!((&orders["observed"], &orders["synced"]), (&json!(5_000), &expected["eligible"]));
    assert_eq!(orders["skipped"], expected["skipped"]);
    stack.quiet().await;
    for dead in [&stack.queues.live_dead, &stack.queues.history_dead] {
        assert_eq!(stack.sqs.depth(dead).await, 0);
    }
    check::clean(&stack);
    check::discreet(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_cancelled_and_resumed() {
    let stack = Setup::of(2_500).start().await;
    stack.connect().await;
    let started = stack.ask("start").await;
    stack.until(async || (check::held(&stack) > 300).then_some(())).await;
    let running = stack.ask("status").await;
    assert_eq!(running["run"]["state"], "running", "{running:#}");
    check::agrees(&running["run"]);
    let cancelled = stack.ask("cancel").await;
    assert_eq!(cancelled["ok"], true, "{cancelled:#}");
    let run = stack.ended().await;
    assert_eq!((&run["state"], &run["id"]), (&json!("cancelled"), &started["run"]["id"]), "{run:#}");
    check::agrees(&run);
    stack.quiet().await;
    let before = check::held(&stack);
    assert!(before < stack.world.expected()["locations"][stack.location()]["eligible"].as_u64().unwrap());
    let resumed = stack.ask("resume").await;
    assert_eq!(resumed["ok"], true, "{resumed:#}");
    let run = stack.ended().await;
    check::complete(&stack, &run);
    check::arrived(&stack);
    check::clean(&stack);
    check::discreet(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_estimates_and_sends_nothing() {
    let stack = Setup::of(300).start().await;
    stack.connect().await;
    let event = json!({"action": "start", "connection": "Shop", "from": null, "to": null, "dry_run": true});
    let answer = stack.operator(event).await.ok();
    assert_eq!((&answer["ok"], &answer["dry_run"]), (&json!(true), &json!(true)), "{answer:#}");
    assert_eq!(answer["estimate"]["orders"], 300, "{answer:#}");
    stack.quiet().await;
    assert_eq!(check::order_writes(&stack), 0);
}
