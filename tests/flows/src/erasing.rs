//! A person who was erased here does not come back, whichever way the store tells of them.

use serde_json::Value;
use tillsync_engine::erase::{Scope, erase};
use tillsync_engine::run::{BackfillRequest, start_backfill};
use tillsync_engine::state::{Connection, RunKind, RunState, State, Stream};
use tillsync_engine::{connections, find, preview};
use tillsync_sandbox::{Changes, Options};

use crate::check;
use crate::harness::{Flow, shop};

/// The orders of the buyer with the most of them, over all locations.
fn somebody(flow: &Flow) -> (String, Vec<Value>) {
    let mut buyers: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    let orders = flow.world.expected_orders(None);
    for order in orders.as_array().unwrap().iter().filter(|order| order["eligible"] == true) {
        buyers.entry(order["email"].as_str().unwrap().to_lowercase()).or_default().push(order.clone());
    }
    buyers.into_iter().max_by_key(|(_, orders)| orders.len()).unwrap()
}

fn written(flow: &Flow, orders: &[Value]) -> Vec<Value> {
    orders
        .iter()
        .map(|order| flow.world.order(order["id"].as_str().unwrap())["write_requests"].clone())
        .collect()
}

/// Nothing that is kept names the person, but the account's own data, which is not ours.
async fn nothing_is_kept(flow: &Flow, connections: &[Connection], email: &str, orders: &[Value]) {
    let found = find::find(&flow.engine, email).await.unwrap();
    assert_eq!((found.hits.len(), found.complete), (0, true), "{:?}", found.hits);
    for connection in connections {
        let mut partitions = vec![Connection::partition(&connection.id), connection.people_partition()];
        for run in connections::runs(&flow.engine, &connection.id).await.unwrap() {
            partitions.push(format!("RUN#{}", run.id));
        }
        for partition in partitions {
            let items = flow.engine.store.query(&partition, "", None, 1_000).await.unwrap();
            for item in items {
                assert!(!item.body.to_lowercase().contains(email), "{:?}", item.key);
            }
        }
    }
    for order in orders {
        let owner = connections.iter().find(|one| order["location"] == one.location.id.as_str()).unwrap();
        let row =
            connections::record(&flow.engine, owner, Stream::Orders.word(), order["id"].as_str().unwrap())
                .await;
        let row = row.unwrap();
        assert_eq!((row.state, row.reason.as_deref()), (State::Skipped, Some("erased")));
        assert!(row.request.is_none() && row.fingerprint.is_none() && row.number.is_none(), "{row:?}");
    }
}

