//! What goes wrong, and what is said then.

use serde_json::json;

use crate::http::HttpError;
use crate::model::{Reading, SkipReason};
use crate::source::{Field, Next, Source};
use crate::sources::square::{Square, errors};

use super::shop::{Fault, Shop, meet, sell};
use super::support::{access, failure, read_all, run, window};

fn shop() -> Shop {
    let mut shop = Shop::default();
    meet(&mut shop, "C1", 0);
    for n in 0..5 {
        sell(&mut shop, &format!("O{n}"), "L1", Some("C1"), 60 * n, 1000);
    }
    shop
}

/// Every kind of answer, with what it must come to.
fn answers() -> Vec<(Fault, Next, &'static str)> {
    let refused = r#"{"errors":[{"category":"INVALID_REQUEST_ERROR","code":"INVALID_VALUE","field":"query.filter","detail":"ann@example.org"}]}"#;
    vec![
        (
            Fault::Reply(401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#),
            Next::Reconnect,
            errors::TOKEN_REVOKED,
        ),
        (
            Fault::Reply(401, r#"{"errors":[{"code":"ACCESS_TOKEN_REVOKED"}]}"#),
            Next::Reconnect,
            errors::TOKEN_REVOKED,
        ),
        (
            Fault::Reply(401, r#"{"errors":[{"code":"ACCESS_TOKEN_EXPIRED"}]}"#),
            Next::Reconnect,
            errors::TOKEN_EXPIRED,
        ),
        (
            Fault::Reply(403, r#"{"errors":[{"code":"INSUFFICIENT_SCOPES"}]}"#),
            Next::Reconnect,
            errors::SCOPE_MISSING,
        ),
        (Fault::Reply(403, "no"), Next::Reconnect, errors::SCOPE_MISSING),
        (
            Fault::Reply(400, r#"{"errors":[{"code":"INVALID_CURSOR"}]}"#),
            Next::Restart,
            errors::CURSOR_EXPIRED,
        ),
        (
            Fault::Reply(400, r#"{"errors":[{"code":"BAD_REQUEST","field":"cursor"}]}"#),
            Next::Restart,
            errors::CURSOR_EXPIRED,
        ),
        (
            Fault::Reply(400, r#"{"errors":[{"code":"INVALID_LOCATION"}]}"#),
            Next::Reject,
            errors::LOCATION_CLOSED,
        ),
        (Fault::Reply(400, refused), Next::Reject, errors::REFUSED),
        (Fault::Reply(404, ""), Next::Reject, errors::REFUSED),
        (Fault::Reply(410, ""), Next::Reject, errors::REFUSED),
        (Fault::Reply(429, r#"{"errors":[{"code":"RATE_LIMITED"}]}"#), Next::Retry, errors::THROTTLED),
        (Fault::Reply(408, ""), Next::Retry, errors::UNAVAILABLE),
        (Fault::Reply(500, "<html>"), Next::Retry, errors::UNAVAILABLE),
        (Fault::Reply(503, ""), Next::Retry, errors::UNAVAILABLE),
        (Fault::Reply(200, "<html>"), Next::Retry, errors::UNREADABLE),
        (Fault::Reply(200, r#"{"orders":7}"#), Next::Retry, errors::UNREADABLE),
        (Fault::Cut, Next::Retry, errors::UNREADABLE),
        (Fault::Lost(HttpError::Unknown), Next::Retry, errors::UNAVAILABLE),
        (Fault::Lost(HttpError::NotSent), Next::Retry, errors::UNAVAILABLE),
        (Fault::Lost(HttpError::Throttled), Next::Retry, errors::THROTTLED),
        (Fault::Lost(HttpError::Forbidden("example.org".to_owned())), Next::Reject, errors::REFUSED),
    ]
}

#[test]
fn every_answer_comes_to_a_code_and_a_next_step() {
    for (fault, next, code) in answers() {
        let mut shop = shop();
        shop.faults.insert(("orders.search", 1), fault);
        let error = failure(read_all(&shop, &access(), window(Field::Created, 0, 1000)));
        assert_eq!((error.next, error.code), (next, code), "{error}");
        assert!(Square.codes().iter().any(|known| known.code == error.code), "explain does not know {code}");
        assert!(error.detail.starts_with("orders.search: "), "{}", error.detail);
        assert!(!format!("{error:?}").contains("ann@"), "a value of the request is repeated");
    }
}

/// The constants are the only codes there are; each is listed.
#[test]
fn every_code_is_listed_once() {
    let source = include_str!("../errors.rs");
    let constants: Vec<&str> = source
        .lines()
        .filter(|line| line.starts_with("pub(crate) const") && line.contains("&str"))
        .map(|line| line.split('"').nth(1).unwrap())
        .collect();
    let listed: Vec<&str> = Square.codes().iter().map(|text| text.code).collect();
    assert_eq!(constants, listed);
    for file in [
        "../api.rs",
        "../pages.rs",
        "../payment.rs",
        "../people.rs",
        "../store.rs",
        "../map.rs",
        "../payments.rs",
    ] {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sources/square/tests").join(file);
        assert!(
            !std::fs::read_to_string(path).unwrap().contains("\"square."),
            "{file} makes a code of its own"
        );
    }
}

#[test]
fn one_unreadable_order_does_not_take_the_others_with_it() {
    let mut shop = shop();
    shop.orders[1]["line_items"][0]["quantity"] = json!(3);
    shop.orders[2]["id"] = json!(["secret@example.org"]);
    shop.orders[3]["total_money"]["currency"] = json!("EURO");
    let pages = read_all(&shop, &access(), window(Field::Created, 0, 1000)).unwrap();
    let records = &pages[0].records;
    assert_eq!(records.len(), 5);
    let place = |index: usize| match &records[index].reading {
        Reading::Unreadable { code, place } => {
            assert_eq!(*code, errors::UNREADABLE);
            place.as_str()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!((records[1].id.as_str(), place(1)), ("O1", "line_items[0].quantity"));
    assert!(records[2].id.starts_with("unreadable-") && records[2].id.len() == 23, "{}", records[2].id);
    assert_eq!(place(2), "id");
    assert_eq!(records[2].at, super::support::after(120), "its time is still read");
    assert_eq!((records[3].id.as_str(), place(3)), ("O3", "total_money"));
    for index in [0, 4] {
        assert!(matches!(records[index].reading, Reading::Ready(_)));
    }
    assert!(!format!("{records:?}").contains("secret@"));
}

#[test]
fn an_unreadable_payment_or_profile_is_told_at_its_order() {
    let mut shop = shop();
    meet(&mut shop, "C2", 0);
    shop.customers[1]["email_address"] = json!(7);
    shop.payments[0]["total_money"]["amount"] = json!("ten");
    shop.payments[1]["customer_id"] = json!("C2");
    shop.payments[2]["status"] = json!(null);
    shop.payments.remove(3);
    let pages = read_all(&shop, &access(), window(Field::Created, 0, 1000)).unwrap();
    let places: Vec<Option<&str>> = pages[0]
        .records
        .iter()
        .map(|seen| match &seen.reading {
            Reading::Unreadable { place, .. } => Some(place.as_str()),
            _ => None,
        })
        .collect();
    let expected =
        [Some("payment.total_money.amount"), Some("customer.email_address"), None, Some("tenders"), None];
    assert_eq!(places, expected);
}

#[test]
fn a_catalogue_that_holds_nothing_blocks_no_order() {
    let mut shop = shop();
    shop.faults
        .insert(("catalog.batch_retrieve", 1), Fault::Reply(404, r#"{"errors":[{"code":"NOT_FOUND"}]}"#));
    let pages = read_all(&shop, &access(), window(Field::Created, 0, 1000)).unwrap();
    assert!(pages[0].records.iter().all(|seen| matches!(seen.reading, Reading::Ready(_))));
    assert!(pages[0].products.is_empty());
}

#[test]
fn customers_are_ready_or_left_out_by_a_rule() {
    let mut shop = shop();
    for (id, email) in [("C2", json!(null)), ("C3", json!("at home")), ("C4", json!(7))] {
        meet(&mut shop, id, 1);
        shop.customers.last_mut().unwrap()["email_address"] = email;
    }
    shop.customers[0]["preferences"] = json!({"email_unsubscribed": true});
    for field in [Field::Created, Field::Updated] {
        let page = run(Square.read_customers(&shop, &access(), window(field, 0, 9), None)).unwrap();
        let Reading::Ready(person) = &page.records[0].reading else { panic!() };
        assert_eq!(person.accepts_marketing, Some(false));
        let reason = |reason| Reading::Skipped { reason, late: None };
        assert_eq!(page.records[1].reading, reason(SkipReason::NoEmail));
        assert_eq!(page.records[2].reading, reason(SkipReason::BadEmail));
        let place = "email_address".to_owned();
        assert_eq!(page.records[3].reading, Reading::Unreadable { code: errors::UNREADABLE, place });
        assert!(page.next.is_none());
    }
}
