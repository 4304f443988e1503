//! Who opted out at the store is told to the account, also after the orders were sent.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tillsync_engine::run::Progress;
use tillsync_engine::state::{Connection, RunState};
use tillsync_sandbox::{Changes, Options};

use crate::check;
use crate::harness::{Flow, shop};

/// Location and address of everybody who opted out and has an order, as the shop tells it.
fn wanted(flow: &Flow) -> BTreeSet<(String, String)> {
    let orders = flow.world.expected_orders(None);
    let out = |order: &&Value| order["eligible"] == true && order["opted_out"] == true;
    orders.as_array().unwrap().iter().filter(out).map(|order| who(order, "location")).collect()
}

fn who(value: &Value, place: &str) -> (String, String) {
    (value[place].as_str().unwrap().to_owned(), value["email"].as_str().unwrap().to_lowercase())
}

/// The same as the account's customers say it, where nobody is ever opted in.
fn told(flow: &Flow) -> BTreeSet<(String, String)> {
    let customers = flow.world.dump()["customers"].clone();
    let customers = customers.as_array().unwrap();
    assert!(customers.iter().all(|one| one["accepts_marketing"] != true));
    let out = customers.iter().filter(|one| one["accepts_marketing"] == false);
    out.map(|one| who(one, "connection")).collect()
}

/// A young sale without a customer may wait for one.
fn done(state: &Progress) {
    assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
    check::agrees(state);
}

async fn sent(options: Options) -> (Flow, Vec<Connection>) {
    let flow = Flow::start(options).await;
    let mut connections = Vec::new();
    for location in flow.locations() {
        connections.push(flow.connect(&location).await);
    }
    for connection in &connections {
        done(&flow.backfill(connection).await);
    }
    // Queued orders make their customers late: those are looked for when they must be there.
    tokio::time::sleep(Duration::from_millis(3_200)).await;
    for connection in &connections {
        done(&flow.poll(connection).await);
    }
    (flow, connections)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_after_the_orders_reaches_every_customer_of_the_address() {
    let (flow, connections) = sent(Options { locations: 2, ..shop(400) }).await;
    let before = wanted(&flow);
    assert_eq!(told(&flow), before, "what the history knew, whichever profile said it");
    let purchases = flow.world.purchases();
    let (writes, puts) = (check::order_writes(&flow.world), calls(&flow));
    flow.world.change(&Changes { opted_out_customers: 12, ..Changes::default() });
    let after = wanted(&flow);
    let new = after.difference(&before).count();
    assert!(new > 5, "{new} more customers of {} are to be told", connections.len());
    done(&flow.poll(&connections[1]).await);
    assert_eq!(told(&flow), after);
    assert_eq!(calls(&flow), puts + u64::try_from(new).unwrap(), "each once");
    assert_eq!(check::order_writes(&flow.world), writes);
    assert_eq!(flow.world.purchases(), purchases, "no automation sees it");
    // The overlap shows them again, and says nothing new.
    done(&flow.poll(&connections[1]).await);
    assert_eq!(calls(&flow), puts + u64::try_from(new).unwrap());
    check::clean(&flow.world);
}

/// Customers changed at the account.
fn calls(flow: &Flow) -> u64 {
    let stats = flow.world.stats();
    let operations = stats["activecampaign"]["operations"].as_object().unwrap();
    let changes = operations.iter().filter(|(name, _)| name.starts_with("PUT /ecomCustomers"));
    changes.map(|(_, count)| count.as_u64().unwrap()).sum()
}
