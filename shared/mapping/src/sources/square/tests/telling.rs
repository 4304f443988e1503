//! How Square signs, what it tells and what it grants, for the contract of all sources.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::support::time;
use crate::contract::{Granting, Telling};
use crate::model::Secret;
use crate::source::{Notice, What};

pub(super) struct Told;

fn event(kind: &str, object: Value) -> Value {
    json!({"merchant_id": "ML1", "type": kind, "event_id": "e-1", "created_at": "2026-01-02T03:04:05Z",
           "data": {"type": "x", "id": "ID1", "object": object}})
}

impl Telling for Told {
    /// square.md section 7.3.
    fn signed(&self, key: &Secret, url: &str, raw: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).unwrap();
        mac.update(url.as_bytes());
        mac.update(raw);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        vec![
            ("content-type", b"application/json".to_vec()),
            ("x-square-hmacsha256-signature", signature.into_bytes()),
        ]
    }

    fn messages(&self) -> Vec<(Value, Notice)> {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let sold = json!({"id": "X1", "order_id": "O1", "location_id": "L1", "buyer_email_address": "ann@example.org"});
        let merge = json!({"merge": {"from_customer_ids": ["C1", "C2"], "to_customer_id": "C3"}});
        let all = [
            (event("payment.updated", json!({"payment": sold})), Some("L1"), What::Orders(ids(&["O1"]))),
            (event("order.created", json!({"order_created": sold})), Some("L1"), What::Orders(ids(&["O1"]))),
            (event("refund.created", json!({"refund": sold})), None, What::Returns(ids(&["O1"]))),
            (
                event("customer.updated", json!({"customer": {"id": "ID1"}})),
                None,
                What::People(ids(&["ID1"])),
            ),
            (
                event(
                    "customer.created",
                    json!({"customer": {"id": "C3", "given_name": "Ann"}, "event_context": merge}),
                ),
                None,
                What::Merged { old: ids(&["C1", "C2"]), new: "C3".into() },
            ),
            (event("oauth.authorization.revoked", json!({"revocation": {}})), None, What::Revoked),
        ];
        let notice = |location: Option<&str>, what| Notice {
            store: "ML1".into(),
            location: location.map(str::to_owned),
            event: "e-1".into(),
            at: Some(time("2026-01-02T03:04:05Z")),
            what,
        };
        all.map(|(message, location, what)| (message, notice(location, what))).into()
    }

    fn unasked(&self) -> Value {
        event("inventory.count.updated", json!({"inventory_counts": [{"catalog_object_id": "V1"}]}))
    }
}

impl Granting for Told {
    fn grant(&self) -> Value {
        json!({"access_token": "EAAA-new", "token_type": "bearer", "expires_at": "2026-06-03T18:31:06Z",
               "merchant_id": "MLX", "refresh_token": "EQAA-new", "short_lived": false})
    }

    fn refusals(&self) -> Vec<(u16, &'static str)> {
        vec![
            (401, r#"{"errors":[{"code":"UNAUTHORIZED","detail":"canary-code"}]}"#),
            (400, r#"{"errors":[{"code":"BAD_REQUEST"}]}"#),
            (403, "{}"),
            (404, ""),
        ]
    }
}
