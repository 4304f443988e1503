//! Time that runs out: work is handed on, and what was killed is taken up again.

use std::time::Duration;

use serde_json::json;

use crate::check;
use crate::endpoint::Trouble;
use crate::stack::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_handed_on_when_time_is_short() {
    let mut setup = Setup::of(4_000);
    setup.timeout = Some(Duration::from_secs(45));
    setup.shop.settings.square_latency_ms = 200;
    let stack = setup.start().await;
    stack.connect().await;
    stack.ask("start").await;
    check::complete(&stack, &stack.ended().await);
    check::arrived(&stack);
    stack.quiet().await;
    let longest = stack.function("backfill").invocations().iter().map(|one| one.took).max().unwrap();
    assert!(longest < Duration::from_secs(44), "nothing is killed: {longest:?}");
    let windows = stack.endpoint("backfill").messages();
    let windows = windows.iter().filter(|body| body.contains("\"window\"")).count();
    assert!(windows > 1, "the window was never handed on");
    check::clean(&stack);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_invocation_is_taken_up_again() {
    let mut setup = Setup::of(1_200);
    setup.timeout = Some(Duration::from_secs(40));
    setup.visibility = Some(Duration::from_secs(15));
    let stack = setup.start().await;
    stack.connect().await;
    stack.ask("start").await;
    // Each of these requests is under way for a while, and lands after its sender is dead.
    let writes =
        || stack.world.stats()["activecampaign"]["operations"]["bulkUpsertOrdersAsync"].as_u64().unwrap_or(0);
    for batch in [2, 6] {
        let late = json!({"kind": "delay", "ms": 3_000});
        let skip = u32::try_from(batch - writes()).unwrap();
        stack.fault("activecampaign", "bulkUpsertOrdersAsync", (skip, 1), late);
        stack.until(async || (writes() > batch).then_some(())).await;
        stack.function("backfill").kill();
    }
    let run = stack.ended().await;
    check::arrived(&stack);
    check::complete(&stack, &run);
    check::no_rule_broken(&stack);
    check::discreet(&stack).await;
}

/// Writes are not one transaction here: whatever of them a dying process leaves must add up.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_before_its_flight_is_written_loses_no_order() {
    let mut setup = Setup::of(500);
    setup.timeout = Some(Duration::from_secs(40));
    setup.visibility = Some(Duration::from_secs(15));
    let stack = setup.start().await;
    stack.connect().await;
    let endpoint = stack.endpoint("backfill");
    endpoint.fail_those("PutItem", "FLT#", (1, 1), Trouble::Delay(Duration::from_secs(30)));
    stack.ask("start").await;
    stack.until(async || (endpoint.armed() == 0).then_some(())).await;
    stack.function("backfill").kill();
    let run = stack.ended().await;
    check::complete(&stack, &run);
    check::arrived(&stack);
    check::no_rule_broken(&stack);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_replies_refusals_and_delays_of_the_services_are_sat_out() {
    let mut setup = Setup::of(400);
    setup.visibility = Some(Duration::from_secs(15));
    setup.timeout = Some(Duration::from_secs(60));
    let stack = setup.start().await;
    stack.connect().await;
    let endpoint = stack.endpoint("backfill");
    for api in ["PutItem", "TransactWriteItems", "GetItem", "BatchGetItem", "Query", "SendMessage"] {
        endpoint.fail(api, (2, 1), Trouble::DropReply);
        endpoint.fail(api, (7, 1), Trouble::DropReply);
    }
    for api in ["PutItem", "TransactWriteItems", "GetItem"] {
        endpoint.fail(api, (4, 2), Trouble::Refuse("ProvisionedThroughputExceededException"));
        endpoint.fail(api, (6, 1), Trouble::Delay(Duration::from_secs(2)));
    }
    stack.ask("start").await;
    let run = stack.ended().await;
    check::complete(&stack, &run);
    check::arrived(&stack);
    check::never_wrong(&stack);
    stack.quiet().await;
}
