use async_trait::async_trait;
use serde_json::{Value, json};
use tillsync_mapping::model::Secret;

use super::{Credentials, Known, operate};
use crate::fault::Fault;
use crate::testing::{DAY, World, ago};

struct Given;

#[async_trait]
impl Credentials for Given {
    async fn source_token(&self) -> Result<Secret, Fault> {
        Ok(Secret::new("token"))
    }

    async fn destination_key(&self) -> Result<Secret, Fault> {
        Err(Fault::usage("config.missing", "TILLSYNC_DESTINATION_KEY"))
    }
}

async fn ask(world: &World, event: Value) -> Result<Value, Fault> {
    match Known::read(&event)? {
        Known::Asked(asked) => operate(&world.engine, &asked, &Given).await,
        Known::NotOurs => Err(Fault::reject("event.unknown", "")),
    }
}

async fn world() -> World {
    let world = World::new().await;
    for n in 0..3 {
        world.net.shop().sell(&format!("O{n}"), ago((30 - n) * DAY));
    }
    world
}

#[tokio::test]
async fn nothing_asked_is_answered_with_help() {
    let world = world().await;
    for event in [
        json!({}),
        json!(null),
        json!({"key1": "value1", "key2": "value2", "key3": "value3"}),
        json!({"action": "help"}),
    ] {
        let answer = ask(&world, event).await.unwrap();
        assert_eq!(answer["connections"][0]["name"], "Rue Haute");
        let actions = answer["actions"].as_array().unwrap();
        assert!(actions.len() >= 10);
        for example in actions {
            // Every example can be understood as it is.
            assert!(matches!(Known::read(&example["event"]), Ok(Known::Asked(_))), "{example}");
        }
    }
}

#[tokio::test]
async fn mistakes_are_named_with_the_nearest_valid_name() {
    let world = world().await;
    let cases = [
        (json!({"action": "strat"}), "event.invalid", "did you mean \"start\"?"),
        (json!({"acton": "start"}), "event.invalid", "did you mean \"action\"?"),
        (json!({"action": 7}), "event.invalid", "action: give one of help, locations"),
        (json!({"action": "start", "conection": "x"}), "event.invalid", "did you mean \"connection\"?"),
        (json!({"action": "list", "connection": "x"}), "event.invalid", "it takes: none"),
        (json!({"action": "start"}), "event.invalid", "missing field `connection`"),
        (json!({"action": "start", "connection": 5}), "event.invalid", "start: connection: "),
        (
            json!({"action": "start", "connection": "Rue Haut"}),
            "connection.unknown",
            "did you mean \"Rue Haute\"?",
        ),
        (
            json!({"action": "start", "connection": "C1", "from": "01/02/2026"}),
            "config.invalid",
            "from \"01/02/2026\"",
        ),
        (
            json!({"action": "start", "connection": "C1", "from": "2026-02-02", "to": "2026-02-01"}),
            "config.invalid",
            "later",
        ),
        (
            json!({"action": "start", "connection": "C1", "streams": ["order"]}),
            "event.invalid",
            "no stream \"order\"",
        ),
        (
            json!({"action": "start", "connection": "C1", "streams": ["orders"]}),
            "event.unavailable",
            "together",
        ),
        (json!({"action": "retry", "connection": "C1", "id": "none"}), "record.unknown", "none"),
        (json!({"action": "start", "connection": "C1", "limit": 0}), "event.invalid", "start: limit: "),
        (json!({"action": "connect", "token": "canary"}), "event.secret", "token:"),
        (
            json!({"action": "list", "TILLSYNC_SOURCE_TOKEN": "canary"}),
            "event.secret",
            "TILLSYNC_SOURCE_TOKEN:",
        ),
        (json!({"action": "list", "apiKey": "canary"}), "event.secret", "apiKey:"),
        (
            json!({"action": "connect", "source": "x", "name": "token", "location": "L", "destination_url": "u"}),
            "config.missing",
            "TILLSYNC_DESTINATION_KEY",
        ),
        (json!({"action": "status", "connection": "C1"}), "run.unknown", "historical"),
        (json!({"action": "cancel", "connection": "C1"}), "run.unknown", "at work"),
        (json!({"action": "resume", "connection": "C1"}), "run.unknown", "unfinished"),
        (
            json!({"action": "record", "connection": "C1", "stream": "orders", "id": "none"}),
            "record.unknown",
            "none",
        ),
        (json!({"action": "explain", "code": "connection.unknow"}), "code.unknown", "connection.unknown"),
        (json!({"action": "status", "connection": "x".repeat(501)}), "event.invalid", "longer than"),
        (json!({"Records": []}), "event.unknown", ""),
        (json!([1]), "event.unknown", ""),
        (json!("start"), "event.unknown", ""),
    ];
    are_named(&world, cases).await;
}

