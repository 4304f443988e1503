//! The awkward cases of the shop, order by order.

use std::collections::{BTreeMap, BTreeSet};

use tillsync_engine::state::Connection;
use tillsync_sandbox::Options;

use crate::check;
use crate::compare::all_as_told;
use crate::harness::{Flow, quick};

/// One e-commerce customer per address of a connection (rules.md section 1).
fn one_customer_per_address(flow: &Flow, connection: &Connection) {
    let mut customers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for told in check::eligible(&flow.world, connection) {
        let order = flow.world.order(told["id"].as_str().unwrap())["records"][0]["order"].clone();
        let text = |name: &str| order[name].as_str().unwrap().to_owned();
        customers.entry(text("email").to_lowercase()).or_default().insert(text("storeCustomerId"));
    }
    assert!(customers.values().all(|ids| ids.len() == 1), "{customers:?}");
    let told = check::shop(&flow.world, connection)["emails"].as_u64().unwrap();
    assert_eq!(customers.len() as u64, told, "addresses of {}", connection.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_awkward_order_arrives_as_the_shop_tells_it() {
    let options =
        Options { orders: 1_500, customers: 300, locations: 5, settings: quick(), ..Options::default() };
    let flow = Flow::start(options).await;
    let mut currencies = BTreeSet::new();
    for location in flow.locations() {
        let connection = flow.connect(&location).await;
        flow.complete(&flow.backfill(&connection).await).await;
        check::arrived(&flow.world, &connection);
        all_as_told(&flow, &connection);
        one_customer_per_address(&flow, &connection);
        currencies.insert(connection.location.currency.code().to_owned());
    }
    assert!(currencies.contains("KWD") && currencies.contains("CAD"), "{currencies:?}");
    check::clean(&flow.world);
}
