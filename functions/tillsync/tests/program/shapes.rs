//! Every reading command answers in the shape of its committed example: the same names, the same types.
//!
//! `WRITE_EXAMPLES=1 cargo test -p tillsync shapes` writes them anew.

use std::path::PathBuf;

use serde_json::Value;
use tillsync_sandbox::Poison;

use crate::harness::{Program, shop};

/// Objects whose names are data: reasons and their counts, and what was sent.
const OPEN: [&str; 3] = ["skipped", "parked", "request"];
/// Told only where it is so.
const WHERE_SET: [&str; 3] = ["limit", "force", "look_at"];

pub(crate) fn compare(program: &Program, name: &str, answer: &Value, found: &mut Vec<String>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/flows/examples");
    let path = folder.join(format!("{name}.json"));
    if std::env::var_os("WRITE_EXAMPLES").is_some() {
        // The folder of this test is nobody else's.
        let place = program.data.path().to_str().unwrap();
        std::fs::write(&path, format!("{answer:#}\n").replace(place, "/var/lib/tillsync")).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    same(name, &serde_json::from_str(&text).unwrap(), answer, found);
}

/// The shape of an answer is that of its example. Nothing stands for anything, since what is absent is null.
fn same(place: &str, example: &Value, answer: &Value, found: &mut Vec<String>) {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    match (example, answer) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(example), Value::Object(answer)) => {
            // What was sent leaves out what an order does not have, in its lines too.
            let open = OPEN.iter().any(|name| place.ends_with(name)) || place.contains(".request.");
            let may_lack = |name: &&String| open || WHERE_SET.contains(&name.as_str());
            for name in example.keys().filter(|name| !may_lack(name) && !answer.contains_key(*name)) {
                found.push(format!("{place}.{name} is gone"));
            }
            for (name, value) in answer {
                match example.get(name) {
                    Some(of) => same(&format!("{place}.{name}"), of, value, found),
                    None if may_lack(&name) => {}
                    None => found.push(format!("{place}.{name} is new")),
                }
            }
        }
        (Value::Array(example), Value::Array(answer)) => {
            for value in
                example.first().into_iter().flat_map(|of| answer.iter().map(move |value| (of, value)))
            {
                same(&format!("{place}[]"), value.0, value.1, found);
            }
        }
        _ if kind(example) == kind(answer) => {}
        _ => found.push(format!("{place} was a {}, is a {}", kind(example), kind(answer))),
    }
}

#[test]
fn every_reading_command_answers_in_the_shape_of_its_example() {
    let program = Program::new(shop(120));
    let mut found = Vec::new();
    let mut check = |name: &str, status: i32, args: &[&str]| {
        compare(&program, name, &program.ask(args).with(status), &mut found);
    };
    check("locations", 0, &["locations", program.source]);
    compare(&program, "connect", &program.connect(), &mut found);
    let mut check = |name: &str, status: i32, args: &[&str]| {
        compare(&program, name, &program.ask(args).with(status), &mut found);
    };
    check("preview", 0, &["preview", "shop"]);
    check("backfill-start-dry-run", 0, &["backfill", "start", "shop", "--dry-run"]);
    check("backfill-start-trial", 0, &["backfill", "start", "shop", "--limit", "20", "--force", "--wait"]);
    let parked = program.middle();
    program.world.poison(std::slice::from_ref(&parked), Some(Poison::Named));
    check("backfill-start", 0, &["backfill", "start", "shop"]);
    check("backfill-status-running", 0, &["backfill", "status", "shop"]);
    check("backfill-start-wait", 3, &["backfill", "start", "shop", "--wait"]);
    check("backfill-status", 0, &["backfill", "status", "shop"]);
    check("poll", 0, &["poll", "shop"]);
    check("poll-no-wait", 0, &["poll", "shop", "--no-wait"]);
    check("sync", 3, &["sync", "shop"]);
    check("retry", 3, &["retry", "shop"]);
    check("retry-record", 3, &["retry", "shop", &parked]);
    check("retry-no-wait", 0, &["retry", "shop", "--no-wait"]);
    // One order is lost, so that the example shows a difference with its reason.
    let held = program.world.dump()["orders"][3]["storeOrderId"].as_str().unwrap().to_owned();
    assert_eq!(program.world.lose_order(&held), 1);
    check("reconcile", 0, &["reconcile", "shop"]);
    check("reconcile-repair", 0, &["reconcile", "shop", "--repair"]);
    check("reconcile-no-wait", 0, &["reconcile", "shop", "--no-wait"]);
    check("connections", 0, &["connections"]);
    check("runs", 0, &["runs", "shop"]);
    let sent = program.world.dump()["orders"][0]["storeOrderId"].as_str().unwrap().to_owned();
    check("record", 0, &["record", "shop", "orders", &sent]);
    check("record-parked", 0, &["record", "shop", "orders", &parked]);
    check("preview-order", 0, &["preview", "shop", &sent]);
    check("find", 0, &["find", &sent]);
    check("doctor", 0, &["doctor"]);
    check("doctor-offline", 0, &["doctor", "--offline"]);
    check("pause", 0, &["pause", "shop"]);
    check("resume", 0, &["resume", "shop"]);
    check("set", 0, &["set", "shop", "order_link=receipt"]);
    check("rename", 0, &["rename", "shop", "Main Street"]);
    check("disconnect", 0, &["disconnect", "Main Street"]);
    check("reconnect", 0, &["reconnect", "Main Street"]);
    check("set-destination", 0, &["set-destination", "Main Street"]);
    check("erase", 0, &["erase", "Main Street"]);
    check("delete-import", 0, &["delete-import", "Main Street"]);
    check("explain", 0, &["explain", "run.incomplete"]);
    check("explain-all", 0, &["explain"]);
    check("error", 2, &["poll", "nobody"]);
    assert!(found.is_empty(), "other tools rely on these shapes: {found:#?}");
}
