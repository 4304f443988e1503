//! What the shop tells by itself: over the routes of the embedded host, from a stand-in that signs, repeats and
//! overtakes as the platform does.

mod forged;
mod lost;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tillsync_engine::intake::{Hooks, place};
use tillsync_engine::run::progress;
use tillsync_engine::state::{Connection, RunKind, RunState};
use tillsync_engine::{Timing, connections, manage};
use tillsync_mapping::model::Secret;
use tillsync_sandbox::{Changes, Options, Settings};
use tokio::net::TcpListener;

use crate::check;
use crate::compare::wrong;
use crate::harness::{Flow, SOURCE, fast, quick, shop};

/// What comes by webhook is there within this, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(60);

/// A signature key.
pub(super) const KEY: &str = "canary-signature-key-0001";

/// A flow whose host is reached at an address, with the subscription made as an operator makes it.
pub(super) async fn told(options: Options) -> (Flow, String) {
    told_at(options, fast()).await
}

/// The same with waiting times of the test's choice.
pub(super) async fn told_at(options: Options, timing: Timing) -> (Flow, String) {
    let (flow, url) = reached_at(options, Hooks::default(), timing).await;
    let made = subscribe(&flow, &url, &json!({}));
    // The stand-in chooses the key, as the platform does; the operator gives it to the program.
    let key = made["signature_key"].as_str().unwrap();
    flow.engine.vault.put("HOOKKEY#square", &Secret::new(key)).await.unwrap();
    (flow, url)
}

/// A flow whose host is reached at an address.
pub(super) async fn reached(options: Options, hooks: Hooks) -> (Flow, String) {
    reached_at(options, hooks, fast()).await
}

async fn reached_at(options: Options, hooks: Hooks, timing: Timing) -> (Flow, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public_url = format!("http://{}", listener.local_addr().unwrap());
    let flow = Flow::hooked(options, (timing, 40), hooks, &public_url).await;
    let router = tillsync_console::router(Arc::clone(&flow.engine));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let url = place(&flow.engine, SOURCE).await.unwrap().unwrap();
    assert!(url.starts_with(&format!("{public_url}/webhooks/{SOURCE}/")), "{url}");
    (flow, url)
}

fn subscribe(flow: &Flow, url: &str, more: &Value) -> Value {
    let source = tillsync_mapping::sources::named(SOURCE).unwrap();
    let mut asked = json!({"url": url, "events": source.webhooks().unwrap().events()});
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    flow.world.subscribe(&asked).unwrap()
}