/// Everything changes at the store, and everything is read: by polls, by a history that is forced, by a comparison that
/// repairs, by a manual sync.
async fn every_way_of_reading(flow: &Flow, all: &[Connection], orders: &[Value]) {
    // Everything at the store changes, the person's orders too.
    flow.world.change(&Changes {
        new_sales: 20,
        refunds: 60,
        age_seconds: 60,
        changed_customers: 30,
        ..Changes::default()
    });
    for connection in all {
        let state = flow.poll(connection).await;
        assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
        check::agrees(&state);
    }
    flow.landed().await;
    for connection in all {
        let request = BackfillRequest { force: true, ..BackfillRequest::default() };
        let state = flow.history(connection, &request).await;
        assert_eq!((state.run.kind, state.run.state), (RunKind::Historical, RunState::Complete));
        assert!(
            state.streams.orders.skipped.get("erased").is_some_and(|n| *n > 0),
            "{:?}",
            state.streams.orders
        );
        check::agrees(&state);
    }
    flow.landed().await;
    for order in orders.iter().take(2) {
        flow.world.lose_order(order["id"].as_str().unwrap());
    }
    for connection in all {
        let (state, days) = flow.reconcile(connection, true).await;
        assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
        let missing = days.iter().flat_map(|day| &day.missing).collect::<Vec<_>>();
        assert!(missing.is_empty(), "nobody misses them: {missing:?}");
        let sync = flow.sync(connection).await;
        assert_eq!(sync.run.state, RunState::Complete, "{:?}", sync.run.problem);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_not_sent_again_by_poll_history_or_repair() {
    let flow = Flow::start(Options { orders: 300, locations: 2, customers: 30, ..shop(0) }).await;
    let mut all = Vec::new();
    for location in flow.locations() {
        all.push(flow.connect(&location).await);
    }
    for connection in &all {
        flow.backfill(connection).await;
    }
    let (email, orders) = somebody(&flow);
    assert!(orders.len() > 3, "{email} has {} orders", orders.len());
    let scope = Scope::Connection(all[0].name.clone());
    let erased = erase(&flow.engine, &scope, &email.to_uppercase()).await.unwrap();
    assert_eq!((erased.orders, erased.already, erased.known), (orders.len() as u64, false, true));
    assert!(erased.people > 0 && erased.connections.len() == 2, "{erased:?}");
    assert!(erased.by_hand.iter().any(|line| line.contains("delete the contact")), "{:?}", erased.by_hand);
    nothing_is_kept(&flow, &all, &email, &orders).await;
    flow.landed().await;
    let before = written(&flow, &orders);
    let contacts = |flow: &Flow| {
        let dump = flow.world.dump();
        dump["contacts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["email"].to_string().to_lowercase().contains(&email))
            .cloned()
    };
    let contact = contacts(&flow);

    every_way_of_reading(&flow, &all, &orders).await;
    for (order, before) in orders.iter().zip(before) {
        let now = flow.world.order(order["id"].as_str().unwrap());
        let same = now["write_requests"] == before || now["records"].as_array().is_none_or(Vec::is_empty);
        assert!(same, "{now:#}");
    }
    assert_eq!(contacts(&flow), contact, "nor is the contact written");
    nothing_is_kept(&flow, &all, &email, &orders).await;

    let id = orders[0]["id"].as_str().unwrap();
    let owner = all.iter().find(|one| orders[0]["location"] == one.location.id.as_str()).unwrap();
    let shown =
        preview::preview(&flow.engine, &owner.id, &BackfillRequest::default(), Some(id)).await.unwrap();
    let sample = shown.sample.unwrap();
    assert_eq!(
        (sample.decision, sample.reason.as_deref(), sample.request.is_none()),
        ("skip", Some("erased"), true)
    );
    let again = erase(&flow.engine, &Scope::Store(all[0].store.clone()), &email).await.unwrap();
    assert_eq!((again.already, again.orders, again.people), (true, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_while_a_history_is_sent_is_left_out_of_the_rest() {
    let flow =
        Flow::with(Options { orders: 1_500, customers: 20, ..shop(0) }, crate::harness::fast(), 6).await;
    let connection = flow.connect_first().await;
    let (email, orders) = somebody(&flow);
    let run = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap().run;
    flow.until(|stats| stats["activecampaign"]["operations"]["bulkUpsertOrdersAsync"].as_u64() >= Some(3))
        .await;
    let scope = Scope::Connection(connection.id.clone());
    erase(&flow.engine, &scope, &email).await.unwrap();
    let state = flow.ended(&run).await;
    assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
    check::agrees(&state);
    // What was under way when the rows were emptied may have been filed once more: the second time finds it.
    erase(&flow.engine, &scope, &email).await.unwrap();
    nothing_is_kept(&flow, std::slice::from_ref(&connection), &email, &orders).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_or_no_store_is_refused_without_repeating_it() {
    let flow = Flow::start(shop(0)).await;
    let connection = flow.connect_first().await;
    let of = || Scope::Connection(connection.id.clone());
    let cases = [
        (of(), "ann", "config.invalid"),
        (of(), "", "config.invalid"),
        (of(), "a@b.example c@d.example", "config.invalid"),
        (Scope::Store("NOWHERE".into()), "ann@example.org", "store.unknown"),
        (Scope::Connection("nobody".into()), "ann@example.org", "connection.unknown"),
    ];
    for (scope, address, code) in cases {
        let fault = erase(&flow.engine, &scope, address).await.unwrap_err();
        assert_eq!(fault.code, code, "{address:?}");
        assert!(address.is_empty() || !fault.detail.contains(address), "{}", fault.detail);
    }
    let nobody = erase(&flow.engine, &of(), "never.seen@example.org").await.unwrap();
    assert_eq!((nobody.orders, nobody.people, nobody.already, nobody.known), (0, 0, false, false));
    let again = erase(&flow.engine, &of(), "never.seen@example.org").await.unwrap();
    assert!(again.already && again.known, "the first one counts: {again:?}");
}
