//! The history: every eligible order once, to the cent, and every other one counted with its reason.

use std::collections::HashMap;

use serde_json::{Value, json};
use tillsync_sandbox::Options;

use crate::check;
use crate::harness::{Flow, quick, shop};

/// 24 hours.
const DAY_MS: i64 = 24 * 3_600 * 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_sends_every_eligible_order_and_counts_every_skipped_one() {
    let options = Options { orders: 1_500, customers: 300, settings: quick(), ..Options::default() };
    let flow = Flow::start(options).await;
    let mut observed = 0;
    for location in flow.locations() {
        let connection = flow.connect(&location).await;
        let state = flow.backfill(&connection).await;
        flow.complete(&state).await;
        check::arrived(&flow.world, &connection);
        let expected = check::shop(&flow.world, &connection);
        let orders = &state.streams.orders;
        assert_eq!(json!(orders.observed), expected["orders"], "observed at {location}");
        assert_eq!(json!(orders.synced), expected["eligible"], "sent from {location}");
        assert_eq!(json!(orders.skipped), expected["skipped"], "skipped at {location}");
        observed += orders.observed;
    }
    assert_eq!(observed, 1_500, "every order of the shop is looked at");
    let people = &flow.world.expected()["customers"];
    let addresses = people["emails_with_eligible_orders"].as_u64().unwrap()
        + people["emails_without_orders_importable"].as_u64().unwrap();
    assert_eq!(flow.world.stats()["activecampaign"]["account"]["contacts"], addresses);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_historical_except_orders_of_the_last_24_hours() {
    let flow = Flow::start(shop(900)).await;
    let connection = flow.connect_first().await;
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    let expected = check::shop(&flow.world, &connection);
    let young = expected["younger_than_24h"].as_u64().unwrap();
    assert!(young > 0, "a shop without a sale today proves nothing");
    let purchases = flow.world.purchases();
    assert_eq!(purchases["purchases"].as_array().unwrap().len() as u64, young);
    let started = state.run.started.as_millisecond();
    let dump = flow.world.dump();
    let sources: HashMap<&str, &Value> = dump["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| (order["storeOrderId"].as_str().unwrap(), &order["creationSource"]))
        .collect();
    for order in check::eligible(&flow.world, &connection) {
        let age = started - order["date_ms"].as_i64().unwrap();
        let right = if age < DAY_MS { "REAL_TIME" } else { "HISTORICAL" };
        assert_eq!(sources[order["id"].as_str().unwrap()], right, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_backfill_writes_no_order() {
    let flow = Flow::start(shop(600)).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    let before = (check::order_writes(&flow.world), flow.world.dump());
    let again = flow.backfill(&connection).await;
    flow.complete(&again).await;
    assert_eq!(check::order_writes(&flow.world), before.0, "requests that write orders");
    assert_eq!(flow.world.dump(), before.1);
    let orders = &again.streams.orders;
    let expected = check::shop(&flow.world, &connection);
    assert_eq!((orders.synced, json!(orders.unchanged)), (0, expected["eligible"].clone()));
    assert_eq!(json!(orders.skipped), expected["skipped"]);
    assert_eq!(again.streams.customers.synced, 0, "nobody is imported a second time");
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_setting_chooses_by_the_creation_date() {
    let flow = Flow::start(shop(600)).await;
    let location = flow.locations()[0].clone();
    let summary = flow.summary(&location, "this-year").await;
    let connection = flow.connection(&summary.connection).await;
    let from = connection.settings.history_from.unwrap();
    let zone = jiff::tz::TimeZone::get(&connection.location.timezone).unwrap();
    let year = jiff::Timestamp::now().to_zoned(zone.clone()).year();
    let january = jiff::civil::date(year, 1, 1).to_zoned(zone).unwrap().timestamp();
    assert_eq!(from, january, "the calendar year of the location's time zone");
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    assert_eq!(summary.orders, state.streams.orders.observed, "the count made at connecting");
    assert!(state.streams.orders.observed < 600, "orders of the year before are left out");
    for order in flow.world.dump()["orders"].as_array().unwrap() {
        let date: jiff::Timestamp = order["storeCreatedDate"].as_str().unwrap().parse().unwrap();
        assert!(date >= from, "{order}");
    }
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_from_a_date_sends_what_was_made_since_its_midnight() {
    let flow = Flow::start(shop(600)).await;
    let location = flow.locations()[0].clone();
    let earlier = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(90 * 24);
    let day = earlier.to_zoned(jiff::tz::TimeZone::UTC).date();
    let summary = flow.summary(&location, &day.to_string()).await;
    let connection = flow.connection(&summary.connection).await;
    let zone = jiff::tz::TimeZone::get(&connection.location.timezone).unwrap();
    let midnight = day.to_zoned(zone).unwrap().timestamp();
    assert_eq!(connection.settings.history_from, Some(midnight));
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    let sent = check::held(&flow.world, &connection).0;
    let all = check::eligible(&flow.world, &connection);
    let since =
        all.iter().filter(|order| order["date_ms"].as_i64().unwrap() >= midnight.as_millisecond()).count();
    // A sale at midnight may be made before it and paid after.
    assert!(sent.abs_diff(since as u64) <= 3, "{sent} sent, {since} dated since");
    assert!(sent > 0 && (sent as usize) < all.len());
}
