//! No record is written again before its last write has landed, whenever that write really went out.

use serde_json::json;
use tillsync_engine::Timing;
use tillsync_sandbox::Changes;

use crate::check;
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
