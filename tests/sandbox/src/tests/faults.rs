//! Faults, and the control server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::probe::{BULK, Probe, order, quick};
use crate::FaultRule;

fn arm(p: &Probe, platform: &str, operation: &str, fault: Value) {
    let rule = json!({"platform": platform, "operation": operation, "fault": fault});
    p.running.world().add_faults(vec![serde_json::from_value::<FaultRule>(rule).unwrap()]);
}

#[tokio::test]
async fn refusals_come_with_every_form_of_retry_after() {
    let p = Probe::new(5, 5, quick()).await;
    arm(&p, "square", "ListLocations", json!({"kind": "unavailable", "retry_after": 3}));
    arm(&p, "square", "ListLocations", json!({"kind": "unavailable", "retry_date": 30}));
    arm(&p, "square", "ListLocations", json!({"kind": "unavailable"}));
    arm(&p, "square", "*", json!({"kind": "rate_limited", "retry_after": 2}));
    arm(&p, "square", "List*", json!({"kind": "html"}));
    arm(&p, "square", "List*", json!({"kind": "cut_json"}));
    arm(&p, "square", "List*", json!({"kind": "unauthorized"}));
    let ask = || p.get("/v2/locations");
    assert_eq!(ask().await.header("retry-after"), Some("3"));
    assert!(ask().await.header("retry-after").unwrap().ends_with("GMT"));
    let bare = ask().await;
    assert_eq!((bare.status, bare.header("retry-after")), (503, None));
    let limited = ask().await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("2")));
    let page = ask().await;
    assert!(page.status == 502 && page.text.starts_with("<html>"));
    let cut = ask().await;
    assert!(cut.status == 200 && cut.json.is_null());
    assert_eq!(ask().await.status, 401);
    assert_eq!(ask().await.status, 200, "every fault is used up");
}

#[tokio::test]
async fn a_lost_reply_is_not_a_lost_write() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let push = |name: &str| {
        p.send(p.ac_request(
            "POST",
            "/ecom/graphql",
            Some(&json!({"query": BULK, "variables": {"batch": [order(id, name)]}})),
        ))
    };
    arm(&p, "activecampaign", "bulkUpsertOrders", json!({"kind": "reset_before"}));
    assert!(push("before").await.is_err());
    assert_eq!(p.running.world().order("before")["records"], json!([]));
    arm(&p, "activecampaign", "bulkUpsertOrders", json!({"kind": "reset_after"}));
    assert!(push("after").await.is_err());
    assert_eq!(p.running.world().order("after")["records"].as_array().unwrap().len(), 1);
    assert_eq!(push("after").await.unwrap().status, 200);
    assert_eq!(
        p.running.world().stats()["activecampaign"]["account"]["orders"],
        1,
        "the retry doubles nothing"
    );
}

#[tokio::test]
async fn a_late_write_lands_although_its_caller_has_gone() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    arm(&p, "activecampaign", "bulkUpsertOrders", json!({"kind": "delay", "ms": 400}));
    let body = json!({"query": BULK, "variables": {"batch": [order(id, "late")]}});
    let request = p.ac_request("POST", "/ecom/graphql", Some(&body)).timeout(Duration::from_millis(100));
    assert!(p.send(request).await.is_err());
    assert_eq!(p.running.world().order("late")["records"], json!([]));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(p.running.world().order("late")["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_write_lands_after_its_connection_was_reset_or_behind_a_server_error() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let push = |name: &str| {
        let body = json!({"query": BULK, "variables": {"batch": [order(id, name)]}});
        p.send(p.ac_request("POST", "/ecom/graphql", Some(&body)))
    };
    let records = |name: &str| p.running.world().order(name)["records"].as_array().unwrap().len();
    arm(&p, "activecampaign", "bulkUpsertOrders", json!({"kind": "land_late", "ms": 400}));
    assert!(push("late").await.is_err());
    assert_eq!(records("late"), 0, "not yet");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(records("late"), 1);
    arm(&p, "activecampaign", "bulkUpsertOrders", json!({"kind": "fail_after", "status": 502}));
    assert_eq!(push("failed").await.unwrap().status, 502);
    assert_eq!(records("failed"), 1);
}

