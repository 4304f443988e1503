//! What is looked at before anything is sent.

use serde_json::Value;
use tillsync_engine::connections;
use tillsync_engine::preview::preview;
use tillsync_engine::run::BackfillRequest;

use crate::check;
use crate::harness::{Flow, shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_writes_nothing_and_shows_what_is_then_sent() {
    let flow = Flow::start(shop(300)).await;
    let connection = flow.connect_first().await;
    let before = flow.world.dump();
    let everything = BackfillRequest::default();
    let shown = preview(&flow.engine, &connection.id, &everything, None).await.unwrap();
    assert_eq!(flow.world.dump(), before, "nothing is written at the account");
    assert_eq!(check::order_writes(&flow.world), 0);
    let sums = connections::sums(&flow.engine, &connection).await.unwrap();
    assert!(sums.all().iter().all(|(_, tally)| tally.observed == 0), "{sums:?}");
    let told = check::shop(&flow.world, &connection);
    assert_eq!(Some(shown.orders.total), told["orders"].as_u64());
    assert_eq!((shown.orders.exact, Some(shown.orders.eligible)), (true, told["eligible"].as_u64()));

    flow.complete(&flow.backfill(&connection).await).await;
    let sample = shown.sample.unwrap();
    let request: Value = serde_json::from_str(sample.request.unwrap().get()).unwrap();
    let sent = flow.world.order(&sample.source_id)["records"][0]["order"].clone();
    for (name, value) in request.as_object().unwrap() {
        assert_eq!(&sent[name], value, "{name} of {}", sample.source_id);
    }
    assert_eq!(request["storeOrderId"], sample.source_id.as_str());
    check::clean(&flow.world);
}
