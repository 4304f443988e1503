//! What somebody does by hand: sync, retry, pause, a trial, everything again.

use serde_json::json;
use tillsync_engine::run::{BackfillRequest, start_backfill};
use tillsync_engine::state::{ConnectionState, RunState, State};
use tillsync_engine::{Timing, connections, manage};
use tillsync_sandbox::{Changes, Options, Poison, Settings};

use crate::check;
use crate::harness::{Flow, fast, quick, shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_reads_what_changed_and_tries_again_what_is_parked() {
    let flow = Flow::start(shop(400)).await;
    let connection = flow.connect_first().await;
    let [first, second] = [30, 60].map(|n| {
        let orders = check::eligible(&flow.world, &connection);
        orders[n]["id"].as_str().unwrap().to_owned()
    });
    flow.world.poison(&[first.clone(), second.clone()], Some(Poison::Named));
    let state = flow.backfill(&connection).await;
    assert_eq!(json!(state.streams.orders.parked), json!({"destination.invalid_record": 2}));
    flow.landed().await;

    // One is well again: the sync sends it, with what is new.
    flow.world.poison(std::slice::from_ref(&first), None);
    flow.world.change(&Changes { new_sales: 2, ..Changes::default() });
    let sync = flow.sync(&connection).await;
    check::waits_for_buyers(&flow.world, &connection, &sync);
    assert_eq!(sync.run.state, RunState::Complete);
    let orders = &sync.streams.orders;
    assert_eq!((orders.synced, json!(orders.parked)), (3, json!({"destination.invalid_record": 1})));

    // A poll leaves the other alone, though it is well by now; a retry sends it.
    flow.world.poison(std::slice::from_ref(&second), None);
    flow.poll(&connection).await;
    let row = connections::record(&flow.engine, &connection, "orders", &second).await.unwrap();
    assert_eq!(row.state, State::Parked);
    let retry = flow.retry(&connection).await;
    flow.complete(&retry).await;
    assert_eq!((retry.streams.orders.observed, retry.streams.orders.synced), (1, 1));
    check::arrived(&flow.world, &connection);
    check::clean_but(&flow.world, |refused| refused["operation"].to_string().contains("bulkUpsertOrders"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_looks_a_second_time_at_the_last_days() {
    let flow = Flow::start(shop(0)).await;
    let connection = flow.connect_first().await;
    flow.clock.advance(jiff::SignedDuration::from_hours(1));
    flow.complete(&flow.poll(&connection).await).await;
    // The engine is an hour ahead of the shop: that hides nothing from its polls.
    flow.world.change(&Changes { new_sales: 1, ..Changes::default() });
    assert_eq!(flow.poll(&connection).await.streams.orders.observed, 1);
    let sync = flow.sync(&connection).await;
    flow.complete(&sync).await;
    assert_eq!((sync.streams.orders.observed, sync.streams.orders.synced), (1, 0), "seen once more");
    crate::compare::all_as_told(&flow, &connection);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_paused_midway_goes_on_where_it_was() {
    let settings = Settings { square_page_max: Some(100), ..quick() };
    let flow = Flow::with(Options { settings, ..shop(900) }, fast(), 4).await;
    let connection = flow.connect_first().await;
    let started = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap();
    flow.until(|stats| stats["activecampaign"]["classes"]["order_writes"].as_u64() >= Some(2)).await;
    let paused = manage::pause(&flow.engine, &connection.id).await.unwrap();
    assert_eq!(paused.connection.state, ConnectionState::Paused);
    let state = flow.ended(&started.run).await;
    check::agrees(&state);
    assert_eq!(state.run.state, RunState::Incomplete);
    assert_eq!(state.run.problem.unwrap().code, "connection.inactive");
    let held = check::held(&flow.world, &connection).0;
    let eligible = check::shop(&flow.world, &connection)["eligible"].as_u64().unwrap();
    assert!(held < eligible, "{held} of {eligible}: paused too late to prove anything");
    assert!(start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.is_err());

    manage::resume(&flow.engine, &connection.id).await.unwrap();
    let state = flow.resume(&connection).await;
    flow.complete(&state).await;
    assert_eq!(state.run.id, started.run.id, "the same history");
    assert_eq!(json!(state.streams.orders.observed), check::shop(&flow.world, &connection)["orders"]);
    check::arrived(&flow.world, &connection);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_orders_only_nobody_else_is_sent() {
    let flow = Flow::start(shop(300)).await;
    let connection = flow.connect_first().await;
    manage::set(&flow.engine, &connection.id, "customers", "with_orders").await.unwrap();
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    let people = &flow.world.expected()["customers"];
    assert!(people["without_orders_importable"].as_u64() > Some(0), "somebody must be left out: {people}");
    let contacts = &flow.world.stats()["activecampaign"]["account"]["contacts"];
    assert_eq!(*contacts, people["emails_with_eligible_orders"]);
    check::arrived(&flow.world, &connection);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_trial_of_25_the_history_sends_the_rest() {
    let flow = Flow::start(shop(300)).await;
    let connection = flow.connect_first().await;
    let trial = BackfillRequest { limit: Some(25), ..BackfillRequest::default() };
    let state = flow.history(&connection, &trial).await;
    flow.complete(&state).await;
    assert_eq!((state.streams.orders.synced, check::held(&flow.world, &connection).0), (25, 25));
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    assert_eq!(state.streams.orders.unchanged, 25);
    check::arrived(&flow.world, &connection);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_again_twice_at_once_writes_no_record_before_the_last_write_landed() {
    let mut options = shop(150);
    options.settings.rewrite_window_ms = 3_000;
    let timing = Timing { landing: jiff::SignedDuration::from_secs(3), ..fast() };
    let flow = Flow::with(options, timing, 40).await;
    let connection = flow.connect_first().await;
    let again = BackfillRequest { force: true, ..BackfillRequest::default() };
    for round in 0..3 {
        let state = flow.history(&connection, &again).await;
        flow.complete(&state).await;
        let eligible = check::shop(&flow.world, &connection)["eligible"].clone();
        assert_eq!(json!(state.streams.orders.synced), eligible, "round {round}: all again");
        check::arrived(&flow.world, &connection);
    }
    let one = check::middle(&flow.world, &connection);
    assert_eq!(flow.world.order(&one)["write_requests"], 3);
    let stats = flow.world.stats();
    assert_eq!((&stats["violations"], &stats["refused"]), (&json!([]), &json!([])));
}
