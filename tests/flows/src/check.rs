//! What must hold, in the stand-ins' own knowledge of the shop and the account.

use serde_json::{Value, json};
use tillsync_engine::run::Progress;
use tillsync_engine::state::{Connection, RunKind, RunState};
use tillsync_sandbox::World;

/// Notes of the account that no flow may leave.
const NEVER: [&str; 5] = [
    "stale_overwrite",
    "rewritten_within_60s",
    "unchanged_rewrite",
    "creation_source_changed",
    "blanked_contact_field",
];

/// What the shop says of a location.
pub(crate) fn shop(world: &World, connection: &Connection) -> Value {
    world.expected()["locations"][&connection.location.id].clone()
}

/// What the account holds of a connection: orders, and money in minor units.
pub(crate) fn held(world: &World, connection: &Connection) -> (u64, i64) {
    let remote = connection.remote.unwrap().to_string();
    let held = world.stats()["activecampaign"]["account"]["connections"][&remote].clone();
    let money = &held["money_minor"][connection.location.currency.code()];
    (held["orders"].as_u64().unwrap(), money.as_i64().unwrap_or(0))
}

/// Every eligible order arrived, to the cent.
pub(crate) fn arrived(world: &World, connection: &Connection) {
    let shop = shop(world, connection);
    let expected = (shop["eligible"].as_u64().unwrap(), shop["money_minor"].as_i64().unwrap());
    assert_eq!(held(world, connection), expected, "orders and money of {}", connection.name);
}

/// The run ended complete, every sum agrees, nothing is parked, and nothing is pending but sales that wait for
/// their buyer: after a history exactly those, otherwise at the most those.
pub(crate) fn complete(world: &World, connection: &Connection, state: &Progress) {
    assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
    waits_for_buyers(world, connection, state);
    for (stream, tally) in state.streams.all() {
        assert_eq!(tally.parked_total(), 0, "{stream}: {tally:?}");
    }
}

/// Every sum agrees, and nothing is pending but sales that wait for their buyer.
pub(crate) fn waits_for_buyers(world: &World, connection: &Connection, state: &Progress) {
    agrees(state);
    let late = late(world, connection);
    let pending = state.streams.orders.pending;
    if state.run.kind == RunKind::Historical && state.run.limit.is_none() {
        assert_eq!(pending, late, "orders: {:?}", state.streams.orders);
    }
    assert!(pending <= late, "{pending} wait, of {late}: {:?}", state.streams.orders);
    for (stream, tally) in [("customers", &state.streams.customers), ("products", &state.streams.products)] {
        assert_eq!(tally.pending, 0, "{stream}: {tally:?}");
    }
}

/// Sales of a location whose customer may still come.
pub(crate) fn late(world: &World, connection: &Connection) -> u64 {
    shop(world, connection)["late"].as_u64().unwrap()
}

/// Every record observed is accounted for.
pub(crate) fn agrees(state: &Progress) {
    for (stream, tally) in state.streams.all() {
        assert!(tally.agrees(), "{stream}: {tally:?}");
    }
}

/// The platforms refused nothing but what `but` says, and the account was never told anything wrong.
pub(crate) fn clean_but(world: &World, but: impl Fn(&Value) -> bool) {
    let stats = world.stats();
    let refused: Vec<_> =
        stats["refused"].as_array().unwrap().iter().filter(|refused| !but(refused)).collect();
    assert!(refused.is_empty(), "refused: {refused:#?}");
    assert_eq!(stats["violations"], json!([]));
    for kind in NEVER {
        assert_eq!(stats["counts"][kind].as_u64().unwrap_or(0), 0, "{kind}: {:#}", stats["warnings"]);
    }
}

/// The platforms refused nothing, and the account was never told anything wrong.
pub(crate) fn clean(world: &World) {
    clean_but(world, |_| false);
}

/// Calls of an operation, on either platform.
pub(crate) fn calls(world: &World, operation: &str) -> u64 {
    let stats = world.stats();
    let of = |platform: &str| stats[platform]["operations"][operation].as_u64().unwrap_or(0);
    of("square") + of("activecampaign")
}

/// Requests that wrote orders.
pub(crate) fn order_writes(world: &World) -> u64 {
    calls(world, "bulkUpsertOrders") + calls(world, "bulkUpsertOrdersAsync") + calls(world, "upsertOrder")
}

/// The orders of a location that must arrive, as the shop tells them, oldest first.
pub(crate) fn eligible(world: &World, connection: &Connection) -> Vec<Value> {
    let orders = world.expected_orders(Some(&connection.location.id));
    let mut orders: Vec<Value> =
        orders.as_array().unwrap().iter().filter(|order| order["eligible"] == true).cloned().collect();
    orders.sort_by_key(|order| order["date_ms"].as_i64());
    orders
}

/// The id of an eligible order in the middle of the history.
pub(crate) fn middle(world: &World, connection: &Connection) -> String {
    let orders = eligible(world, connection);
    orders[orders.len() / 2]["id"].as_str().unwrap().to_owned()
}
