//! A connection ends and begins again, sends elsewhere, and is authorised again.

use std::net::TcpListener;

use serde_json::{Value, json};
use tillsync_sandbox::Changes;

use crate::browser;
use crate::harness::{Program, port, shop};
use crate::shapes::compare;

#[test]
fn a_disconnected_connection_begins_again_where_it_stopped() {
    let program = Program::new(shop(40));
    program.connect();
    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    assert_eq!(program.ask(&["disconnect", "shop"]).with(0)["connection"]["state"], "disconnected");
    assert_eq!(program.ask(&["poll", "shop"]).code(1), "connection.inactive");
    // Old enough for a poll to look at, whose window ends two minutes ago.
    program.world.change(&Changes { new_sales: 3, age_seconds: 150, ..Changes::default() });
    let again = program.ask(&["reconnect", "shop"]).with(0);
    assert_eq!((&again["connection"]["state"], &again["already"]), (&json!("active"), &json!(false)));
    assert_eq!(program.ask(&["reconnect", "shop"]).with(0)["already"], true);
    // Read from where it stopped: it is due at once, and nobody is there.
    let list = program.run(&["connections"]);
    assert!(list.out.contains("next due, and nobody works on the data: start `tillsync serve`"), "{list:?}");
    program.ask(&["poll", "shop"]).with(0);
    program.arrived();
    let said = program.run(&["reconnect", "shop"]);
    assert!(said.out.contains("tillsync poll"), "{said:?}");
    assert_eq!(program.ask(&["reconnect", "nobody"]).code(2), "connection.unknown");
}

#[test]
fn a_cancelled_history_says_where_all_is_counted() {
    let program = Program::new(shop(5));
    program.connect();
    program.ask(&["backfill", "start", "shop"]).with(0);
    assert!(!program.run(&["runs", "shop"]).out.contains("is counted by"));
    program.ask(&["backfill", "cancel", "shop"]).with(0);
    let runs = program.run(&["runs", "shop"]);
    assert!(
        runs.out.contains("in hand when it was cancelled is counted by `tillsync connections`"),
        "{runs:?}"
    );
}

#[test]
fn another_key_or_address_is_taken_of_the_same_account_only() {
    let mut program = Program::new(shop(30));
    program.connect();
    let (key, url) = (program.running.activecampaign_key.clone(), program.running.activecampaign_url.clone());
    let held =
        |program: &Program| program.ask(&["connections"]).with(0)["connections"][0]["destination"].clone();
    let before = held(&program);
    let set =
        |program: &Program, url: &str| program.ask(&["set-destination", "shop", "--destination-url", url]);

    // A key is asked for on a terminal or stands in the environment; a pipe is neither.
    program.set("TILLSYNC_DESTINATION_KEY", None);
    assert_eq!(program.told(&["set-destination", "shop"], &format!("{key}\n")).code(2), "config.missing");
    program.set("TILLSYNC_DESTINATION_KEY", Some("not-the-key"));
    assert_eq!(set(&program, &url).code(1), "destination.key_refused");
    program.set("TILLSYNC_DESTINATION_KEY", Some(&key));
    let nobody = format!("http://127.0.0.1:{}", port());
    let silent = set(&program, &nobody).with(1);
    assert_eq!(silent["error"]["code"], "destination.not_proved");
    assert_eq!(silent["error"]["subject"], format!("{nobody}/api/3"));
    assert!(silent["error"]["action"].as_str().unwrap().starts_with("Check the address"), "{silent}");
    assert_eq!(set(&program, "no address").code(2), "destination.url_invalid");
    let other = Program::new(shop(0));
    program.set("TILLSYNC_DESTINATION_KEY", Some(&other.running.activecampaign_key));
    let refused = set(&program, &other.running.activecampaign_url).with(2);
    assert_eq!(refused["error"]["code"], "destination.other_account");
    assert_eq!(refused["error"]["subject"], format!("{}/api/3", other.running.activecampaign_url));
    assert_eq!(held(&program), before, "nothing was changed");

    program.set("TILLSYNC_DESTINATION_KEY", Some(&key));
    assert_eq!(set(&program, &url).with(0)["destination"]["same_url"], true);
    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    program.arrived();
}

/// A shop whose merchant can sign in, at a port of its own.
fn signing(program: &mut Program) -> u16 {
    let (port, word) = (port(), program.source.to_uppercase());
    let told = program.running.describe();
    for name in ["application_id", "application_secret"] {
        let value = told[format!("{}_{name}", program.source)].as_str();
        program.set(&format!("TILLSYNC_{word}_{}", name.to_uppercase()), value);
    }
    program.set("TILLSYNC_PUBLIC_URL", Some(&format!("http://127.0.0.1:{port}")));
    port
}

fn consent(program: &Program, answer: &str) {
    program.world.set(&json!({format!("{}_consent", program.source): answer})).unwrap();
}

#[test]
fn a_connection_is_authorised_again_by_signing_in() {
    let mut program = Program::new(shop(20));
    let port = signing(&mut program);
    program.connect();
    let reauthorise = ["reauthorise", "shop", "--json"];

    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let error = program.ask(&["reauthorise", "shop"]).with(2)["error"].clone();
    drop(taken);
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    assert_eq!(error["code"], "sign_in.address");
    assert!(text(&error, "message").contains("run it again: tillsync reauthorise"), "{error}");
    assert!(!text(&error, "action").contains("--listen"), "{error}");

    consent(&program, "deny");
    let mut waiting = program.spawn(&reauthorise);
    assert_eq!(browser::open(&waiting.link()).0, 403);
    let error = waiting.ended().with(1)["error"].clone();
    assert_eq!(error["code"], "sign_in.refused");
    assert!(text(&error, "message").contains("run it again: tillsync reauthorise"), "{error}");
    assert!(text(&error, "action").contains("go on with the command the message names"), "{error}");

    consent(&program, "allow");
    let mut waiting = program.spawn(&reauthorise);
    assert_eq!(browser::open(&waiting.link()).0, 200);
    let mut found = Vec::new();
    compare(&program, "reauthorise", &waiting.ended().with(0), &mut found);
    assert!(found.is_empty(), "{found:#?}");
    program.set("TILLSYNC_SOURCE_TOKEN", None);
    program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
    program.arrived();

    assert_eq!(program.ask(&["reauthorise", "nobody"]).code(2), "connection.unknown");
    program.set(&format!("TILLSYNC_{}_APPLICATION_ID", program.source.to_uppercase()), None);
    program.set(&format!("TILLSYNC_{}_APPLICATION_SECRET", program.source.to_uppercase()), None);
    assert_eq!(program.ask(&["reauthorise", "shop"]).code(2), "config.missing");
}
