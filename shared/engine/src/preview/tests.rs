use serde_json::{Value, json};

use super::{Preview, preview};
use crate::fault::Kind;
use crate::run::{BackfillRequest, start_backfill, start_poll};
use crate::state::{Connection, Settings, WhichCustomers};
use crate::testing::{DAY, HOUR, World, ago};

async fn ask(world: &World, order: Option<&str>) -> Preview {
    preview(&world.engine, "C1", &BackfillRequest::default(), order).await.unwrap()
}

/// What the sample would send.
fn request(preview: &Preview) -> Value {
    let sample = preview.sample.as_ref().unwrap();
    serde_json::from_str(sample.request.as_ref().unwrap().get()).unwrap()
}

/// So many orders, one a day, the last of them an hour ago.
async fn shop(orders: usize) -> World {
    let world = World::new().await;
    for n in 0..orders {
        let days = i64::try_from(orders - n - 1).unwrap();
        world.net.shop().sell(&format!("O{n}"), ago(days * DAY + HOUR));
    }
    world
}

#[tokio::test]
async fn a_history_of_one_page_is_counted_exactly_and_nothing_is_written() {
    let world = shop(5).await;
    world.net.shop().orders[1]["customer_id"] = Value::Null;
    world.net.shop().payments[1]["customer_id"] = Value::Null;
    world.net.shop().sell_to("Twice", "P-O3", ago(2 * HOUR));
    let before = world.store.dump();
    let seen = ask(&world, None).await;
    assert_eq!(json!(seen.orders), json!({"total": 6, "exact": true, "eligible": 5, "eligible_exact": true}));
    assert_eq!(json!(seen.customers), json!({"total": 5, "which": "all"}));
    assert_eq!(seen.new_contacts_at_most, Some(5));
    assert_eq!(
        json!(seen.calls),
        json!({"source": 2, "destination": 5, "writes": 2, "read_back": 2, "imports": 1})
    );
    assert_eq!(seen.minutes, 1);
    assert!(seen.because.contains("4 times a second"), "{}", seen.because);
    for operation in ["orders.push", "orders.queue", "products.push", "contacts.import", "account.me"] {
        assert_eq!(world.calls(operation), 0, "{operation}");
    }
    assert!(world.idle().await);
    let after = world.store.dump();
    let changed: Vec<_> = after.iter().filter(|item| !before.contains(item)).collect();
    assert_eq!(changed.len(), 1, "the count alone: {changed:?}");
    assert_eq!(changed[0].key, Connection::key("C1"));
}

#[tokio::test]
async fn the_sample_is_what_is_sent() {
    let world = shop(3).await;
    let seen = ask(&world, None).await;
    let sample = seen.sample.as_ref().unwrap();
    assert_eq!((sample.source_id.as_str(), sample.decision, sample.live), ("O2", "send", Some(true)));
    let old = ask(&world, Some("O0")).await;
    assert_eq!(old.sample.as_ref().unwrap().live, Some(false));
    start_backfill(&world.engine, "C1", &BackfillRequest::default()).await.unwrap();
    world.work().await;
    let sent: Vec<Value> = ["orders.push", "orders.queue"]
        .into_iter()
        .flat_map(|operation| world.net.bodies(operation))
        .flat_map(|body| body["variables"]["orders"].as_array().unwrap().clone())
        .collect();
    assert!(sent.contains(&request(&seen)), "{sent:#?}");
    assert!(sent.contains(&request(&old)), "{sent:#?}");
    let again = ask(&world, Some("O0")).await;
    assert_eq!(again.sample.as_ref().unwrap().decision, "unchanged");
    assert_eq!(request(&again), request(&old));
}

#[tokio::test]
async fn a_number_once_sent_stays_and_a_change_waits_for_the_landing_time() {
    let world = shop(2).await;
    start_backfill(&world.engine, "C1", &BackfillRequest::default()).await.unwrap();
    world.work().await;
    let number = world.row("O0").await.number.unwrap();
    world.net.shop().orders[0]["reference_id"] = "renamed".into();
    world.net.shop().refund("O0", ago(-600));
    world.clock.advance(std::time::Duration::from_secs(3_600));
    let seen = ask(&world, Some("O0")).await;
    let (sample, request) = (seen.sample.as_ref().unwrap(), request(&seen));
    assert_eq!((sample.decision, sample.live), ("send", Some(false)));
    assert_eq!((&request["orderNumber"], &request["normalizedStatus"]), (&json!(number), &json!("REFUNDED")));
    start_poll(&world.engine, "C1").await.unwrap();
    world.work().await;
    world.net.shop().orders[0]["updated_at"] = world.engine.now().to_string().into();
    assert_eq!(ask(&world, Some("O0")).await.sample.unwrap().decision, "wait");
}