#[tokio::test]
async fn mistakes_about_what_changes_or_looks_at_a_connection_are_named() {
    let world = world().await;
    let cases = [
        (json!({"action": "paus", "connection": "C1"}), "event.invalid", "did you mean \"pause\"?"),
        (json!({"action": "unpause"}), "event.invalid", "missing field `connection`"),
        (json!({"action": "rename", "connection": "C1", "name": " "}), "config.missing", "name:"),
        (json!({"action": "set", "connection": "C1", "key": "a"}), "event.secret", "key:"),
        (
            json!({"action": "set", "connection": "C1", "setting": "live_hour", "value": 24}),
            "setting.unknown",
            "did you mean \"live_hours\"?",
        ),
        (
            json!({"action": "set", "connection": "C1", "setting": "live_hours", "value": 12}),
            "config.invalid",
            "24 or 0",
        ),
        (json!({"action": "find", "text": ""}), "config.invalid", "text:"),
        (json!({"action": "find", "txt": "canary"}), "event.invalid", "did you mean \"text\"?"),
        (json!({"action": "preview", "connection": "nobody"}), "connection.unknown", "Rue Haute"),
        (json!({"action": "doctor", "offline": "yes"}), "event.invalid", "doctor: offline: "),
    ];
    are_named(&world, cases).await;
}

/// Every event is refused with this code and these words, without a call and without repeating what may be secret.
async fn are_named(world: &World, cases: impl IntoIterator<Item = (Value, &str, &str)>) {
    for (event, code, part) in cases {
        let fault = ask(world, event.clone()).await.unwrap_err();
        assert_eq!(fault.code, code, "{event}: {}", fault.detail);
        assert!(fault.detail.contains(part), "{event}: {}", fault.detail);
        assert!(!fault.detail.contains("canary"));
    }
    assert_eq!(world.net.all_calls(), 0, "no mistake calls anybody");
}

#[tokio::test]
async fn a_trial_says_what_it_is_and_one_record_is_sent_anew() {
    let world = world().await;
    let trial = json!({"action": "start", "connection": "C1", "limit": 2, "dry_run": true});
    assert_eq!(ask(&world, trial).await.unwrap()["estimate"]["orders"], 2);
    let trial = json!({"action": "start", "connection": "C1", "limit": 2, "force": true});
    let answer = ask(&world, trial).await.unwrap();
    assert_eq!((&answer["run"]["limit"], &answer["run"]["force"]), (&json!(2), &json!(true)));
    world.work().await;
    let status = ask(&world, json!({"action": "status", "connection": "C1"})).await.unwrap();
    assert_eq!(status["summary"], "Rue Haute: complete, 2 of 2 orders looked at; a trial of 2 orders");
    let again = json!({"action": "retry", "connection": "C1", "id": "O0"});
    assert_eq!(ask(&world, again).await.unwrap()["run"]["streams"]["orders"]["observed"], 0);
    world.work().await;
    let runs = ask(&world, json!({"action": "runs", "connection": "C1"})).await.unwrap();
    assert_eq!(runs["runs"][0]["streams"]["orders"]["unchanged"], 1, "nothing about it is new");
}

