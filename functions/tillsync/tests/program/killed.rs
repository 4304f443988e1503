//! A history that is killed in the middle ends as one that is left in peace.

use serde_json::Value;
use tillsync_sandbox::Options;

use crate::harness::{Program, shop, until};

fn streams(program: &Program) -> Value {
    program.ask(&["backfill", "status", "shop"]).with(0)["run"]["streams"].clone()
}

#[test]
fn a_backfill_killed_in_the_middle_and_resumed_ends_in_the_same_state() {
    let now = jiff::Timestamp::now().as_millisecond();
    // Few people, so that no two profiles share an address: whose name such a contact has depends on the order.
    let mut options = Options { now_ms: Some(now), ..shop(1_500) };
    options.settings.activecampaign_latency_ms = 120;
    let start = ["backfill", "start", "shop", "--wait"];

    let undisturbed = Program::new(options.clone());
    undisturbed.connect();
    undisturbed.ask(&start).with(0);
    undisturbed.arrived();

    let program = Program::new(options);
    program.connect();
    let kept = program.spawn(&start);
    let written = || program.world.stats()["activecampaign"]["classes"]["order_writes"].as_u64().unwrap_or(0);
    until("a few batches are out", || written() >= 5);
    kept.kill();
    let status = program.ask(&["backfill", "status", "shop"]).with(0);
    assert_eq!(status["run"]["state"], "running", "it was not done yet");
    assert!(written() < 15, "it was in the middle");

    let resumed = program.ask(&["backfill", "resume", "shop", "--wait"]).with(0);
    assert_eq!(resumed["run"]["state"], "complete");
    program.arrived();
    assert_eq!(streams(&program)["orders"], streams(&undisturbed)["orders"]);
    let (left, right) = (undisturbed.world.dump(), program.world.dump());
    for kind in ["connections", "orders", "contacts", "customers", "products"] {
        assert_eq!(left[kind], right[kind], "{kind}");
    }
    let purchases = |program: &Program| program.world.purchases()["purchases"].as_array().map(Vec::len);
    assert_eq!(purchases(&undisturbed), purchases(&program));
}
