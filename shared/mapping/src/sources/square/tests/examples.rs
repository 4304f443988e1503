//! Every order, payment, refund, customer, location and catalogue object that Square gives as an example in its
//! OpenAPI description, webhook payloads included, is decoded, and mapped or left out by a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::source::{Cache, Source};
use crate::sources::square::api::Api;
use crate::sources::square::goods::Goods;
use crate::sources::square::payment::{Found, read};
use crate::sources::square::{Square, wire};

use super::shop::Shop;
use super::support::{access, customer, expect, fixtures, load, order, product, run, show, time};

/// Kinds of records, by the member they stand under, alone or in a list.
const KINDS: [(&str, &str); 6] = [
    ("order", "orders"),
    ("payment", "payments"),
    ("refund", "refunds"),
    ("customer", "customers"),
    ("location", "locations"),
    ("merchant", "merchants"),
];

/// The schemas with their examples; whose copy it is, and its licence, stands beside it.
fn schemas() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sandbox/data/square-openapi.json");
    load(&file)["components"]["schemas"].take()
}

/// Every example object, by kind, with the place it stands at.
fn examples() -> BTreeMap<&'static str, Vec<(String, Value)>> {
    let mut found = BTreeMap::new();
    for (name, schema) in schemas().as_object().unwrap() {
        collect(&schema["example"], name, "", &mut found);
    }
    found
}

fn collect(
    value: &Value,
    place: &str,
    member: &str,
    found: &mut BTreeMap<&'static str, Vec<(String, Value)>>,
) {
    match value {
        Value::Object(members) => {
            if let Some(kind) = kind(value, member) {
                found.entry(kind).or_default().push((place.to_owned(), value.clone()));
            }
            members.iter().for_each(|(name, value)| collect(value, &format!("{place}/{name}"), name, found));
        }
        Value::Array(entries) => entries
            .iter()
            .enumerate()
            .for_each(|(index, entry)| collect(entry, &format!("{place}/{index}"), member, found)),
        _ => {}
    }
}

fn kind(value: &Value, member: &str) -> Option<&'static str> {
    value["id"].as_str()?;
    if let Some((_, many)) = KINDS.iter().find(|(one, many)| [*one, *many].contains(&member)) {
        return Some(many);
    }
    let holds_data = value.as_object()?.keys().any(|name| name.ends_with("_data"));
    (value["type"].is_string() && holds_data).then_some("catalog")
}

/// Runs one check over the examples of a kind.
fn each(kind: &str, check: impl Fn(&Value) -> Value) {
    let all = examples();
    let came: Vec<Value> =
        all[kind].iter().map(|(from, object)| json!({"from": from, "result": check(object)})).collect();
    let path = fixtures().join("examples").join(format!("{kind}.json"));
    if let Err(wrong) = expect(&path, &Value::from(came)) {
        panic!("{wrong}");
    }
}

/// What the description holds. Merchants are told by the token and the locations; no call reads one.
#[test]
fn no_example_is_left_out() {
    let counts: Vec<(&str, usize)> = examples().iter().map(|(kind, all)| (*kind, all.len())).collect();
    let expected = [
        ("catalog", 26),
        ("customers", 15),
        ("locations", 3),
        ("merchants", 2),
        ("orders", 2),
        ("payments", 4),
        ("refunds", 4),
    ];
    assert_eq!(counts, expected);
    for (kind, count) in expected.into_iter().filter(|(kind, _)| *kind != "merchants") {
        let written = load(&fixtures().join("examples").join(format!("{kind}.expected.json")));
        assert_eq!(written.as_array().unwrap().len(), count, "{kind}");
    }
}

/// A payload holds a record that is read as any other, or names one that has to be asked for.
#[test]
fn every_webhook_payload_holds_a_record_or_names_one() {
    // By the member of `data.object`; those of locations hold none.
    let names_one =
        ["order_created", "order_updated", "order_fulfillment_updated", "catalog_version", "revocation"];
    let all = examples();
    let (mut held, mut named, mut bare) = (0, 0, 0);
    let schemas = schemas();
    let events = schemas.as_object().unwrap().iter().filter(|(_, schema)| schema.get("x-webhook").is_some());
    for (name, schema) in events {
        let data = &schema["example"]["data"];
        let Some(member) = data["object"].as_object().and_then(|object| object.keys().next()) else {
            assert!(data["id"].is_string() && data["type"] == "Location", "{name}");
            bare += 1;
            continue;
        };
        if names_one.contains(&member.as_str()) {
            assert!(
                data["object"][member]["order_id"].is_null()
                    || data["object"][member]["order_id"] == data["id"]
            );
            named += 1;
            continue;
        }
        let place = format!("{name}/data/object/{member}");
        assert!(all.values().flatten().any(|(from, _)| *from == place), "{place} is not read");
        held += 1;
    }
    assert_eq!((held, named, bare), (7, 5, 2));
}

#[test]
fn example_refunds() {
    each("refunds", |object| {
        let text = object.to_string();
        let refund: wire::Refund<'_> = serde_json::from_str(&text).unwrap();
        json!({"order": refund.order_id.as_deref(), "updated": refund.updated_at.map(|at| at.to_string())})
    });
}

#[test]
fn example_locations() {
    each("locations", |object| {
        let mut shop = Shop::default();
        shop.fixed.insert("token.status", json!({}));
        shop.fixed.insert("locations.list", json!({"locations": [object]}));
        let store = run(Square.identify(&shop, &access().api_url, &access().token)).unwrap();
        json!({"store": store.id, "locations": store.locations})
    });
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
    let catalog: Vec<Value> = examples()["catalog"].iter().map(|(_, object)| object.clone()).collect();
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
        run(goods.look_up(&Api::of(&shop, &access), &ids.iter().copied().collect::<BTreeSet<_>>())).unwrap();
        ids.iter()
            .map(|id| goods.get(id).map_or_else(|| json!({"no product": id}), |found| product(found)))
            .collect()
    });
}
