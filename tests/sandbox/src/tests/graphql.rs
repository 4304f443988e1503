//! The ActiveCampaign stand-in, e-commerce GraphQL.

use std::time::Duration;

use serde_json::{Value, json};

use super::probe::{ASYNC, BULK, Probe, order, quick};
use crate::{Poison, Settings};

async fn written(p: &Probe, orders: Value) -> Value {
    let answer = p.graphql(BULK, json!({"batch": orders})).await;
    assert_eq!(answer.status, 200);
    answer.json
}

fn kinds(stats: &Value, list: &str) -> Vec<String> {
    let notes = stats[list].as_array().unwrap();
    notes.iter().map(|n| n["kind"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_batch_by_variables_is_written_in_input_order() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let batch: Vec<Value> = (0..100).map(|n| order(id, &format!("o{n}"))).collect();
    let answer = written(&p, json!(batch)).await;
    let orders = answer["data"]["bulkUpsertOrders"].as_array().unwrap();
    assert!(orders.iter().enumerate().all(|(n, o)| o["storeOrderId"] == json!(format!("o{n}"))));
    assert!(orders.iter().all(|o| o["id"].is_string()));
    assert!(
        orders.iter().any(|o| o["finalAmount"].is_string())
            && orders.iter().any(|o| o["finalAmount"].is_number())
    );
    let one = p
        .graphql(
            "mutation($o:OrderInput){a:upsertOrder(order:$o){...F}} fragment F on Order{email __typename}",
            json!({"o": order(id, "solo")}),
        )
        .await;
    assert_eq!(one.json["data"]["a"], json!({"email": "ana@example.org", "__typename": "Order"}));
}

#[tokio::test]
async fn what_does_not_fit_the_schema_has_locations_and_no_data() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let with = |name: &str, value: Value| {
        let mut one = order(id, "o1");
        one[name] = value;
        json!({"batch": [one]})
    };
    let mut missing = order(id, "o1");
    missing.as_object_mut().unwrap().remove("finalAmount");
    let cases = [
        (BULK, with("colour", json!("red"))),
        (BULK, with("storeOrderId", json!(7))),
        (BULK, with("creationSource", json!("LATER"))),
        (BULK, with("finalAmount", json!("much"))),
        (BULK, with("storeCreatedDate", json!("2026-03-01 09:30:00"))),
        (BULK, with("legacyConnectionId", json!(3_000_000_000_u64))),
        (BULK, json!({"batch": [missing]})),
        (BULK, json!({})),
        ("mutation{bulkUpsertOrders(orders:[]){colour}}", Value::Null),
        ("mutation($b:[Order!]!){bulkUpsertOrders(orders:$b){id}}", json!({"b": []})),
        ("query{getOrder(storeOrderId:\"x\"){id}}", Value::Null),
        ("query{", Value::Null),
    ];
    for (query, variables) in cases {
        let answer = p.graphql(query, variables).await;
        assert_eq!(answer.status, 200);
        assert!(answer.json["errors"][0]["locations"][0]["line"].is_number(), "{query}: {}", answer.text);
        assert!(answer.json.get("data").is_none(), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn one_invalid_order_refuses_the_whole_batch_and_is_named() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let faults = [
        ("legacyConnectionId", json!(99)),
        ("email", json!("nobody")),
        ("email", json!("")),
        ("orderNumber", Value::Null),
        ("currency", json!("EURO")),
        ("finalAmount", json!(-1)),
        ("finalAmount", json!(10.005)),
        ("orderUrl", json!("")),
        ("lineItems", json!([{"name": "x", "quantity": -1, "priceAmount": 1}])),
        ("lineItems", json!([{"name": "x", "quantity": 1, "priceAmount": 1.001}])),
    ];
    for (name, value) in faults {
        let mut bad = order(id, "bad-one");
        bad[name] = value.clone();
        let answer = written(&p, json!([order(id, "good"), bad])).await;
        assert_eq!(answer["errors"][0]["message"], "Validation errors", "{name} {value}: {answer}");
        let named = answer["errors"][0]["extensions"].as_object().unwrap();
        assert!(named.keys().all(|k| k.starts_with("1-storeOrderId-bad-one")), "{answer}");
        assert!(answer["data"].is_null() && answer["errors"][0].get("locations").is_none());
    }
    let mut yen = order(id, "yen");
    yen["currency"] = json!("JPY");
    yen["finalAmount"] = json!(10.5);
    assert_eq!(written(&p, json!([yen])).await["errors"][0]["message"], "Validation errors");
    assert_eq!(p.running.world().stats()["activecampaign"]["account"]["orders"], 0);
}

#[tokio::test]
async fn poisoned_orders_refuse_their_batch_named_or_not_and_lost_ones_never_come() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let world = p.running.world();
    world.poison(&["a".to_owned()], Some(Poison::Named));
    world.poison(&["b".to_owned()], Some(Poison::Unnamed));
    world.poison(&["c".to_owned()], Some(Poison::Lost));
    let named = written(&p, json!([order(id, "x"), order(id, "a")])).await;
    assert!(named["errors"][0]["extensions"].get("1-storeOrderId-a").is_some());
    let unnamed = written(&p, json!([order(id, "x"), order(id, "b")])).await;
    assert_eq!(unnamed["errors"][0]["message"], "Validation errors");
    assert!(unnamed["errors"][0].get("extensions").is_none());
    let taken = p.graphql(ASYNC, json!({"batch": [order(id, "x"), order(id, "c")]})).await;
    assert!(taken.json["data"]["bulkUpsertOrdersAsync"]["recordId"].is_string());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.stats()["activecampaign"]["account"]["orders"], 1);
}

#[tokio::test]
async fn literals_count_as_grammar_tokens_and_variables_do_not() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let one = |n: usize| {
        format!(
            "{{legacyConnectionId:{id},storeOrderId:\"o{n}\",orderNumber:\"o{n}\",email:\"a@example.org\",\
            creationSource:HISTORICAL,currency:\"EUR\",finalAmount:1.5,storeCreatedDate:\"2026-01-01T00:00:00Z\"}}"
        )
    };
    let inlined = |count: usize| {
        let orders: Vec<String> = (0..count).map(one).collect();
        format!("mutation{{bulkUpsertOrders(orders:[{}]){{id}}}}", orders.join(","))
    };
    assert!(p.graphql(&inlined(20), Value::Null).await.json["data"].is_object());
    let refused = p.graphql(&inlined(700), Value::Null).await;
    assert!(
        refused.json["errors"][0]["message"]
            .as_str()
            .unwrap()
            .starts_with("More than 15,000 'grammar' tokens")
    );
    let batch: Vec<Value> = (0..700).map(|n| order(id, &format!("v{n}"))).collect();
    assert!(p.graphql(BULK, json!({"batch": batch})).await.json["data"].is_object());
    p.running.world().set(&json!({"graphql_body_bytes": 10_000})).unwrap();
    assert_eq!(p.graphql(BULK, json!({"batch": batch})).await.status, 413);
}

