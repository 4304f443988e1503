//! What looks ahead, what finds, what changes a connection, and what says whether all is well.

use serde_json::{Value, json};
use tillsync_sandbox::{KeyState, TokenState};

use crate::harness::{Program, shop, until};

fn check<'a>(report: &'a Value, what: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("{what}: {report:#}"))
}

#[test]
fn what_a_preview_says_is_what_is_sent() {
    let program = Program::new(shop(250));
    program.connect();
    let shop = &program.world.expected()["locations"][program.location()];
    let seen = program.ask(&["preview", "shop"]).with(0);
    assert_eq!(
        seen["orders"],
        json!({"total": 250, "exact": true, "eligible": shop["eligible"], "eligible_exact": true})
    );
    let most = seen["new_contacts_at_most"].as_u64().unwrap();
    let dry = program.ask(&["backfill", "start", "shop", "--dry-run"]).with(0);
    assert_eq!(dry["orders"], seen["orders"]);
    let later = program.ask(&["backfill", "start", "shop", "--dry-run", "--from", "2026-11-01"]).with(0);
    assert!(later["orders"]["total"].as_u64() < seen["orders"]["total"].as_u64(), "{later}");
    assert_eq!(program.ask(&["runs", "shop"]).with(0)["runs"], json!([]), "nothing was started");
    let held = program.world.dump();
    assert_eq!((&held["orders"], &held["contacts"]), (&json!([]), &json!([])), "nothing was sent");

    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    program.arrived();
    let contacts = program.world.dump()["contacts"].as_array().unwrap().len();
    assert!(u64::try_from(contacts).unwrap() <= most, "{contacts} of at most {most}");
    let id = seen["sample"]["source_id"].as_str().unwrap();
    let record = program.ask(&["record", "shop", "orders", id]).with(0);
    assert_eq!(record["record"]["request"], seen["sample"]["request"]);
    let again = program.ask(&["preview", "shop", id]).with(0);
    assert_eq!(again["sample"]["decision"], "unchanged");
    assert_eq!(program.ask(&["preview", "shop", "nothing"]).code(2), "record.unknown");
    assert_eq!(program.ask(&["preview", "nobody"]).code(2), "connection.unknown");

    let found = program.ask(&["find", id]).with(0);
    let hit = &found["hits"][0];
    assert_eq!((&hit["id"], &hit["matched"], &found["complete"]), (&json!(id), &json!("id"), &json!(true)));
    let next: Vec<&str> = hit["next"].as_str().unwrap().split(' ').skip(1).collect();
    assert_eq!(program.ask(&next).with(0)["record"]["id"], json!(id));
    let address = record["record"]["request"]["email"].as_str().unwrap();
    let by_address = program.ask(&["find", &address.to_uppercase()]).with(0);
    let ids: Vec<&Value> = by_address["hits"].as_array().unwrap().iter().map(|hit| &hit["id"]).collect();
    assert!(ids.contains(&&json!(id)), "{by_address:#}");
    assert_eq!(program.ask(&["find", "no such thing"]).with(0)["hits"], json!([]));
    assert_eq!(program.ask(&["find", " "]).code(2), "config.invalid");
}

#[test]
fn a_connection_is_paused_resumed_renamed_and_set() {
    let program = Program::new(shop(20));
    program.connect();
    assert_eq!(program.ask(&["pause", "shop"]).with(0)["already"], false);
    assert_eq!(program.ask(&["pause", "shop"]).with(0)["already"], true);
    assert_eq!(program.ask(&["poll", "shop"]).code(1), "connection.inactive");
    assert_eq!(program.ask(&["backfill", "start", "shop"]).code(1), "connection.inactive");
    assert_eq!(program.ask(&["resume", "shop"]).with(0)["connection"]["state"], "active");
    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    program.arrived();

    assert_eq!(program.ask(&["rename", "shop", "Nord"]).with(0)["connection"]["name"], "Nord");
    assert_eq!(program.ask(&["rename", "Nord", ""]).code(2), "config.missing");
    let set = program.ask(&["set", "Nord", "customers=with_orders"]).with(0);
    assert_eq!(set["setting"], json!({"name": "customers", "old": "all", "new": "with_orders"}));
    let list = program.ask(&["connections"]).with(0);
    let held = &list["connections"][0];
    assert_eq!(held["settings"]["customers"], "with_orders");
    let webhooks = held["webhook_url"].as_str().unwrap_or_default();
    assert!(webhooks.contains("/webhooks/"), "{held:#}");
    assert_eq!(program.ask(&["set", "Nord", "customer=all"]).code(2), "setting.unknown");
    assert_eq!(program.ask(&["set", "Nord", "customers=some"]).code(2), "config.invalid");
    assert_eq!(program.ask(&["set", "Nord", "customers"]).code(2), "config.invalid");
}

#[test]
fn a_doctor_says_what_is_wrong_with_and_without_an_owner() {
    let mut program = Program::new(shop(20));
    program.connect();
    let well = program.ask(&["doctor"]).with(0);
    assert_eq!(well["ok"], true);
    for (what, state) in
        [("data", "ok"), ("database", "ok"), ("owner", "warn"), ("public_address", "warn"), ("token", "ok")]
    {
        assert_eq!(check(&well, what)["state"], state, "{what}");
    }
    let serve = program.spawn(&["serve", "--listen", "127.0.0.1:0"]);
    let lock = program.data.path().join("data").join("owner.lock");
    let mine = || std::fs::read_to_string(&lock).is_ok_and(|text| text.contains("pid"));
    until("serve owns the directory", || {
        mine() && check(&program.ask(&["doctor", "--offline"]).json(), "owner")["state"] == "ok"
    });
    program.world.set_key(KeyState::Revoked);
    program.world.set_token(TokenState::Revoked, None);
    let ill = program.ask(&["doctor"]).with(1);
    assert_eq!(ill["ok"], false);
    assert_eq!(check(&ill, "account")["code"], "destination.key_refused");
    assert_eq!(check(&ill, "token")["code"], format!("{}.token_revoked", program.source));
    let plain = program.run(&["doctor"]);
    assert_eq!((plain.status, plain.out.contains("do: ")), (1, true), "{plain:?}");
    program.ask(&["doctor", "--offline"]).with(0);
    serve.kill();

    std::fs::write(program.data.path().join("data").join("tillsync.db"), "no database").unwrap();
    let broken = program.ask(&["doctor"]).with(1);
    assert_eq!(check(&broken, "data")["code"], "data.unreadable");
    program.set("TILLSYNC_PUBLIC_URL", Some("nonsense"));
    assert_eq!(program.ask(&["doctor"]).code(2), "config.invalid");
}
