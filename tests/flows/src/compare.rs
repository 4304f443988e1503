//! One order of the account beside what the shop says of it.

use jiff::Timestamp;
use serde_json::{Value, json};
use tillsync_engine::state::Connection;

use crate::check;
use crate::harness::Flow;

/// An amount as it goes over the wire, a figure or a text, in minor units; none where it has more digits than those.
fn minor(wire: &Value, currency: &str) -> Option<i64> {
    let text = wire.as_str().map_or_else(|| wire.to_string(), str::to_owned);
    let places = match currency {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let fits = fraction.len() <= places;
    fits.then(|| format!("{whole}{fraction:0<places$}").parse().ok())?
}

fn lines_match(held: &[Value], told: &[Value], currency: &str) -> bool {
    let same = |(held, told): (&Value, &Value)| {
        held["name"] == told["name"]
            && held["quantity"] == told["quantity"]
            && minor(&held["priceAmount"], currency) == told["price_minor"].as_i64()
    };
    held.len() == told.len() && held.iter().zip(told).all(same)
}

fn goods_match(held: &[Value], told: &[Value]) -> bool {
    let same = |(held, told): (&Value, &Value)| {
        told["variant"].is_null()
            || (held["storeBaseProductId"] == told["product"]
                && held["productStorePrimaryId"] == told["variant"]
                && held["category"] == told["category"]
                && held["sku"] == told["sku"]
                && held["imageUrl"] == told["image_url"])
    };
    held.iter().zip(told).all(same)
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// In what the account's record of an order is not what the shop says.
fn differs(told: &Value, record: &Value) -> Vec<&'static str> {
    let order = &record["order"];
    let currency = told["currency"].as_str().unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (held, lines) = (list(&order["lineItems"]), list(&told["lines"]));
    let checks = [
        ("lines", lines_match(&held, &lines, currency)),
        ("goods", goods_match(&held, &lines)),
        ("shipping", minor(&order["shippingAmount"], currency) == told["shipping_minor"].as_i64()),
        ("shipping method", order["shippingMethod"] == told["shipping_method"]),
        ("status", order["normalizedStatus"] == told["status"]),
        ("amount", record["amount_minor"] == told["amount_minor"]),
        ("currency", order["currency"] == told["currency"]),
        ("date", instant(&order["storeCreatedDate"]) == instant(&told["date"])),
        ("email", order["email"] == told["email"]),
        ("marketing", (order["acceptsMarketing"] == false) == (told["opted_out"] == true)),
    ];
    checks.into_iter().filter_map(|(what, same)| (!same).then_some(what)).collect()
}

/// Every eligible order that is not at the account as the shop says, but for `excused` members: its cases, what
/// differs, and both sides.
pub(crate) fn wrong(flow: &Flow, connection: &Connection, excused: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for told in check::eligible(&flow.world, connection) {
        let id = told["id"].as_str().unwrap();
        let order = flow.world.order(id);
        let records = order["records"].as_array().unwrap();
        let mut found = match &records[..] {
            [record] => differs(&told, record),
            _ => vec!["number of records"],
        };
        found.retain(|what| !excused.contains(what));
        if !found.is_empty() {
            wrong.push(format!("{found:?} {} {id}\n   {told}\n   {}", told["kinds"], json!(records)));
        }
    }
    wrong
}

/// Every eligible order is at the account as the shop says, member by member.
pub(crate) fn all_as_told(flow: &Flow, connection: &Connection) {
    let wrong = wrong(flow, connection, &[]);
    let first: Vec<&String> = wrong.iter().take(5).collect();
    assert!(wrong.is_empty(), "{} orders of {} differ: {first:#?}", wrong.len(), connection.name);
}