fn ids(touched: &Value, name: &str) -> Vec<String> {
    touched[name].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// Waits until something is so.
pub(super) async fn until(flow: &Flow, what: &str, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        let said = || format!("{what} never comes: {:#}\n{:#}", flow.world.webhooks(), flow.world.stats());
        assert!(began.elapsed() < PATIENCE, "{}", said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until nothing is on its way: every event was taken, every message worked off, every run ended.
pub(super) async fn calm(flow: &Flow, connection: &Connection) {
    let mut calm = 0;
    let began = Instant::now();
    while calm < 6 {
        let depth = flow.engine.queue.depth(tillsync_engine::ports::Lane::Live).await.unwrap();
        let runs = connections::runs(&flow.engine, &connection.id).await.unwrap();
        let quiet = depth == 0 && runs.iter().all(|run| run.finished.is_some());
        calm = if quiet { calm + 1 } else { 0 };
        assert!(began.elapsed() < PATIENCE * 2, "{depth} messages, {runs:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(super) async fn held(flow: &Flow, id: &str) -> bool {
    flow.world.order(id)["records"].as_array().is_some_and(|records| !records.is_empty())
}

/// Every run by webhook ended complete, its sums agree.
pub(super) async fn runs(flow: &Flow, connection: &Connection) -> usize {
    let all = connections::runs(&flow.engine, &connection.id).await.unwrap();
    let mut count = 0;
    for run in all.iter().filter(|run| run.kind == RunKind::Webhook) {
        let state = progress(&flow.engine, &run.connection, &run.id).await.unwrap();
        assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
        check::agrees(&state);
        count += 1;
    }
    count
}

/// A shop whose history was sent sells something, and it comes by webhook: the connection and the sale.
async fn sold(flow: &Flow) -> (Connection, String) {
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.landed().await;
    let touched = flow.world.change(&Changes { new_sales: 1, ..Changes::default() });
    let id = ids(&touched, "new_sales").remove(0);
    until(flow, "the sale", async || held(flow, &id).await).await;
    calm(flow, &connection).await;
    (connection, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_comes_by_webhook_and_starts_automations_and_the_next_poll_finds_it_there() {
    let (flow, _) = told(shop(30)).await;
    let (connection, id) = sold(&flow).await;
    let order = flow.world.order(&id);
    assert_eq!(order["records"][0]["history"][0]["creation_source"], "REAL_TIME", "{order:#}");
    assert_eq!(runs(&flow, &connection).await, 1, "its events are one fetch: {:#}", flow.world.webhooks());
    flow.landed().await;
    let state = flow.poll(&connection).await;
    flow.complete(&state).await;
    assert_eq!((state.streams.orders.synced, state.streams.orders.unchanged), (0, 1), "it was there");
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_is_not_shown_yet_when_it_is_told_of_comes_all_the_same() {
    let (flow, _) =
        told(Options { settings: Settings { orders_hidden_ms: 4_000, ..quick() }, ..shop(30) }).await;
    let (connection, _) = sold(&flow).await;
    assert!(runs(&flow, &connection).await >= 1);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_copies_in_any_order_give_one_final_state() {
    let settings =
        Settings { webhook_copies: 20, webhook_delay_ms: (0, 3_000), webhook_retry_ms: 50, ..quick() };
    let (flow, _) = told(Options { settings, ..shop(30) }).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.landed().await;
    let touched = flow.world.change(&Changes { new_sales: 2, refunds: 1, ..Changes::default() });
    let sold = ids(&touched, "new_sales");
    for id in &sold {
        until(&flow, "the sale", async || held(&flow, id).await).await;
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    calm(&flow, &connection).await;
    for id in &sold {
        let order = flow.world.order(id);
        assert_eq!(order["records"].as_array().unwrap().len(), 1, "{order:#}");
        assert_eq!(order["records"][0]["history"].as_array().unwrap().len(), 1, "written once: {order:#}");
    }
    check::arrived(&flow.world, &connection);
    assert!(wrong(&flow, &connection, &["marketing", "email"]).is_empty());
    let sent = flow.world.webhooks()["sent"].as_array().unwrap().len();
    let looked = runs(&flow, &connection).await;
    assert!(sent >= 20 * 4, "{sent}");
    assert!(looked < 12, "{sent} messages were {looked} looks");

    // All of them once more, a day late: nothing changes, and each costs a look at most.
    let (writes, before) = (check::order_writes(&flow.world), flow.world.dump());
    let key = flow.engine.vault.get("HOOKKEY#square").await.unwrap().unwrap();
    flow.clock.advance(jiff::SignedDuration::from_hours(72));
    let url = place(&flow.engine, SOURCE).await.unwrap().unwrap();
    for (_, body) in flow.world.events() {
        let answer =
            forged::send(&url, &forged::signed(key.expose(), &url, body.as_bytes()), body.as_bytes()).await;
        assert_eq!(answer, 200, "{body}");
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    calm(&flow, &connection).await;
    assert_eq!(check::order_writes(&flow.world), writes, "nothing is written again");
    assert_eq!(flow.world.dump()["orders"], before["orders"]);
    runs(&flow, &connection).await;
    check::clean(&flow.world);
}

/// What changes about sales and people comes by webhook alone: the poll after it finds nothing to send.
#[tokio::test(flavor = "multi_thread")]
async fn refunds_changes_and_merges_come_by_webhook_alone() {
    let options =
        Options { orders: 200, customers: 80, locations: 2, settings: quick(), ..Options::default() };
    let (flow, _) = told(options).await;
    let mut all = Vec::new();
    for location in flow.locations() {
        let connection = flow.connect(&location).await;
        flow.complete(&flow.backfill(&connection).await).await;
        all.push(connection);
    }
    flow.landed().await;
    let changes = json!({"new_sales": 3, "refunds": 2, "refunds_elsewhere": 1, "changed_sales": 2,
                         "cancelled_sales": 1, "exchanges": 1, "changed_customers": 1, "merged_customers": 2});
    let touched = flow.world.change(&serde_json::from_value(changes).unwrap());
    tokio::time::sleep(Duration::from_secs(4)).await;
    for connection in &all {
        calm(&flow, connection).await;
        check::arrived(&flow.world, connection);
        let wrong = wrong(&flow, connection, &["marketing", "email"]);
        assert!(wrong.is_empty(), "after {touched}: {wrong:#?}");
    }
    flow.landed().await;
    for connection in &all {
        let state = flow.poll(connection).await;
        flow.complete(&state).await;
        assert_eq!(state.streams.orders.synced, 0, "the poll had nothing to bring: {touched}");
    }
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_name_a_merged_profile_follow_it_from_the_event_alone() {
    let (flow, _) = told(Options { customers: 40, ..shop(60) }).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    let touched = flow.world.change(&Changes { merged_customers: 2, ..Changes::default() });
    let partition = connection.people_partition();
    until(&flow, "the link", async || {
        flow.engine.store.query(&partition, "MERGED#", None, 10).await.unwrap().len() == 4
    })
    .await;
    calm(&flow, &connection).await;
    assert!(runs(&flow, &connection).await >= 2, "{touched}");
    check::arrived(&flow.world, &connection);
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_is_not_read_by_webhook_and_the_poll_after_it_catches_up() {
    let (flow, _) = told(shop(20)).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    manage::pause(&flow.engine, &connection.id).await.unwrap();
    flow.landed().await;
    let touched = flow.world.change(&Changes { new_sales: 2, ..Changes::default() });
    until(&flow, "the messages", async || flow.world.webhooks()["sent"].as_array().unwrap().len() >= 4).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    calm(&flow, &connection).await;
    assert_eq!(runs(&flow, &connection).await, 0);
    for id in ids(&touched, "new_sales") {
        assert!(!held(&flow, &id).await);
    }
    manage::resume(&flow.engine, &connection.id).await.unwrap();
    let state = flow.poll(&connection).await;
    flow.complete(&state).await;
    assert_eq!(state.streams.orders.synced, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_believed_only_where_the_token_does_not_work_any_more() {
    let (flow, url) = told(shop(20)).await;
    let connection = flow.connect_first().await;
    flow.world.set_token(tillsync_sandbox::TokenState::Revoked, None);
    until(&flow, "the state", async || {
        flow.connection(&connection.id).await.state_word() == "needs_reconnect"
    })
    .await;
    // Authorised anew; the old message comes once more, as another event.
    flow.world.set_token(tillsync_sandbox::TokenState::Active, None);
    flow.connect_first().await;
    assert_eq!(flow.connection(&connection.id).await.state_word(), "active");
    let events = flow.world.events();
    let (_, body) = events.iter().find(|(kind, _)| kind == "oauth.authorization.revoked").unwrap();
    let mut again: Value = serde_json::from_str(body).unwrap();
    again["event_id"] = json!("another");
    let (again, key) = (again.to_string(), flow.engine.vault.get("HOOKKEY#square").await.unwrap().unwrap());
    let headers = forged::signed(key.expose(), &url, again.as_bytes());
    assert_eq!(forged::send(&url, &headers, again.as_bytes()).await, 200);
    tokio::time::sleep(Duration::from_secs(4)).await;
    calm(&flow, &connection).await;
    assert_eq!(flow.connection(&connection.id).await.state_word(), "active");
}
