//! A store that does not let itself be read as one would like.

use serde_json::json;
use tillsync_engine::state::{ConnectionState, Row, Run, RunState, WindowRow, list};
use tillsync_sandbox::{Options, Settings, TokenState};

use crate::check;
use crate::harness::{Flow, quick, shop};

const ALL: [&str; 5] =
    ["MERCHANT_PROFILE_READ", "PAYMENTS_READ", "ORDERS_READ", "CUSTOMERS_READ", "ITEMS_READ"];

/// Grants these scopes.
fn grant(flow: &Flow, scopes: impl Iterator<Item = &'static str>) {
    flow.world.set_token(TokenState::Active, Some(scopes.map(str::to_owned).collect()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_403_on_orders_ends_incomplete_and_the_connection_says_why() {
    let flow = Flow::start(shop(400)).await;
    let connection = flow.connect_first().await;
    let before = check::watermark(&flow, &connection).await;
    grant(&flow, ALL.into_iter().filter(|scope| *scope != "ORDERS_READ"));
    let state = flow.backfill(&connection).await;
    assert_eq!(state.run.state, RunState::Incomplete);
    assert_eq!(state.run.problem.as_ref().unwrap().code, "square.scope_missing");
    assert_eq!(check::watermark(&flow, &connection).await, before, "the watermark stays");
    let stopped = flow.connection(&connection.id).await;
    assert_eq!(stopped.state, ConnectionState::NeedsReconnect);
    let problem = stopped.problem.unwrap();
    assert_eq!(problem.code, "square.scope_missing");
    assert!(problem.detail.contains("ORDERS_READ"), "{}", problem.detail);
    assert_eq!(check::held(&flow.world, &connection), (0, 0));

    grant(&flow, ALL.into_iter());
    assert!(flow.summary(&connection.location.id, "all").await.renewed);
    let active = flow.connection(&connection.id).await;
    assert_eq!((active.state, active.problem), (ConnectionState::Active, None));
    flow.complete(&flow.resume(&connection).await).await;
    check::arrived(&flow.world, &connection);
    assert!(check::watermark(&flow, &connection).await > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_cursor_restarts_at_the_checkpoint_without_loss() {
    let settings = Settings { square_page_max: Some(100), ..quick() };
    let flow = Flow::start(Options { settings, ..shop(900) }).await;
    let connection = flow.connect_first().await;
    flow.world.reset_stats();
    flow.fault("square", "SearchOrders", (4, 1), json!({"kind": "expire_cursor"}));
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    let pages = check::calls(&flow.world, "SearchOrders");
    // Nine pages, the refused one, and at the most two that had been read ahead of the checkpoint.
    assert!((10..=13).contains(&pages), "{pages} pages: not from the beginning");
    assert_eq!(json!(state.streams.orders.observed), check::shop(&flow.world, &connection)["orders"]);
    check::clean_but(&flow.world, |refused| refused["operation"] == "SearchOrders");
    let windows: Vec<Row<WindowRow>> =
        list(&*flow.engine.store, &Run::partition(&state.run.id), "WIN#").await.unwrap();
    assert!(windows.iter().all(|window| window.value.problem.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clipped_page_and_an_empty_page_lose_nothing() {
    let flow = Flow::start(shop(700)).await;
    let connection = flow.connect_first().await;
    flow.world.set(&json!({"square_page_max": 150, "square_empty_page_every": 3})).unwrap();
    flow.fault("square", "SearchOrders", (0, 1), json!({"kind": "clip_page", "to": 0}));
    flow.fault("square", "SearchOrders", (1, 1), json!({"kind": "clip_page", "to": 7}));
    flow.fault("square", "ListPayments", (0, 1), json!({"kind": "clip_page", "to": 0}));
    flow.fault("square", "SearchCustomers", (0, 1), json!({"kind": "clip_page", "to": 0}));
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    let expected = check::shop(&flow.world, &connection);
    assert_eq!(json!(state.streams.orders.skipped), expected["skipped"]);
    assert_eq!(json!(state.streams.orders.observed), expected["orders"]);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_record_is_parked_and_the_rest_goes_on() {
    let flow = Flow::start(shop(300)).await;
    let connection = flow.connect_first().await;
    flow.fault("square", "SearchOrders", (0, 1), json!({"kind": "spoil_record", "at": 120}));
    let state = flow.backfill(&connection).await;
    check::agrees(&state);
    assert_eq!(state.run.state, RunState::Complete);
    let orders = &state.streams.orders;
    assert_eq!(json!(orders.parked), json!({"square.unreadable": 1}));
    assert_eq!(json!(orders.observed), check::shop(&flow.world, &connection)["orders"]);
    let again = flow.backfill(&connection).await;
    flow.complete(&again).await;
    assert!(again.streams.orders.synced <= 1, "only the one that was parked is sent");
    check::arrived(&flow.world, &connection);
    check::clean(&flow.world);
}
