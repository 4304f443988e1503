//! What is logged names no person and no secret, however much is logged and whatever goes wrong.

use serde_json::{Value, json};
use tillsync_sandbox::{FaultRule, Poison};

use crate::harness::{Program, Ran, shop};

/// Everything that must not be seen.
fn canaries(program: &Program) -> Vec<String> {
    let dump = program.world.dump();
    let mut all = vec![program.running.activecampaign_key.clone()];
    let token = format!("{}_token", program.source);
    all.push(program.running.describe()[token.as_str()].as_str().unwrap().to_owned());
    for contact in dump["contacts"].as_array().unwrap() {
        all.extend(
            ["email", "phone"].iter().filter_map(|name| contact[*name].as_str()).map(str::to_lowercase),
        );
    }
    let expected = program.world.expected_orders(None);
    let orders = expected.as_array().unwrap().iter();
    all.extend(orders.filter_map(|order| order["email"].as_str()).map(str::to_lowercase));
    all.retain(|text| text.len() > 4);
    all
}

fn arm(program: &Program, platform: &str, operation: &str, fault: Value) {
    let rule = json!({"platform": platform, "operation": operation, "fault": fault});
    program.world.add_faults(vec![serde_json::from_value::<FaultRule>(rule).unwrap()]);
}

#[test]
fn secrets_and_addresses_never_appear_in_logs() {
    let mut program = Program::new(shop(250));
    program.set("TILLSYNC_LOG", Some("trace"));
    let mut ran: Vec<Ran> = vec![program.try_connect()];
    program.world.poison(&[program.middle()], Some(Poison::Named));
    let source = program.source;
    arm(&program, source, "SearchOrders", json!({"kind": "cut_json"}));
    arm(&program, source, "BulkRetrieveCustomers", json!({"kind": "cut_json"}));
    arm(&program, source, "ListPayments", json!({"kind": "html"}));
    arm(&program, "activecampaign", "bulkUpsertOrdersAsync", json!({"kind": "reset_before"}));
    arm(&program, "activecampaign", "bulkUpsertProducts", json!({"kind": "cut_json"}));
    ran.push(program.run(&["backfill", "start", "shop", "--wait"]));
    assert_eq!(ran[1].status, 3, "{:?}", ran[1]);
    program.set("TILLSYNC_LOG", Some("debug"));
    ran.push(program.run(&["poll", "shop"]));
    ran.push(program.run(&["connections"]));
    ran.push(program.run(&["runs", "shop"]));
    let address = program.world.dump()["contacts"][0]["email"].as_str().unwrap().to_owned();
    ran.push(program.run(&["find", &address]));
    assert!(ran.last().unwrap().out.contains("found by its"), "{:?}", ran.last());
    ran.push(program.run(&["doctor"]));
    program.set("TILLSYNC_SOURCE_TOKEN", Some("canary-of-a-token"));
    ran.push(program.try_connect());
    let canaries = canaries(&program);
    assert!(canaries.len() > 50, "{}", canaries.len());
    assert!(ran[1].err.contains("called"), "the log is on: {}", ran[1].err);
    for ran in &ran {
        assert!(!ran.err.contains('\x1b'), "no colours into a file: {}", ran.err);
        let (out, err) = (ran.out.to_lowercase(), ran.err.to_lowercase());
        for canary in canaries.iter().map(|canary| canary.to_lowercase()).chain(["canary-of-a-token".into()])
        {
            assert!(!err.contains(&canary), "{canary} is in the log");
            assert!(!out.contains(&canary), "{canary} is in an answer");
        }
    }
}