#[tokio::test]
async fn an_interrupted_import_has_imported_some() {
    let p = Probe::new(0, 0, quick()).await;
    arm(&p, "activecampaign", "POST /import/bulk_import", json!({"kind": "interrupt_import", "after": 2}));
    let contacts: Vec<Value> = (0..5).map(|n| json!({"email": format!("n{n}@example.com")})).collect();
    let body = json!({"contacts": contacts, "exclude_automations": true});
    let taken = p.ac("POST", "/import/bulk_import", body).await.json;
    let path = format!("/import/info?batchId={}", taken["batchId"].as_str().unwrap());
    tokio::time::sleep(Duration::from_millis(600)).await;
    let info = p.ac("GET", &path, Value::Null).await.json;
    assert_eq!((&info["status"], info["success"].as_array().unwrap().len()), (&json!("interrupted"), 2));
    assert_eq!(p.running.world().stats()["activecampaign"]["account"]["contacts"], 2);
}

#[tokio::test]
async fn cursors_can_be_killed_and_pages_clipped() {
    let p = Probe::new(60, 20, quick()).await;
    arm(&p, "square", "SearchOrders", json!({"kind": "clip_page", "to": 0}));
    let body = json!({"location_ids": [p.location(0)], "limit": 10});
    let empty = p.post("/v2/orders/search", body.clone()).await;
    assert!(empty.json.get("orders").is_none() && empty.json["cursor"].is_string());
    let mut next = body.clone();
    next["cursor"] = empty.json["cursor"].clone();
    let full = p.post("/v2/orders/search", next.clone()).await;
    assert_eq!(full.json["orders"].as_array().unwrap().len(), 10);
    arm(&p, "square", "SearchOrders", json!({"kind": "expire_cursor"}));
    assert_eq!(p.post("/v2/orders/search", next).await.error(), (400, "INVALID_CURSOR", "cursor"));
}

#[tokio::test]
async fn the_control_server_offers_the_same_over_http() {
    let p = Probe::new(60, 20, quick()).await;
    let base = p.running.control_url.clone();
    let post = async |path: &str, body: Value| {
        p.send(p.client.post(format!("{base}{path}")).body(body.to_string())).await.unwrap()
    };
    let get = async |path: &str| p.send(p.client.get(format!("{base}{path}"))).await.unwrap().json;
    let rule = json!([{"platform": "square", "operation": "ListLocations", "skip": 1, "times": 2,
        "fault": {"kind": "forbidden"}}]);
    assert_eq!(post("/faults", rule).await.status, 200);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(p.get("/v2/locations").await.status);
    }
    assert_eq!(statuses, [200, 403, 403, 200]);
    assert_eq!(post("/settings", json!({"index_lag_ms": 5})).await.status, 200);
    assert_eq!(post("/settings", json!({"no_such": 5})).await.status, 400);
    assert_eq!(get("/settings").await["index_lag_ms"], 5);
    assert_eq!(post("/token", json!({"state": "revoked"})).await.status, 200);
    assert_eq!(p.get("/v2/locations").await.status, 401);
    assert_eq!(post("/key", json!({"state": "revoked"})).await.status, 200);
    assert_eq!(p.ac("GET", "/users/me", Value::Null).await.status, 403);
    assert_eq!(post("/poison", json!({"orders": ["x"], "mode": "named"})).await.status, 200);
    let id = p.location(1);
    assert_eq!(post("/location", json!({"id": id, "status": "INACTIVE"})).await.status, 200);
    assert_eq!(get("/locations").await[1]["status"], "INACTIVE");
    let before = get("/expected").await;
    let made = post("/changes", json!({"new_sales": 3, "refunds": 1, "location": p.location(0)})).await.json;
    assert_eq!(made["new_sales"].as_array().unwrap().len(), 3);
    let after = get("/expected").await;
    let main = p.location(0);
    let eligible = |v: &Value| v["locations"][&main]["eligible"].as_u64().unwrap();
    assert_eq!(eligible(&after), eligible(&before) + 3);
    assert_eq!(get("/expected/orders").await.as_array().unwrap().len(), 64);
    let stats = get("/stats").await;
    assert_eq!(stats["square"]["operations"]["ListLocations"], 5);
    assert!(get("/dump").await["orders"].is_array());
}

#[tokio::test]
async fn large_pages_are_cheap() {
    let p = Probe::new(3_000, 100, quick()).await;
    let places: Vec<String> = (0..3).map(|i| p.location(i)).collect();
    let begun = Instant::now();
    let answer = p.post("/v2/orders/search", json!({"location_ids": places, "limit": 1000})).await;
    assert_eq!(answer.json["orders"].as_array().unwrap().len(), 1000);
    assert!(begun.elapsed() < Duration::from_secs(3));
}
