//! The v3 copy and the account's own integrations: what is taken for the same.

use serde_json::{Value, json};

use super::super::*;
use crate::http::Response;
use crate::model::{Currency, Money};

fn reply(body: &Value) -> Response {
    Response { status: 200, retry_after: None, date: None, body: body.to_string().into_bytes() }
}

#[test]
fn a_copy_shows_an_amount_in_its_minor_units_or_in_hundredths() {
    for (minor, currency, total, shown, agrees) in [
        (2_450, "EUR", json!("2450"), "EUR", true),
        (2_450, "EUR", json!(2_450), "eur", true),
        (2_450, "EUR", json!("2451"), "EUR", false),
        (2_450, "EUR", json!("245000"), "EUR", false),
        (2_450, "EUR", json!("2450"), "USD", false),
        (2_450, "EUR", json!("24.50"), "EUR", false),
        (2_450, "EUR", json!(null), "EUR", false),
        (2_450, "EUR", json!("2450"), "", false),
        (0, "EUR", json!("0"), "EUR", true),
        (1_000, "JPY", json!("1000"), "JPY", true),
        (1_000, "JPY", json!("100000"), "JPY", true),
        (1_000, "JPY", json!("10000"), "JPY", false),
        (1_250, "KWD", json!("1250"), "KWD", true),
        (1_250, "KWD", json!("125"), "KWD", true),
        (1_255, "KWD", json!("125"), "KWD", true),
        (1_255, "KWD", json!("126"), "KWD", true),
        (1_255, "KWD", json!("127"), "KWD", false),
        (i64::MAX, "EUR", json!("9223372036854775807"), "EUR", true),
        (i64::MAX, "JPY", json!("9223372036854775808"), "JPY", false),
    ] {
        let order = json!({"externalid": "o", "totalPrice": total, "currency": shown, "connectionid": "7"});
        let copies = copies_found(&reply(&json!({"ecomOrders": [order]})), 7).unwrap();
        let amount = Money::new(minor, Currency::parse(currency).unwrap());
        assert_eq!(copies[0].shows(amount), agrees, "{minor} {currency} as {total} {shown}");
    }
}

#[test]
fn the_accounts_own_integration_for_a_store_is_known() {
    for (internal, service, externalid, known, is_there) in [
        ("1", "acme", "elsewhere", None, true),
        ("1", "Acme", "elsewhere", None, true),
        ("1", "acme-pos", "elsewhere", None, true),
        ("1", "anything", "L1", None, true),
        ("1", "anything", "M1", None, true),
        ("1", "anything", "L2", None, false),
        ("1", "acmespace", "elsewhere", None, false),
        ("1", "tillsync-acme", "elsewhere", Some("acme"), false),
        ("1", "ACME", "elsewhere", Some("acme"), true),
        ("1", "acme", "elsewhere", Some("acme2"), false),
        ("0", "acme", "L1", None, false),
        ("0", "tillsync-acme", "L1", None, false),
    ] {
        for (status, runs) in [(json!(1), true), (json!("0"), false), (json!(0), false), (json!(null), true)]
        {
            let found = json!({"id": "3", "isInternal": internal, "service": service, "externalid": externalid,
                "syncStatus": status});
            let list = connections(&reply(&json!({"connections": [found]}))).unwrap();
            let own = own_integration(&list, "acme", known, &["L1", "M1"]);
            assert_eq!(own.is_some(), is_there && runs, "{found}");
        }
    }
}
