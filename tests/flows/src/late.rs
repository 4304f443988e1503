//! Sales whose customer comes late, or never (rules.md section 1).

use jiff::SignedDuration;
use serde_json::json;
use tillsync_engine::state::State;
use tillsync_engine::{connections, state::Connection};
use tillsync_sandbox::Changes;

use crate::check;
use crate::harness::{Flow, shop};

async fn state(flow: &Flow, connection: &Connection, id: &str) -> (State, Option<String>) {
    let row = connections::record(&flow.engine, connection, "orders", id).await.unwrap();
    (row.state, row.reason)
}

/// A shop whose one sale is to nobody, polled once.
async fn one_anonymous_sale() -> (Flow, Connection, String) {
    let flow = Flow::start(shop(0)).await;
    let connection = flow.connect_first().await;
    let touched = flow.world.change(&Changes { anonymous_sales: 1, ..Changes::default() });
    let id = touched["anonymous_sales"][0].as_str().unwrap().to_owned();
    let first = flow.poll(&connection).await;
    flow.complete(&first).await;
    assert_eq!(first.streams.orders.pending, 1);
    (flow, connection, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_comes_late_has_the_sale_sent_live() {
    let (flow, connection, id) = one_anonymous_sale().await;
    let touched = flow.world.change(&Changes { late_customers: 1, ..Changes::default() });
    assert_eq!(touched["late_customers"], json!([id]));
    flow.clock.advance(SignedDuration::from_mins(11));
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    assert_eq!(state(&flow, &connection, &id).await.0, State::Synced);
    assert_eq!(flow.world.purchases()["purchases"].as_array().map(Vec::len), Some(1));
    assert_eq!(check::late(&flow.world, &connection), 0);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_stays_anonymous_is_looked_at_three_times_then_left_out() {
    let (flow, connection, id) = one_anonymous_sale().await;
    // Between two looks a poll has nothing to do for it. The stand-in shop does not age with the engine, so the
    // sale itself stays young: what ends the waiting are the looks.
    for (wait, looked, waits) in [
        (SignedDuration::from_mins(5), 0, true),
        (SignedDuration::from_mins(6), 1, true),
        (SignedDuration::from_mins(60), 0, true),
        (SignedDuration::from_mins(51), 1, true),
        (SignedDuration::from_hours(22), 1, false),
    ] {
        flow.clock.advance(wait);
        let state_before = state(&flow, &connection, &id).await;
        assert_eq!(state_before.0, State::Pending, "{wait:?}");
        let run = flow.poll(&connection).await;
        check::agrees(&run);
        let orders = &run.streams.orders;
        let seen = orders.observed;
        assert!(seen >= looked, "{wait:?}: {orders:?}");
        let now = state(&flow, &connection, &id).await;
        let right = if waits { State::Pending } else { State::Skipped };
        assert_eq!(now, (right, Some("no_customer".into())), "{wait:?}");
    }
    assert_eq!(check::order_writes(&flow.world), 0);
    check::clean(&flow.world);
}
