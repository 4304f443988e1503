//! Answers that break off, connections that break down, replies that never come.

use serde_json::{Value, json};
use tillsync_sandbox::{Changes, Options};

use crate::check;
use crate::harness::{Flow, shop};

/// What is broken, where, after how many calls: the kind of the fault, and its status where it has one.
type Broken = (&'static str, &'static str, u32, &'static str);

const BY_THE_STORE: [Broken; 5] = [
    ("square", "SearchOrders", 0, "cut_json"),
    ("square", "SearchOrders", 1, "reset_after"),
    ("square", "ListPayments", 1, "cut_json"),
    ("square", "BulkRetrieveCustomers", 0, "reset_before"),
    ("square", "SearchCustomers", 0, "cut_json"),
];

const BY_THE_DESTINATION: [Broken; 9] = [
    ("activecampaign", "bulkUpsertProducts", 0, "reset_after"),
    ("activecampaign", "bulkUpsertOrders", 0, "reset_after"),
    ("activecampaign", "bulkUpsertOrdersAsync", 0, "reset_after"),
    ("activecampaign", "bulkUpsertOrdersAsync", 1, "cut_json"),
    ("activecampaign", "bulkUpsertOrdersAsync", 2, "reset_before"),
    ("activecampaign", "POST /import/bulk_import", 0, "reset_after"),
    ("activecampaign", "POST /import/bulk_import", 0, "cut_json"),
    ("activecampaign", "searchOrder", 0, "cut_json"),
    ("activecampaign", "searchOrder", 0, "reset_after"),
];

/// Server errors, before and behind what was asked for, and what a proxy says instead.
const SERVER_ERRORS_OF_THE_STORE: [Broken; 6] = [
    ("square", "SearchOrders", 0, "status 500"),
    ("square", "SearchOrders", 1, "html 200"),
    ("square", "ListPayments", 0, "html 502"),
    ("square", "BatchRetrieveCatalogObjects", 0, "html 503"),
    ("square", "BulkRetrieveCustomers", 0, "status 504"),
    ("square", "SearchCustomers", 0, "html 200"),
];

const SERVER_ERRORS_OF_THE_DESTINATION: [Broken; 9] = [
    ("activecampaign", "bulkUpsertProducts", 0, "html 502"),
    ("activecampaign", "bulkUpsertOrders", 0, "fail_after 500"),
    ("activecampaign", "bulkUpsertOrdersAsync", 0, "status 500"),
    ("activecampaign", "bulkUpsertOrdersAsync", 1, "fail_after 502"),
    ("activecampaign", "bulkUpsertOrdersAsync", 2, "html 200"),
    ("activecampaign", "POST /import/bulk_import", 0, "fail_after 500"),
    ("activecampaign", "POST /import/bulk_import", 0, "html 200"),
    ("activecampaign", "searchOrder", 0, "html 200"),
    ("activecampaign", "GET /import/info", 0, "status 500"),
];

/// Failures of the account that come as a success.
const ERRORS_INSIDE_A_200: [Broken; 5] = [
    ("activecampaign", "bulkUpsertProducts", 0, "errors"),
    ("activecampaign", "bulkUpsertOrders", 0, "errors"),
    ("activecampaign", "bulkUpsertOrdersAsync", 0, "errors"),
    ("activecampaign", "bulkUpsertOrdersAsync", 2, "errors"),
    ("activecampaign", "searchOrder", 0, "errors"),
];

/// The fault a word and its status stand for.
fn fault(said: &str) -> Value {
    if said == "errors" {
        let error = json!({"message": "Internal Server Error(s) while executing query"});
        return json!({"kind": "status", "status": 200, "body": {"errors": [error], "data": null}});
    }
    match said.split_once(' ') {
        Some((kind, status)) => json!({"kind": kind, "status": status.parse::<u16>().unwrap()}),
        None => json!({"kind": said}),
    }
}

/// Addresses of the shop that several profiles share, at the most.
const MOST_SHARED: usize = 4;

/// The same shop each time, with the same clock.
fn options() -> Options {
    let now = jiff::Timestamp::now().as_millisecond();
    let mut options = shop(700);
    options.now_ms = Some(now);
    // Small pages: faults hit in the middle.
    options.settings.square_page_max = Some(250);
    options
}

/// The state of the account after a history that met these faults.
async fn after(options: Options, broken: &[Broken]) -> Value {
    let flow = Flow::start(options).await;
    let connection = flow.connect_first().await;
    for (platform, operation, skip, kind) in broken {
        flow.fault(platform, operation, (*skip, 1), fault(kind));
    }
    let people = flow.world.expected()["customers"].clone();
    let count = |name: &str| people[name].as_u64().unwrap();
    let reachable = count("total") - count("hidden") - count("no_email") - count("bad_email");
    let addresses = count("emails_with_eligible_orders") + count("emails_without_orders_importable");
    assert!(reachable - addresses <= MOST_SHARED as u64, "{people}");
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(json!(state.streams.orders.observed), check::shop(&flow.world, &connection)["orders"]);
    let stats = flow.world.stats();
    let hit =
        stats["square"]["faults"].as_u64().unwrap() + stats["activecampaign"]["faults"].as_u64().unwrap();
    assert_eq!(hit, broken.len() as u64, "every fault was met");
    assert_eq!(stats["refused"], json!([]));
    assert_eq!(stats["violations"], json!([]), "nothing old over new, nothing twice within the landing time");
    flow.world.dump()
}

async fn doubles_nothing(broken: &[Broken]) {
    let options = options();
    let undisturbed = after(options.clone(), &[]).await;
    let disturbed = after(options, broken).await;
    for kind in ["connections", "orders", "contacts", "customers", "products"] {
        let (left, right) = (undisturbed[kind].as_array().unwrap(), disturbed[kind].as_array().unwrap());
        assert_eq!(left.len(), right.len(), "{kind}");
        for (left, right) in left.iter().zip(right) {
            match kind {
                // An address that several profiles share has the name the account applied last.
                "contacts" => assert_eq!(left["email"], right["email"]),
                _ => assert_eq!(left, right, "{kind}"),
            }
        }
        let differ = left.iter().zip(right).filter(|(left, right)| left != right).count();
        assert!(differ <= MOST_SHARED, "{differ} {kind} differ");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_json_reset_and_lost_replies_double_nothing() {
    doubles_nothing(&BY_THE_DESTINATION).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_json_and_resets_of_the_store_double_and_lose_nothing() {
    doubles_nothing(&BY_THE_STORE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_errors_and_pages_of_html_of_the_destination_double_and_lose_nothing() {
    doubles_nothing(&SERVER_ERRORS_OF_THE_DESTINATION).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_errors_and_pages_of_html_of_the_store_double_and_lose_nothing() {
    doubles_nothing(&SERVER_ERRORS_OF_THE_STORE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_inside_a_200_that_blame_nobody_park_nothing() {
    doubles_nothing(&ERRORS_INSIDE_A_200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_unknown_outcome_is_looked_up_before_anything_newer_is_written() {
    // A shop whose only sales are these: what changes later are they.
    let flow = Flow::start(shop(0)).await;
    let connection = flow.connect_first().await;
    flow.world.change(&Changes { new_sales: 4, age_seconds: 120, ..Changes::default() });
    flow.fault("activecampaign", "bulkUpsertOrders", (0, 1), json!({"kind": "reset_after"}));
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    assert_eq!(check::calls(&flow.world, "bulkUpsertOrders"), 1, "it had arrived: nothing is sent twice");
    flow.world.change(&Changes { changed_sales: 6, refunds: 2, ..Changes::default() });
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    check::clean(&flow.world);
}
