//! Connecting again, connecting beside, and an account with a will of its own.

use std::sync::Arc;

use serde_json::{Value, json};
use tillsync_engine::budget::LocalBudget;
use tillsync_engine::connect::{self, ConnectRequest, DraftOutcome};
use tillsync_engine::memory::{MemoryQueue, MemoryStore, MemoryVault};
use tillsync_engine::ports::Clock;
use tillsync_engine::state::ConnectionState;
use tillsync_engine::{Config, Engine, connections};
use tillsync_host::{SystemClock, SystemEntropy};
use tillsync_http::{Allow, Outgoing};
use tillsync_mapping::model::Secret;
use tillsync_sandbox::{ConnectionList, Options};

use crate::check;
use crate::harness::{Flow, quick, shop};

/// People of one page of the shop.
const PAGE: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn connecting_twice_renews_and_duplicates_nothing() {
    let flow = Flow::start(shop(200)).await;
    let location = flow.locations()[0].clone();
    let first = flow.summary(&location, "all").await;
    assert!(!first.renewed && !first.adopted);
    let connection = flow.connection(&first.connection).await;
    flow.complete(&flow.backfill(&connection).await).await;

    flow.world.replace_token("another-token");
    let request = flow.request(&location, "all");
    let key = flow.running.activecampaign_key.clone();
    let DraftOutcome::Connected(second) = flow.outcome_with(request, "another-token", &key).await else {
        panic!("the second time is refused");
    };
    assert!(second.renewed);
    assert_eq!(second.connection, first.connection);
    assert_eq!(connections::all(&flow.engine).await.unwrap().len(), 1);
    let dump = flow.world.dump();
    assert_eq!(dump["connections"].as_array().unwrap().len(), 1);
    // The new token is the one that is used from now on, and nothing is sent twice.
    let again = flow.backfill(&connection).await;
    flow.complete(&again).await;
    assert_eq!(again.streams.orders.synced, 0);
    assert_eq!(flow.world.dump(), dump);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connections_of_one_store_read_its_customers_once() {
    let options =
        Options { orders: 600, customers: 350, locations: 2, settings: quick(), ..Options::default() };
    let flow = Flow::start(options).await;
    let mut both = Vec::new();
    for location in flow.locations() {
        both.push(flow.connect(&location).await);
    }
    let (one, two) = futures_util::future::join(flow.backfill(&both[0]), flow.backfill(&both[1])).await;
    for state in [&one, &two] {
        flow.complete(state).await;
    }
    let people = &flow.world.expected()["customers"];
    let listed = people["total"].as_u64().unwrap() - people["hidden"].as_u64().unwrap();
    let read = [&one, &two].map(|state| state.streams.customers.observed);
    assert!(read == [0, listed] || read == [listed, 0], "{read:?}, the shop lists {listed}");
    assert_eq!(check::calls(&flow.world, "SearchCustomers"), listed.div_ceil(PAGE));
    let imported = one.streams.customers.synced + two.streams.customers.synced;
    let count = |name: &str| people[name].as_u64().unwrap();
    // A second profile of a buyer's address is a person too: it may have another name.
    let without = listed - count("no_email") - count("bad_email") - count("with_eligible_orders");
    assert!(imported <= without, "{imported} imported; {without} have no order");
    for connection in &both {
        check::arrived(&flow.world, connection);
    }
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_list_forced_by_the_destination_is_put_back_or_refused() {
    for list in [
        ConnectionList::ForcedPutAccepted,
        ConnectionList::ForcedPutRefused,
        ConnectionList::ForcedPutIgnored,
    ] {
        let flow = Flow::start(shop(20)).await;
        flow.world.set(&json!({"connection_list": list})).unwrap();
        let outcome = flow.outcome(flow.request(&flow.locations()[0], "all")).await;
        let made = flow.world.dump()["connections"].clone();
        assert_eq!(made.as_array().map(Vec::len), Some(1), "{list:?}");
        if list == ConnectionList::ForcedPutAccepted {
            let DraftOutcome::Connected(summary) = outcome else { panic!("{outcome:?}") };
            assert_eq!(made[0]["listId"], "0");
            flow.complete(&flow.backfill(&flow.connection(&summary.connection).await).await).await;
            let contacts = flow.world.dump()["contacts"].clone();
            let on_a_list =
                |contact: &&Value| contact["lists"].as_object().is_some_and(|lists| !lists.is_empty());
            assert_eq!(contacts.as_array().unwrap().iter().filter(on_a_list).count(), 0);
            continue;
        }
        let DraftOutcome::Failed { code, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(code, "destination.list_refused", "{list:?}");
        assert_eq!(
            made[0]["syncStatus"].to_string().trim_matches('"'),
            "0",
            "{list:?}: it stays there, stopped"
        );
        assert!(connections::all(&flow.engine).await.unwrap().is_empty(), "{list:?}");
        assert_eq!(flow.world.dump()["contacts"], json!([]), "{list:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_there_already_is_adopted_and_its_orders_start_nothing() {
    let flow = Flow::start(shop(300)).await;
    let location = flow.locations()[0].clone();
    let there =
        json!({"service": "tillsync-square", "externalid": location, "name": "Until now", "listId": "0"});
    flow.world.seed_connection(&there);
    let summary = flow.summary(&location, "all").await;
    assert!(summary.adopted && !summary.renewed);
    let connection = flow.connection(&summary.connection).await;
    assert_eq!(connection.state, ConnectionState::Active);
    flow.complete(&flow.backfill(&connection).await).await;
    check::arrived(&flow.world, &connection);
    let made = flow.world.dump()["connections"].clone();
    assert_eq!((made.as_array().map(Vec::len), &made[0]["name"]), (Some(1), &json!("Until now")));
    assert_eq!(flow.world.purchases()["purchases"], json!([]), "it may have had today's sales already");
}

/// Another installation, which knows nothing of the first.
fn another(flow: &Flow) -> Engine {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let allow = Allow { hosts: Vec::new(), suffixes: Vec::new(), loopback: true };
    let config = Config { instance: "another".into(), ..flow.engine.config.clone() };
    Engine::new(
        (
            Arc::new(MemoryStore::new(clock.clone())),
            Arc::new(MemoryQueue::new(clock.clone())),
            Arc::new(MemoryVault::new()),
        ),
        (Arc::new(Outgoing::new(allow).unwrap()), Arc::new(LocalBudget::default())),
        (clock, Arc::new(SystemEntropy)),
        config,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_adopted_by_its_orders_and_by_no_others() {
    let options =
        Options { orders: 30, customers: 20, locations: 2, settings: quick(), ..Options::default() };
    let flow = Flow::start(options).await;
    let [home, elsewhere] = &flow.locations()[..] else { panic!("two locations") };
    let first = flow.connect(home).await;
    flow.complete(&flow.backfill(&first).await).await;
    let remote = first.remote.unwrap().to_string();
    let sent = flow.world.dump()["orders"].as_array().unwrap().len();
    let secrets =
        [&flow.running.square_token, &flow.running.activecampaign_key].map(|text| Secret::new(text));
    let connect = async |location: &str| {
        let engine = another(&flow);
        let asked = ConnectRequest { connection_type: Some(remote.clone()), ..flow.request(location, "all") };
        let draft = connect::begin(&engine, asked, (&secrets[0], &secrets[1])).await.unwrap();
        connect::finish_draft(&engine, &draft).await.unwrap()
    };
    let DraftOutcome::Connected(summary) = connect(home).await else { panic!("not adopted") };
    let matched = summary.matched.unwrap();
    assert!(summary.adopted && sent > 0);
    assert_eq!((matched.read, matched.by_order, matched.by_payment), (sent.min(20), sent.min(20), 0));
    let DraftOutcome::Failed { code, .. } = connect(elsewhere).await else { panic!("adopted") };
    assert_eq!(code, "destination.connection_foreign", "it holds another location's orders");
    assert_eq!(flow.world.dump()["connections"].as_array().unwrap().len(), 1);
    // Asked whether they are payments, none of the other location's orders is.
    check::clean_but(&flow.world, |refused| refused["operation"] == "GetPayment" && refused["status"] == 404);
}
