//! Subscriptions that are missing, stopped or silent.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tillsync_engine::Timing;
use tillsync_engine::doctor::{Check, Scope, examine};
use tillsync_engine::intake::Hooks;
use tillsync_engine::message::Work;
use tillsync_engine::ports::{Delivery, Lane};
use tillsync_engine::run::{Outcome, handle, sweep};
use tillsync_engine::state::Connection;
use tillsync_mapping::model::Secret;
use tillsync_sandbox::{Changes, SQUARE_PERSONAL_TOKEN};

use super::{calm, held, ids, reached, told_at, until};
use crate::check;
use crate::harness::{Flow, SOURCE, fast, shop};

fn owned() -> Hooks {
    let owner = (SOURCE.to_owned(), Secret::new(SQUARE_PERSONAL_TOKEN));
    Hooks { owners: [owner].into(), ..Hooks::default() }
}

async fn line(flow: &Flow) -> Check {
    let report = examine(&flow.engine, Scope::default()).await.unwrap();
    report.checks.into_iter().find(|check| check.what == "webhooks").unwrap()
}

/// The next beat of the schedule.
async fn beat(flow: &Flow, connection: &Connection) {
    flow.clock.advance(SignedDuration::from_mins(31));
    sweep(&flow.engine, false).await.unwrap();
    calm(flow, connection).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subscription_is_made_and_put_right_and_the_gap_is_filled() {
    let (flow, url) = reached(shop(20), owned()).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    beat(&flow, &connection).await;
    let made = flow.world.webhooks()["subscriptions"].clone();
    assert_eq!(made.as_array().map(Vec::len), Some(1), "{made:#}");
    assert_eq!((&made[0]["notification_url"], &made[0]["enabled"]), (&json!(url), &json!(true)));
    beat(&flow, &connection).await;
    assert_eq!(flow.world.webhooks()["subscriptions"], made, "looked at again, it stays as it is");

    let id = made[0]["id"].as_str().unwrap();
    let events = made[0]["event_types"].clone();
    let wrongs = [
        ("stopped", json!({"id": id, "enabled": false})),
        ("other events", json!({"id": id, "events": ["payment.created"]})),
    ];
    for (what, change) in wrongs {
        flow.world.subscribe(&change).unwrap();
        beat(&flow, &connection).await;
        let now = flow.world.webhooks()["subscriptions"][0].clone();
        let whole = (&now["enabled"], &now["event_types"], &now["notification_url"]);
        assert_eq!(whole, (&json!(true), &events, &json!(url)), "{what}");
    }
    // Whoever gave it another address wants it there: it is nobody's to take back.
    flow.world.subscribe(&json!({"id": id, "url": "https://elsewhere.example/hook"})).unwrap();
    beat(&flow, &connection).await;
    let now = flow.world.webhooks()["subscriptions"].clone();
    assert_eq!(addresses(&now), ["https://elsewhere.example/hook", url.as_str()]);
    assert_eq!(now[1]["event_types"], events);
    flow.world.unsubscribe();
    beat(&flow, &connection).await;
    assert_eq!(flow.world.webhooks()["subscriptions"].as_array().map(Vec::len), Some(1), "made anew");

    // What is signed with the key the platform told is taken.
    flow.landed().await;
    let touched = flow.world.change(&Changes { new_sales: 1, ..Changes::default() });
    let sale = ids(&touched, "new_sales").remove(0);
    until(&flow, "the sale", async || held(&flow, &sale).await).await;
    calm(&flow, &connection).await;
    let line = line(&flow).await;
    assert!(line.code.is_none() && line.detail.contains("the last came at"), "{line:?}");
    check::clean(&flow.world);
}

fn addresses(subscriptions: &Value) -> Vec<&str> {
    subscriptions.as_array().unwrap().iter().map(|one| one["notification_url"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_withheld_are_told_of_and_not_asked_for_by_polls_without_end() {
    let (flow, url) = reached(shop(20), owned()).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    beat(&flow, &connection).await;
    let searches = || flow.world.stats()["square"]["operations"]["SearchOrders"].as_u64().unwrap();
    // Whether a look at the subscription has polls made of it.
    let polls = async || {
        let before = searches();
        look_from(&flow, &flow.engine.config.public_url).await;
        calm(&flow, &connection).await;
        searches() > before
    };
    // More than was asked for is as good.
    let id = flow.world.webhooks()["subscriptions"][0]["id"].clone();
    let mut more = flow.world.webhooks()["subscriptions"][0]["event_types"].as_array().unwrap().clone();
    more.push(json!("invoice.created"));
    flow.world.subscribe(&json!({"id": id, "events": more})).unwrap();
    assert!(!polls().await && line(&flow).await.code.is_none());
    assert_eq!(flow.world.webhooks()["subscriptions"][0]["event_types"], json!(more), "left as it is");

    flow.world.set(&json!({"webhook_withheld": ["refund.updated"]})).unwrap();
    flow.world.subscribe(&json!({"id": id, "events": ["payment.created"]})).unwrap();
    assert!(polls().await, "what is mended as far as it goes left a gap");
    for _ in 0..3 {
        let told = line(&flow).await;
        assert_eq!(told.code.as_deref(), Some("webhook.subscription"), "{told:?}");
        assert!(told.detail.contains("refund.updated") && told.detail.contains(&url), "{told:?}");
        assert!(!polls().await, "a repair that changed nothing polls nobody");
    }
    flow.world.set(&json!({"webhook_withheld": []})).unwrap();
    assert!(polls().await && line(&flow).await.code.is_none(), "whole again");
}

/// Looks at the subscription as an installation that is reached at another address and begins with the same data.
async fn look_from(flow: &Flow, public_url: &str) {
    let mut other = (*flow.engine).clone();
    other.config.public_url = public_url.to_owned();
    let body = Work::Subscription { source: SOURCE.to_owned() }.encode().unwrap();
    let delivery = Delivery { lane: Lane::Live, receipt: "none".to_owned(), body, attempts: 1 };
    assert_eq!(handle(&other, &delivery).await.unwrap(), Outcome::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_data_at_another_address_takes_no_subscription_away() {
    let (flow, url) = reached(shop(20), owned()).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    beat(&flow, &connection).await;
    let made = flow.world.webhooks()["subscriptions"].clone();
    look_from(&flow, "https://copy.example").await;
    // Time must not leap while the polls that follow are at work.
    calm(&flow, &connection).await;
    beat(&flow, &connection).await;
    let now = flow.world.webhooks()["subscriptions"].clone();
    assert_eq!(now[0], made[0], "the first one's stays as it is");
    let copied = url.replace(&flow.engine.config.public_url, "https://copy.example");
    assert_eq!(addresses(&now), [url.as_str(), copied.as_str()]);
    // One that is stopped serves nobody: whoever has moved goes on with it.
    flow.world.subscribe(&json!({"id": made[0]["id"], "enabled": false})).unwrap();
    look_from(&flow, "https://moved.example").await;
    let now = flow.world.webhooks()["subscriptions"].clone();
    let moved = url.replace(&flow.engine.config.public_url, "https://moved.example");
    assert_eq!(addresses(&now), [moved.as_str(), copied.as_str()]);
    assert_eq!(now[0]["enabled"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_the_owners_is_told_of_and_polls_go_on() {
    let seller = (SOURCE.to_owned(), Secret::new(tillsync_sandbox::SQUARE_TOKEN));
    let (flow, _) = reached(shop(20), Hooks { owners: [seller].into(), ..Hooks::default() }).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    beat(&flow, &connection).await;
    let hooked = tillsync_engine::intake::hooked(&flow.engine, SOURCE).await.unwrap();
    assert_eq!(hooked.problem.unwrap().code, "webhook.subscription");
    let sums = flow.connection(&connection.id).await;
    assert_eq!(sums.state_word(), "active", "webhooks are a way to be quick, and nothing waits for them");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_noticed_by_the_poll_that_finds_what_nobody_told_of() {
    // The overlap of polls reaches back to the last message, as it does for five minutes.
    let timing = Timing { overlap: SignedDuration::ZERO, ..fast() };
    let (flow, _) = told_at(shop(20), timing).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.landed().await;
    let one = Changes { new_sales: 1, ..Changes::default() };
    let sale = ids(&flow.world.change(&one), "new_sales").remove(0);
    until(&flow, "the sale", async || held(&flow, &sale).await).await;
    calm(&flow, &connection).await;
    let before = line(&flow).await;
    assert_eq!(before.code, None, "{before:?}");
    flow.world.set(&json!({"webhooks_lost": true})).unwrap();
    flow.landed().await;
    flow.poll(&connection).await;
    assert_eq!(line(&flow).await.code, None, "nothing was to be told of");
    flow.world.change(&one);
    assert_eq!(flow.poll(&connection).await.streams.orders.synced, 1);
    let silent = line(&flow).await;
    assert_eq!(silent.code.as_deref(), Some("webhook.lost"), "{silent:?}");
    flow.world.set(&json!({"webhooks_lost": false})).unwrap();
    let sale = ids(&flow.world.change(&one), "new_sales").remove(0);
    until(&flow, "the sale", async || held(&flow, &sale).await).await;
    calm(&flow, &connection).await;
    assert_eq!(line(&flow).await.code, None, "they come again");
}
