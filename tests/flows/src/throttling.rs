//! Both sides ask to slow down, in every way they have.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tillsync_engine::Timing;
use tillsync_engine::ports::{Lane, MAX_ATTEMPTS};
use tillsync_engine::run::{BackfillRequest, progress, start_backfill, start_poll};
use tillsync_sandbox::Changes;

use crate::check;
use crate::harness::{Flow, fast, shop};

/// The account's limit, for all its tools together (rules.md section 5: 4 of the 5 are ours).
const LIMIT: u64 = 5;

async fn sat_out(faults: &[(&str, &str, u32, Value)]) {
    let mut options = shop(500);
    options.settings.activecampaign_per_second = 5;
    let flow = Flow::with(options, fast(), 4).await;
    let connection = flow.connect_first().await;
    for (platform, operation, skip, fault) in faults {
        flow.fault(platform, operation, (*skip, 1), fault.clone());
    }
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    check::clean(&flow.world);
    let stats = flow.world.stats();
    let hit =
        stats["square"]["faults"].as_u64().unwrap() + stats["activecampaign"]["faults"].as_u64().unwrap();
    assert_eq!(hit, faults.len() as u64, "every fault was met");
    let account = &stats["activecampaign"];
    assert!(account["account"]["peak_in_one_second"].as_u64() <= Some(LIMIT), "{account:#}");
    assert_eq!(account["throttled"], 0, "the account never had to refuse for speed");
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_by_the_store_is_sat_out() {
    sat_out(&[
        ("square", "SearchOrders", 0, json!({"kind": "rate_limited", "retry_after": 1})),
        ("square", "SearchOrders", 0, json!({"kind": "rate_limited"})),
        ("square", "ListPayments", 0, json!({"kind": "unavailable", "retry_after": 1})),
        ("square", "ListPayments", 0, json!({"kind": "unavailable", "retry_date": 2})),
        ("square", "ListPayments", 0, json!({"kind": "unavailable"})),
        ("square", "SearchCustomers", 0, json!({"kind": "rate_limited"})),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_by_the_destination_is_sat_out() {
    sat_out(&[
        ("activecampaign", "bulkUpsertOrdersAsync", 0, json!({"kind": "rate_limited", "retry_after": 1})),
        ("activecampaign", "bulkUpsertOrdersAsync", 1, json!({"kind": "rate_limited"})),
        ("activecampaign", "bulkUpsertOrders", 0, json!({"kind": "rate_limited", "retry_after": 2})),
        ("activecampaign", "bulkUpsertProducts", 0, json!({"kind": "unavailable", "retry_after": 1})),
        ("activecampaign", "searchOrder", 0, json!({"kind": "unavailable", "retry_date": 2})),
        ("activecampaign", "searchOrder", 0, json!({"kind": "rate_limited"})),
        ("activecampaign", "POST /import/bulk_import", 0, json!({"kind": "rate_limited", "retry_after": 1})),
    ])
    .await;
}

/// Everything a platform is asked is refused for speed, far longer than a message may be tried; then it ends.
async fn without_end(platform: &'static str, fault: Value, code: &str) {
    let timing = Timing { lost_after: SignedDuration::from_hours(24), ..fast() };
    let flow = Flow::with(shop(0), timing, 40).await;
    let connection = flow.connect_first().await;
    flow.world.change(&Changes { new_sales: 5, age_seconds: 120, ..Changes::default() });
    let watermark = check::watermark(&flow, &connection).await;
    flow.fault(platform, "*", (0, 1_000_000), fault);
    let run = start_poll(&flow.engine, &connection.id).await.unwrap().run;
    let state = flow.ended_ahead(&run, SignedDuration::from_secs(60)).await;
    check::incomplete(&state, code);
    assert_eq!(check::watermark(&flow, &connection).await, watermark, "the watermark stays");
    for lane in [Lane::Live, Lane::History] {
        assert_eq!(flow.engine.queue.dead(lane, 10).await.unwrap(), Vec::new(), "no message is spent");
    }
    let calls = flow.world.stats()[platform]["faults"].as_u64().unwrap();
    assert!(calls > 5 * u64::from(MAX_ATTEMPTS), "{calls}: more than a message may be tried");
    assert!(calls < 200, "{calls} calls in vain");
    flow.world.clear_faults();
    flow.quiet().await;
    let run = start_poll(&flow.engine, &connection.id).await.unwrap().run;
    flow.complete(&flow.ended_ahead(&run, SignedDuration::from_secs(5)).await).await;
    check::arrived(&flow.world, &connection);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(check::purchases(&flow.world), 5);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_without_end_by_the_store_spends_no_message() {
    without_end("square", json!({"kind": "rate_limited"}), "square.throttled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_without_end_by_the_destination_spends_no_message() {
    let fault = json!({"kind": "rate_limited", "retry_after": 2});
    without_end("activecampaign", fault, "destination.throttled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_sent_as_400_is_sat_out_and_parks_nobody() {
    let timing = Timing { lost_after: SignedDuration::from_hours(24), ..fast() };
    let mut options = shop(60);
    options.customers = 700;
    // The stand-in's own counter of imports, after the first of several.
    options.settings.import_per_minute = 1;
    let flow = Flow::with(options, timing, 40).await;
    let connection = flow.connect_first().await;
    let run = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap().run;
    flow.until(|stats| stats["activecampaign"]["throttled"].as_u64() >= Some(1)).await;
    flow.pass(SignedDuration::from_mins(4), SignedDuration::from_secs(5)).await;
    let state = progress(&flow.engine, &connection.id, &run.id).await.unwrap();
    assert!(!state.run.ended(), "it waits: {state:#?}");
    let throttled = flow.world.stats()["activecampaign"]["throttled"].as_u64().unwrap();
    assert!((2..30).contains(&throttled), "{throttled} in vain");
    flow.world.set(&json!({"import_per_minute": 100})).unwrap();
    flow.complete(&flow.ended_ahead(&run, SignedDuration::from_secs(5)).await).await;
    check::arrived(&flow.world, &connection);
    check::explained(&flow, &connection, &[]).await;
    let people = &flow.world.expected()["customers"];
    let addresses = people["emails_with_eligible_orders"].as_u64().unwrap()
        + people["emails_without_orders_importable"].as_u64().unwrap();
    assert_eq!(flow.world.stats()["activecampaign"]["account"]["contacts"], addresses);
    check::clean(&flow.world);
}
