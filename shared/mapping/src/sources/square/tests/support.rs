//! Running, building and showing.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) use crate::contract::run;
use crate::http::Http;
use crate::model::{
    Buyer, Currency, Customer, Location, Observed, Order, Personal, Product, Reading, Secret,
};
use crate::source::{Access, Cache, Field, Merged, Page, ReadOptions, Source, SourceError, Window};
use crate::sources::square::Square;

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Seconds after the first instant of 2026.
pub(super) fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

pub(super) fn access() -> Access {
    Access {
        api_url: "https://connect.squareup.com".to_owned(),
        token: Secret::new("EAAA-token"),
        store: "M1".to_owned(),
        location: Location {
            id: "L1".to_owned(),
            name: "Rue Haute".to_owned(),
            currency: Currency::parse("EUR").unwrap(),
            timezone: "Europe/Paris".to_owned(),
            language: Some("en-IE".to_owned()),
            active: true,
        },
        options: ReadOptions::default(),
        merged: Merged::default(),
    }
}

pub(super) fn window(field: Field, from: i64, to: i64) -> Window {
    Window { field, from: after(from), to: after(to) }
}

/// Reads a window to its end, as an engine does.
pub(super) fn read_all(
    http: &dyn Http,
    access: &Access,
    window: Window,
) -> Result<Vec<Page<Order>>, SourceError> {
    let cache = Cache::default();
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let mut page = run(Square.read_orders(http, access, window, token.take(), &cache))?;
        token = page.next.take();
        pages.push(page);
        if token.is_none() {
            return Ok(pages);
        }
        assert!(pages.len() < 200, "the window does not end");
    }
}

pub(super) fn ids(pages: &[Page<Order>]) -> Vec<String> {
    pages.iter().flat_map(|page| page.records.iter()).map(|record| record.id.clone()).collect()
}

pub(super) fn failure<T>(result: Result<T, SourceError>) -> SourceError {
    match result {
        Ok(_) => panic!("it went well"),
        Err(error) => error,
    }
}

pub(super) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sources/square/fixtures")
}

pub(super) fn load(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares with the file beside the case; `UPDATE_FIXTURES=1` writes it instead, to be read before it is kept.
pub(super) fn expect(case: &Path, actual: &Value) -> Result<(), String> {
    let beside = case.with_extension("expected.json");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        let text = format!("{}\n", serde_json::to_string_pretty(actual).unwrap());
        std::fs::write(&beside, text).unwrap();
        return Ok(());
    }
    let expected = load(&beside);
    if expected == *actual {
        return Ok(());
    }
    let actual = serde_json::to_string_pretty(actual).unwrap();
    Err(format!("{} is not what came:\n{actual}", beside.display()))
}

pub(super) fn show<T>(seen: &Observed<T>, whole: impl Fn(&T) -> Value) -> Value {
    let reading = match &seen.reading {
        Reading::Ready(record) => json!({"ready": whole(record)}),
        Reading::Skipped { reason, late } => {
            json!({"skipped": reason.word(), "late": late.as_ref().map(|record| whole(record))})
        }
        Reading::Unreadable { code, place } => json!({"unreadable": code, "place": place}),
    };
    json!({
        "id": seen.id,
        "version": seen.version.to_string(),
        "at": seen.at.to_string(),
        "created": seen.created.to_string(),
        "reading": reading,
    })
}

fn person(text: &Option<Personal>) -> Option<&str> {
    text.as_ref().map(Personal::expose)
}

fn buyer(buyer: &Buyer) -> Value {
    json!({
        "id": buyer.id,
        "email": buyer.email.expose(),
        "first_name": person(&buyer.first_name),
        "last_name": person(&buyer.last_name),
        "phone": person(&buyer.phone),
        "company": person(&buyer.company),
        "accepts_marketing": buyer.accepts_marketing,
    })
}

pub(super) fn order(order: &Order) -> Value {
    let lines = order.lines.iter().map(|line| {
        json!({
            "id": line.id,
            "product_id": line.product_id,
            "variant_id": line.variant_id,
            "name": line.name,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "category": line.category,
            "sku": line.sku,
            "image_url": line.image_url,
        })
    });
    json!({
        "id": order.id,
        "number": order.number,
        "buyer": order.buyer.as_ref().map(buyer),
        "status": format!("{:?}", order.status),
        "total": order.total,
        "shipping": order.shipping,
        "shipping_method": order.shipping_method,
        "discounts": order.discounts.iter().map(|off| json!({"name": off.name, "amount": off.amount})).collect::<Vec<_>>(),
        "lines": lines.collect::<Vec<_>>(),
        "url": order.url,
        "date": order.date.to_string(),
        "modified": order.modified.to_string(),
    })
}

pub(super) fn customer(customer: &Customer) -> Value {
    json!({
        "id": customer.id,
        "email": customer.email.expose(),
        "first_name": person(&customer.first_name),
        "last_name": person(&customer.last_name),
        "phone": person(&customer.phone),
        "company": person(&customer.company),
        "accepts_marketing": customer.accepts_marketing,
        "modified": customer.modified.to_string(),
    })
}

pub(super) fn product(product: &Product) -> Value {
    json!({
        "product_id": product.product_id,
        "variant_id": product.variant_id,
        "name": product.name,
        "variant_name": product.variant_name,
        "description": product.description,
        "category": product.category,
        "sku": product.sku,
        "image_url": product.image_url,
        "price": product.price,
    })
}
