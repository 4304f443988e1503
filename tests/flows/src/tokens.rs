//! A store connected by sign-in: its token runs out or is taken back while work goes on.

use jiff::SignedDuration;
use serde_json::Value;
use tillsync_engine::run::{self, BackfillRequest, start_backfill};
use tillsync_engine::state::{Connection, ConnectionState};
use tillsync_engine::tokens;
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Grant;
use tillsync_sandbox::{Changes, Options, SQUARE_REFRESH_TOKEN, Settings, TokenState};

use crate::check;
use crate::harness::{Flow, SOURCE, fast, quick, shop};

/// What the consent page would have given.
fn grant(flow: &Flow, connection: &Connection, access: &str) -> Grant {
    Grant {
        access: Secret::new(access),
        refresh: Some(Secret::new(SQUARE_REFRESH_TOKEN)),
        expires: flow.engine.now().checked_add(SignedDuration::from_hours(30 * 24)).ok(),
        store: connection.store.clone(),
    }
}

async fn signed_in(orders: usize) -> (Flow, Connection) {
    let settings = Settings { square_page_max: Some(100), ..quick() };
    let flow = Flow::with(Options { settings, ..shop(orders) }, fast(), 4).await;
    let connection = flow.connect_first().await;
    let token = flow.running.square_token.clone();
    tokens::keep(&flow.engine, SOURCE, &grant(&flow, &connection, &token)).await.unwrap();
    flow.clock.advance(SignedDuration::from_hours(1));
    (flow, connection)
}

fn refused(request: &Value) -> bool {
    request["status"] == 401
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_in_mid_history_is_renewed_and_nothing_stops() {
    let (flow, connection) = signed_in(900).await;
    let started = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap();
    flow.until(|stats| stats["activecampaign"]["classes"]["order_writes"].as_u64() >= Some(2)).await;
    flow.world.set_token(TokenState::Expired, None);
    let state = flow.ended(&started.run).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    assert_eq!(flow.connection(&connection.id).await.state, ConnectionState::Active);
    let renewals = flow.world.stats()["square"]["operations"]["ObtainToken"].clone();
    assert_eq!(renewals, 1, "{:#}", flow.world.stats());
    flow.landed().await;
    flow.world.change(&Changes { new_sales: 3, ..Changes::default() });
    flow.complete(&flow.poll(&connection).await).await;
    check::clean_but(&flow.world, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_taken_back_in_mid_history_is_asked_for_once_and_its_history_goes_on_by_itself() {
    let (flow, connection) = signed_in(900).await;
    let started = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap();
    flow.until(|stats| stats["activecampaign"]["classes"]["order_writes"].as_u64() >= Some(2)).await;
    flow.world.set_token(TokenState::Revoked, None);
    let state = flow.ended(&started.run).await;
    check::incomplete(&state, "square.token_revoked");
    assert_eq!(flow.connection(&connection.id).await.state, ConnectionState::NeedsReconnect);
    let calls = || flow.world.stats()["square"]["calls"].as_u64().unwrap();
    let before = calls();
    run::sweep(&flow.engine, true).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(calls(), before, "nobody calls any more");
    // The merchant signs in again.
    flow.world.replace_token("EAAA-granted-anew");
    flow.world.set_token(TokenState::Active, None);
    tokens::keep(&flow.engine, SOURCE, &grant(&flow, &connection, "EAAA-granted-anew")).await.unwrap();
    assert_eq!(flow.connection(&connection.id).await.state, ConnectionState::Active);
    let state = flow.ended(&started.run).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    check::clean_but(&flow.world, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_old_token_is_renewed_by_the_tick() {
    let (flow, connection) = signed_in(20).await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.clock.advance(SignedDuration::from_hours(7 * 24));
    run::sweep(&flow.engine, false).await.unwrap();
    flow.until(|stats| stats["square"]["operations"]["ObtainToken"].as_u64() == Some(1)).await;
    flow.quiet().await;
    let kept = tokens::all(&flow.engine).await.unwrap();
    let age = flow.engine.now().duration_since(kept[0].obtained.unwrap());
    assert!(age < SignedDuration::from_hours(1), "{kept:?}");
    // The one before would be refused from here on.
    flow.world.set_token(TokenState::Active, None);
}
