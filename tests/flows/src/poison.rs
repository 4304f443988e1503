//! Records the destination will not have, and records it loses.

use serde_json::json;
use tillsync_engine::connections;
use tillsync_engine::run::{BackfillRequest, Progress, start_backfill};
use tillsync_engine::state::{Connection, RunState, State};
use tillsync_sandbox::{Changes, Poison};

use crate::check;
use crate::harness::{Flow, shop};

/// Complete, with this one order parked by this run.
fn parked_alone(flow: &Flow, connection: &Connection, state: &Progress, reason: &str) {
    check::waits_for_buyers(&flow.world, connection, state);
    assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
    assert_eq!(json!(state.streams.orders.parked), json!({reason: 1}));
}

async fn ledger(flow: &Flow, connection: &Connection, id: &str) -> tillsync_engine::state::LedgerRow {
    connections::record(&flow.engine, connection, "orders", id).await.unwrap()
}

async fn one_poison_order(how: Poison) {
    let flow = Flow::start(shop(500)).await;
    let connection = flow.connect_first().await;
    let poisoned = check::middle(&flow.world, &connection);
    flow.world.poison(std::slice::from_ref(&poisoned), Some(how));
    let first = flow.backfill(&connection).await;
    parked_alone(&flow, &connection, &first, "destination.invalid_record");
    assert_eq!(first.streams.newly_parked(), 1, "this is what exit status 3 says");
    let eligible = check::shop(&flow.world, &connection)["eligible"].as_u64().unwrap();
    assert_eq!(check::held(&flow.world, &connection).0, eligible - 1, "the rest arrives");
    let row = ledger(&flow, &connection, &poisoned).await;
    assert_eq!((row.state, row.reason.as_deref()), (State::Parked, Some("destination.invalid_record")));

    let writes = check::order_writes(&flow.world);
    let second = flow.backfill(&connection).await;
    parked_alone(&flow, &connection, &second, "destination.invalid_record");
    assert_eq!(second.streams.newly_parked(), 0, "an old parked record does not change the exit status");
    assert_eq!(check::order_writes(&flow.world), writes, "it is not sent again as it is");
    let refused = |refused: &serde_json::Value| refused["operation"] == "bulkUpsertOrdersAsync";
    check::clean_but(&flow.world, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poison_order_in_the_middle_is_parked_alone() {
    one_poison_order(Poison::Named).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poison_order_in_the_middle_is_parked_alone_when_nobody_names_it() {
    one_poison_order(Poison::Unnamed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_the_destination_loses_is_written_again_once_then_parked() {
    let flow = Flow::start(shop(300)).await;
    let connection = flow.connect_first().await;
    let lost = check::middle(&flow.world, &connection);
    flow.world.poison(std::slice::from_ref(&lost), Some(Poison::Lost));
    let state = flow.backfill(&connection).await;
    parked_alone(&flow, &connection, &state, "destination.lost");
    assert_eq!(flow.world.order(&lost)["write_requests"], 2, "once, and once again");
    let eligible = check::shop(&flow.world, &connection)["eligible"].as_u64().unwrap();
    assert_eq!(check::held(&flow.world, &connection).0, eligible - 1);
    let row = ledger(&flow, &connection, &lost).await;
    assert_eq!((row.state, row.reason.as_deref()), (State::Parked, Some("destination.lost")));
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_lost_once_is_written_again_and_arrives() {
    let flow = Flow::start(shop(300)).await;
    let connection = flow.connect_first().await;
    let lost = check::middle(&flow.world, &connection);
    flow.world.poison(std::slice::from_ref(&lost), Some(Poison::Lost));
    let run = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap().run;
    flow.until(|_| flow.world.order(&lost)["write_requests"] == 1).await;
    flow.world.poison(std::slice::from_ref(&lost), None);
    flow.complete(&flow.ended(&run).await).await;
    assert_eq!(flow.world.order(&lost)["write_requests"], 2);
    check::arrived(&flow.world, &connection);
    check::clean(&flow.world);
}

/// Live sales go by the mutation that waits: one of them refuses the whole call.
async fn one_poison_sale_of_a_poll(how: Poison) {
    let flow = Flow::start(shop(0)).await;
    let connection = flow.connect_first().await;
    let touched = flow.world.change(&Changes { new_sales: 9, age_seconds: 120, ..Changes::default() });
    let poisoned = touched["new_sales"][4].as_str().unwrap().to_owned();
    flow.world.poison(std::slice::from_ref(&poisoned), Some(how));
    let state = flow.poll(&connection).await;
    parked_alone(&flow, &connection, &state, "destination.invalid_record");
    assert_eq!((check::held(&flow.world, &connection).0, check::purchases(&flow.world)), (8, 8));
    check::explained(&flow, &connection, &[(&poisoned, "destination.invalid_record")]).await;
    let writes = check::order_writes(&flow.world);
    assert!(writes <= 1 + 2 * 4, "{writes} calls to find one among nine");

    flow.world.poison(std::slice::from_ref(&poisoned), None);
    flow.complete(&flow.retry(&connection).await).await;
    check::arrived(&flow.world, &connection);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(check::purchases(&flow.world), 9, "it starts what it was to start, once it is sent");
    check::clean_but(&flow.world, |refused| refused["operation"] == "bulkUpsertOrders");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poison_sale_of_a_poll_is_parked_alone() {
    one_poison_sale_of_a_poll(Poison::Named).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poison_sale_of_a_poll_is_parked_alone_when_nobody_names_it() {
    one_poison_sale_of_a_poll(Poison::Unnamed).await;
}
