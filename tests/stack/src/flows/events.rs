//! Events of people and of the schedule, well formed and not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::runtime::Answer;
use crate::stack::{Setup, Stack};

const PLENTY: Duration = Duration::from_secs(30);

async fn send(stack: &Stack, function: &str, event: Value) -> Answer {
    stack.function(function).invoke(&event, PLENTY).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_event_and_the_consoles_sample_are_answered_with_help() {
    let stack = Setup { mapped: false, ..Setup::of(20) }.start().await;
    let sample = json!({"key1": "value1", "key2": "value2", "key3": "value3"});
    for function in ["backfill", "scheduled_poll", "live_sync"] {
        for event in [json!({}), sample.clone(), json!({"action": "help"})] {
            let answer = send(&stack, function, event.clone()).await.ok();
            assert_eq!(answer["ok"], true, "{function} {event}: {answer}");
            assert!(
                answer["help"].as_str().is_some_and(|help| help.len() > 20),
                "{function} {event}: {answer}"
            );
        }
    }
    let help = send(&stack, "backfill", json!({})).await.ok();
    for action in help["actions"].as_array().unwrap() {
        assert!(action["event"]["action"].is_string(), "an example to paste: {action}");
    }
    assert_eq!(help["connections"], json!([]));
    stack.connect().await;
    assert_eq!(send(&stack, "backfill", json!({})).await.ok()["connections"][0]["name"], "Shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_function_errors_with_a_code_and_the_nearest_name() {
    let stack = Setup { mapped: false, ..Setup::of(20) }.start().await;
    stack.connect().await;
    let cases = [
        (json!({"action": "strat", "connection": "Shop"}), "event.invalid", "start"),
        (json!({"action": "start", "conection": "Shop"}), "event.invalid", "connection"),
        (json!({"action": "start", "connection": 7}), "event.invalid", "connection"),
        (json!({"action": "start"}), "event.invalid", "connection"),
        (json!({"action": ["start"]}), "event.invalid", "action"),
        (json!({"action": "status", "connection": "Shp"}), "connection.unknown", "Shop"),
        (json!({"action": "start", "connection": "Shop", "from": "yesterday"}), "config.invalid", "from"),
        (
            json!({"action": "start", "connection": "Shop", "from": "2026-02-01", "to": "2026-01-01"}),
            "config.invalid",
            "to",
        ),
        (json!({"action": "locations", "source": "sqare"}), "source.unknown", "square"),
        (json!({"action": "explain", "code": "conection.unknown"}), "code.unknown", "connection.unknown"),
        (json!({"action": "record", "connection": "Shop", "stream": "order", "id": "x"}), "", "orders"),
        (
            json!({"action": "connect", "source": "square", "name": "n", "location": "nowhere", "token": "x",
            "destination_url": "https://a.api-us1.com"}),
            "event.secret",
            "token",
        ),
        (
            json!({"action": "connect", "source": "square", "name": "n", "location": "nowhere",
            "destination_url": stack.running.activecampaign_url, "history": "all"}),
            "location.unknown",
            "",
        ),
        (
            json!({"action": "connect", "source": "square", "name": "n", "location": stack.location(),
            "destination_url": "https://example.com", "history": "all"}),
            "destination.host_not_allowed",
            "example.com",
        ),
        (json!({"hello": "world"}), "event.unknown", ""),
        (json!([1, 2]), "event.unknown", ""),
        (json!("start"), "event.unknown", ""),
    ];
    for (event, code, word) in cases {
        let (kind, message) = send(&stack, "backfill", event.clone()).await.error();
        assert!(code.is_empty() || kind == code, "{event}: {kind} {message}");
        assert!(message.contains(word), "{event}: {kind} {message}");
        assert!(kind.contains('.') && message.contains(" Do: "), "{event}: {kind} {message}");
    }
    for function in ["scheduled_poll", "live_sync"] {
        let (kind, _) =
            send(&stack, function, json!({"action": "start", "connection": "Shop"})).await.error();
        assert_eq!(kind, "event.unknown", "{function}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_may_word_its_tick_as_it_likes() {
    let stack = Setup { mapped: false, ..Setup::of(20) }.start().await;
    for event in [
        json!({"action": "tick"}),
        json!({"action": "tick", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "time": "2026-11-22T20:00:00Z"}),
    ] {
        let answer = send(&stack, "scheduled_poll", event.clone()).await.ok();
        assert_eq!((&answer["ok"], &answer["due"]), (&json!(true), &json!(0)), "{event}: {answer}");
    }
    // The rules of the bus and the scheduler's own words, where no input was set: nothing to start by mistake.
    for detail in [json!({}), json!("{}")] {
        let event = json!({
            "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
            "source": "aws.scheduler", "account": "123456789012", "time": "2026-11-22T20:00:00Z",
            "region": "us-east-1", "resources": ["arn:aws:scheduler:us-east-1:123456789012:schedule/s/t"],
            "detail": detail,
        });
        match send(&stack, "scheduled_poll", event.clone()).await {
            Answer::Ok(answer) => assert_eq!(answer["due"], 0, "{event}: {answer}"),
            other => assert_eq!(other.error().0, "event.unknown", "{event}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_what_there_is() {
    let stack = Setup::of(60).start().await;
    let locations = stack.operator(json!({"action": "locations", "source": "square"})).await.ok();
    let ids: Vec<_> =
        locations["locations"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert!(ids.contains(&json!(stack.location())), "{locations:#}");
    stack.connect().await;
    let list = stack.operator(json!({"action": "list"})).await.ok();
    assert_eq!(list["connections"][0]["name"], "Shop", "{list:#}");
    stack.ask("start").await;
    let run = stack.ended().await;
    let runs = stack.ask("runs").await;
    assert_eq!(runs["runs"][0]["id"], run["id"], "{runs:#}");
    let orders = stack.world.expected_orders(None);
    let order = orders.as_array().unwrap().iter().find(|order| order["eligible"] == true).unwrap();
    let event = json!({"action": "record", "connection": "Shop", "stream": "orders", "id": order["id"]});
    let record = stack.operator(event).await.ok();
    assert_eq!(record["record"]["id"], order["id"], "{record:#}");
    let explained = stack.operator(json!({"action": "explain", "code": "event.invalid"})).await.ok();
    assert!(explained["action"].is_string(), "{explained:#}");
}
