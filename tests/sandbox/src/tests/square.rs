//! The Square stand-in is as strict as Square.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::probe::{Probe, quick};
use crate::openapi;
use crate::schema::Validator;
use crate::{Settings, TokenState};

fn created(from: &str, to: &str) -> Value {
    json!({"filter": {"date_time_filter": {"created_at": {"start_at": from, "end_at": to}}},
        "sort": {"sort_field": "CREATED_AT", "sort_order": "ASC"}})
}

fn everything() -> Value {
    created("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
}

#[tokio::test]
async fn requests_outside_the_description_are_refused() {
    let p = Probe::new(60, 20, quick()).await;
    let place = p.location(0);
    let search = |extra: Value| {
        let mut body = json!({"location_ids": [place]});
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    assert_eq!(p.get("/v2/payments?colour=red").await.error(), (400, "UNKNOWN_QUERY_PARAMETER", "colour"));
    assert_eq!(p.get("/v2/payments?limit=ten").await.error(), (400, "EXPECTED_INTEGER", "limit"));
    assert_eq!(
        p.get("/v2/payments?begin_time=2026-01-01").await.error(),
        (400, "INVALID_TIME", "begin_time")
    );
    assert_eq!(p.get("/v2/customers?sort_order=UP").await.error(), (400, "INVALID_ENUM_VALUE", "sort_order"));
    let answer = p.post("/v2/orders/search", search(json!({"colour": 1}))).await;
    assert_eq!(answer.error(), (400, "UNKNOWN_BODY_PARAMETER", "colour"));
    let answer = p.post("/v2/orders/search", search(json!({"limit": "5"}))).await;
    assert_eq!(answer.error(), (400, "EXPECTED_INTEGER", "limit"));
    let answer = p
        .post("/v2/orders/search", search(json!({"query": created("yesterday", "2026-01-01T00:00:00Z")})))
        .await;
    assert_eq!(answer.error().1, "INVALID_TIME");
    assert_eq!(p.get("/v2/nothing").await.error().0, 404);
    assert_eq!(p.send(p.square_request("DELETE", "/v2/locations", None)).await.unwrap().error().0, 405);
    let text =
        p.square_request("POST", "/v2/orders/search", None).body("{}").header("content-type", "text/plain");
    assert_eq!(p.send(text).await.unwrap().error(), (415, "UNSUPPORTED_MEDIA_TYPE", ""));
    let broken = p
        .square_request("POST", "/v2/orders/search", None)
        .body("{")
        .header("content-type", "application/json");
    assert_eq!(p.send(broken).await.unwrap().error(), (400, "EXPECTED_JSON_BODY", ""));
}

#[tokio::test]
async fn the_version_header_must_be_a_date_and_comes_back() {
    let mut p = Probe::new(5, 5, quick()).await;
    assert_eq!(p.get("/v2/locations").await.header("square-version"), Some("2025-08-20"));
    p.version = "latest";
    assert_eq!(p.get("/v2/locations").await.error().1, "INVALID_SQUARE_VERSION_FORMAT");
}

#[tokio::test]
async fn tokens_and_scopes_are_checked() {
    let mut p = Probe::new(5, 5, quick()).await;
    let world = p.running.world();
    let status = p.send(p.square_request("POST", "/oauth2/token/status", None)).await.unwrap();
    assert_eq!((status.status, status.json["scopes"].as_array().unwrap().len()), (200, 5));
    world.set_token(TokenState::Active, Some(vec!["ORDERS_READ".to_owned()]));
    assert_eq!(p.get("/v2/payments").await.error().0, 403);
    assert_eq!(p.get("/v2/payments").await.error().1, "INSUFFICIENT_SCOPES");
    world.set_token(TokenState::Revoked, None);
    assert_eq!(p.get("/v2/locations").await.error().1, "ACCESS_TOKEN_REVOKED");
    world.set_token(TokenState::Expired, None);
    assert_eq!(p.get("/v2/locations").await.error(), (401, "ACCESS_TOKEN_EXPIRED", ""));
    let status = p.send(p.square_request("POST", "/oauth2/token/status", None)).await.unwrap();
    assert_eq!(status.error(), (401, "UNAUTHORIZED", ""));
    p.token = "other".to_owned();
    assert_eq!(p.get("/v2/locations").await.error(), (401, "UNAUTHORIZED", ""));
}

#[tokio::test]
async fn a_search_finds_every_order_once_whatever_the_page_size() {
    let p = Probe::new(300, 60, quick()).await;
    let places: Vec<String> = (0..3).map(|i| p.location(i)).collect();
    for limit in [7, 100, 1000] {
        let all = p.search_all(json!({"location_ids": places, "limit": limit, "query": everything()})).await;
        let ids: BTreeSet<&str> = all.iter().map(|o| o["id"].as_str().unwrap()).collect();
        assert_eq!((all.len(), ids.len()), (300, 300));
        assert!(all.windows(2).all(|w| w[0]["created_at"].as_str() <= w[1]["created_at"].as_str()));
    }
    let answer = p.post("/v2/orders/search", json!({"location_ids": places, "return_entries": true})).await;
    assert!(answer.json.get("orders").is_none() && answer.json["order_entries"][0]["order_id"].is_string());
    let newest = p.post("/v2/orders/search", json!({"location_ids": places, "limit": 2})).await;
    let pair = newest.json["orders"].as_array().unwrap();
    assert!(
        pair[0]["created_at"].as_str() >= pair[1]["created_at"].as_str(),
        "newest first unless asked otherwise"
    );
}

#[tokio::test]
async fn both_bounds_of_a_search_are_part_of_it() {
    let p = Probe::new(60, 20, quick()).await;
    let places: Vec<String> = (0..3).map(|i| p.location(i)).collect();
    let all = p.search_all(json!({"location_ids": places, "query": everything()})).await;
    let (from, to) = (all[10]["created_at"].as_str().unwrap(), all[20]["created_at"].as_str().unwrap());
    let slice = p.search_all(json!({"location_ids": places, "query": created(from, to)})).await;
    assert_eq!(slice, all[10..=20].to_vec());
}

#[tokio::test]
async fn search_orders_refuses_what_square_refuses() {
    let p = Probe::new(20, 10, quick()).await;
    let place = p.location(0);
    let ask = |body: Value| p.post("/v2/orders/search", body);
    let many: Vec<String> = std::iter::repeat_n(place.clone(), 11).collect();
    assert_eq!(ask(json!({})).await.error().1, "MISSING_REQUIRED_PARAMETER");
    assert_eq!(ask(json!({"location_ids": many})).await.error().1, "ARRAY_LENGTH_TOO_LONG");
    assert_eq!(ask(json!({"location_ids": ["LNOPE"]})).await.error().0, 400);
    assert_eq!(ask(json!({"location_ids": [place], "limit": 1001})).await.error().1, "VALUE_TOO_HIGH");
    assert_eq!(ask(json!({"location_ids": [place], "limit": 0})).await.error().1, "VALUE_TOO_LOW");
    let window = json!({"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-02-01T00:00:00Z"});
    let two = json!({"filter": {"date_time_filter": {"created_at": window, "updated_at": window}}});
    assert_eq!(ask(json!({"location_ids": [place], "query": two})).await.error().0, 400);
    let other =
        json!({"filter": {"date_time_filter": {"updated_at": window}}, "sort": {"sort_field": "CREATED_AT"}});
    assert_eq!(
        ask(json!({"location_ids": [place], "query": other})).await.error().2,
        "query.sort.sort_field"
    );
    let unsaid = json!({"filter": {"date_time_filter": {"updated_at": window}}});
    assert_eq!(
        ask(json!({"location_ids": [place], "query": unsaid})).await.error().2,
        "query.sort.sort_field"
    );
    let closed =
        json!({"filter": {"date_time_filter": {"closed_at": window}}, "sort": {"sort_field": "CLOSED_AT"}});
    assert_eq!(ask(json!({"location_ids": [place], "query": closed})).await.error().0, 400);
    let back = created("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z");
    assert_eq!(ask(json!({"location_ids": [place], "query": back})).await.error().1, "INVALID_TIME_RANGE");
}

#[tokio::test]
async fn a_cursor_belongs_to_its_query_and_dies() {
    let p = Probe::new(60, 20, Settings { cursor_ttl_ms: 700, ..quick() }).await;
    let place = p.location(0);
    let first = p.post("/v2/orders/search", json!({"location_ids": [place], "limit": 3})).await;
    let cursor = first.json["cursor"].clone();
    let again = |body: Value| p.post("/v2/orders/search", body);
    let dropped = again(json!({"location_ids": [place], "cursor": cursor})).await;
    assert_eq!(dropped.error(), (400, "INVALID_CURSOR", "cursor"));
    assert_eq!(again(json!({"location_ids": [place], "limit": 3, "cursor": cursor})).await.status, 200);
    assert_eq!(
        again(json!({"location_ids": [place], "limit": 3, "cursor": "made-up"})).await.error().1,
        "INVALID_CURSOR"
    );
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    let late = again(json!({"location_ids": [place], "limit": 3, "cursor": cursor})).await;
    assert_eq!(late.error(), (400, "INVALID_CURSOR", "cursor"));
    let page = p.get("/v2/payments?limit=5&sort_order=ASC").await;
    let cursor = page.json["cursor"].as_str().unwrap();
    let dropped = p.get(&format!("/v2/payments?limit=5&cursor={cursor}")).await;
    assert_eq!(dropped.error(), (400, "INVALID_CURSOR", "cursor"));
}

#[tokio::test]
async fn payments_are_of_the_main_location_and_the_last_year_unless_asked_otherwise() {
    let p = Probe::new(400, 60, quick()).await;
    let (main, other) = (p.location(0), p.location(1));
    let page = p.get("/v2/payments?limit=5000").await;
    let payments = page.json["payments"].as_array().unwrap();
    assert_eq!(payments.len(), 100, "more than 100 is silently 100");
    assert!(payments.iter().all(|x| x["location_id"] == json!(main)));
    assert!(payments.windows(2).all(|w| w[0]["created_at"].as_str() >= w[1]["created_at"].as_str()));
    let elsewhere = p.get(&format!("/v2/payments?location_id={other}")).await;
    assert!(elsewhere.json["payments"].as_array().unwrap().iter().all(|x| x["location_id"] == json!(other)));
    let count = async |query: &str| {
        let (mut seen, mut cursor) = (0, String::new());
        loop {
            let page = p.get(&format!("/v2/payments?{query}{cursor}")).await;
            seen += page.json["payments"].as_array().map_or(0, Vec::len);
            match page.json["cursor"].as_str() {
                None => return seen,
                Some(next) => cursor = format!("&cursor={next}"),
            }
        }
    };
    let year = count("sort_order=ASC").await;
    let all = count("sort_order=ASC&begin_time=2020-01-01T00:00:00Z").await;
    assert!(year < all, "{year} {all}");
    assert_eq!(p.get("/v2/payments?limit=0").await.error().1, "VALUE_TOO_LOW");
    let refunds = p.get("/v2/refunds?begin_time=2020-01-01T00:00:00Z").await;
    assert!(!refunds.json["refunds"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn unknown_ids_are_left_out_or_told_one_by_one() {
    let p = Probe::new(30, 10, quick()).await;
    let orders = p.search_all(json!({"location_ids": [p.location(0)]})).await;
    let known = orders[0]["id"].clone();
    let answer = p.post("/v2/orders/batch-retrieve", json!({"order_ids": [known, "nope"]})).await;
    assert_eq!(answer.json["orders"].as_array().unwrap().len(), 1);
    assert_eq!(p.get("/v2/orders/nope").await.error(), (404, "NOT_FOUND", ""));
    let many: Vec<String> = (0..101).map(|i| i.to_string()).collect();
    assert_eq!(
        p.post("/v2/orders/batch-retrieve", json!({"order_ids": many})).await.error().1,
        "ARRAY_LENGTH_TOO_LONG"
    );
    assert_eq!(p.post("/v2/customers/bulk-retrieve", json!({"customer_ids": many})).await.error().0, 400);
    let person = p.get("/v2/customers?limit=1").await.json["customers"][0]["id"].as_str().unwrap().to_owned();
    let answer = p.post("/v2/customers/bulk-retrieve", json!({"customer_ids": [person, "nope"]})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["responses"]["nope"]["errors"][0]["code"], "NOT_FOUND");
    assert_eq!(answer.json["responses"][&person]["customer"]["id"], json!(person));
}

#[tokio::test]
async fn customers_without_anything_public_are_found_by_id_only() {
    let p = Probe::new(0, 40, quick()).await;
    let expected = p.running.world().expected();
    let hidden = expected["customers"]["hidden"].as_u64().unwrap();
    assert!(hidden > 0);
    let answer = p.post("/v2/customers/search", json!({"count": true})).await;
    assert_eq!(answer.json["count"].as_u64().unwrap(), 40 - hidden);
    assert_eq!(p.get("/v2/customers?limit=0").await.error(), (400, "VALUE_TOO_LOW", "limit"));
    assert_eq!(p.get("/v2/customers?limit=101").await.error(), (400, "VALUE_TOO_HIGH", "limit"));
    let sorted = json!({"query": {"sort": {"field": "UPDATED_AT"}}});
    assert_eq!(p.post("/v2/customers/search", sorted).await.error().1, "INVALID_ENUM_VALUE");
    let none = json!({"query": {"filter": {"updated_at": {"start_at": "2099-01-01T00:00:00Z"}}}});
    assert_eq!(p.post("/v2/customers/search", none).await.text, "{}");
}

#[tokio::test]
async fn related_objects_go_one_level_and_no_further() {
    let p = Probe::new(0, 0, quick()).await;
    let list = p.get("/v2/catalog/list?types=ITEM_VARIATION").await;
    assert_eq!(list.json["objects"].as_array().unwrap().len(), 100);
    assert!(list.json["cursor"].is_string());
    let variation = list.json["objects"][5]["id"].clone();
    let body = json!({"object_ids": [variation, "nope"], "include_related_objects": true});
    let answer = p.post("/v2/catalog/batch-retrieve", body).await;
    let related = answer.json["related_objects"].as_array().unwrap();
    assert!(related.iter().all(|o| o["type"] == "ITEM") && related.len() == 1);
    let item = related[0]["id"].clone();
    let body = json!({"object_ids": [item], "include_related_objects": true});
    let answer = p.post("/v2/catalog/batch-retrieve", body).await;
    let kinds: BTreeSet<&str> = answer.json["related_objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["type"].as_str().unwrap())
        .collect();
    assert!(kinds.contains("CATEGORY") && !kinds.contains("ITEM_VARIATION"));
    let many: Vec<String> = (0..1001).map(|i| i.to_string()).collect();
    assert_eq!(p.post("/v2/catalog/batch-retrieve", json!({"object_ids": many})).await.error().0, 400);
    let top = p.get("/v2/catalog/list").await;
    assert!(top.json["objects"].as_array().unwrap().iter().all(|o| o["type"] != "IMAGE"));
}

#[tokio::test]
async fn a_new_sale_is_there_by_id_before_it_can_be_searched() {
    let p = Probe::new(20, 10, Settings { index_lag_ms: 1_000, ..quick() }).await;
    let changes = crate::Changes { new_sales: 1, ..Default::default() };
    let id = p.running.world().change(&changes)["new_sales"][0].as_str().unwrap().to_owned();
    let places: Vec<String> = (0..3).map(|i| p.location(i)).collect();
    let seen =
        async || p.search_all(json!({"location_ids": places})).await.iter().any(|o| o["id"] == json!(id));
    assert_eq!(p.get(&format!("/v2/orders/{id}")).await.status, 200);
    assert!(!seen().await);
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert!(seen().await);
}

#[tokio::test]
async fn pages_may_be_short_or_empty_while_more_follows() {
    let settings = Settings { square_page_max: Some(4), square_empty_page_every: 3, ..quick() };
    let p = Probe::new(60, 20, settings).await;
    let places: Vec<String> = (0..3).map(|i| p.location(i)).collect();
    let all = p.search_all(json!({"location_ids": places, "limit": 50, "query": everything()})).await;
    assert_eq!(all.len(), 60);
    let ids: BTreeSet<&str> = all.iter().map(|o| o["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 60);
}

#[tokio::test]
async fn too_many_requests_in_a_second_are_refused() {
    let p = Probe::new(5, 5, Settings::default()).await;
    let mut refused = 0;
    for _ in 0..15 {
        let answer = p.get("/v2/locations").await;
        refused += u32::from(answer.status == 429);
        if answer.status == 429 {
            assert_eq!(answer.json["errors"][0]["category"], "RATE_LIMIT_ERROR");
        }
    }
    assert_eq!(refused, 5);
    assert_eq!(p.running.world().stats()["square"]["throttled"], 5);
}

#[tokio::test]
async fn every_answer_is_valid_by_the_published_description() {
    let p = Probe::new(80, 40, quick()).await;
    let place = p.location(0);
    let order = p.search_all(json!({"location_ids": [place]})).await[0]["id"].as_str().unwrap().to_owned();
    let payment = p.get("/v2/payments").await.json["payments"][0]["id"].as_str().unwrap().to_owned();
    let item =
        p.get("/v2/catalog/list?types=ITEM").await.json["objects"][0]["id"].as_str().unwrap().to_owned();
    let gets = [
        "/v2/locations".to_owned(),
        "/v2/locations/main".to_owned(),
        "/v2/merchants".to_owned(),
        "/v2/merchants/me".to_owned(),
        "/v2/payments".to_owned(),
        format!("/v2/payments/{payment}"),
        "/v2/refunds".to_owned(),
        format!("/v2/orders/{order}"),
        "/v2/customers?count=true".to_owned(),
        "/v2/catalog/list".to_owned(),
        "/v2/catalog/info".to_owned(),
        format!("/v2/catalog/object/{item}?include_related_objects=true"),
        "/v2/payments/nope".to_owned(),
    ];
    for path in gets {
        fits("GET", &path, &p.get(&path).await.json);
    }
    let posts = [
        ("/v2/orders/search", json!({"location_ids": [place]})),
        ("/v2/orders/search", json!({"location_ids": [place], "return_entries": true})),
        ("/v2/orders/batch-retrieve", json!({"order_ids": [order]})),
        ("/v2/customers/search", json!({})),
        ("/v2/customers/bulk-retrieve", json!({"customer_ids": ["nope"]})),
        ("/v2/catalog/search", json!({"object_types": ["ITEM"], "include_related_objects": true})),
        ("/v2/catalog/batch-retrieve", json!({"object_ids": [item]})),
    ];
    for (path, body) in posts {
        fits("POST", path, &p.post(path, body).await.json);
    }
}

fn fits(method: &str, path: &str, json: &Value) {
    let operation = openapi::find(method, path.split('?').next().unwrap()).unwrap();
    let problems = Validator::check(openapi::document(), operation.answer().unwrap(), json);
    assert!(problems.iter().all(super::shop::is_later), "{method} {path}: {problems:?}");
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused() {
    let p = Probe::new(5, 5, Settings { square_concurrency: 3, square_latency_ms: 300, ..quick() }).await;
    let calls: Vec<_> =
        (0..5).map(|_| tokio::spawn(p.square_request("GET", "/v2/locations", None).send())).collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap().unwrap().status().as_u16());
    }
    assert_eq!(statuses.iter().filter(|s| **s == 429).count(), 2);
}
