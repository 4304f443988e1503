//! An import of people that stops in the middle.

use serde_json::json;
use tillsync_engine::state::RunState;
use tillsync_sandbox::Options;

use crate::check;
use crate::harness::{Flow, shop};

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_stops_midway_parks_its_people_and_a_retry_brings_them_once() {
    let flow = Flow::start(Options { customers: 800, ..shop(60) }).await;
    let connection = flow.connect_first().await;
    let fault = json!({"kind": "interrupt_import", "after": 90});
    flow.fault("activecampaign", "POST /import/bulk_import", (1, 1), fault);
    let state = flow.backfill(&connection).await;
    check::agrees(&state);
    assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
    let people = &state.streams.customers;
    assert_eq!(json!(people.parked), json!({"destination.lost": 250}), "who is in doubt is not called there");
    assert_eq!(state.streams.newly_parked(), 250, "this is what exit status 3 says");
    check::arrived(&flow.world, &connection);

    let imports = check::calls(&flow.world, "POST /import/bulk_import");
    let retry = flow.retry(&connection).await;
    flow.complete(&retry).await;
    assert_eq!((retry.streams.customers.observed, retry.streams.customers.synced), (250, 250));
    // What is named is fetched, and sent, a hundred at a time.
    assert_eq!(check::calls(&flow.world, "POST /import/bulk_import"), imports + 3, "the slice, and no other");
    let people = &flow.world.expected()["customers"];
    let addresses = people["emails_with_eligible_orders"].as_u64().unwrap()
        + people["emails_without_orders_importable"].as_u64().unwrap();
    let account = flow.world.stats()["activecampaign"]["account"].clone();
    assert_eq!((&account["contacts"], &account["imported_with_automations"]), (&json!(addresses), &json!(0)));
    check::explained(&flow, &connection, &[]).await;
    check::clean(&flow.world);
}
