//! What is refused: at connecting nothing is left behind, in mid-run the connection says so.

use serde_json::json;
use tillsync_engine::connect::DraftOutcome;
use tillsync_engine::connections;
use tillsync_engine::run::{BackfillRequest, start_backfill};
use tillsync_engine::state::{ConnectionState, RunState};
use tillsync_sandbox::{Changes, KeyState, Options, Settings, TokenState};

use crate::check;
use crate::harness::{Flow, fast, quick, shop};

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
async fn in_mid_run(break_it: impl Fn(&Flow), mend: impl Fn(&Flow), code: &str) {
    let flow = slow_shop().await;
    let connection = flow.connect_first().await;
    let started = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap();
    flow.until(|stats| stats["activecampaign"]["classes"]["order_writes"].as_u64() >= Some(2)).await;
    break_it(&flow);
    let state = flow.ended(&started.run).await;
    check::agrees(&state);
    assert_eq!(state.run.state, RunState::Incomplete);
    assert_eq!(state.run.problem.as_ref().unwrap().code, code);
    let stopped = flow.connection(&connection.id).await;
    assert_eq!(stopped.state, ConnectionState::NeedsReconnect);
    assert_eq!(stopped.problem.unwrap().code, code);
    mend(&flow);
    assert!(flow.summary(&connection.location.id, "all").await.renewed);
    let state = flow.resume(&connection).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    assert_eq!(json!(state.streams.orders.observed), check::shop(&flow.world, &connection)["orders"]);
    let refusals = |refused: &serde_json::Value| refused["status"] == 401 || refused["status"] == 403;
    check::clean_but(&flow.world, refusals);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_in_mid_run_stops_the_connection_and_loses_nothing() {
    let revoke = |flow: &Flow| flow.world.set_token(TokenState::Revoked, None);
    let mend = |flow: &Flow| flow.world.set_token(TokenState::Active, None);
    in_mid_run(revoke, mend, "square.token_revoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revoked_in_mid_run_stops_the_connection_and_loses_nothing() {
    let revoke = |flow: &Flow| flow.world.set_key(KeyState::Revoked);
    let mend = |flow: &Flow| flow.world.set_key(KeyState::Active);
    in_mid_run(revoke, mend, "destination.key_refused").await;
}
