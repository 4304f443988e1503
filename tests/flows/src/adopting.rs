//! A connection that somebody else made at the destination (rules.md section 4).

use serde_json::{Value, json};
use tillsync_engine::connect::{ConnectRequest, DraftOutcome};
use tillsync_engine::connections;

use crate::check;
use crate::harness::{Flow, shop};

/// Connects to a connection another tool made, that holds orders with these ids.
async fn connect_to_one_keyed_by(flow: &Flow, keys: Option<&str>) -> DraftOutcome {
    let location = flow.locations()[0].clone();
    let mut there =
        json!({"service": "another-tool", "externalid": "its-own", "name": "Until now", "listId": "0"});
    if let Some(keys) = keys {
        there["orders"] = json!({"keyed_by": keys, "location": location, "count": 15});
    }
    let made = flow.world.seed_connection(&there);
    let id = made["id"].as_str().unwrap().to_owned();
    flow.outcome(ConnectRequest { connection_type: Some(id), ..flow.request(&location, "all") }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_holds_the_shops_orders_is_adopted_and_they_start_nothing() {
    for (keys, read) in [(Some("order"), 15), (None, 0)] {
        let flow = Flow::start(shop(300)).await;
        let outcome = connect_to_one_keyed_by(&flow, keys).await;
        let DraftOutcome::Connected(summary) = outcome else { panic!("{keys:?}: {outcome:?}") };
        let matched = summary.matched.unwrap();
        assert!(summary.adopted && !summary.renewed, "{keys:?}");
        assert_eq!((matched.read, matched.by_order, matched.by_payment), (read, read, 0), "{keys:?}");
        let connection = flow.connection(&summary.connection).await;
        flow.complete(&flow.backfill(&connection).await).await;
        check::arrived(&flow.world, &connection);
        let dump = flow.world.dump();
        assert_eq!(dump["connections"][0]["name"], "Until now", "it is never renamed");
        assert_eq!(dump["connections"].as_array().map(Vec::len), Some(1));
        assert_eq!(flow.world.purchases()["purchases"], json!([]), "{keys:?}");
        // A known gap: an address may go by another customer id than the one the orders that were there carry.
        let violations = flow.world.stats()["violations"].clone();
        let other = |note: &&Value| note["kind"] != "second_customer_same_email" || keys.is_none();
        assert_eq!(violations.as_array().unwrap().iter().filter(other).count(), 0, "{keys:?}: {violations}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_holds_other_orders_is_refused_with_what_was_found() {
    for (keys, payments) in [("payment", true), ("unknown", false)] {
        let flow = Flow::start(shop(300)).await;
        let outcome = connect_to_one_keyed_by(&flow, Some(keys)).await;
        let DraftOutcome::Failed { code, detail, .. } = outcome else { panic!("{keys}: {outcome:?}") };
        assert_eq!(code, "destination.connection_foreign", "{keys}");
        assert!(detail.contains("0 are orders of"), "{detail}");
        assert_eq!(detail.contains("and 0 are payments"), !payments, "{detail}");
        assert!(connections::all(&flow.engine).await.unwrap().is_empty(), "{keys}");
        assert_eq!(check::order_writes(&flow.world), 0, "{keys}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_own_integration_of_the_store_is_warned_of() {
    let flow = Flow::start(shop(20)).await;
    let location = flow.locations()[0].clone();
    let codes = |warnings: &[tillsync_engine::connect::Warning]| -> Vec<Value> {
        warnings.iter().map(|warning| json!(warning.code)).collect()
    };
    let summary = flow.summary(&location, "all").await;
    assert_eq!(codes(&summary.warnings), Vec::<Value>::new());
    flow.world.seed_connection(
        &json!({"service": "square", "externalid": location, "name": "Square", "isInternal": "1", "listId": "1", "syncStatus": "1"}),
    );
    let summary = flow.summary(&location, "all").await;
    assert_eq!(codes(&summary.warnings), [json!("destination.own_integration")]);
}
