//! Answers of a store. `store` is a whole one, in the form of the rules' fixtures, so that the parts of an order meet;
//! the others are the answer of one call, as bytes.

use std::sync::LazyLock;

use serde_json::{Value, json};
use tillsync_mapping::model::{Currency, Location, Secret};
use tillsync_mapping::source::{Access, Cache, Field, ReadOptions, Source, SourceError, Window};
use tillsync_mapping::sources;

use super::order;
use crate::quiet::{self, TOKEN};
use crate::served::{Served, Store, run};
use crate::{Target, corpus};

const FIXTURES: &str = "shared/mapping/src/sources/square/fixtures";

pub(super) const TARGETS: &[Target] = &[
    Target { name: "store", run: store, fixtures: rules, weight: 2 },
    Target { name: "store_orders", run: orders, fixtures: order_answers, weight: 2 },
    Target { name: "store_payments", run: payments, fixtures: payment_answers, weight: 2 },
    Target { name: "store_refunds", run: refunds, fixtures: refund_answers, weight: 2 },
    Target { name: "store_customers", run: customers, fixtures: customer_answers, weight: 2 },
    Target { name: "store_catalog", run: catalog, fixtures: catalog_answers, weight: 2 },
    Target { name: "store_identity", run: identity, fixtures: identity_answers, weight: 8 },
    Target { name: "store_refusals", run: refusals, fixtures: refusal_answers, weight: 2 },
];

/// Everything in use, as one store.
static SAMPLES: LazyLock<Value> = LazyLock::new(|| {
    let all = corpus::json_at(&format!("{FIXTURES}/samples.json"));
    let of = |names: &[&str]| Value::from(names.iter().map(|name| all[*name].clone()).collect::<Vec<_>>());
    json!({
        "orders": of(&["order"]), "payments": of(&["payment"]), "refunds": of(&["refund"]),
        "customers": of(&["customer"]), "catalog": of(&["variation", "item", "image", "category"]),
    })
});

static ANSWERS: LazyLock<Store> = LazyLock::new(|| Store::of(&SAMPLES));

static CODES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| source().codes().iter().map(|text| text.code).collect());

fn source() -> &'static dyn Source {
    &sources::square::Square
}

fn access(store: &Value) -> Access {
    let flag = |name: &str| store.get(name) == Some(&json!(true));
    let currency = Currency::parse("EUR");
    assert!(currency.is_ok());
    Access {
        api_url: source().default_api_url().to_owned(),
        token: Secret::new(TOKEN),
        store: "M1".to_owned(),
        location: Location {
            id: "L1".to_owned(),
            name: "Rue Haute".to_owned(),
            currency: currency.unwrap_or_else(|_| unreachable!()),
            timezone: "Europe/Paris".to_owned(),
            language: store.get("language").and_then(Value::as_str).map(str::to_owned),
            active: true,
        },
        options: ReadOptions {
            link_to_receipt: flag("link_to_receipt"),
            buyers_by_email: flag("buyers_by_email"),
        },
        merged: Default::default(),
    }
}

fn window(field: Field) -> Window {
    let at = |text: &str| text.parse().unwrap_or_default();
    Window { field, from: at("2000-01-01T00:00:00Z"), to: at("2100-01-01T00:00:00Z") }
}

/// What came, where it came; a failure is looked at.
fn well<T>(result: Result<T, SourceError>) -> Option<T> {
    result.map_err(|error| quiet::source_error(&error, &CODES)).ok()
}

/// Reads the orders of a window as an engine does, twice: the same comes again.
fn read_orders<'a>(served: &dyn Fn() -> Served<'a>, access: &Access, field: Field) {
    let read = || {
        let (http, cache) = (served(), Cache::default());
        let (mut seen, mut token) = (Vec::new(), None);
        for _ in 0..40 {
            let page = well(run(source().read_orders(&http, access, window(field), token.take(), &cache)))?;
            assert!(page.records.is_sorted_by_key(|record| record.at), "not ascending");
            page.products.iter().for_each(order::product);
            seen.extend(page.records);
            token = page.next;
            if token.is_none() {
                return Some(seen);
            }
        }
        panic_at("the window does not end")
    };
    let first = read();
    first.iter().flatten().for_each(|seen| order::observed(seen, &CODES));
    assert_eq!(first, read(), "read again, it came to something else");
}

fn fetch_orders(http: &Served<'_>, access: &Access) {
    let ids: Vec<String> = ["O1", "O2", "O3"].map(str::to_owned).to_vec();
    if let Some(page) = well(run(source().fetch_orders(http, access, &ids, &Cache::default()))) {
        page.records.iter().for_each(|seen| order::observed(seen, &CODES));
        page.products.iter().for_each(order::product);
    }
}

fn read_customers(http: &Served<'_>, access: &Access) {
    for field in [Field::Created, Field::Updated] {
        if let Some(page) = well(run(source().read_customers(http, access, window(field), None))) {
            page.records.iter().for_each(|seen| order::person(seen, &CODES));
        }
    }
    let ids = ["C1".to_owned()];
    if let Some(people) = well(run(source().fetch_customers(http, access, &ids))) {
        people.iter().for_each(|seen| order::person(seen, &CODES));
    }
    well(run(source().count_customers(http, access)));
}

/// Says what does not hold.
#[allow(clippy::panic, reason = "a target fails by panicking")]
fn panic_at<T>(what: &str) -> T {
    panic!("{what}")
}

fn store(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let (access, store) = (access(&value), Store::of(&value));
    for field in [Field::Created, Field::Updated] {
        read_orders(&|| store.served(), &access, field);
    }
    fetch_orders(&store.served(), &access);
    read_customers(&store.served(), &access);
}

