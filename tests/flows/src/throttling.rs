//! Both sides ask to slow down, in every way they have.

use serde_json::{Value, json};

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