#[tokio::test]
async fn an_order_that_is_left_out_says_why() {
    let world = shop(3).await;
    world.net.shop().orders[2]["state"] = "OPEN".into();
    world.net.shop().orders[2]["net_amount_due_money"]["amount"] = 1_250.into();
    let settings = Settings { history_from: Some(ago(36 * HOUR)), ..Settings::default() };
    world.save(&Connection { settings, ..world.connection.clone() }).await;
    // The order, what becomes of it, the reason, a part of its words.
    let cases = [
        ("O0", "skip", Some("before_history"), "older than the history"),
        ("O1", "send", None, ""),
        ("O2", "skip", Some("not_paid"), "still open"),
    ];
    for (id, decision, reason, part) in cases {
        let sample = ask(&world, Some(id)).await.sample.unwrap();
        assert_eq!((sample.decision, sample.reason.as_deref()), (decision, reason), "{id}");
        assert!(sample.because.unwrap_or_default().contains(part), "{id}");
        assert_eq!((sample.request.is_some(), sample.live.is_some()), (reason.is_none(), reason.is_none()));
    }
    let seen = ask(&world, None).await;
    assert_eq!((seen.orders.total, seen.orders.eligible), (2, 1));
    assert_eq!(seen.sample.unwrap().source_id, "O1", "the newest that is sent");
}

#[tokio::test]
async fn a_long_history_is_reckoned_from_its_newest_orders() {
    let world = shop(60).await;
    world.net.shop().page = 10;
    for n in (0..60).step_by(2) {
        world.net.shop().orders[n]["customer_id"] = Value::Null;
        world.net.shop().payments[n]["customer_id"] = Value::Null;
    }
    let seen = ask(&world, None).await;
    assert_eq!((seen.orders.total, seen.orders.exact, seen.orders.eligible_exact), (60, true, false));
    assert!((24..=36).contains(&seen.orders.eligible), "{:?}", seen.orders);
    assert_eq!(seen.sample.unwrap().source_id, "O59");
    assert!(world.calls("orders.search") <= 6 + 4, "counting, and a few looks");
    world.net.shop().page = 1;
    let about = ask(&world, None).await;
    assert_eq!((about.orders.total, about.orders.exact), (20, false), "counted in 20 calls");
}

#[tokio::test]
async fn new_contacts_are_never_more_than_was_said() {
    let world = shop(4).await;
    for n in 0..3 {
        world.net.shop().meet(&format!("P-Lone{n}"), ago(DAY));
    }
    assert_eq!(ask(&world, None).await.new_contacts_at_most, Some(7));
    let settings = Settings { customers: WhichCustomers::WithOrders, ..Settings::default() };
    world.save(&Connection { settings, ..world.connection.clone() }).await;
    let seen = ask(&world, None).await;
    assert_eq!((seen.new_contacts_at_most, seen.calls.imports), (Some(4), 0));
    world.net.shop().page = 1;
    assert_eq!(ask(&world, None).await.new_contacts_at_most, Some(4), "one of each order, at the most");
}

#[tokio::test]
async fn nothing_to_send_is_no_failure_and_no_such_order_is_a_wrong_question() {
    let world = World::new().await;
    let seen = ask(&world, None).await;
    assert_eq!((seen.orders.total, seen.orders.eligible, seen.minutes), (0, 0, 0));
    assert!(seen.sample.is_none());
    let request = BackfillRequest::default();
    let fault = preview(&world.engine, "C1", &request, Some("O9")).await.unwrap_err();
    assert_eq!((fault.code, fault.kind), ("record.unknown", Kind::Usage));
    let fault = preview(&world.engine, "C9", &request, None).await.unwrap_err();
    assert_eq!(fault.code, "connection.unknown");
}
