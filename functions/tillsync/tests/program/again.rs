//! What is done by hand: a trial, a sync, another try of what is parked.

use serde_json::{Value, json};
use tillsync_sandbox::{Changes, Poison};

use crate::harness::{Program, shop};

const HISTORY: [&str; 4] = ["backfill", "start", "shop", "--wait"];

fn held(program: &Program) -> u64 {
    program.world.dump()["orders"].as_array().unwrap().len() as u64
}

fn orders(run: &Value) -> &Value {
    &run["streams"]["orders"]
}

#[test]
fn a_trial_sends_the_oldest_and_the_history_the_rest() {
    let program = Program::new(shop(150));
    program.connect();
    let trial = program.ask(&["backfill", "start", "shop", "--limit", "20", "--wait"]).with(0);
    assert_eq!((&trial["run"]["state"], &trial["run"]["limit"]), (&json!("complete"), &json!(20)));
    assert_eq!((orders(&trial["run"])["synced"].as_u64(), held(&program)), (Some(20), 20));
    assert_eq!(trial["run"]["streams"]["customers"]["observed"], 0);
    assert!(program.run(&["backfill", "status", "shop"]).out.contains("a trial of 20 orders"));
    let rest = program.ask(&HISTORY).with(0);
    assert!(rest["run"].get("limit").is_none());
    assert_eq!(orders(&rest["run"])["unchanged"], 20);
    program.arrived();
    assert_eq!(program.ask(&["backfill", "start", "shop", "--limit", "0"]).code(2), "usage.invalid");
}

#[test]
fn what_was_refused_is_sent_when_somebody_asks() {
    let program = Program::new(shop(120));
    program.connect();
    let poisoned = program.middle();
    program.world.poison(std::slice::from_ref(&poisoned), Some(Poison::Named));
    program.ask(&HISTORY).with(3);
    // A poll leaves it alone; another try is refused once more, and says so.
    program.ask(&["poll", "shop"]).with(0);
    let refused = program.ask(&["retry", "shop"]).with(3);
    assert_eq!(orders(&refused["runs"][0])["parked"], json!({"destination.invalid_record": 1}));
    program.world.poison(std::slice::from_ref(&poisoned), None);
    // A sync reads what is new as well.
    program.world.change(&Changes { new_sales: 2, age_seconds: 130, ..Changes::default() });
    let sync = program.ask(&["sync", "shop"]).with(0);
    assert_eq!((&sync["runs"][0]["kind"], &sync["runs"][0]["state"]), (&json!("manual"), &json!("complete")));
    assert_eq!(orders(&sync["runs"][0])["synced"], 3, "{sync}");
    program.arrived();
    let nothing = program.ask(&["retry", "shop"]).with(0);
    assert_eq!(orders(&nothing["runs"][0])["observed"], 0);
    let one = program.ask(&["retry", "shop", &poisoned]).with(0);
    assert_eq!(orders(&one["runs"][0])["unchanged"], 1, "nothing about it is new");
}

#[test]
fn a_question_that_cannot_be_answered_ends_with_2() {
    let program = Program::new(shop(10));
    program.connect();
    assert_eq!(program.ask(&["sync", "nobody"]).code(2), "connection.unknown");
    assert_eq!(program.ask(&["retry", "nobody"]).code(2), "connection.unknown");
    assert_eq!(program.ask(&["retry", "shop", "none"]).code(2), "record.unknown");
    let queued = program.ask(&["sync", "shop", "--no-wait"]).with(0);
    assert_eq!(queued["queued"].as_array().unwrap().len(), 1);
    // Whoever waits for it does the work.
    let done = program.ask(&["sync", "shop"]).with(0);
    assert_eq!(
        (&done["runs"][0]["id"], &done["runs"][0]["state"]),
        (&queued["queued"][0], &json!("complete"))
    );
}
