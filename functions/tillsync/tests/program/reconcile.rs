//! `reconcile` as people and scripts meet it.

use serde_json::{Value, json};

use crate::harness::{Program, shop};

/// What the shop says of each day, and what the answer says of one side, where there is anything.
fn days_agree(program: &Program, answer: &Value) {
    let told = &program.world.expected()["locations"][program.location()]["days"];
    for side in ["source", "destination"] {
        let days = answer["days"].as_array().unwrap().iter();
        let days = days.filter(|day| day[side]["count"] != 0);
        let found: Value =
            days.map(|day| (day["date"].as_str().unwrap().to_owned(), day[side].clone())).collect();
        assert_eq!(&found, told, "{side}");
    }
}

#[test]
fn a_comparison_says_what_differs_and_a_repair_mends_it() {
    let program = Program::new(shop(200));
    program.connect();
    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    let answer = program.ask(&["reconcile", "shop"]).with(0);
    assert_eq!((&answer["ok"], &answer["run"]["state"]), (&json!(true), &json!("complete")));
    days_agree(&program, &answer);

    let lost = program.middle();
    assert_eq!(program.world.lose_order(&lost), 1);
    // What is explained is complete.
    let answer = program.ask(&["reconcile", "shop"]).with(0);
    let missing: Vec<&Value> = answer["days"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|day| day["missing"].as_array().unwrap())
        .collect();
    assert_eq!(missing, [&json!({"id": lost, "reason": "destination.missing"})]);
    assert!(
        program.run(&["reconcile", "shop"]).out.contains(&format!("missing: {lost} (destination.missing)"))
    );
    program.ask(&["reconcile", "shop", "--repair"]).with(0);
    days_agree(&program, &program.ask(&["reconcile", "shop"]).with(0));
    program.arrived();
}

#[test]
fn a_history_that_was_not_sent_is_the_reason_and_is_not_repaired() {
    let program = Program::new(shop(60));
    program.connect();
    let answer = program.ask(&["reconcile", "shop", "--repair"]).with(0);
    assert_eq!((&answer["ok"], &answer["run"]["state"]), (&json!(true), &json!("complete")));
    assert_eq!((&answer["unexplained"], &answer["destination"]["count"]), (&json!(0), &json!(0)));
    let eligible = &program.world.expected()["locations"][program.location()]["eligible"];
    let missing =
        answer["days"].as_array().unwrap().iter().flat_map(|day| day["missing"].as_array().unwrap());
    let not_sent = missing.filter(|one| one["reason"] == "history_not_sent").count();
    assert_eq!(json!(not_sent), *eligible);
}

#[test]
fn a_wrong_question_ends_with_2_and_nobody_need_wait() {
    let program = Program::new(shop(20));
    program.connect();
    assert_eq!(program.ask(&["reconcile", "nobody"]).code(2), "connection.unknown");
    for dates in [
        &["--from", "yesterday"][..],
        &["--to", "2026-02-30"],
        &["--from", "2026-02-02", "--to", "2026-02-01"],
    ] {
        let args: Vec<&str> = ["reconcile", "shop"].iter().chain(dates).copied().collect();
        assert_eq!(program.ask(&args).code(2), "config.invalid", "{dates:?}");
    }
    let queued = program.ask(&["reconcile", "shop", "--no-wait"]).with(0);
    assert_eq!((&queued["ok"], &queued["run"]["kind"]), (&json!(true), &json!("reconcile")));
}
