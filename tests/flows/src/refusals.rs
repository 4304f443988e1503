//! What is refused: at connecting nothing is left behind, in mid-run the connection says so.

use serde_json::json;
use tillsync_engine::connect::DraftOutcome;
use tillsync_engine::run::{self, BackfillRequest, start_backfill, start_poll};
use tillsync_engine::state::ConnectionState;
use tillsync_engine::{connections, manage};
use tillsync_sandbox::{Changes, KeyState, Options, Settings, TokenState};

use crate::check;
use crate::harness::{Flow, fast, quick, shop};
use crate::host::ALL_WORKERS;

/// Of all, those for polls.
const LIVE_WORKERS: u64 = 2;

/// The attempt failed with a code, and nothing of it is left on either side.
async fn refused(flow: &Flow, outcome: DraftOutcome, code: &str) {
    let DraftOutcome::Failed { code: told, detail, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(told, code, "{detail}");
    assert!(!detail.is_empty());
    assert!(connections::all(&flow.engine).await.unwrap().is_empty(), "no connection is left here");
    let dump = flow.world.dump();
    for kind in ["connections", "orders", "contacts", "customers", "products"] {
        assert_eq!(dump[kind], json!([]), "no {kind} are left at the destination");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_gives_its_own_code_and_leaves_nothing_behind() {
    let flow = Flow::start(shop(20)).await;
    let request = flow.request(&flow.locations()[0], "all");
    let token = flow.running.square_token.clone();
    let outcome = flow.outcome_with(request.clone(), &token, "another-key").await;
    refused(&flow, outcome, "destination.key_refused").await;
    flow.world.set_key(KeyState::Revoked);
    refused(&flow, flow.outcome(request).await, "destination.key_refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_gives_its_own_code_and_leaves_nothing_behind() {
    let flow = Flow::start(shop(20)).await;
    let request = flow.request(&flow.locations()[0], "all");
    let key = flow.running.activecampaign_key.clone();
    let outcome = flow.outcome_with(request.clone(), "another-token", &key).await;
    refused(&flow, outcome, "square.token_revoked").await;
    flow.world.set_token(TokenState::Revoked, None);
    refused(&flow, flow.outcome(request.clone()).await, "square.token_revoked").await;
    flow.world.set_token(TokenState::Expired, None);
    refused(&flow, flow.outcome(request).await, "square.token_expired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_scope_gives_its_own_code_and_leaves_nothing_behind() {
    let flow = Flow::start(shop(20)).await;
    let scopes = ["MERCHANT_PROFILE_READ", "ORDERS_READ", "CUSTOMERS_READ", "ITEMS_READ"];
    flow.world.set_token(TokenState::Active, Some(scopes.map(str::to_owned).to_vec()));
    let outcome = flow.outcome(flow.request(&flow.locations()[0], "all")).await;
    if let DraftOutcome::Failed { detail, .. } = &outcome {
        assert!(detail.contains("PAYMENTS_READ"), "{detail}");
    }
    refused(&flow, outcome, "square.scope_missing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_location_gives_its_own_code_and_leaves_nothing_behind() {
    let flow = Flow::start(shop(20)).await;
    let location = flow.locations()[0].clone();
    assert!(flow.world.set_location(&location, "INACTIVE"));
    let outcome = flow.outcome(flow.request(&location, "all")).await;
    refused(&flow, outcome, "square.location_closed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_closed_later_is_read_to_its_end_and_the_connection_says_so() {
    let flow = Flow::start(shop(100)).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.world.change(&Changes { new_sales: 2, ..Changes::default() });
    assert!(flow.world.set_location(&connection.location.id, "INACTIVE"));
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    let stopped = flow.connection(&connection.id).await;
    assert_eq!(stopped.state, ConnectionState::NeedsReconnect);
    assert_eq!(stopped.problem.unwrap().code, "square.location_closed");
}

/// A shop of many small pages, read slowly enough to stop it in the middle.
async fn slow_shop() -> Flow {
    let settings = Settings { square_page_max: Some(100), ..quick() };
    Flow::with(Options { settings, ..shop(900) }, fast(), 4).await
}

/// A refusal in the middle of a history: the run is incomplete, the connection says why, and after mending and
/// connecting again the rest follows.
async fn in_mid_run(break_it: impl Fn(&Flow), mend: impl Fn(&Flow), (platform, code): (&str, &str)) {
    let flow = slow_shop().await;
    let connection = flow.connect_first().await;
    let started = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap();
    flow.until(|stats| stats["activecampaign"]["classes"]["order_writes"].as_u64() >= Some(2)).await;
    break_it(&flow);
    let calls = || flow.world.stats()[platform]["calls"].as_u64().unwrap();
    let before = calls();
    let state = flow.ended(&started.run).await;
    let further = calls() - before;
    assert!((1..=ALL_WORKERS as u64).contains(&further), "{further} calls after it was revoked (I23)");
    check::incomplete(&state, code);
    let stopped = flow.connection(&connection.id).await;
    assert_eq!(stopped.state, ConnectionState::NeedsReconnect);
    assert_eq!(stopped.problem.unwrap().code, code);
    mend(&flow);
    assert!(flow.summary(&connection.location.id, "all").await.renewed);
    let state = flow.resume(&connection).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    assert_eq!(json!(state.streams.orders.observed), check::shop(&flow.world, &connection)["orders"]);
    check::explained(&flow, &connection, &[]).await;
    let refusals = |refused: &serde_json::Value| refused["status"] == 401 || refused["status"] == 403;
    check::clean_but(&flow.world, refusals);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_in_mid_run_stops_the_connection_and_loses_nothing() {
    let revoke = |flow: &Flow| flow.world.set_token(TokenState::Revoked, None);
    let mend = |flow: &Flow| flow.world.set_token(TokenState::Active, None);
    in_mid_run(revoke, mend, ("square", "square.token_revoked")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revoked_in_mid_run_stops_the_connection_and_loses_nothing() {
    let revoke = |flow: &Flow| flow.world.set_key(KeyState::Revoked);
    let mend = |flow: &Flow| flow.world.set_key(KeyState::Active);
    in_mid_run(revoke, mend, ("activecampaign", "destination.key_refused")).await;
}

/// Several locations poll at once when the token goes: each run says why, and nobody asks twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_while_several_locations_poll_is_asked_once_by_each_worker() {
    let flow = Flow::start(Options { orders: 240, locations: 3, ..shop(0) }).await;
    let mut connections = Vec::new();
    for location in flow.locations() {
        let connection = flow.connect(&location).await;
        flow.complete(&flow.backfill(&connection).await).await;
        connections.push(connection);
    }
    flow.landed().await;
    let purchases = check::purchases(&flow.world);
    flow.world.change(&Changes { new_sales: 9, refunds: 4, ..Changes::default() });
    flow.world.set_token(TokenState::Revoked, None);
    let calls = || flow.world.stats()["square"]["calls"].as_u64().unwrap();
    let before = calls();
    let mut runs = Vec::new();
    for connection in &connections {
        // The first refusal stops the store: the others may not even begin.
        match start_poll(&flow.engine, &connection.id).await {
            Ok(started) => runs.push(started.run),
            Err(fault) => assert!(fault.code == "connection.inactive" && !runs.is_empty(), "{fault}"),
        }
    }
    for run in &runs {
        check::incomplete(&flow.ended(run).await, "square.token_revoked");
    }
    for connection in &connections {
        assert_eq!(flow.connection(&connection.id).await.state, ConnectionState::NeedsReconnect);
    }
    let further = calls() - before;
    assert!(further <= runs.len() as u64 * LIVE_WORKERS, "{further} calls for {} runs", runs.len());
    // Nobody begins again by itself.
    run::sweep(&flow.engine, true).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(calls(), before + further);

    flow.world.set_token(TokenState::Active, None);
    for connection in &connections {
        assert!(flow.summary(&connection.location.id, "all").await.renewed);
        flow.complete(&flow.poll(connection).await).await;
        check::arrived(&flow.world, connection);
        check::explained(&flow, connection, &[]).await;
    }
    assert_eq!(check::purchases(&flow.world), purchases + 9);
    check::clean_but(&flow.world, |refused| refused["status"] == 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_inside_a_200_that_blame_our_schema_stop_the_connection_and_park_nothing() {
    let flow = slow_shop().await;
    let connection = flow.connect_first().await;
    let error = json!({"message": "The variables input contains a field name 'foo' that is not defined",
        "locations": [{"line": 1, "column": 9}], "extensions": {"classification": "ValidationError"}});
    let fault = json!({"kind": "status", "status": 200, "body": {"errors": [error]}});
    flow.fault("activecampaign", "bulkUpsertOrdersAsync", (2, 1_000), fault);
    let state = flow.backfill(&connection).await;
    check::incomplete(&state, "destination.schema");
    assert_eq!(state.streams.orders.parked_total(), 0, "no record is to blame");
    let stopped = flow.connection(&connection.id).await;
    assert_eq!(stopped.state, ConnectionState::Paused);
    assert_eq!(stopped.problem.unwrap().code, "destination.schema");
    flow.world.clear_faults();
    manage::resume(&flow.engine, &connection.id).await.unwrap();
    flow.complete(&flow.resume(&connection).await).await;
    check::arrived(&flow.world, &connection);
    check::explained(&flow, &connection, &[]).await;
    check::clean(&flow.world);
}