#[test]
fn the_minimal_document_has_24_tokens() {
    let scan = crate::tests::tokens(
        "mutation Push($batch:[OrderInput!]!){bulkUpsertOrdersAsync(orders:$batch){recordId}}",
    );
    assert_eq!(scan, (24, Some("bulkUpsertOrdersAsync".to_owned())));
    assert_eq!(
        crate::tests::tokens("{ a: getOrder(x:\"q \\\" {\"){id} } # end").1.as_deref(),
        Some("getOrder")
    );
}

#[tokio::test]
async fn async_orders_come_late_then_the_v3_copy_then_the_totals() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let taken = p.graphql(ASYNC, json!({"batch": [order(id, "o1")]})).await;
    assert!(taken.json["data"]["bulkUpsertOrdersAsync"]["recordId"].is_string());
    let get = "query($c:Int!,$o:String!){getOrder(legacyConnectionId:$c,storeOrderId:$o){id email}}";
    let found = async || p.graphql(get, json!({"c": id, "o": "o1"})).await.json["data"]["getOrder"].clone();
    let copies = async || {
        let list = p.ac("GET", "/ecomOrders?filters[externalid]=o1", Value::Null).await;
        list.json["ecomOrders"].as_array().unwrap().clone()
    };
    assert!(found().await.is_null());
    for _ in 0..50 {
        if !found().await.is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(found().await["email"], "ana@example.org");
    assert!(copies().await.is_empty());
    tokio::time::sleep(Duration::from_millis(250)).await;
    let copy = copies().await;
    assert_eq!(copy[0]["totalPrice"].to_string().trim_matches('"'), "2450");
    let customers = p.ac("GET", "/ecomCustomers?filters[email]=ana@example.org", Value::Null).await;
    for row in customers.json["ecomCustomers"].as_array().unwrap() {
        assert_eq!(row["totalRevenue"].to_string().trim_matches('"'), "2450");
        assert_eq!(row["totalOrders"], "1");
    }
    assert_eq!(customers.json["ecomCustomers"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn only_new_real_time_orders_are_purchases() {
    let p = Probe::new(0, 0, Settings { rewrite_window_ms: 0, ..quick() }).await;
    let id = p.connect("L1").await;
    let live = |name: &str| {
        let mut one = order(id, name);
        one["creationSource"] = json!("REAL_TIME");
        one
    };
    written(&p, json!([order(id, "old"), live("new")])).await;
    written(&p, json!([order(id, "old"), live("new")])).await;
    let seen = p.running.world().purchases();
    assert_eq!(seen["purchases"].as_array().unwrap().len(), 1);
    assert_eq!(seen["order_updates"].as_array().unwrap().len(), 1);
    let history = p.running.world().order("new");
    assert_eq!(history["records"][0]["written"], 2);
    assert_eq!(history["records"][0]["history"][1]["creation_source"], "REAL_TIME");
}

#[tokio::test]
async fn stale_and_hasty_writes_are_flagged() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    written(&p, json!([order(id, "o1")])).await;
    let mut older = order(id, "o1");
    older["storeModifiedDate"] = json!("2026-02-01T00:00:00Z");
    written(&p, json!([older])).await;
    let stats = p.running.world().stats();
    assert_eq!(kinds(&stats, "violations"), ["rewritten_within_60s", "stale_overwrite"]);
    assert_eq!(p.running.world().order("o1")["records"][0]["stale_overwrites"], 1);
}

#[tokio::test]
async fn blanks_overwrite_and_a_second_customer_of_one_address_is_not_made() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    written(&p, json!([order(id, "o1")])).await;
    let mut second = order(id, "o2");
    second["storeCustomerId"] = json!("c-2");
    second["customerData"] = json!({"firstName": "", "phone": ""});
    written(&p, json!([second])).await;
    let contact =
        p.ac("GET", "/contacts?email=ana@example.org", Value::Null).await.json["contacts"][0].clone();
    assert_eq!((&contact["firstName"], &contact["lastName"]), (&json!(""), &json!("Lima")));
    let stats = p.running.world().stats();
    assert_eq!(kinds(&stats, "warnings"), ["blanked_contact_field"]);
    assert_eq!(kinds(&stats, "violations"), ["second_customer_same_email"]);
    assert_eq!(p.running.world().dump()["customers"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn search_filters_sorts_and_pages() {
    let p = Probe::new(0, 0, quick()).await;
    let (id, other) = (p.connect("L1").await, p.connect("L2").await);
    let mut batch = Vec::new();
    for n in 0..30 {
        let mut one = order(if n % 3 == 0 { other } else { id }, &format!("o{n:02}"));
        one["storeCreatedDate"] = json!(format!("2026-03-{:02}T00:00:00Z", 30 - n));
        batch.push(one);
    }
    written(&p, json!(batch)).await;
    let search = "query($f:OrderFilter){searchOrder(filter:$f){storeOrderId storeCreatedDate}}";
    let ids = async |filter: Value| -> Vec<String> {
        let answer = p.graphql(search, json!({"f": filter})).await;
        let list = answer.json["data"]["searchOrder"].as_array().cloned().unwrap_or_default();
        list.iter().map(|o| o["storeOrderId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(json!({})).await.len(), 20, "twenty unless asked otherwise");
    let since = json!({"value": "2026-03-10T00:00:00Z", "filterOperator": "GTE", "sort": "ASC"});
    let found = ids(json!({"legacyConnectionId": {"value": id}, "storeCreatedDate": since,
        "pagination": {"offset": 1, "limit": 3}}))
    .await;
    assert_eq!(found, ["o19", "o17", "o16"]);
    let last = json!({"legacyConnectionId": {"value": id}, "storeCreatedDate": {"sort": "DESC"}, "pagination": {"limit": 2}});
    assert_eq!(ids(last).await, ["o01", "o02"]);
    assert_eq!(ids(json!({"storeOrderId": {"value": "o2", "filterOperator": "CONTAINS"}})).await.len(), 10);
    assert_eq!(ids(json!({"finalAmount": {"value": 24.50}, "pagination": {"limit": 100}})).await.len(), 30);
    assert!(ids(json!({"email": {"value": "x@example.org"}})).await.is_empty());
    for bad in
        [json!({"pagination": {"limit": 101}}), json!({"email": {"value": "x", "filterOperator": "GT"}})]
    {
        assert!(p.graphql(search, json!({"f": bad})).await.json["errors"][0]["message"].is_string());
    }
}

#[tokio::test]
async fn products_are_patched_and_a_connection_can_be_announced() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    let push = "mutation($p:[ProductInput]){bulkUpsertProducts(products:$p){id storePrimaryId baseProductName variantSku}}";
    let first = json!([{"legacyConnectionId": id, "storePrimaryId": "v1", "baseProductName": "Tea", "variantSku": "S"}]);
    p.graphql(push, json!({"p": first})).await;
    let second = json!([{"legacyConnectionId": id, "storePrimaryId": "v1", "variantSku": null}]);
    let answer = p.graphql(push, json!({"p": second})).await;
    let product = &answer.json["data"]["bulkUpsertProducts"][0];
    assert_eq!((&product["baseProductName"], &product["variantSku"]), (&json!("Tea"), &Value::Null));
    let sync = "mutation($e:String!){syncLegacyConnection(integrationName:\"test\",connectionUniqueIdentifier:$e){id}}";
    let answer = p.graphql(sync, json!({"e": "L1"})).await;
    assert_eq!(answer.json["data"]["syncLegacyConnection"]["id"], json!(id.to_string()));
    assert!(p.graphql(sync, json!({"e": "nope"})).await.json["errors"].is_array());
    let classes = p.running.world().stats()["activecampaign"]["classes"].clone();
    assert_eq!((&classes["product_writes"], &classes["connections"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn v3_orders_cannot_be_written_without_being_noticed() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    written(&p, json!([order(id, "o1")])).await;
    let post = |external: &str| json!({"ecomOrder": {"externalid": external, "connectionid": id, "email": "a@example.org"}});
    assert_eq!(p.ac("POST", "/ecomOrders", post("o1")).await.status, 422);
    assert_eq!(p.ac("POST", "/ecomOrders", post("o2")).await.status, 201);
    assert_eq!(kinds(&p.running.world().stats(), "violations"), ["v3_order_written", "v3_order_written"]);
}
