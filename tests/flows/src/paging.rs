//! Page edges, and a shop that changes while its pages are read.

use serde_json::json;
use tillsync_engine::run::{BackfillRequest, start_backfill, start_poll};
use tillsync_sandbox::{Changes, Options, Settings};

use crate::check;
use crate::compare::all_as_told;
use crate::harness::{Flow, fast, quick, shop};

/// A shop of small pages.
fn small_pages(orders: usize, page: usize) -> Options {
    Options { settings: Settings { square_page_max: Some(page), ..quick() }, ..shop(orders) }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_orders_as_fill_a_page_one_fewer_and_one_more_are_all_seen() {
    for orders in [499, 500, 501] {
        let flow = Flow::start(small_pages(orders, 500)).await;
        let connection = flow.connect_first().await;
        let state = flow.backfill(&connection).await;
        flow.complete(&state).await;
        assert_eq!(state.streams.orders.observed, orders as u64);
        check::arrived(&flow.world, &connection);
        check::explained(&flow, &connection, &[]).await;
        check::clean(&flow.world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_edited_while_a_history_pages_ends_as_the_shop_has_it() {
    let flow = Flow::with(small_pages(600, 60), fast(), 6).await;
    let connection = flow.connect_first().await;
    flow.world.reset_stats();
    let run = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap().run;
    for pages in [2, 4, 6, 8] {
        flow.until(|_| check::calls(&flow.world, "SearchOrders") >= pages).await;
        flow.world.change(&Changes { changed_sales: 10, refunds: 5, new_sales: 2, ..Changes::default() });
    }
    let state = flow.ended(&run).await;
    flow.complete(&state).await;
    assert!(state.streams.orders.observed >= 600, "none is passed over: {:?}", state.streams.orders);
    flow.landed().await;
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    all_as_told(&flow, &connection);
    check::explained(&flow, &connection, &[]).await;
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_edited_while_a_poll_pages_moves_to_its_end_and_is_not_lost() {
    let flow = Flow::start(small_pages(400, 25)).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.landed().await;
    let purchases = check::purchases(&flow.world);
    flow.world.change(&Changes { changed_sales: 250, ..Changes::default() });
    flow.world.reset_stats();
    let run = start_poll(&flow.engine, &connection.id).await.unwrap().run;
    for pages in [2, 4, 6] {
        flow.until(|_| check::calls(&flow.world, "SearchOrders") >= pages).await;
        // By update time, what changes now leaves its place, and the pages behind it move up.
        flow.world.change(&Changes { changed_sales: 40, refunds: 10, new_sales: 1, ..Changes::default() });
    }
    flow.complete(&flow.ended(&run).await).await;
    flow.landed().await;
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    all_as_told(&flow, &connection);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(json!(check::purchases(&flow.world)), json!(purchases + 3));
    check::clean(&flow.world);
}
