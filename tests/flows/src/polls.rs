//! What changed since the last look.

use serde_json::{Value, json};
use tillsync_engine::state::{Connection, update};
use tillsync_sandbox::Changes;

use crate::check;
use crate::harness::{Flow, shop};

fn ids(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The account's one record of an order.
fn record(flow: &Flow, id: &str) -> Value {
    let order = flow.world.order(id);
    assert_eq!(order["records"].as_array().map(Vec::len), Some(1), "{id}: {order}");
    order["records"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_carries_new_changed_and_refunded_sales() {
    let flow = Flow::start(shop(400)).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    let before = flow.world.purchases()["purchases"].as_array().unwrap().len();
    // The sales of today were written live a moment ago: the landing time passes before they change.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let changes = Changes {
        new_sales: 7,
        changed_sales: 5,
        refunds: 4,
        changed_customers: 12,
        anonymous_sales: 2,
        ..Changes::default()
    };
    let touched = flow.world.change(&changes);
    let state = flow.poll(&connection).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    for id in ids(&touched["new_sales"]) {
        assert_eq!(record(&flow, &id)["history"][0]["creation_source"], "REAL_TIME", "{id} is new and live");
    }
    for id in ids(&touched["changed_sales"]) {
        let name = record(&flow, &id)["order"]["lineItems"][0]["name"].as_str().unwrap().to_owned();
        assert!(name.ends_with("Article corrigé"), "{id}: {name}");
    }
    let expected = flow.world.expected_orders(None);
    for id in ids(&touched["refunds"]) {
        let order = expected.as_array().unwrap().iter().find(|order| order["id"] == id.as_str()).unwrap();
        let record = record(&flow, &id);
        assert_eq!(record["amount_minor"], order["amount_minor"], "{id}");
        let full = order["status"] == "REFUNDED";
        assert_eq!(record["order"]["normalizedStatus"] == "REFUNDED", full, "{record:#}");
    }
    let purchases = flow.world.purchases()["purchases"].as_array().unwrap().len();
    assert_eq!(purchases, before + 7, "automations see the new sales, once each");
    assert_eq!(state.streams.orders.pending, 2, "sales to nobody wait for somebody");
    assert!(state.streams.customers.synced > 0);

    let writes = check::order_writes(&flow.world);
    let again = flow.poll(&connection).await;
    flow.complete(&again).await;
    assert_eq!((again.streams.orders.synced, check::order_writes(&flow.world)), (0, writes));
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_leaves_out_older_orders_that_were_never_sent() {
    let flow = Flow::start(shop(400)).await;
    let summary = flow.summary(&flow.locations()[0], "all").await;
    // Later than any sale: a day that is still to come cannot be asked for.
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let key = Connection::key(&summary.connection);
    update(&*flow.engine.store, &key, |connection: &mut Connection| {
        connection.settings.history_from = Some(tomorrow);
    })
    .await
    .unwrap();
    let connection = flow.connection(&summary.connection).await;
    let touched = flow.world.change(&Changes { changed_sales: 6, new_sales: 1, ..Changes::default() });
    let mut changed = ids(&touched["changed_sales"]);
    changed.sort();
    changed.dedup();
    let state = flow.poll(&connection).await;
    flow.complete(&state).await;
    let skipped = &state.streams.orders.skipped;
    assert_eq!(json!(skipped["before_history"]), json!(changed.len() + 1), "{skipped:?}");
    assert_eq!(check::order_writes(&flow.world), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_order_that_was_sent_is_kept_right() {
    let flow = Flow::start(shop(300)).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    for round in 0..3 {
        let touched = flow.world.change(&Changes { refunds: 2, changed_sales: 2, ..Changes::default() });
        let state = flow.poll(&connection).await;
        flow.complete(&state).await;
        check::arrived(&flow.world, &connection);
        assert!(state.streams.orders.synced >= 2, "round {round}: {touched}");
    }
    check::clean(&flow.world);
}
