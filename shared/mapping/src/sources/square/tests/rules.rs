//! One file per rule of rules.md section 1: what Square holds, and beside it what it comes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::source::{Cache, Merged, Source};
use crate::sources::square::Square;

use super::shop::Shop;
use super::support::{access, expect, fixtures, load, order, product, run, show};

fn list(case: &Value, name: &str) -> Vec<Value> {
    case[name].as_array().cloned().unwrap_or_default()
}

/// What the orders of a case come to.
fn outcome(case: &Value) -> Value {
    let shop = Shop {
        orders: list(case, "orders"),
        payments: list(case, "payments"),
        customers: list(case, "customers"),
        catalog: list(case, "catalog"),
        ..Shop::default()
    };
    let mut access = access();
    if let Some(language) = case["language"].as_str() {
        access.location.language = Some(language.to_owned());
    }
    if let Some(url) = case["api_url"].as_str() {
        access.api_url = url.to_owned();
    }
    if let Some(merged) = case["merged"].as_object() {
        let merged = merged.iter().map(|(old, new)| (old.clone(), new.as_str().unwrap().to_owned()));
        access.merged = Merged::noted_by(Arc::new(merged.collect::<BTreeMap<_, _>>()));
    }
    access.options.link_to_receipt = case["link_to_receipt"] == json!(true);
    access.options.buyers_by_email = case["buyers_by_email"] == json!(true);
    let ids: Vec<String> = shop.orders.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect();
    let page = run(Square.fetch_orders(&shop, &access, &ids, &Cache::default())).unwrap();
    json!({
        "orders": page.records.iter().map(|seen| show(seen, order)).collect::<Vec<_>>(),
        "products": page.products.iter().map(product).collect::<Vec<_>>(),
    })
}

#[test]
fn every_rule_comes_out_as_written_beside_it() {
    let mut cases: Vec<_> = std::fs::read_dir(fixtures().join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with(".expected.json"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 40, "{}", cases.len());
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| expect(case, &outcome(&load(case))).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
