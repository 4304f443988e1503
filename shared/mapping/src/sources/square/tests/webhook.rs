//! Square's webhooks: the published signatures, and what is read of an event.

use serde_json::{Value, json};

use crate::model::Secret;
use crate::source::{Notice, Received, Source, Webhooks, What};
use crate::sources::square::Square;

const FIRST: &str = r#"{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}"#;
const SITE: &str = "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9";
const KEY: &str = "Ibxx_5AKakO-3qeNVR61Dw";
const SIGNED: &str = "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=";

fn hooks() -> &'static dyn Webhooks {
    Square.webhooks().expect("it has them")
}

fn accepted(key: &str, url: &str, body: &str, header: &str) -> bool {
    let headers = [("x-square-hmacsha256-signature", header.as_bytes())];
    let received = Received { url, headers: &headers, raw: body.as_bytes() };
    hooks().verify(&Secret::new(key), &received).is_ok()
}

/// square.md section 7.4.
#[test]
fn published_signatures_hold_and_what_differs_anywhere_does_not() {
    let good = [
        (KEY, SITE, FIRST, SIGNED),
        (
            "signature-key",
            "https://webhook.site/webhooks",
            r#"{"data":{"type":"webhooks","id":"fake_id"}}"#,
            "W3FlCNk5IA3ZQ2LHTWoajvzfaDu/OwY2tNHIHC3IUOA=",
        ),
        (
            "signature-key",
            "https://webhook.site/webhooks",
            r#"{"data":{"type":"webhooks","id":">id<"}}"#,
            "Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U=",
        ),
        (
            "asdf1234",
            "https://example.com/webhook",
            r#"{"hello":"world"}"#,
            "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=",
        ),
    ];
    for (key, url, body, header) in good {
        assert!(accepted(key, url, body, header), "{body}");
    }
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(FIRST).expect("JSON"));
    let later = FIRST.replace("2022-07-13", "2022-06-13");
    let bad = [
        (KEY, "https://webhook.site/79a4f3a-dcfa-49ee-bac5-9d0edad886b9", FIRST, SIGNED),
        ("MCmhFRxGX82xMwg5FsaoQA", SITE, FIRST, SIGNED),
        (KEY, SITE, FIRST, "1z2n3DEJJiUPKcPzQo1ftvbxGdw="),
        (KEY, SITE, &later, SIGNED),
        (KEY, SITE, &pretty.expect("JSON"), SIGNED),
        ("", SITE, FIRST, SIGNED),
        (KEY, "", FIRST, SIGNED),
        (KEY, SITE, "", SIGNED),
        (KEY, SITE, FIRST, ""),
        (KEY, SITE, FIRST, "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4"),
        (KEY, SITE, FIRST, "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW_S6vkZ9_2N4="),
    ];
    for (key, url, body, header) in bad {
        assert!(!accepted(key, url, body, header), "{url} {body} {header}");
    }
    let twice = [
        ("x-square-hmacsha256-signature", SIGNED.as_bytes()),
        ("x-square-hmacsha256-signature", SIGNED.as_bytes()),
    ];
    let received = Received { url: SITE, headers: &twice, raw: FIRST.as_bytes() };
    assert!(hooks().verify(&Secret::new(KEY), &received).is_err(), "one signature, not several");
}

fn read(event: &Value) -> Option<Notice> {
    super::super::webhook::read(event.to_string().as_bytes())
}

fn event(kind: &str, object: Value) -> Value {
    json!({"merchant_id": "ML1", "type": kind, "event_id": "e-1", "created_at": "2026-01-02T03:04:05.123456789Z",
           "data": {"type": "x", "id": "ID1", "object": object}})
}

#[test]
fn an_event_is_reduced_to_references() {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let merge = json!({"merge": {"from_customer_ids": ["C1", "C2"], "to_customer_id": "C3"}});
    let merged = || What::Merged { old: ids(&["C1", "C2"]), new: "C3".into() };
    let order = |kind: &str| json!({kind: {"order_id": "O1", "location_id": "L1", "state": "OPEN"}});
    let cases = [
        (event("order.created", order("order_created")), Some("L1"), What::Orders(ids(&["O1"]))),
        (event("order.updated", order("order_updated")), Some("L1"), What::Orders(ids(&["O1"]))),
        (
            event("order.fulfillment.updated", order("order_fulfillment_updated")),
            Some("L1"),
            What::Orders(ids(&["O1"])),
        ),
        (
            event(
                "payment.updated",
                json!({"payment": {"id": "P1", "order_id": "O1", "location_id": "L1",
                  "buyer_email_address": "ann@example.org"}}),
            ),
            Some("L1"),
            What::Orders(ids(&["O1"])),
        ),
        (
            event("refund.created", json!({"refund": {"id": "R1", "order_id": "O2", "location_id": "L1"}})),
            None,
            What::Returns(ids(&["O2"])),
        ),
        (event("customer.updated", json!({"customer": {"id": "ID1"}})), None, What::People(ids(&["ID1"]))),
        (
            event("customer.created", json!({"customer": {"id": "C3"}, "event_context": merge})),
            None,
            merged(),
        ),
        (
            event("customer.deleted", json!({"customer": {"id": "C1", "event_context": merge}})),
            None,
            merged(),
        ),
        (event("oauth.authorization.revoked", json!({"revocation": {}})), None, What::Revoked),
        (event("catalog.version.updated", json!({})), None, What::Nothing),
        (event("something.new", Value::Null), None, What::Nothing),
    ];
    for (event, location, what) in cases {
        let notice = read(&event).unwrap_or_else(|| panic!("{event}"));
        assert_eq!((notice.location.as_deref(), notice.what), (location, what), "{event}");
        assert_eq!((notice.store.as_str(), notice.event.as_str()), ("ML1", "e-1"));
        assert!(notice.at.is_some());
    }
}

#[test]
fn what_is_not_as_promised_tells_nothing() {
    let mut hostile =
        event("order.updated", json!({"order_updated": {"order_id": "O1#REC", "location_id": "L1"}}));
    assert_eq!(read(&hostile), None, "no id has such a letter");
    hostile["data"]["object"] = Value::Null;
    assert_eq!(read(&hostile), None);
    hostile["merchant_id"] = json!("CONN#1");
    assert_eq!(read(&hostile), None);
    for body in ["", "[]", "null", "{", "{\"type\":7}", "{\"type\":\"order.updated\"}"] {
        assert_eq!(super::super::webhook::read(body.as_bytes()), None, "{body}");
    }
    let self_merge = json!({"merge": {"from_customer_ids": ["C3"], "to_customer_id": "C3"}});
    let event = event("customer.created", json!({"customer": {"id": "C3"}, "event_context": self_merge}));
    assert_eq!(read(&event), None, "nobody became himself");
}
