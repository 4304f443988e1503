//! How connections end and begin again, over the stand-ins: nothing is sent after the end, nothing twice after the
//! beginning.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::Value;
use tillsync_engine::connect::{self, DraftOutcome};
use tillsync_engine::run::{BackfillRequest, start_backfill, start_poll, sweep};
use tillsync_engine::state::{Connection, ConnectionState, RunState};
use tillsync_engine::{connections, manage};
use tillsync_mapping::model::Secret;
use tillsync_sandbox::{Changes, Options};

use crate::check;
use crate::harness::{Flow, shop};

/// Every call that changes the account, by operation; showing the connection as stopped is none of a record.
fn writes(flow: &Flow) -> BTreeMap<String, u64> {
    let stats = flow.world.stats();
    let operations = stats["activecampaign"]["operations"].as_object().unwrap().clone();
    let is_write = |name: &str| {
        let reads = ["GET ", "searchOrder", "getOrder", "searchProduct", "productById"];
        !reads.iter().any(|read| name.starts_with(read)) && !name.contains("/connections")
    };
    let counted = operations.into_iter().filter(|(name, _)| is_write(name));
    counted.map(|(name, n)| (name, n.as_u64().unwrap())).collect()
}

/// The account holds every eligible order of the location, each once.
fn each_once(flow: &Flow, connection: &Connection) {
    check::arrived(&flow.world, connection);
    for order in check::eligible(&flow.world, connection) {
        let id = order["id"].as_str().unwrap();
        assert_eq!(flow.world.order(id)["records"].as_array().unwrap().len(), 1, "{id}");
    }
}

