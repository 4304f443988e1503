//! Sales whose customer comes late, or never (rules.md section 1).

use jiff::SignedDuration;
use serde_json::json;
use tillsync_engine::connections;
use tillsync_engine::state::{Connection, State};
use tillsync_sandbox::Changes;

use crate::check;
use crate::harness::{Flow, shop};

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
    let row = connections::record(&flow.engine, &connection, "orders", &id).await.unwrap();
    assert_eq!(row.state, State::Synced);
    assert_eq!(flow.world.purchases()["purchases"].as_array().map(Vec::len), Some(1));
    assert_eq!(check::late(&flow.world, &connection), 0);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_stays_anonymous_is_looked_at_three_times_then_left_out() {
    let (flow, connection, id) = one_anonymous_sale().await;
    // The stand-in shop does not age with the engine, so the sale itself stays young: the looks end the waiting.
    for (wait, looks) in [
        (SignedDuration::from_mins(5), Some(1)),
        (SignedDuration::from_mins(6), Some(2)),
        (SignedDuration::from_mins(60), Some(2)),
        (SignedDuration::from_mins(51), Some(3)),
        (SignedDuration::from_hours(22), None),
    ] {
        flow.clock.advance(wait);
        check::agrees(&flow.poll(&connection).await);
        let row = connections::record(&flow.engine, &connection, "orders", &id).await.unwrap();
        assert_eq!(row.reason.as_deref(), Some("no_customer"), "{wait:?}");
        match looks {
            Some(looks) => assert_eq!((row.state, row.looks), (State::Pending, looks), "{wait:?}"),
            None => assert_eq!(row.state, State::Skipped, "{wait:?}"),
        }
    }
    assert_eq!(check::order_writes(&flow.world), 0);
    check::clean(&flow.world);
}
