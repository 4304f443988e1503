//! Every order, payment, customer and catalogue object that Square gives as an example in its OpenAPI
//! description (fixtures/examples/NOTICE) is decoded, and mapped or left out by a rule.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::source::{Cache, Source};
use crate::sources::square::Square;
use crate::sources::square::api::Api;
use crate::sources::square::goods::Goods;
use crate::sources::square::payment::{Found, read};

use super::shop::Shop;
use super::support::{access, customer, expect, fixtures, load, order, product, run, show, time};

/// Runs one check over the objects of a file; each has `from`, the place it was taken from, and `object`.
fn each(kind: &str, check: impl Fn(&Value) -> Value) {
    let path = fixtures().join("examples").join(format!("{kind}.json"));
    let cases = load(&path);
    let cases = cases.as_array().unwrap();
    assert!(!cases.is_empty());
    let came: Vec<Value> =
        cases.iter().map(|case| json!({"from": case["from"], "result": check(&case["object"])})).collect();
    if let Err(wrong) = expect(&path, &Value::from(came)) {
        panic!("{wrong}");
    }
}

#[test]
fn example_orders() {
    each("orders", |object| {
        let shop = Shop { orders: vec![object.clone()], ..Shop::default() };
        let id = object["id"].as_str().unwrap().to_owned();
        let mut access = access();
        // Theirs are of many places; what was sold elsewhere is left out.
        if let Some(location) = object["location_id"].as_str() {
            location.clone_into(&mut access.location.id);
        }
        let page = run(Square.fetch_orders(&shop, &access, &[id], &Cache::default())).unwrap();
        show(&page.records[0], order)
    });
}

#[test]
fn example_payments() {
    each("payments", |object| match read(&object.to_string()) {
        (id, Found::Whole(payment)) => json!({
            "id": id,
            "order": payment.order,
            "customer": payment.customer,
            "status": format!("{:?}", payment.status),
            "paid": payment.paid.to_string(),
            "updated": payment.updated.to_string(),
            "total": payment.total,
            "refunded": payment.refunded,
            "receipt_number": payment.receipt_number,
        }),
        (id, Found::Broken(flaw)) => json!({"id": id, "unreadable": flaw.place()}),
    });
}

#[test]
fn example_customers() {
    each("customers", |object| {
        let shop = Shop { customers: vec![object.clone()], ..Shop::default() };
        let window = crate::source::Window {
            field: crate::source::Field::Created,
            from: time("2000-01-01T00:00:00Z"),
            to: time("2100-01-01T00:00:00Z"),
        };
        let page = run(Square.read_customers(&shop, &access(), window, None)).unwrap();
        show(&page.records[0], customer)
    });
}

#[test]
fn example_catalogue_objects() {
    let all = load(&fixtures().join("examples/catalog.json"));
    let catalog: Vec<Value> = all.as_array().unwrap().iter().map(|case| case["object"].clone()).collect();
    each("catalog", |object| {
        // Items are reached through their variations, as order lines do.
        let inner =
            object.pointer("/item_data/variations").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut held = catalog.clone();
        held.insert(0, object.clone());
        held.splice(0..0, inner.iter().cloned());
        let shop = Shop { catalog: held, ..Shop::default() };
        let access = access();
        let ids: Vec<&str> =
            inner.iter().chain([object]).filter_map(|object| object["id"].as_str()).collect();
        let mut goods = Goods::default();
        run(goods.look_up(&Api::of(&shop, &access), &ids.iter().copied().collect::<HashSet<_>>())).unwrap();
        ids.iter()
            .map(|id| goods.get(id).map_or_else(|| json!({"no product": id}), |found| product(found)))
            .collect()
    });
}