/// The same connection at the account, and no other one of its location.
fn same_remote(flow: &Flow, connection: &Connection) {
    let dump = flow.world.stats()["activecampaign"]["account"]["connections"].clone();
    let of = |one: &&Value| one["externalid"] == connection.location.id.as_str();
    assert_eq!(dump.as_object().unwrap().values().filter(of).count(), 1, "{dump:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_in_mid_backfill_lets_nothing_more_out_and_a_reconnect_fills_the_gap() {
    let options = Options { orders: 3_000, ..shop(0) };
    let flow = Flow::with(options, crate::harness::fast(), 5).await;
    let connection = flow.connect_first().await;
    let run = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap().run;
    flow.until(|stats| stats["activecampaign"]["operations"]["bulkUpsertOrdersAsync"].as_u64() >= Some(4))
        .await;
    let ended = manage::disconnect(&flow.engine, &connection.id).await.unwrap();
    assert_eq!((ended.connection.state, ended.already), (ConnectionState::Disconnected, false));
    assert!(ended.note.contains("cancelled"), "{}", ended.note);
    // What was past the fence by then has landed after that.
    flow.landed().await;
    let by_then = writes(&flow);
    let state = flow.ended(&run).await;
    assert_eq!(state.run.state, RunState::Cancelled);
    assert!(manage::disconnect(&flow.engine, &connection.id).await.unwrap().already);

    flow.world.change(&Changes { new_sales: 6, age_seconds: 60, refunds: 3, ..Changes::default() });
    assert_eq!(start_poll(&flow.engine, &connection.id).await.unwrap_err().code, "connection.inactive");
    assert_eq!(sweep(&flow.engine, true).await.unwrap().due, 0, "nothing is planned for it");
    flow.quiet().await;
    assert_eq!(writes(&flow), by_then, "not one write after the landing time");
    let sent = check::held(&flow.world, &connection).0;
    assert!(
        sent < check::shop(&flow.world, &connection)["eligible"].as_u64().unwrap(),
        "in the middle: {sent}"
    );

    let again = manage::reconnect(&flow.engine, &connection.id).await.unwrap();
    assert_eq!(
        (again.connection.state, again.connection.remote),
        (ConnectionState::Active, connection.remote)
    );
    assert!(again.note.contains("history is unfinished"), "{}", again.note);
    assert!(manage::reconnect(&flow.engine, &connection.id).await.unwrap().already);
    flow.landed().await;
    let resumed = flow.resume(&connection).await;
    assert_eq!(resumed.run.state, RunState::Complete, "{:?}", resumed.run.problem);
    let polled = flow.poll(&connection).await;
    assert_eq!(polled.run.state, RunState::Complete, "{:?}", polled.run.problem);
    check::agrees(&polled);
    each_once(&flow, &connection);
    same_remote(&flow, &connection);
    check::explained(&flow, &connection, &[]).await;
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_locations_ends_and_the_others_live_on() {
    let flow = Flow::start(Options { orders: 300, locations: 3, ..shop(0) }).await;
    let mut connections = Vec::new();
    for location in flow.locations() {
        connections.push(flow.connect(&location).await);
    }
    for connection in &connections {
        flow.backfill(connection).await;
    }
    let ended = manage::disconnect(&flow.engine, &connections[0].id).await.unwrap();
    assert!(!ended.note.contains("last connection"), "{}", ended.note);
    assert!(!ended.note.contains("pasted"), "others still need the token: {}", ended.note);
    flow.landed().await;
    let before = check::held(&flow.world, &connections[0]);
    flow.world.change(&Changes {
        new_sales: 12,
        age_seconds: 60,
        opted_out_customers: 8,
        ..Changes::default()
    });
    for connection in &connections[1..] {
        let state = flow.poll(connection).await;
        assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
        check::arrived(&flow.world, connection);
    }
    assert_eq!(check::held(&flow.world, &connections[0]), before, "nothing of it moves");
    let told = |flow: &Flow, connection: &Connection| {
        let dump = flow.world.dump();
        let customers = dump["customers"].as_array().unwrap().clone();
        let out = |one: &&Value| {
            one["accepts_marketing"] == false && one["connection"] == connection.location.id.as_str()
        };
        customers.iter().filter(out).count()
    };
    let silent = told(&flow, &connections[0]);

    // It comes back: its sales of the meantime arrive, and so do the opt-outs that the others were told long ago.
    manage::reconnect(&flow.engine, &connections[0].id).await.unwrap();
    flow.poll(&connections[0]).await;
    flow.clock.advance(SignedDuration::from_secs(10));
    flow.poll(&connections[0]).await;
    each_once(&flow, &connections[0]);
    let orders = flow.world.expected_orders(Some(&connections[0].location.id));
    let out = |order: &&Value| order["eligible"] == true && order["opted_out"] == true;
    let wanted: std::collections::BTreeSet<_> = orders
        .as_array()
        .unwrap()
        .iter()
        .filter(out)
        .map(|order| order["email"].to_string().to_lowercase())
        .collect();
    assert_eq!(told(&flow, &connections[0]), wanted.len(), "{silent} before");
    check::clean(&flow.world);

    let last = |id: &str| id.to_owned();
    for connection in &connections[..2] {
        manage::disconnect(&flow.engine, &last(&connection.id)).await.unwrap();
    }
    let ended = manage::disconnect(&flow.engine, &connections[2].id).await.unwrap();
    assert!(
        ended.note.contains("pasted"),
        "the last one, with a token of the operator's own: {}",
        ended.note
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_import_is_gone_from_the_lists_and_connecting_its_location_goes_on_with_it() {
    let flow = Flow::start(shop(200)).await;
    let connection = flow.connect_first().await;
    flow.backfill(&connection).await;
    let held = check::held(&flow.world, &connection);
    let deleted = manage::delete_import(&flow.engine, &connection.id).await.unwrap();
    assert_eq!(deleted.connection.state, ConnectionState::Deleted);
    assert!(manage::delete_import(&flow.engine, &connection.id).await.unwrap().already);
    assert!(connections::all(&flow.engine).await.unwrap().is_empty());
    assert_eq!(
        connections::find(&flow.engine, &connection.name).await.unwrap_err().code,
        "connection.unknown"
    );
    let kept = connections::find(&flow.engine, &connection.id).await.unwrap();
    let id = check::middle(&flow.world, &connection);
    assert!(
        connections::record(&flow.engine, &kept, "orders", &id).await.is_ok(),
        "what is known of it stays"
    );
    assert_eq!(check::held(&flow.world, &connection), held, "what was sent stays");
    assert_eq!(manage::disconnect(&flow.engine, &connection.id).await.unwrap_err().code, "connection.over");
    let refused = manage::reconnect(&flow.engine, &connection.id).await.unwrap_err();
    assert_eq!(refused.code, "connection.authorise", "its token went with it");

    flow.world.change(&Changes { new_sales: 4, age_seconds: 60, ..Changes::default() });
    let request = connect::ConnectRequest {
        name: "Another name".into(),
        ..flow.request(&connection.location.id, "all")
    };
    let DraftOutcome::Connected(summary) = flow.outcome(request).await else { panic!("not connected") };
    assert_eq!((summary.connection.as_str(), summary.renewed), (connection.id.as_str(), true));
    let again = flow.connection("Another name").await;
    assert_eq!((again.remote, again.state), (connection.remote, ConnectionState::Active));
    flow.poll(&again).await;
    each_once(&flow, &again);
    same_remote(&flow, &again);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_locations_are_connected_in_one_go_and_one_that_fails_undoes_no_other() {
    let flow = Flow::start(Options { orders: 90, locations: 3, ..shop(0) }).await;
    let places = flow.locations();
    flow.world.set_location(&places[2], "INACTIVE");
    let secrets = (&Secret::new(&flow.running.square_token), &Secret::new(&flow.running.activecampaign_key));
    let request = || connect::ConnectRequest { name: "Chain".into(), ..flow.request(&places[0], "all") };
    let asked = vec![places[0].clone(), places[2].clone(), places[1].clone(), places[0].clone()];
    let draft = connect::begin_several(&flow.engine, request(), asked, secrets).await.unwrap();
    let DraftOutcome::Several(parts) = connect::finish_draft(&flow.engine, &draft).await.unwrap() else {
        panic!()
    };
    let outcomes: Vec<_> = parts
        .iter()
        .map(|part| match &part.outcome {
            DraftOutcome::Connected(_) => (part.location.as_str(), "connected"),
            DraftOutcome::Failed { code, .. } => (part.location.as_str(), code.as_str()),
            DraftOutcome::Several(_) => panic!(),
        })
        .collect();
    let closed = "square.location_closed";
    assert_eq!(
        outcomes,
        [(places[0].as_str(), "connected"), (&places[2], closed), (&places[1], "connected")]
    );
    let all = connections::all(&flow.engine).await.unwrap();
    assert!(all.iter().all(|one| one.name == format!("Chain {}", one.location.name)), "{all:?}");
    assert_eq!(check::calls(&flow.world, "ListLocations"), 1, "one proof: {:#}", flow.world.stats());

    let draft = connect::begin_several(&flow.engine, request(), vec!["all".into()], secrets).await.unwrap();
    let DraftOutcome::Several(parts) = connect::finish_draft(&flow.engine, &draft).await.unwrap() else {
        panic!()
    };
    let renewed = |part: &connect::Part| matches!(&part.outcome, DraftOutcome::Connected(one) if one.renewed);
    assert!(parts.len() == 2 && parts.iter().all(renewed), "{parts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_is_refused_and_another_key_of_the_same_one_is_taken() {
    let flow = Flow::start(Options { orders: 60, locations: 2, ..shop(0) }).await;
    let other = Flow::start(shop(0)).await;
    let mut connections = Vec::new();
    for location in flow.locations() {
        connections.push(flow.connect(&location).await);
    }
    let key = || Secret::new(&flow.running.activecampaign_key);
    let moving = async |url: &str, key: Secret| {
        manage::set_destination(&flow.engine, &connections[0].id, Some(url), key).await
    };
    let elsewhere = Secret::new(&other.running.activecampaign_key);
    let refused = moving(&other.running.activecampaign_url, elsewhere).await.unwrap_err();
    assert_eq!(refused.code, "destination.other_account", "{}", refused.detail);
    // The same account by its other name: it is taken, and everything goes there from then on.
    let by_name = flow.running.activecampaign_url.replace("127.0.0.1", "localhost");
    assert_ne!(by_name, flow.running.activecampaign_url);
    let moved = moving(&by_name, key()).await.unwrap();
    assert_eq!((moved.connections.len(), moved.same_url), (2, false), "{moved:?}");
    for connection in &connections {
        let now = flow.connection(&connection.id).await;
        assert!(now.destination_url.starts_with(&by_name), "{}", now.destination_url);
        assert_eq!(
            (&now.destination, now.remote),
            (&connection.destination, connection.remote),
            "one budget, one key"
        );
        flow.world.change(&Changes { new_sales: 2, age_seconds: 60, ..Changes::default() });
        flow.landed().await;
        assert_eq!(flow.poll(&now).await.run.state, RunState::Complete);
        same_remote(&flow, connection);
    }
    let refused =
        moving(&other.running.activecampaign_url, Secret::new(&other.running.activecampaign_key)).await;
    assert_eq!(refused.unwrap_err().code, "destination.other_account", "from there too");
    moving(&flow.running.activecampaign_url, key()).await.unwrap();
    let refused = moving(&flow.running.activecampaign_url, Secret::new("wrong")).await.unwrap_err();
    assert_eq!(refused.code, "destination.key_refused");
    assert_eq!(flow.connection(&connections[0].id).await.destination_url, connections[0].destination_url);

    // The key was refused for a while: every connection of the account had stopped.
    flow.engine.vault.put(&connections[0].destination_owner(), &Secret::new("old")).await.unwrap();
    for connection in &connections {
        flow.world.change(&Changes { new_sales: 4, age_seconds: 60, ..Changes::default() });
        flow.poll(connection).await;
        assert_eq!(flow.connection(&connection.id).await.state, ConnectionState::NeedsReconnect);
    }
    let moved = moving(&flow.running.activecampaign_url, key()).await.unwrap();
    assert_eq!((moved.connections.len(), moved.restarted.len(), moved.same_url), (2, 2, true));
    for connection in &connections {
        let state = flow.poll(connection).await;
        assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
    }
}
