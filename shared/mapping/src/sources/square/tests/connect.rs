//! What is asked before anything is set up: whose token, which scopes, which locations.

use serde_json::json;

use crate::source::{Next, Source};
use crate::sources::square::{Square, errors};

use super::shop::{Fault, Shop};
use super::support::{access, failure, run};

#[test]
fn identify_tells_the_store_and_its_locations() {
    let mut shop = Shop::default();
    shop.fixed.insert("token.status", json!({"merchant_id": "M1", "expires_at": "", "scopes": []}));
    shop.fixed.insert(
        "locations.list",
        json!({"locations": [
            {"id": "L1", "name": "Rue Haute", "currency": "EUR", "timezone": "Europe/Paris", "language_code": "fr-FR", "status": "ACTIVE", "merchant_id": "M2"},
            {"id": "L2", "currency": "JPY", "status": "INACTIVE"},
            {"id": "L3", "status": "INACTIVE"},
        ]}),
    );
    let known = |shop: &Shop| run(Square.identify(shop, &access().api_url, &access().token)).unwrap();
    let store = known(&shop);
    assert_eq!((store.id.as_str(), store.locations.len()), ("M1", 2));
    assert_eq!((store.locations[0].name.as_str(), store.locations[0].active), ("Rue Haute", true));
    assert_eq!((store.locations[1].name.as_str(), store.locations[1].active), ("L2", false));
    shop.fixed.insert("token.status", json!({}));
    assert_eq!(known(&shop).id, "M2", "the locations name the merchant when the status does not");
}

#[test]
fn an_expired_token_is_told_from_a_revoked_one() {
    let mut shop = Shop::default();
    shop.faults.insert(("token.status", 1), Fault::Reply(401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#));
    let expired = r#"{"errors":[{"code":"ACCESS_TOKEN_EXPIRED"}]}"#;
    shop.faults.insert(("locations.list", 1), Fault::Reply(401, expired));
    let told = |shop: &Shop| failure(run(Square.identify(shop, &access().api_url, &access().token))).code;
    assert_eq!(told(&shop), errors::TOKEN_EXPIRED);
    shop.faults.remove(&("locations.list", 1));
    shop.faults.insert(("token.status", 2), Fault::Reply(401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#));
    shop.faults.insert(("locations.list", 2), Fault::Reply(401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#));
    assert_eq!(told(&shop), errors::TOKEN_REVOKED);
}

#[test]
fn missing_scopes_are_named() {
    let mut shop = Shop::default();
    shop.fixed
        .insert("token.status", json!({"scopes": ["MERCHANT_PROFILE_READ", "PAYMENTS_READ", "ORDERS_READ"]}));
    let error = failure(run(Square.check_scopes(&shop, &access())));
    assert_eq!((error.next, error.code), (Next::Reconnect, errors::SCOPE_MISSING));
    assert_eq!(error.detail, "not granted: CUSTOMERS_READ ITEMS_READ");
}

#[test]
fn scopes_that_are_not_listed_are_tried() {
    let mut shop = Shop::default();
    for operation in ["token.status", "locations.list", "catalog.info"] {
        shop.fixed.insert(operation, json!({}));
    }
    run(Square.check_scopes(&shop, &access())).unwrap();
    assert_eq!(shop.all_calls(), 6);
    shop.faults.insert(("customers.search", 2), Fault::Reply(403, r#"{"errors":[{"code":"FORBIDDEN"}]}"#));
    let error = failure(run(Square.check_scopes(&shop, &access())));
    assert_eq!(error.code, errors::SCOPE_MISSING);
    assert_eq!(error.detail, "customers.search: 403 FORBIDDEN, needs CUSTOMERS_READ");
}
