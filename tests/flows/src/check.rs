//! What must hold, in the stand-ins' own knowledge of the shop and the account.

use jiff::Timestamp;
use serde_json::{Value, json};
use tillsync_engine::connections;
use tillsync_engine::ports::Lane;
use tillsync_engine::run::Progress;
use tillsync_engine::state::{Connection, Cursor, Row, RunKind, RunState, State, load};
use tillsync_sandbox::World;

use crate::harness::Flow;

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

/// The same where the ledger cannot know what it sent already: then the same may be sent twice, and never anything old.
pub(crate) fn clean_but_rewritten(world: &World) {
    let stats = world.stats();
    assert_eq!((&stats["refused"], &stats["violations"]), (&json!([]), &json!([])));
    for kind in NEVER.iter().filter(|kind| **kind != "unchanged_rewrite") {
        assert_eq!(stats["counts"][kind].as_u64().unwrap_or(0), 0, "{kind}: {:#}", stats["warnings"]);
    }
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

/// The ledger explains every order of the shop: sent once and there, left out by its rule, parked for a reason that
/// was expected, or waiting for its buyer; nothing lies among the dead letters.
pub(crate) async fn explained(flow: &Flow, connection: &Connection, parked: &[(&str, &str)]) {
    let told = flow.world.expected_orders(Some(&connection.location.id));
    let told = told.as_array().unwrap();
    for order in told {
        let id = order["id"].as_str().unwrap();
        let row = connections::record(&flow.engine, connection, "orders", id).await;
        let row = row.unwrap_or_else(|fault| panic!("{id}: {fault}"));
        let refused = parked.iter().find(|(parked, _)| *parked == id).map(|(_, reason)| *reason);
        let right = match (refused, order["reason"].as_str()) {
            (Some(reason), _) => (State::Parked, Some(reason)),
            (None, None) => (State::Synced, None),
            (None, Some(reason)) if order["late"] == true => (State::Pending, Some(reason)),
            (None, Some(reason)) => (State::Skipped, Some(reason)),
        };
        assert_eq!((row.state, row.reason.as_deref()), right, "{id}: {row:?}");
        assert!(row.intent.is_none() && row.queued.is_none(), "{id} is under way: {row:?}");
        let held = flow.world.order(id)["records"].as_array().unwrap().len();
        assert_eq!(held, usize::from(right.0 == State::Synced), "{id} at the account");
    }
    let sums = connections::sums(&flow.engine, connection).await.unwrap();
    for (stream, tally) in sums.all() {
        assert!(tally.agrees(), "{stream}: {tally:?}");
    }
    assert_eq!(sums.orders.observed, told.len() as u64, "{:?}", sums.orders);
    assert_eq!(sums.orders.parked_total(), parked.len() as u64, "{:?}", sums.orders);
    for lane in [Lane::Live, Lane::History] {
        assert_eq!(flow.engine.queue.dead(lane, 10).await.unwrap(), Vec::new(), "dead letters");
    }
}

/// The run ended incomplete for this reason, and its sums agree all the same.
pub(crate) fn incomplete(state: &Progress, code: &str) {
    agrees(state);
    assert_eq!(state.run.state, RunState::Incomplete, "{state:#?}");
    assert_eq!(state.run.problem.as_ref().unwrap().code, code);
}

/// How many purchases automations have seen.
pub(crate) fn purchases(world: &World) -> usize {
    world.purchases()["purchases"].as_array().unwrap().len()
}

/// How far the orders of a connection are followed.
pub(crate) async fn watermark(flow: &Flow, connection: &Connection) -> Timestamp {
    let cursor: Option<Row<Cursor>> =
        load(&*flow.engine.store, Connection::orders_cursor(&connection.id)).await.unwrap();
    cursor.unwrap().value.watermark
}
