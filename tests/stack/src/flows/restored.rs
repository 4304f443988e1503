//! A table that is put back to an earlier moment.

use serde_json::json;
use tillsync_sandbox::Changes;

use crate::check;
use crate::stack::{Setup, Stack};

fn sales(stack: &Stack) {
    stack.world.change(&Changes { new_sales: 5, changed_sales: 2, age_seconds: 150, ..Changes::default() });
}

/// A poll that takes what is due, once it ended.
async fn poll(stack: &Stack, connection: &str) {
    stack.make_due(connection).await;
    stack.tick().await;
    stack.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_table_doubles_nothing_and_the_comparison_finds_both_sides_the_same() {
    let stack = Setup::of(300).start().await;
    let connection = stack.connect().await["connection"].as_str().unwrap().to_owned();
    let empty = stack.snapshot().await;
    stack.ask("start").await;
    check::complete(&stack, &stack.ended().await);
    let snapshot = stack.snapshot().await;
    sales(&stack);
    poll(&stack, &connection).await;
    check::arrived(&stack);
    // A table takes longer to come back than any request is under way.
    stack.world.set(&json!({"rewrite_window_ms": 0})).unwrap();
    for older in [snapshot, empty] {
        stack.restore(older).await;
        sales(&stack);
        poll(&stack, &connection).await;
        stack.ask("start").await;
        check::complete(&stack, &stack.ended().await);
        stack.quiet().await;
        check::arrived(&stack);
        stack.ask("reconcile").await;
        stack.quiet().await;
        let found = stack.ask("comparison").await;
        assert_eq!(
            (&found["run"]["state"], &found["days_that_differ"]),
            (&json!("complete"), &json!(0)),
            "{found:#}"
        );
    }
    check::no_rule_broken(&stack);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_renewed_since_stays_dead_in_an_older_table() {
    let stack = Setup::of(60).start().await;
    let connection = stack.connect().await["connection"].as_str().unwrap().to_owned();
    stack.ask("start").await;
    check::complete(&stack, &stack.ended().await);
    let snapshot = stack.snapshot().await;
    stack.world.replace_token("renewed");
    stack.restore(snapshot).await;
    sales(&stack);
    let (held, writes) = (check::held(&stack), check::order_writes(&stack));
    poll(&stack, &connection).await;
    let list = stack.operator(json!({"action": "list"})).await.ok();
    assert_eq!(list["connections"][0]["state"], "needs_reconnect", "{list:#}");
    assert_eq!((check::held(&stack), check::order_writes(&stack)), (held, writes), "nothing was sent");
}
