//! What must hold after a flow: at the account, in the answers, in what was printed and sent.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stack::{DATA_KEY, FUNCTIONS, Stack};

/// Notes of the account that no flow may leave.
const NEVER: [&str; 5] = [
    "stale_overwrite",
    "rewritten_within_60s",
    "unchanged_rewrite",
    "creation_source_changed",
    "blanked_contact_field",
];

/// What the account holds of a location, and what it ought to: orders, and money in minor units.
fn held_and_expected(stack: &Stack, location: &str) -> ((u64, i64), (u64, i64)) {
    let shop = stack.world.expected()["locations"][location].clone();
    let all = stack.world.stats()["activecampaign"]["account"]["connections"].clone();
    let mut of_location = all.as_object().unwrap().values().filter(|one| one["externalid"] == location);
    let held = of_location.next().cloned().unwrap_or_default();
    assert!(of_location.next().is_none(), "a location has one connection: {all:#}");
    let money = held["money_minor"].as_object().and_then(|money| money.values().next()?.as_i64());
    let held = (held["orders"].as_u64().unwrap_or(0), money.unwrap_or(0));
    (held, (shop["eligible"].as_u64().unwrap(), shop["money_minor"].as_i64().unwrap()))
}

/// Every eligible order arrived, to the cent.
pub(crate) fn arrived(stack: &Stack) {
    arrived_of(stack, &stack.location());
}

/// Every eligible order of a location arrived, to the cent.
pub(crate) fn arrived_of(stack: &Stack, location: &str) {
    let (held, expected) = held_and_expected(stack, location);
    assert_eq!(held, expected, "orders and money of {location}");
}

/// Orders that arrived so far.
pub(crate) fn held(stack: &Stack) -> u64 {
    held_and_expected(stack, &stack.location()).0.0
}

/// The run is complete, its sums agree, nothing is parked, and nothing is pending but sales that wait for their
/// buyer: after a history exactly those, otherwise at the most those.
pub(crate) fn complete(stack: &Stack, run: &Value) {
    complete_of(stack, &stack.location(), run);
}

/// The same of the run of a location.
pub(crate) fn complete_of(stack: &Stack, location: &str, run: &Value) {
    assert_eq!(run["state"], "complete", "{run:#}");
    agrees(run);
    let late = stack.world.expected()["locations"][location]["late"].as_u64().unwrap();
    for (stream, tally) in run["streams"].as_object().unwrap() {
        assert_eq!(tally["parked"], json!({}), "{stream}: {tally}");
        let (pending, most) = (tally["pending"].as_u64().unwrap(), if stream == "orders" { late } else { 0 });
        let exactly = run["kind"] == "historical" && run["limit"].is_null();
        assert!(if exactly { pending == most } else { pending <= most }, "{most} may wait: {tally}");
    }
}

/// Every record observed is accounted for.
pub(crate) fn agrees(run: &Value) {
    let sum = |reasons: &Value| reasons.as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    for (stream, tally) in run["streams"].as_object().unwrap() {
        let one = |name: &str| tally[name].as_u64().unwrap();
        let rest = one("synced")
            + one("unchanged")
            + one("pending")
            + sum(&tally["skipped"])
            + sum(&tally["parked"]);
        assert_eq!(one("observed"), rest, "{stream}: {tally}");
    }
}

/// Requests that wrote orders.
pub(crate) fn order_writes(stack: &Stack) -> u64 {
    let operations = stack.world.stats()["activecampaign"]["operations"].clone();
    let names = ["bulkUpsertOrders", "bulkUpsertOrdersAsync", "upsertOrder"];
    names.iter().map(|name| operations[*name].as_u64().unwrap_or(0)).sum()
}

/// The platforms refused nothing, and the account was never told anything wrong.
pub(crate) fn clean(stack: &Stack) {
    let stats = stack.world.stats();
    assert_eq!(stats["refused"], json!([]));
    never_wrong(stack);
}

/// No rule of the account was broken. What was killed may be written a second time, once the first has landed.
pub(crate) fn no_rule_broken(stack: &Stack) {
    assert_eq!(stack.world.stats()["violations"], json!([]));
}

/// The account was never told anything wrong.
pub(crate) fn never_wrong(stack: &Stack) {
    no_rule_broken(stack);
    let stats = stack.world.stats();
    for kind in NEVER {
        assert_eq!(stats["counts"][kind].as_u64().unwrap_or(0), 0, "{kind}: {:#}", stats["warnings"]);
    }
}

/// Words of people and secrets that no line, message or metric may hold.
fn canaries(stack: &Stack) -> Vec<String> {
    let mut words: Vec<String> =
        vec![stack.running.square_token.clone(), stack.running.activecampaign_key.clone(), DATA_KEY.into()];
    let dump = stack.world.dump();
    for contact in dump["contacts"].as_array().into_iter().flatten() {
        let text = |name: &str| contact[name].as_str().unwrap_or_default().to_owned();
        words.push(text("email"));
        words.push(text("phone"));
        words.push(format!("{} {}", text("firstName"), text("lastName")));
    }
    for order in stack.world.expected_orders(None).as_array().unwrap() {
        words.push(order["email"].as_str().unwrap_or_default().to_owned());
    }
    words.retain(|word| word.trim().len() > 5);
    words.sort();
    words.dedup();
    words
}

/// Every line is JSON; no line and no message tells of a person or a secret; metrics have one dimension. Nothing
/// is written to the disk.
pub(crate) async fn discreet(stack: &Stack) {
    let words = canaries(stack);
    assert!(words.len() > 20, "a search for nothing proves nothing");
    tells_nothing(stack, &words).await;
}

/// The same, where the account holds nobody yet.
pub(crate) async fn discreet_without_people(stack: &Stack) {
    tells_nothing(stack, &canaries(stack)).await;
}

async fn tells_nothing(stack: &Stack, words: &[String]) {
    // What was printed last is on its way.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let told = |text: &str| words.iter().find(|word| text.contains(word.as_str())).cloned();
    for name in FUNCTIONS {
        let (function, endpoint) = (stack.function(name), stack.endpoint(name));
        assert_eq!(function.log.not_json(), Vec::<String>::new(), "{name} prints what is no JSON");
        for (_, line) in function.log.lines() {
            assert_eq!(told(&line), None, "{name} prints: {line}");
            assert!(!line.contains('@'), "{name} prints an address: {line}");
        }
        for line in function.log.metrics() {
            for metrics in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
                assert_eq!(metrics["Dimensions"], json!([["Stage"]]), "{name}: {line}");
            }
        }
        for body in endpoint.messages() {
            assert_eq!(told(&body), None, "{name} sends: {body}");
        }
        assert_eq!(endpoint.leaks(), Vec::<String>::new(), "{name} sends a secret in clear");
        assert_eq!(function.left_behind(), 0, "{name} leaves files behind");
    }
}
