//! A history that is killed in the middle ends as one that is left in peace.

use serde_json::Value;
use tillsync_sandbox::Options;

use crate::harness::{Program, shop, until};

fn streams(program: &Program) -> Value {
    program.ask(&["backfill", "status", "shop"]).with(0)["run"]["streams"].clone()
}

/// The same contacts, but for the names of those whose address several profiles share: the account keeps the name it
/// applied last.
fn same_contacts(program: &Program, left: &Value, right: &Value) {
    let people = &program.world.expected()["customers"];
    let count = |name: &str| people[name].as_u64().unwrap();
    let reachable = count("total") - count("hidden") - count("no_email") - count("bad_email");
    let addresses = count("emails_with_eligible_orders") + count("emails_without_orders_importable");
    let (left, right) = (left.as_array().unwrap(), right.as_array().unwrap());
    let of = |contacts: &[Value]| contacts.iter().map(|one| one["email"].clone()).collect::<Vec<_>>();
    assert_eq!(of(left), of(right));
    let differ = left.iter().zip(right).filter(|(left, right)| left != right).count() as u64;
    assert!(differ <= reachable - addresses, "{differ} contacts differ");
}

#[test]
fn a_backfill_killed_in_the_middle_and_resumed_ends_in_the_same_state() {
    let now = jiff::Timestamp::now().as_millisecond();
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
    for kind in ["connections", "orders", "customers", "products"] {
        assert_eq!(left[kind], right[kind], "{kind}");
    }
    same_contacts(&program, &left["contacts"], &right["contacts"]);
    let purchases = |program: &Program| program.world.purchases()["purchases"].as_array().map(Vec::len);
    assert_eq!(purchases(&undisturbed), purchases(&program));
}
