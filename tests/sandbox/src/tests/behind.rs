//! What others left at the account, and what they do there behind one's back.

use serde_json::{Value, json};

use super::probe::{Probe, order, quick};

const PUSH: &str = "mutation Push($batch:[OrderInput!]!){bulkUpsertOrders(orders:$batch){id}}";

async fn control(p: &Probe, method: &str, path: &str, body: Value) -> Value {
    let url = format!("{}{path}", p.running.control_url);
    let request = p.client.request(method.parse().unwrap(), url).body(body.to_string());
    p.send(request).await.unwrap().json
}

/// A connection with orders of the shop's first location under ids of this sort, and its id.
async fn foreign(p: &Probe, keyed_by: &str) -> i64 {
    let location = p.location(0);
    let connection = json!({"service": "square", "externalid": location, "name": "Own", "isInternal": "1",
        "syncStatus": 1, "orders": {"keyed_by": keyed_by, "location": location, "count": 30}});
    let made = control(p, "POST", "/connections", connection).await;
    assert_eq!(made["isInternal"], "1");
    made["id"].as_str().unwrap().parse().unwrap()
}

async fn ids_of(p: &Probe, connection: i64) -> Vec<String> {
    let filter = json!({"legacyConnectionId": {"value": connection}, "storeCreatedDate": {"sort": "ASC"},
        "pagination": {"limit": 100}});
    let query = "query Q($f:OrderFilter){searchOrder(filter:$f){storeOrderId}}";
    let found = p.graphql(query, json!({"f": filter})).await;
    let orders = found.json["data"]["searchOrder"].as_array().unwrap().clone();
    orders.iter().map(|o| o["storeOrderId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_foreign_connection_holds_orders_under_ids_of_its_own() {
    let p = Probe::new(300, 60, quick()).await;
    let sales = p.running.world().expected_orders(None);
    let sale = |pointer: &str, id: &str| {
        sales.as_array().unwrap().iter().any(|sale| match sale.pointer(pointer) {
            Some(Value::Array(ids)) => ids.iter().any(|i| i == id),
            found => found.is_some_and(|f| f == id),
        })
    };
    for (keyed_by, by_order, by_payment) in
        [("order", true, false), ("payment", false, true), ("unknown", false, false)]
    {
        let p = Probe::new(300, 60, quick()).await;
        let connection = foreign(&p, keyed_by).await;
        let ids = ids_of(&p, connection).await;
        assert!(ids.len() >= 25, "{}", ids.len());
        // The shop of the second probe is the same: one seed. Only its end lies moments later.
        let (orders, payments) = (
            ids.iter().filter(|id| sale("/id", id)).count(),
            ids.iter().filter(|id| sale("/payments", id)).count(),
        );
        assert_eq!((orders > 20, payments > 20), (by_order, by_payment), "{keyed_by}");
        let stats = p.running.world().stats();
        assert_eq!((&stats["violations"], &stats["warnings"]), (&json!([]), &json!([])));
        assert_eq!(stats["activecampaign"]["account"]["purchases"], 0);
        let path = format!("/ecomOrders?filters[connectionid]={connection}&limit=100");
        let copies = p.ac("GET", &path, Value::Null).await;
        assert_eq!(copies.json["ecomOrders"].as_array().unwrap().len(), ids.len());
    }
}

#[tokio::test]
async fn orders_may_be_seeded_one_by_one() {
    let p = Probe::new(0, 0, quick()).await;
    let orders = json!([{"storeOrderId": "a", "finalAmount": 12.5, "creationSource": "REAL_TIME"}, {}]);
    let made =
        control(&p, "POST", "/connections", json!({"service": "x", "externalid": "y", "orders": orders}))
            .await;
    let connection = made["id"].as_str().unwrap().parse().unwrap();
    let mut ids = ids_of(&p, connection).await;
    ids.sort();
    assert_eq!(ids, ["a", "foreign-2"]);
    assert_eq!(p.running.world().order("a")["records"][0]["amount_minor"], 1_250);
    assert_eq!(p.running.world().purchases()["purchases"], json!([]), "nobody saw it happen");
}

#[tokio::test]
async fn an_order_changes_and_goes_behind_ones_back() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    p.graphql(PUSH, json!({"batch": [order(id, "o1"), order(id, "o2")]})).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let copies =
        |external: &str| format!("/ecomOrders?filters[connectionid]={id}&filters[externalid]={external}");
    let found = p.ac("GET", &copies("o1"), Value::Null).await;
    let number = found.json["ecomOrders"][0]["id"].as_str().unwrap().to_owned();
    let one = p.ac("GET", &format!("/ecomOrders/{number}"), Value::Null).await;
    assert_eq!(one.json["ecomOrder"]["externalid"], "o1");
    assert_eq!(one.json["connections"][0]["id"], id.to_string());
    assert_eq!(one.json["ecomOrderProducts"].as_array().unwrap().len(), 1);

    let members = json!({"finalAmount": 1.25, "normalizedStatus": "CANCELLED"});
    assert_eq!(control(&p, "POST", "/orders/o1", members).await["changed"], 1);
    let query =
        "query Q($c:Int!){getOrder(legacyConnectionId:$c,storeOrderId:\"o1\"){finalAmount normalizedStatus}}";
    let altered = p.graphql(query, json!({"c": id})).await;
    assert_eq!(altered.json["data"]["getOrder"]["normalizedStatus"], "CANCELLED");
    assert_eq!(p.running.world().order("o1")["records"][0]["amount_minor"], 125);

    assert_eq!(control(&p, "DELETE", "/orders/o1/copy", Value::Null).await["lost"], 1);
    assert_eq!(p.ac("GET", &copies("o1"), Value::Null).await.json["ecomOrders"], json!([]));
    assert_eq!(p.ac("GET", &format!("/ecomOrders/{number}"), Value::Null).await.status, 404);
    assert_eq!(ids_of(&p, id).await.len(), 2, "the order itself is still there");
    assert_eq!(control(&p, "DELETE", "/orders/o2", Value::Null).await["lost"], 1);
    assert_eq!(ids_of(&p, id).await, ["o1"]);
}

#[tokio::test]
async fn lists_are_filtered_by_what_is_documented_only() {
    let p = Probe::new(0, 0, quick()).await;
    for n in 0..25 {
        p.connect(&format!("L{n}")).await;
    }
    let first = p.ac("GET", "/connections", Value::Null).await;
    assert_eq!(first.json["connections"].as_array().unwrap().len(), 20, "twenty unless said");
    assert_eq!(first.json["meta"]["total"], "25");
    let rest = p.ac("GET", "/connections?limit=100&offset=20", Value::Null).await;
    assert_eq!(rest.json["connections"].as_array().unwrap().len(), 5);
    let other = p.ac("GET", "/connections?filters[service]=other", Value::Null).await;
    assert_eq!((other.status, &other.json["connections"]), (200, &json!([])));
    for wrong in [
        "/connections?filters[name]=Shop",
        "/connections?limit=many",
        "/connections?service=test",
        "/ecomOrders?filters[connectionid]=0",
        "/ecomOrders?filters[orderNumber]=1",
        "/ecomOrders?filters[externalid][eq]=1",
        "/ecomOrders?orders[externalid]=UP",
    ] {
        assert_eq!(p.ac("GET", wrong, Value::Null).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn copies_are_sorted_as_asked() {
    let p = Probe::new(0, 0, quick()).await;
    let id = p.connect("L1").await;
    p.graphql(PUSH, json!({"batch": [order(id, "b"), order(id, "c"), order(id, "a")]})).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    for (direction, wanted) in [("ASC", ["a", "b", "c"]), ("DESC", ["c", "b", "a"])] {
        let found = p.ac("GET", &format!("/ecomOrders?orders[externalid]={direction}"), Value::Null).await;
        let orders = found.json["ecomOrders"].as_array().unwrap();
        let ids: Vec<&str> = orders.iter().map(|o| o["externalid"].as_str().unwrap()).collect();
        assert_eq!(ids, wanted);
    }
}

#[tokio::test]
async fn one_address_is_one_customer_of_a_connection() {
    let p = Probe::new(0, 0, quick()).await;
    let (one, two) = (p.connect("L1").await, p.connect("L2").await);
    let with = |connection: i64, id: &str, customer: &str, email: &str| {
        let mut order = order(connection, id);
        order["storeCustomerId"] = json!(customer);
        order["email"] = json!(email);
        order
    };
    let batch = json!([
        with(one, "o1", "c-1", "ana@example.org"),
        with(one, "o2", "c-1", "ANA@example.org"),
        with(two, "o3", "c-9", "ana@example.org"),
        with(one, "o4", "c-2", "bea@example.org"),
    ]);
    p.graphql(PUSH, json!({"batch": batch})).await;
    assert_eq!(p.running.world().stats()["violations"], json!([]));
    // Bea takes the address of Ana: hers is a second customer of it.
    p.graphql(PUSH, json!({"batch": [with(one, "o5", "c-2", "ana@example.org")]})).await;
    let stats = p.running.world().stats();
    assert_eq!(stats["violations"][0], json!({"kind": "second_customer_same_email", "subject": "c-2"}));
    assert_eq!(stats["counts"]["second_customer_same_email"], 1);
}
