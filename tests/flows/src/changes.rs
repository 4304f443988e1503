//! Everything that may happen at a store while it is connected, each followed by a poll.

use serde_json::{Value, json};
use tillsync_engine::state::{Connection, RunState};
use tillsync_sandbox::{Changes, Options};

use crate::check;
use crate::compare::wrong;
use crate::harness::{Flow, quick};

/// Sales that come, and what is given back. Every member of the stand-in's changes is here or below, but the
/// unreadable sale, which has a flow of its own.
const SALES: [(&str, usize); 10] = [
    ("new_sales", 3),
    ("anonymous_sales", 2),
    ("offline_sales", 3),
    ("exchanges", 3),
    ("refunds_elsewhere", 3),
    ("pending_refunds", 2),
    ("completed_refunds", 2),
    ("cancelled_sales", 2),
    ("changed_sales", 4),
    ("refunds", 4),
];

/// People who come and change, and what they buy.
const PEOPLE: [(&str, usize); 10] = [
    ("anonymous_sales", 2),
    ("late_customers", 2),
    ("attached_customers", 2),
    ("paid_invoices", 1),
    ("changed_customers", 3),
    ("changed_emails", 2),
    ("opted_out_customers", 2),
    ("merged_customers", 2),
    ("deleted_customers", 2),
    ("new_sales", 3),
];

/// What `name` changes.
fn change(name: &str, number: usize) -> Changes {
    serde_json::from_value(json!({name: number})).unwrap()
}

/// Two locations with their history.
async fn two() -> (Flow, Vec<Connection>) {
    let options =
        Options { orders: 500, customers: 300, locations: 2, settings: quick(), ..Options::default() };
    let flow = Flow::start(options).await;
    let mut connections = Vec::new();
    for location in flow.locations() {
        let connection = flow.connect(&location).await;
        flow.complete(&flow.backfill(&connection).await).await;
        connections.push(connection);
    }
    (flow, connections)
}

async fn the_next_poll_brings(changes: &[(&str, usize)]) {
    let (flow, connections) = two().await;
    for (name, number) in changes.iter().copied() {
        flow.landed().await;
        let touched = flow.world.change(&change(name, number));
        assert_ne!(touched[name], json!([]), "{name}: nothing to change proves nothing");
        for connection in &connections {
            let state = flow.poll(connection).await;
            flow.complete(&state).await;
            let shop = check::shop(&flow.world, connection);
            let told = (shop["eligible"].as_u64().unwrap(), shop["money_minor"].as_i64().unwrap());
            assert_eq!(check::held(&flow.world, connection), told, "after {name}: {touched}");
        }
    }
    for connection in &connections {
        // What a profile says goes with its next order: see the flow below.
        let wrong = wrong(&flow, connection, &["marketing", "email"]);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_about_sales_the_next_poll_brings_it() {
    the_next_poll_brings(&SALES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_about_people_the_next_poll_brings_it() {
    the_next_poll_brings(&PEOPLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unreadable_sale_alone_is_parked() {
    let (flow, connections) = two().await;
    flow.landed().await;
    let location = Some(connections[0].location.id.clone());
    flow.world.change(&Changes { unreadable_sales: 1, new_sales: 3, location, ..Changes::default() });
    let state = flow.poll(&connections[0]).await;
    check::waits_for_buyers(&flow.world, &connections[0], &state);
    assert_eq!(state.run.state, RunState::Complete);
    assert_eq!(json!(state.streams.orders.parked), json!({"square.unreadable": 1}));
    assert_eq!(state.streams.orders.synced, 3);
    check::arrived(&flow.world, &connections[0]);
    check::clean(&flow.world);
}

/// What the account has of an address's consent.
fn accepts(flow: &Flow, id: &str) -> Value {
    flow.world.order(id)["records"][0]["order"]["acceptsMarketing"].clone()
}

/// The customer is told (see the flows of consent); an order that was sent before is not rewritten for it. The next one
/// of the address carries it.
#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_goes_with_the_next_order_of_the_address_and_rewrites_no_old_one() {
    let mut options = crate::harness::shop(0);
    options.customers = 1;
    let flow = Flow::start(options).await;
    let sale = |age_seconds| {
        let touched = flow.world.change(&Changes { new_sales: 1, age_seconds, ..Changes::default() });
        touched["new_sales"][0].as_str().unwrap().to_owned()
    };
    let before = sale(7_200);
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    assert_eq!(accepts(&flow, &before), Value::Null, "no word is no consent");
    flow.landed().await;
    let out = flow.world.change(&Changes { opted_out_customers: 1, ..Changes::default() });
    assert_eq!(out["opted_out_customers"].as_array().map(Vec::len), Some(1));
    flow.complete(&flow.poll(&connection).await).await;
    assert_eq!(accepts(&flow, &before), Value::Null, "what was sent is not written again for it");
    let after = sale(0);
    flow.complete(&flow.poll(&connection).await).await;
    assert_eq!(accepts(&flow, &after), false, "the next one says it");
    assert_eq!(accepts(&flow, &before), Value::Null);
    check::clean(&flow.world);
}