#[tokio::test]
async fn a_history_is_estimated_started_once_looked_at_and_stopped() {
    let world = world().await;
    let start = json!({"action": "start", "connection": "Rue Haute", "reason": "TICKET-12"});
    let dry = ask(&world, json!({"action": "start", "connection": "C1", "dry_run": true})).await.unwrap();
    assert_eq!((&dry["dry_run"], &dry["estimate"]["orders"]), (&json!(true), &json!(3)));
    assert!(world.idle().await, "a dry run starts nothing");
    let first = ask(&world, start.clone()).await.unwrap();
    assert_eq!((&first["already_running"], &first["run"]["state"]), (&json!(false), &json!("queued")));
    assert_eq!(first["estimate"]["calls"]["destination"], 2);
    let second = ask(&world, start).await.unwrap();
    assert_eq!((&second["already_running"], &second["run"]["id"]), (&json!(true), &first["run"]["id"]));
    let cancelled = ask(&world, json!({"action": "cancel", "connection": "C1"})).await.unwrap();
    assert_eq!(cancelled["run"]["state"], "cancelled");
    ask(&world, json!({"action": "resume", "connection": "C1"})).await.unwrap();
    world.work().await;
    let status = ask(&world, json!({"action": "status", "connection": "C1"})).await.unwrap();
    assert_eq!(
        (&status["run"]["state"], &status["run"]["streams"]["orders"]["synced"]),
        (&json!("complete"), &json!(3))
    );
    assert_eq!(status["summary"], "Rue Haute: complete, 3 of 3 orders looked at");
    let record = ask(&world, json!({"action": "record", "connection": "C1", "stream": "orders", "id": "O1"}))
        .await
        .unwrap();
    assert_eq!(record["record"]["state"], "synced");
    let poll = ask(&world, json!({"action": "poll", "connection": "C1"})).await.unwrap();
    assert_eq!(poll["run"]["kind"], "poll");
    for (action, kind) in [("sync", "manual"), ("retry", "retry"), ("retry_failed", "retry")] {
        let answer = ask(&world, json!({"action": action, "connection": "C1"})).await.unwrap();
        assert_eq!(answer["run"]["kind"], kind, "{action}");
        world.work().await;
    }
    let runs = ask(&world, json!({"action": "runs", "connection": "C1"})).await.unwrap();
    assert_eq!(runs["in_all"], 5);
    let list = ask(&world, json!({"action": "list"})).await.unwrap();
    assert_eq!(list["connections"][0]["state"], "active");
}

#[tokio::test]
async fn a_connection_is_stopped_started_named_and_set() {
    let world = world().await;
    let ask = async |event| ask(&world, event).await.unwrap();
    let paused = ask(json!({"action": "pause", "connection": "Rue Haute"})).await;
    assert_eq!((&paused["connection"]["state"], &paused["already"]), (&json!("paused"), &json!(false)));
    let again = ask(json!({"action": "unpause", "connection": "C1"})).await;
    assert_eq!(again["connection"]["state"], "active");
    let named = ask(json!({"action": "rename", "connection": "C1", "name": "Nord"})).await;
    assert_eq!(named["connection"]["name"], "Nord");
    let set = ask(json!({"action": "set", "connection": "Nord", "setting": "live_hours", "value": 0})).await;
    assert_eq!(set["setting"], json!({"name": "live_hours", "old": "24", "new": "0"}));
    assert_eq!(
        set["connection"]["settings"],
        json!({
            "history": "all", "history_from": null, "live_hours": 0, "customers": "all", "order_link": "dashboard",
            "orders_without_customer": "skip", "active_sync": "on",
        })
    );
    assert_eq!(world.net.all_calls(), 0, "nothing of it is anybody else's matter");
}

#[tokio::test]
async fn what_would_be_sent_and_what_was_sent_is_told() {
    let world = world().await;
    let seen = ask(&world, json!({"action": "preview", "connection": "C1"})).await.unwrap();
    assert_eq!((&seen["ok"], &seen["orders"]["eligible"]), (&json!(true), &json!(3)));
    assert_eq!(seen["sample"]["request"]["storeOrderId"], "O2");
    let dry = ask(&world, json!({"action": "start", "connection": "C1", "dry_run": true})).await.unwrap();
    let estimate = &dry["estimate"];
    assert_eq!((&estimate["eligible"], &estimate["new_contacts_at_most"]), (&json!(3), &json!(3)));
    assert!(world.idle().await, "neither starts anything");
    ask(&world, json!({"action": "start", "connection": "C1"})).await.unwrap();
    world.work().await;
    let found = ask(&world, json!({"action": "find", "text": "o1@example.org"})).await.unwrap();
    let next = &found["hits"][0]["next"];
    assert_eq!(next, &json!({"action": "record", "connection": "C1", "stream": "orders", "id": "O1"}));
    assert_eq!(ask(&world, next.clone()).await.unwrap()["record"]["state"], "synced");
}

#[tokio::test]
async fn a_doctor_by_an_event_leaves_the_queues_to_the_alarms() {
    let world = world().await;
    let report = ask(&world, json!({"action": "doctor"})).await.unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["what"] == "token" && check["state"] == "ok"), "{report:#}");
    assert!(!checks.iter().any(|check| check["what"] == "queue_live"));
    assert_eq!(report["connections"][0]["webhook_url"], Value::Null);
    let calls = world.net.all_calls();
    ask(&world, json!({"action": "doctor", "offline": true})).await.unwrap();
    assert_eq!(world.net.all_calls(), calls);
}
