//! No record is written again before its last write has landed, whenever that write really went out; and what lands
//! later than anything should is found.

use serde_json::{Value, json};
use tillsync_engine::Timing;
use tillsync_engine::run::{BackfillRequest, start_backfill, start_poll};
use tillsync_engine::state::{Connection, Run};
use tillsync_sandbox::Changes;

use crate::check;
use crate::compare::all_as_told;
use crate::harness::{Flow, fast, shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_write_held_up_by_throttling_counts_from_when_it_went_out() {
    // A shop whose only sales are these: what changes later are they.
    let mut options = shop(0);
    options.settings.rewrite_window_ms = 3_000;
    let landing = jiff::SignedDuration::from_secs(3);
    let flow = Flow::with(options, Timing { landing, ..fast() }, 40).await;
    let connection = flow.connect_first().await;
    let sales = flow.world.change(&Changes { new_sales: 5, age_seconds: 120, ..Changes::default() });
    // The write goes out four seconds after it was noted: later than it would land if it had gone out then.
    flow.fault(
        "activecampaign",
        "bulkUpsertOrders",
        (0, 1),
        json!({"kind": "rate_limited", "retry_after": 4}),
    );
    flow.complete(&flow.poll(&connection).await).await;
    let changed = flow.world.change(&Changes { changed_sales: 20, ..Changes::default() });
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    let mut twice = 0;
    for id in sales["new_sales"].as_array().unwrap() {
        let written = flow.world.order(id.as_str().unwrap())["write_requests"].as_u64().unwrap();
        twice += written - 1;
        assert!(written <= 2, "{id}: {written}");
    }
    assert!(twice > 0, "nothing that was sold changed: {changed}");
    check::clean(&flow.world);
}

/// A shop whose only sales are four, and a poll whose write of them meets a fault.
async fn four_sales(fault: Value) -> (Flow, Connection, Run) {
    let flow = Flow::start(shop(0)).await;
    let connection = flow.connect_first().await;
    flow.world.change(&Changes { new_sales: 4, age_seconds: 120, ..Changes::default() });
    flow.fault("activecampaign", "bulkUpsertOrders", (0, 1), fault);
    let run = start_poll(&flow.engine, &connection.id).await.unwrap().run;
    flow.until(|_| check::calls(&flow.world, "bulkUpsertOrders") == 1).await;
    (flow, connection, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_lands_after_the_crash_of_its_sender_is_there_once() {
    let (mut flow, connection, run) = four_sales(json!({"kind": "delay", "ms": 700})).await;
    flow.fall().await;
    assert_eq!(check::held(&flow.world, &connection).0, 0, "it has not landed yet");
    flow.rise().await;
    flow.complete(&flow.ended(&run).await).await;
    assert_eq!(check::calls(&flow.world, "bulkUpsertOrders"), 1, "it had landed: nothing is sent twice");
    check::arrived(&flow.world, &connection);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(check::purchases(&flow.world), 4);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_lands_after_the_crash_of_its_sender_is_there_once() {
    let mut flow = Flow::start(shop(500)).await;
    let connection = flow.connect_first().await;
    flow.fault("activecampaign", "bulkUpsertOrdersAsync", (1, 2), json!({"kind": "delay", "ms": 700}));
    let run = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap().run;
    flow.until(|_| check::calls(&flow.world, "bulkUpsertOrdersAsync") >= 2).await;
    flow.fall().await;
    flow.rise().await;
    let state = flow.ended(&run).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    assert_eq!(json!(state.streams.orders.observed), check::shop(&flow.world, &connection)["orders"]);
    check::explained(&flow, &connection, &[]).await;
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_waits_for_a_write_that_lands_late() {
    let (flow, connection, run) = four_sales(json!({"kind": "land_late", "ms": 700})).await;
    // Read by another run while the poll still asks itself what became of its write.
    flow.world.change(&Changes { changed_sales: 4, refunds: 2, ..Changes::default() });
    let sync = flow.sync(&connection).await;
    check::agrees(&sync);
    flow.complete(&flow.ended(&run).await).await;
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    all_as_told(&flow, &connection);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(check::purchases(&flow.world), 4);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_lands_over_a_newer_one_is_found_by_comparing_and_repaired() {
    // Longer than any request is believed to be under way.
    let (flow, connection, run) = four_sales(json!({"kind": "land_late", "ms": 34_000})).await;
    flow.world.change(&Changes { changed_sales: 4, refunds: 2, ..Changes::default() });
    flow.complete(&flow.ended(&run).await).await;
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    flow.until(|stats| stats["counts"]["stale_overwrite"].as_u64() == Some(4)).await;

    let (state, days) = flow.reconcile(&connection, false).await;
    flow.complete(&state).await;
    let found: Vec<_> = days.iter().flat_map(tillsync_engine::state::Day::differences).collect();
    assert!(found.iter().all(|one| one.reason.as_deref() == Some("destination.changed")), "{found:?}");
    assert!(!found.is_empty(), "the old amounts are seen");
    flow.complete(&flow.reconcile(&connection, true).await.0).await;
    check::arrived(&flow.world, &connection);
    all_as_told(&flow, &connection);
    let (state, days) = flow.reconcile(&connection, false).await;
    flow.complete(&state).await;
    assert_eq!(days.iter().flat_map(tillsync_engine::state::Day::differences).count(), 0);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(check::purchases(&flow.world), 4, "what is repaired starts nothing");
    let stats = flow.world.stats();
    assert_eq!(stats["violations"].as_array().unwrap().len(), 4, "the late ones alone: {stats:#}");
}
