//! What Square tells by itself when something happens in the shop (square.md section 7.5): envelopes as they are sent.

use serde_json::{Value, json};

use crate::clock;
use crate::shop::Shop;
use crate::shop::table::{Row, Touch};

/// Every event the stand-in knows of; a subscription to others is refused.
pub(crate) const TYPES: [&str; 12] = [
    "catalog.version.updated",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "oauth.authorization.revoked",
    "order.created",
    "order.fulfillment.updated",
    "order.updated",
    "payment.created",
    "payment.updated",
    "refund.created",
    "refund.updated",
];

/// One event, before it has an id.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) kind: &'static str,
    pub(crate) envelope: Value,
}

fn event(kind: &'static str, merchant: &str, at: i64, data: Value) -> Event {
    // With nine digits, as the published examples of webhooks have them.
    let created_at = clock::rfc3339(at).replace('Z', "000000Z");
    let envelope = json!({"merchant_id": merchant, "type": kind, "created_at": created_at, "data": data});
    Event { kind, envelope }
}

/// The seller, or the application, took the authorisation back.
pub(crate) fn revoked(merchant: &str, at: i64) -> Event {
    let revocation = json!({"revoked_at": clock::rfc3339(at), "revoker_type": "MERCHANT"});
    let data = json!({"type": "revocation", "id": "415641cf-eba2-4dfa-88cc-c4be1301fdc6",
                      "object": {"revocation": revocation}});
    event("oauth.authorization.revoked", merchant, at, data)
}

/// What happened in the shop since this was asked last. One sale brings a burst, payments first.
pub(crate) fn of(shop: &mut Shop, at: i64) -> Vec<Event> {
    let merchant = shop.merchant.clone();
    let merges = std::mem::take(&mut shop.merges);
    let mut all = Vec::new();
    for (id, touch) in shop.payments.take_touched() {
        let kind = if touch == Touch::Made { "payment.created" } else { "payment.updated" };
        all.extend(shop.payments.get(&id).map(|row| whole(kind, "payment", &merchant, at, row)));
    }
    for (id, touch) in shop.orders.take_touched() {
        let Some(row) = shop.orders.get(&id) else { continue };
        let json = row.json();
        let (kind, word) = match touch {
            Touch::Made => ("order.created", "order_created"),
            _ => ("order.updated", "order_updated"),
        };
        let mut told = json!({"order_id": id, "location_id": json["location_id"], "state": json["state"],
                              "version": json.get("version").cloned().unwrap_or(json!(1)),
                              "created_at": json["created_at"]});
        if touch != Touch::Made {
            told["updated_at"] = json["updated_at"].clone();
        }
        all.push(event(kind, &merchant, at, json!({"type": word, "id": id, "object": {word: told}})));
    }
    for (id, touch) in shop.refunds.take_touched() {
        let kind = if touch == Touch::Made { "refund.created" } else { "refund.updated" };
        all.extend(shop.refunds.get(&id).map(|row| whole(kind, "refund", &merchant, at, row)));
    }
    for (id, touch) in shop.customers.take_touched() {
        let Some(row) = shop.customers.last(&id) else { continue };
        let merge = merges.iter().find(|(new, old)| *new == id || old.contains(&id));
        all.push(profile((&merchant, at), row, touch, merge));
    }
    all
}

fn whole(kind: &'static str, word: &str, merchant: &str, at: i64, row: &Row) -> Event {
    event(kind, merchant, at, json!({"type": word, "id": row.id, "object": {word: row.json()}}))
}

/// Of several that became one, the new one comes and the old ones go, all with the same context (square.md section 5.3).
fn profile(
    (merchant, at): (&str, i64),
    row: &Row,
    touch: Touch,
    merge: Option<&(String, Vec<String>)>,
) -> Event {
    let mut customer = row.json();
    if let Some(members) = customer.as_object_mut() {
        members.remove("segment_ids");
    }
    let mut object = json!({"customer": customer});
    if let Some((new, old)) = merge.filter(|_| touch != Touch::Changed) {
        object["event_context"] = json!({"merge": {"from_customer_ids": old, "to_customer_id": new}});
    }
    let mut data = json!({"type": "customer", "id": row.id, "object": object});
    let kind = match touch {
        Touch::Made => "customer.created",
        Touch::Changed => "customer.updated",
        Touch::Removed => {
            data["deleted"] = json!(true);
            if let Some(members) = data["object"]["customer"].as_object_mut() {
                members.remove("group_ids");
            }
            "customer.deleted"
        }
    };
    event(kind, merchant, at, data)
}