fn orders(data: &[u8]) {
    let access = access(&Value::Null);
    let served = || ANSWERS.but(&["orders.search", "orders.batch_retrieve"], 200, data);
    read_orders(&served, &access, Field::Created);
    fetch_orders(&served(), &access);
    well(run(source().count_orders(&served(), &access, window(Field::Created), 4)));
    well(run(source().first_order(&served(), &access)));
}

fn payments(data: &[u8]) {
    let access = access(&Value::Null);
    let served = || ANSWERS.but(&["payments.list", "payments.get"], 200, data);
    read_orders(&served, &access, Field::Updated);
    well(run(source().known_payments(&served(), &access, &["P1".to_owned()])));
}

fn refunds(data: &[u8]) {
    read_orders(&|| ANSWERS.but(&["refunds.list"], 200, data), &access(&Value::Null), Field::Updated);
}

fn customers(data: &[u8]) {
    let access = access(&Value::Null);
    let served = || ANSWERS.but(&["customers.search", "customers.bulk_retrieve"], 200, data);
    read_customers(&served(), &access);
    read_orders(&served, &access, Field::Created);
}

fn catalog(data: &[u8]) {
    let access = access(&Value::Null);
    let served = || ANSWERS.but(&["catalog.batch_retrieve"], 200, data);
    read_orders(&served, &access, Field::Created);
    let ids = ["V1".to_owned(), "V2".to_owned()];
    if let Some(products) = well(run(source().fetch_products(&served(), &access, &ids))) {
        products.iter().for_each(order::product);
    }
}

fn identity(data: &[u8]) {
    let access = access(&Value::Null);
    let lists: [&'static [&'static str]; 2] = [&["token.status"], &["locations.list"]];
    for operations in lists {
        let served = ANSWERS.but(operations, 200, data);
        if let Some(store) = well(run(source().identify(&served, &access.api_url, &access.token))) {
            assert!(!store.id.is_empty(), "a store without an id");
        }
    }
    well(run(source().check_scopes(&ANSWERS.but(&["catalog.info"], 200, data), &access)));
}

/// The same words with every status: what is to be done follows from both.
fn refusals(data: &[u8]) {
    let access = access(&Value::Null);
    for status in [301, 400, 401, 403, 404, 408, 409, 429, 500, 503] {
        let served = ANSWERS.but(&["orders.search", "customers.search", "catalog.info"], status, data);
        let failed = run(source().count_orders(&served, &access, window(Field::Created), 1)).err();
        assert!(failed.is_some(), "{status} passed for an answer");
        failed.iter().for_each(|error| quiet::source_error(error, &CODES));
        well(run(source().check_scopes(&served, &access)));
    }
}

fn rules() -> Vec<Vec<u8>> {
    let cases = corpus::files_in(&format!("{FIXTURES}/rules")).into_iter();
    let cases = cases.filter(|path| !path.to_string_lossy().ends_with(".expected.json"));
    cases.map(|path| corpus::bytes(&corpus::json(&path))).chain([corpus::bytes(&SAMPLES)]).collect()
}

/// Of every store of the corpus, the answer that holds this list, with and without a cursor.
fn lists(name: &str, member: &str) -> Vec<Vec<u8>> {
    let stores = rules().into_iter().filter_map(|store| serde_json::from_slice::<Value>(&store).ok());
    let lists = stores.filter_map(|store| store.get(name).filter(|list| list.get(0).is_some()).cloned());
    let mut answers: Vec<Vec<u8>> = lists.map(|list| corpus::bytes(&json!({member: list}))).collect();
    answers.push(corpus::bytes(&json!({member: SAMPLES[name], "cursor": "CURSOR"})));
    answers.push(b"{}".to_vec());
    answers
}

fn order_answers() -> Vec<Vec<u8>> {
    lists("orders", "orders")
}

fn payment_answers() -> Vec<Vec<u8>> {
    lists("payments", "payments")
}

fn refund_answers() -> Vec<Vec<u8>> {
    lists("refunds", "refunds")
}

fn customer_answers() -> Vec<Vec<u8>> {
    let mut answers = lists("customers", "customers");
    answers.push(corpus::bytes(&json!({"responses": {"C1": {"customer": SAMPLES["customers"][0]}}})));
    answers
}

fn catalog_answers() -> Vec<Vec<u8>> {
    let mut answers = lists("catalog", "objects");
    answers
        .push(corpus::bytes(&json!({"objects": SAMPLES["catalog"], "related_objects": SAMPLES["catalog"]})));
    answers
}

fn identity_answers() -> Vec<Vec<u8>> {
    let place = json!({"id": "L1", "name": "Rue Haute", "currency": "EUR", "timezone": "Europe/Paris",
        "language_code": "fr-FR", "status": "ACTIVE", "merchant_id": "M1"});
    let token = json!({"scopes": ["ORDERS_READ"], "client_id": "sq0", "merchant_id": "M1",
        "expires_at": "2026-12-01T00:00:00Z"});
    [token, json!({"locations": [place]}), json!({"limits": {}})].iter().map(corpus::bytes).collect()
}

fn refusal_answers() -> Vec<Vec<u8>> {
    let words = [
        "UNAUTHORIZED",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_REVOKED",
        "INSUFFICIENT_SCOPES",
        "INVALID_CURSOR",
        "INVALID_LOCATION",
        "RATE_LIMITED",
        "NOT_FOUND",
    ];
    let error = |word| {
        json!({"errors": [{"category": "API_ERROR", "code": word, "field": "query.cursor",
        "detail": format!("{TOKEN} of ann@example.org")}]})
    };
    words
        .map(|word| corpus::bytes(&error(word)))
        .into_iter()
        .chain([b"<html>".to_vec(), Vec::new()])
        .collect()
}
