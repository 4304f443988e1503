//! Every shape of reply, as data: call, reply and what is understood.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::*;
use crate::http::Response;
use crate::model::Email;

#[derive(Deserialize)]
struct Case<'a> {
    call: String,
    #[serde(default = "ok")]
    status: u16,
    retry_after: Option<String>,
    #[serde(default)]
    sent: Vec<String>,
    /// JSON to be answered as it stands, or under `text` anything else.
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    text: Option<String>,
    expected: Value,
}

fn ana() -> Email {
    Email::parse("Ana@Example.org").unwrap()
}

fn ok() -> u16 {
    200
}

fn understand(call: &str, response: &Response, sent: &[&str]) -> String {
    match call {
        "succeeded" => format!("{:?}", succeeded(response)),
        "has_ecommerce" => format!("{:?}", has_ecommerce(response)),
        "connection" => format!("{:?}", connection(response)),
        "connections" => format!("{:?}", connections(response)),
        "connection_found 7" => format!("{:?}", connection_found(response, 7)),
        "connections_page 0" => format!("{:?}", connections_page(response, 0)),
        "connections_page 2" => format!("{:?}", connections_page(response, 2)),
        "connections_page 3" => format!("{:?}", connections_page(response, 3)),
        "copies_found 7" => format!("{:?}", copies_found(response, 7)),
        "customers_found 7" => format!("{:?}", customers_found(response, 7, &ana())),
        "customer_changed" => format!("{:?}", customer_changed(response)),
        "orders_written" => format!("{:?}", orders_written(response, sent)),
        "orders_queued" => format!("{:?}", orders_queued(response, sent)),
        "products_written" => format!("{:?}", products_written(response, sent)),
        "orders_found" => format!("{:?}", orders_found(response)),
        "import_queued" => format!("{:?}", import_queued(response)),
        "import_state" => match import_state(response) {
            // The addresses are compared here, since they are not printed.
            Ok(ImportState::Done { refused }) => format!("Ok(Done {refused:?})"),
            other => format!("{other:?}"),
        },
        "contact_synced" => format!("{:?}", contact_synced(response)),
        _ => panic!("no such call: {call}"),
    }
}

fn check(cases: &str) {
    let cases: Vec<Case<'_>> = serde_json::from_str(cases).unwrap();
    for (number, case) in cases.iter().enumerate() {
        let body = case.body.map(RawValue::get).or(case.text.as_deref()).unwrap_or_default();
        let response = Response {
            status: case.status,
            retry_after: case.retry_after.clone(),
            date: None,
            body: body.as_bytes().to_vec(),
        };
        let sent: Vec<&str> = case.sent.iter().map(String::as_str).collect();
        // `*` is every call.
        let all = [
            "succeeded",
            "connection",
            "connections",
            "connections_page 0",
            "copies_found 7",
            "customers_found 7",
            "orders_written",
            "orders_queued",
            "products_written",
            "orders_found",
            "import_queued",
            "import_state",
            "contact_synced",
        ];
        let calls = if case.call == "*" { &all[..] } else { &[case.call.as_str()] };
        for call in calls {
            let understood = understand(call, &response, &sent);
            assert_eq!(understood, case.expected.as_str().unwrap(), "case {number}, {call}: {body}");
        }
    }
}

#[test]
fn statuses_are_understood_alike_by_every_call() {
    check(include_str!("../fixtures/replies_any.json"));
}

#[test]
fn replies_of_rest_are_understood() {
    check(include_str!("../fixtures/replies_rest.json"));
}

#[test]
fn replies_of_graphql_are_understood() {
    check(include_str!("../fixtures/replies_graphql.json"));
}

#[test]
fn a_cut_reply_never_counts_as_written() {
    let whole = r#"{"data":{"bulkUpsertOrders":[{"storeOrderId":"a"},{"storeOrderId":"b"}],"bulkUpsertOrdersAsync":{"recordId":"x"}}}"#;
    for length in 0..whole.len() {
        let response = Response {
            status: 200,
            retry_after: None,
            date: None,
            body: whole.as_bytes()[..length].to_vec(),
        };
        assert_eq!(orders_written(&response, &["a", "b"]), Err(Refusal::Unavailable(200)), "{length}");
        assert_eq!(orders_queued(&response, &["a", "b"]), Err(Refusal::Unavailable(200)), "{length}");
    }
}

#[test]
fn a_refusal_is_short_and_names_no_address() {
    let long = format!(
        "{} Ana.Lima@Example.org is no address <b@c.d> \"e＠f\" x%40y.z {}",
        "ä".repeat(100),
        "word ".repeat(500)
    );
    let body = serde_json::json!({"errors": [{"message": "Validation errors", "extensions": {"0-storeOrderId-a": long}}]});
    let response =
        Response { status: 200, retry_after: None, date: None, body: body.to_string().into_bytes() };
    let Err(Refusal::Records(named)) = orders_written(&response, &["a"]) else { panic!("not refused") };
    assert!(named[0].1.chars().count() <= 300);
    assert!(
        !named[0].1.contains(['@', '＠']) && !named[0].1.contains("xample") && !named[0].1.contains("y.z")
    );
    assert!(named[0].1.contains("is no address [address] [address] [address] word"));
}

#[test]
fn amounts_are_the_same_by_value() {
    for (left, right, same) in [
        ("24.5", "24.50", true),
        ("24.50", "2450E-2", true),
        ("1000", "1E+3", true),
        ("1000.00", "1e3", true),
        ("0", "0.000", true),
        ("-0.0", "0", true),
        ("007", "7", true),
        (".5", "0.5", true),
        ("5.", "5", true),
        ("-1", "1", false),
        ("24.5", "24.51", false),
        ("245", "24.5", false),
        ("10", "1", false),
        ("0.1", "1", false),
        ("92233720368547758.07", "92233720368547758.07", true),
        ("92233720368547758.07", "92233720368547758.08", false),
        ("0.1", "0.1000000000000000055511151231257827", false),
        ("", "", false),
        ("x", "x", false),
        ("1,5", "1.5", false),
        ("1.2.3", "1.2.3", false),
        ("null", "0", false),
        ("1e999999999", "1e999999999", false),
        ("1e99999999999999999999", "1", false),
        ("1e-9223372036854775808", "1", false),
        ("--1", "-1", false),
    ] {
        assert_eq!(same_amount(left, right), same, "{left} and {right}");
        let stored = |status: Option<&str>| Stored {
            id: String::new(),
            created: jiff::Timestamp::UNIX_EPOCH,
            modified: None,
            amount: left.to_owned(),
            status: status.map(str::to_owned),
        };
        let check = format!("{right} COMPLETED");
        assert_eq!(stored(Some("COMPLETED")).agrees(&check), same, "{left} and {right}");
        assert_eq!(stored(None).agrees(&check), same, "{left} and {right}");
        assert!(!stored(Some("REFUNDED")).agrees(&check));
        assert!(!stored(None).agrees(right));
        assert_eq!(same_amount(right, left), same, "{right} and {left}");
    }
}
