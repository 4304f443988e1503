//! The exit status says what came of a call (rules.md section 6).

use serde_json::{Value, json};
use tillsync_sandbox::{KeyState, Poison, TokenState};

use crate::harness::{Program, shop};

const START: [&str; 4] = ["backfill", "start", "shop", "--wait"];

#[test]
fn a_complete_history_ends_with_0_and_a_parked_record_with_3_once() {
    let program = Program::new(shop(250));
    let connected = program.connect();
    assert_eq!(connected["orders"], json!({"total": 250, "exact": true}));
    let poisoned = program.middle();
    program.world.poison(std::slice::from_ref(&poisoned), Some(Poison::Named));
    let first = program.ask(&START).with(3);
    assert_eq!((&first["ok"], &first["run"]["state"]), (&json!(false), &json!("complete")));
    assert_eq!(first["run"]["streams"]["orders"]["parked"], json!({"destination.invalid_record": 1}));
    let record = program.ask(&["record", "shop", "orders", &poisoned]).with(0);
    assert_eq!(record["record"]["state"], "parked");
    assert_eq!(record["record"]["reason"], "destination.invalid_record");

    let second = program.ask(&START).with(0);
    assert_eq!((&second["ok"], &second["run"]["state"]), (&json!(true), &json!("complete")));
    assert_eq!(second["run"]["streams"]["orders"]["parked"], json!({"destination.invalid_record": 1}));
    assert_eq!(second["run"]["streams"]["orders"]["synced"], 0);
    program.ask(&["backfill", "status", "shop"]).with(0);
    // Skipped records are complete: the sums agree.
    for (stream, sums) in second["run"]["streams"].as_object().unwrap() {
        assert!(agree(sums), "{stream}: {sums}");
    }
}

/// observed = synced + unchanged + skipped + parked + pending.
fn agree(sums: &Value) -> bool {
    let number = |name: &str| sums[name].as_u64().unwrap();
    let map = |name: &str| sums[name].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    number("observed")
        == number("synced") + number("unchanged") + number("pending") + map("skipped") + map("parked")
}

#[test]
fn a_history_that_may_not_be_read_never_ends_with_0() {
    let program = Program::new(shop(150));
    program.connect();
    let scopes = ["MERCHANT_PROFILE_READ", "PAYMENTS_READ", "CUSTOMERS_READ", "ITEMS_READ"];
    program.world.set_token(TokenState::Active, Some(scopes.map(str::to_owned).to_vec()));
    let ran = program.ask(&START);
    assert!(matches!(ran.status, 1 | 3), "{ran:?}");
    assert_eq!(ran.json()["run"]["state"], "incomplete");
    let code = format!("{}.scope_missing", program.source);
    assert_eq!(ran.json()["run"]["problem"]["code"], code.as_str());
    let list = program.ask(&["connections"]).with(0);
    assert_eq!(list["connections"][0]["state"], "needs_reconnect");
    assert_eq!(list["connections"][0]["problem"]["code"], code.as_str());
    // Nothing is begun for a connection that needs somebody.
    assert_eq!(program.ask(&START).code(1), "connection.inactive");
    assert_eq!(program.ask(&["poll", "shop"]).code(1), "connection.inactive");
    let mut scopes: Vec<String> = scopes.map(str::to_owned).to_vec();
    scopes.push("ORDERS_READ".into());
    program.world.set_token(TokenState::Active, Some(scopes));
    assert_eq!(program.connect()["renewed"], true);
    program.ask(&["backfill", "resume", "shop", "--wait"]).with(0);
    program.arrived();
}

#[test]
fn a_refused_connect_ends_with_1_and_a_wrong_question_with_2() {
    let program = Program::new(shop(20));
    program.world.set_key(KeyState::Revoked);
    assert_eq!(program.try_connect().code(1), "destination.key_refused");
    program.world.set_key(KeyState::Active);
    program.world.set_token(TokenState::Revoked, None);
    assert_eq!(program.try_connect().code(1), format!("{}.token_revoked", program.source));
    program.world.set_token(TokenState::Active, None);
    assert_eq!(program.ask(&["connections"]).with(0)["connections"], json!([]));
    let url = program.running.activecampaign_url.clone();
    let connect = |location: &str, url: &str, history: &str| {
        let what = ["--name", "x", "--location", location, "--destination-url", url, "--history", history];
        let args: Vec<&str> = ["connect", program.source].into_iter().chain(what).collect();
        program.ask(&args)
    };
    let place = program.location();
    assert_eq!(connect(&place, "https://example.com", "all").code(2), "destination.host_not_allowed");
    program.world.set_location(&place, "INACTIVE");
    assert_eq!(connect(&place, &url, "all").code(2), format!("{}.location_closed", program.source));
    assert_eq!(connect("nowhere", &url, "all").code(2), "location.unknown");
    assert_eq!(connect("nowhere", "ftp://x", "all").code(2), "destination.url_invalid");
    assert_eq!(connect("nowhere", &url, "yesterday").code(2), "config.invalid");
    assert_eq!(program.ask(&["poll", "nobody"]).code(2), "connection.unknown");
    assert_eq!(program.ask(&["backfill", "status", "nobody"]).code(2), "connection.unknown");
    assert_eq!(program.ask(&["explain", "no.code"]).code(2), "code.unknown");
    assert_eq!(program.ask(&["backfill", "begin"]).code(2), "usage.invalid");
    assert_eq!(program.world.stats()["activecampaign"]["account"]["connections"], json!({}));
}

#[test]
fn errors_are_one_json_document_with_what_to_do() {
    let program = Program::new(shop(5));
    for args in [
        &["poll", "nobody"][..],
        &["no-such-verb"],
        &["connect"],
        &["record", "a", "orders"],
        &["explain", "x"],
    ] {
        let ran = program.ask(args);
        let document = ran.with(2);
        let error = document["error"].as_object().unwrap();
        let keys: Vec<&str> = error.keys().map(String::as_str).collect();
        assert_eq!(keys, ["action", "code", "message", "subject"], "{args:?}");
        assert!(error.values().all(|value| !value.as_str().unwrap().is_empty()), "{args:?}: {document}");
        let plain = program.run(args);
        assert_eq!(
            (plain.status, plain.out.as_str()),
            (2, ""),
            "{args:?}: without --json it is on standard error"
        );
        assert!(!plain.err.is_empty());
    }
}
