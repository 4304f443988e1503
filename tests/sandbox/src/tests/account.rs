//! The ActiveCampaign stand-in, REST and import.

use std::time::Duration;

use serde_json::{Value, json};

use super::probe::{Probe, quick};
use crate::{ConnectionList, Entitlements, KeyState, Settings};

#[tokio::test]
async fn five_requests_a_second_over_all_paths_with_headers_on_every_answer() {
    let p = Probe::new(0, 0, Settings::default()).await;
    let mut statuses = Vec::new();
    for n in 0..8 {
        let path = ["/users/me", "/connections", "/contacts"][n % 3];
        let answer = p.ac("GET", path, Value::Null).await;
        assert_eq!(answer.header("ratelimit-limit"), Some("5"));
        assert!(answer.header("ratelimit-remaining").is_some());
        if answer.status == 429 {
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    let import = json!({"contacts": [{"email": "a@example.org"}, {"email": "b@example.org"}]});
    assert_eq!(p.ac("POST", "/import/bulk_import", import).await.status, 200, "imports are counted apart");
}

#[tokio::test]
async fn too_many_imports_are_refused_with_a_body_of_their_own() {
    let p = Probe::new(0, 0, Settings { import_single_per_minute: 2, ..quick() }).await;
    let import = json!({"contacts": [{"email": "a@example.org"}]});
    for _ in 0..2 {
        assert_eq!(p.ac("POST", "/import/bulk_import", import.clone()).await.status, 200);
    }
    let refused = p.ac("POST", "/import/bulk_import", import).await;
    assert_eq!((refused.status, &refused.json["message"]), (400, &json!("Rate limit exceeded.")));
}

#[tokio::test]
async fn a_bad_key_is_403_in_both_shapes() {
    let mut p = Probe::new(0, 0, quick()).await;
    p.key = "wrong".to_owned();
    let wrong = p.ac("GET", "/users/me", Value::Null).await;
    assert_eq!((wrong.status, &wrong.json["message"]), (403, &json!("Forbidden")));
    let url = format!("{}/api/3/users/me", p.running.activecampaign_url);
    let none = p.send(p.client.get(url)).await.unwrap();
    assert_eq!((none.status, &none.json["errors"][0]["status"]), (403, &json!(403)));
    p.key.clone_from(&p.running.activecampaign_key);
    p.running.world().set_key(KeyState::Revoked);
    assert_eq!(p.ac("GET", "/users/me", Value::Null).await.status, 403);
}

#[tokio::test]
async fn one_answer_is_text_plain_and_the_plan_can_be_any() {
    let p = Probe::new(0, 0, quick()).await;
    let me = p.ac("GET", "/users/me", Value::Null).await;
    assert!(me.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(me.json["user"]["id"], "1");
    let codes = p.ac("GET", "/account/entitlements", Value::Null).await;
    assert!(codes.text.contains("ecom-core"));
    p.running.world().set(&json!({"entitlements": "without_ecommerce"})).unwrap();
    assert!(!p.ac("GET", "/account/entitlements", Value::Null).await.text.contains("ecom"));
    p.running.world().set(&json!({"entitlements": Entitlements::Absent})).unwrap();
    assert_eq!(p.ac("GET", "/account/entitlements", Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_duplicate_connection_is_422_and_filters_find_the_first() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    p.connect("L2").await;
    let same = json!({"connection": {"service": "test", "externalid": "L1", "name": "x", "logoUrl": "y", "linkUrl": "z"}});
    let again = p.ac("POST", "/connections", same).await;
    assert_eq!((again.status, &again.json["errors"][0]["code"]), (422, &json!("duplicate")));
    let bare = p.ac("POST", "/connections", json!({"connection": {"service": "test"}})).await;
    assert_eq!((bare.status, &bare.json["errors"][0]["code"]), (422, &json!("field_missing")));
    let found = p.ac("GET", "/connections?filters[service]=test&filters[externalid]=L1", Value::Null).await;
    assert_eq!(found.json["connections"].as_array().unwrap().len(), 1);
    assert_eq!(found.json["connections"][0]["id"], json!(id.to_string()));
    let put = p.ac("PUT", &format!("/connections/{id}"), json!({"connection": {"syncStatus": 1}})).await;
    assert_eq!(put.json["connection"]["syncStatus"], 1);
    assert_eq!(p.ac("GET", "/connections/999", Value::Null).await.text, "{}");
    p.ac("DELETE", &format!("/connections/{id}"), Value::Null).await;
    assert_eq!(p.running.world().stats()["violations"][0]["kind"], "connection_deleted");
}

#[tokio::test]
async fn the_account_may_choose_a_list_by_itself() {
    for (kind, status, list) in [
        (ConnectionList::ForcedPutAccepted, 200, "0"),
        (ConnectionList::ForcedPutIgnored, 200, "1"),
        (ConnectionList::ForcedPutRefused, 422, "1"),
    ] {
        let p = Probe::new(0, 0, Settings { connection_list: kind, ..quick() }).await;
        let id = p.connect("L1").await;
        let path = format!("/connections/{id}");
        assert_eq!(p.ac("GET", &path, Value::Null).await.json["connection"]["listId"], "1");
        let put = p.ac("PUT", &path, json!({"connection": {"listId": "0"}})).await;
        assert_eq!(put.status, status);
        assert_eq!(p.ac("GET", &path, Value::Null).await.json["connection"]["listId"], list);
    }
}

#[tokio::test]
async fn duplicate_contacts_are_422_and_sync_never_is() {
    let p = Probe::new(0, 0, quick()).await;
    let contact = json!({"contact": {"email": "Ana@example.org", "firstName": "Ana"}});
    assert_eq!(p.ac("POST", "/contacts", contact.clone()).await.status, 201);
    let again = p.ac("POST", "/contacts", contact).await;
    assert_eq!((again.status, &again.json["errors"][0]["code"]), (422, &json!("duplicate")));
    let sync = json!({"contact": {"email": "ana@example.org", "phone": "1"}});
    assert_eq!(p.ac("POST", "/contact/sync", sync).await.status, 200);
    let found = p.ac("GET", "/contacts?email=ana@example.org", Value::Null).await;
    assert_eq!(found.json["contacts"][0]["firstName"], "Ana");
    assert_eq!(found.json["contacts"][0]["phone"], "1");
    let bad = p.ac("POST", "/contact/sync", json!({"contact": {"email": "ana@@example.org"}})).await;
    assert_eq!((bad.status, &bad.json["errors"][0]["code"]), (422, &json!("email_invalid")));
    assert_eq!(p.ac("POST", "/contact/sync", json!({"contact": {}})).await.status, 400);
    let gone = p.ac("GET", "/contacts/999999", Value::Null).await;
    assert!(gone.status == 404 && gone.json["message"].as_str().unwrap().contains("No Result found"));
    let nowhere = p.ac("GET", "/nowhere", Value::Null).await;
    assert!(nowhere.status == 404 && nowhere.json["errors"][0]["title"] == "Not Found");
}

#[tokio::test]
async fn duplicate_customers_are_422_by_key_and_by_email() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let customer = |external: &str, email: &str| {
        json!({"ecomCustomer": {"connectionid": id.to_string(), "externalid": external, "email": email,
            "acceptsMarketing": "0"}})
    };
    assert_eq!(p.ac("POST", "/ecomCustomers", customer("c1", "a@example.org")).await.status, 201);
    assert_eq!(p.ac("POST", "/ecomCustomers", customer("c1", "b@example.org")).await.status, 422);
    assert_eq!(p.ac("POST", "/ecomCustomers", customer("c2", "A@example.org")).await.status, 422);
    let found = p.ac("GET", "/ecomCustomers?filters[email]=a@example.org", Value::Null).await;
    let rows = found.json["ecomCustomers"].as_array().unwrap();
    assert!(rows.iter().any(|r| r["connectionid"] == "0" && r["connection"].is_null()), "the row of totals");
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn consent_of_a_customer_is_changed_by_itself() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let body = json!({"ecomCustomer": {"connectionid": id.to_string(), "externalid": "c1", "email": "a@example.org"}});
    let made = p.ac("POST", "/ecomCustomers", body).await;
    let path = format!("/ecomCustomers/{}", made.json["ecomCustomer"]["id"].as_str().unwrap());
    let query = format!("/ecomCustomers?filters[connectionid]={id}&filters[email]=A@example.org");
    for (sent, status, said) in [
        (json!({}), 200, Value::Null),
        (json!({"acceptsMarketing": "1"}), 200, json!("1")),
        (json!({"acceptsMarketing": false}), 422, json!("1")),
        (json!({"acceptsMarketing": "no"}), 422, json!("1")),
        (json!({"acceptsMarketing": 0}), 200, json!("0")),
        (json!({}), 200, json!("0")),
    ] {
        let put = p.ac("PUT", &path, json!({"ecomCustomer": sent})).await;
        assert_eq!(put.status, status, "{sent}");
        let found = p.ac("GET", &query, Value::Null).await.json["ecomCustomers"].clone();
        assert_eq!(found.as_array().map(Vec::len), Some(1), "the row of totals is of no connection");
        assert_eq!(
            (&found[0]["acceptsMarketing"], &found[0]["email"]),
            (&said, &json!("a@example.org")),
            "{sent}"
        );
    }
    let gone = p.ac("PUT", "/ecomCustomers/999999", json!({"ecomCustomer": {"acceptsMarketing": "0"}})).await;
    assert_eq!(gone.status, 404);
    assert_eq!(p.ac("PUT", &path, json!({"customer": {"acceptsMarketing": "0"}})).await.status, 400);
    let dump = p.running.world().dump();
    assert_eq!(dump["customers"][0]["accepts_marketing"], json!(false));
}

#[tokio::test]
async fn an_import_is_queued_then_completed() {
    let p = Probe::new(0, 0, quick()).await;
    let contacts = json!([{"email": "a@example.org", "first_name": "A", "tags": ["shop"], "subscribe": [{"listid": 1}]},
        {"email": "b@example.org"}]);
    let taken = p.ac("POST", "/import/bulk_import", json!({"contacts": contacts})).await;
    assert_eq!((&taken.json["success"], &taken.json["queued_contacts"]), (&json!(1), &json!(2)));
    let path = format!("/import/info?batchId={}", taken.json["batchId"].as_str().unwrap());
    assert_eq!(p.ac("GET", &path, Value::Null).await.json, json!(false), "asked too soon");
    let early = p.ac("GET", "/contacts?email=a@example.org", Value::Null).await;
    assert!(early.json["contacts"].as_array().unwrap().is_empty());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let info = p.ac("GET", &path, Value::Null).await;
    assert_eq!(info.json["status"], "completed");
    assert_eq!(info.json["success"].as_array().unwrap().len(), 2);
    let dump = p.running.world().dump();
    assert_eq!(dump["contacts"][0]["lists"], json!({"1": 1}));
    assert_eq!(dump["contacts"][0]["tags"], json!(["shop"]));
    assert_eq!(p.running.world().stats()["activecampaign"]["account"]["imported_with_automations"], 2);
}

#[tokio::test]
async fn one_bad_address_refuses_the_whole_import() {
    let p = Probe::new(0, 0, quick()).await;
    let contacts = json!([{"email": "a@example.org"}, {"email": "not an address"}]);
    let refused = p.ac("POST", "/import/bulk_import", json!({"contacts": contacts})).await;
    assert_eq!((refused.status, &refused.json["success"]), (400, &json!(0)));
    assert_eq!(refused.json["failureReasons"][0]["contact"], 1);
    let many: Vec<Value> = (0..251).map(|n| json!({"email": format!("x{n}@example.org")})).collect();
    assert_eq!(p.ac("POST", "/import/bulk_import", json!({"contacts": many})).await.status, 400);
    let long = json!([{"email": "a@example.org", "first_name": "x".repeat(400_001)}]);
    assert_eq!(p.ac("POST", "/import/bulk_import", json!({"contacts": long})).await.status, 400);
    assert_eq!(p.running.world().stats()["activecampaign"]["account"]["contacts"], 0);
}

#[tokio::test]
async fn an_import_never_puts_anybody_back_on_a_list() {
    let p = Probe::new(0, 0, quick()).await;
    p.running.world().seed_contact(&json!({"email": "a@example.org", "lists": {"1": 2}}));
    let contacts = json!([{"email": "a@example.org", "subscribe": [{"listid": "1"}]}]);
    p.ac("POST", "/import/bulk_import", json!({"contacts": contacts})).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(p.running.world().dump()["contacts"][0]["lists"], json!({"1": 2}));
    let id =
        p.ac("GET", "/contacts?email=a@example.org", Value::Null).await.json["contacts"][0]["id"].clone();
    let revive = json!({"contactList": {"list": "1", "contact": id, "status": 1}});
    assert_eq!(p.ac("POST", "/contactLists", revive).await.status, 201);
    assert_eq!(p.running.world().stats()["violations"][0]["kind"], "resubscribed");
}
