//! The destination: upserts whole orders, in the order in which requests arrive. What it queues it applies late and
//! perhaps out of order, and of what fails then it says nothing (rules.md section 4).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use tillsync_mapping::http::{Method, Request};

use crate::history::Landed;

/// One write of one order.
pub type Write = Value;

/// An account.
#[derive(Debug, Default)]
pub struct Account {
    /// Orders as they were applied last.
    pub orders: BTreeMap<String, Write>,
    /// Ids that are refused by name.
    pub refused: BTreeSet<String>,
    /// Ids for which a batch is refused without a name.
    pub cursed: BTreeSet<String>,
    /// E-commerce customers by address: their id, and whether they accept marketing where that was said.
    pub customers: BTreeMap<String, (usize, Option<bool>)>,
    /// Every write that was applied.
    pub landed: Vec<Landed>,
    imports: u64,
}

/// What a request comes to.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// Orders taken to be applied later.
    pub queued: Vec<Write>,
}

impl Answer {
    fn now(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string(), queued: Vec::new() }
    }
}

impl Account {
    /// Carries a request out and answers it.
    #[must_use]
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Answer {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        match request.operation {
            "orders.push" | "orders.queue" => self.push(&body, now, request.operation == "orders.queue"),
            "orders.read_back" => Answer::now(200, &json!({"data": {"searchOrder": self.search(&body)}})),
            "orders.newest" => Answer::now(200, &json!({"data": {"searchOrder": self.search(&body)}})),
            "orders.get" => {
                let found =
                    body["variables"]["order"].as_str().and_then(|id| self.orders.get(id)).map(stored);
                Answer::now(200, &json!({"data": {"getOrder": found}}))
            }
            "orders.copy" => Answer::now(200, &json!({"ecomOrders": []})),
            "orders.copies" => Answer::now(200, &json!({"ecomOrders": []})),
            "products.push" => {
                let all = body["variables"]["products"].as_array().cloned().unwrap_or_default();
                let all: Vec<_> =
                    all.iter().map(|one| json!({"storePrimaryId": one["storePrimaryId"]})).collect();
                Answer::now(200, &json!({"data": {"bulkUpsertProducts": all}}))
            }
            "contacts.import" => {
                self.imports += 1;
                let people = body["contacts"].as_array().map_or(0, Vec::len);
                let batch = format!("b-{}", self.imports);
                Answer::now(200, &json!({"success": 1, "queued_contacts": people, "batchId": batch}))
            }
            "contacts.import_info" => {
                Answer::now(200, &json!({"status": "completed", "success": [], "failure": []}))
            }
            "contacts.sync" => Answer::now(201, &json!({"contact": {"id": "1"}})),
            "connections.get" => Answer::now(200, &json!({"connection": {"id": "7"}})),
            "connections.update" => Answer::now(200, &json!({"connection": {"id": "7"}})),
            "account.me" => Answer::now(200, &json!({"user": {"id": "1"}})),
            "account.entitlements" => Answer::now(404, &json!({"message": "No Result found"})),
            "schema.check" => Answer::now(200, &json!({"data": {"searchOrder": []}})),
            operation if operation.starts_with("customers.") => self.customer(request, &body),
            _ => Answer::now(404, &json!({"message": "No Result found"})),
        }
    }

    fn push(&mut self, body: &Value, now: Timestamp, queued: bool) -> Answer {
        let orders = body["variables"]["orders"].as_array().cloned().unwrap_or_default();
        let id = |order: &Value| order["storeOrderId"].as_str().unwrap_or_default().to_owned();
        let named: serde_json::Map<_, _> = (orders.iter().enumerate())
            .filter(|(_, order)| self.refused.contains(&id(order)))
            .map(|(n, order)| (format!("{n}-storeOrderId-{}", id(order)), json!("is not valid")))
            .collect();
        if !named.is_empty() {
            return Answer::now(200, &json!({"errors": [{"message": "validation", "extensions": named}]}));
        }
        if orders.iter().any(|order| self.cursed.contains(&id(order))) {
            return Answer::now(200, &json!({"errors": [{"message": "something is wrong"}]}));
        }
        if queued {
            let body = json!({"data": {"bulkUpsertOrdersAsync": {"recordId": "rec-1"}}});
            return Answer { queued: orders, ..Answer::now(200, &body) };
        }
        let ids: Vec<_> = orders.iter().map(|order| json!({"storeOrderId": order["storeOrderId"]})).collect();
        for order in orders {
            self.apply(order, now, false);
        }
        Answer::now(200, &json!({"data": {"bulkUpsertOrders": ids}}))
    }

    /// An order takes effect.
    pub fn apply(&mut self, order: Write, now: Timestamp, queued: bool) {
        let text = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
        let next = (self.customers.len(), None);
        let customer = self.customers.entry(text("email")).or_insert(next);
        if let Some(accepts) = order["acceptsMarketing"].as_bool() {
            customer.1 = Some(accepts);
        }
        let landed = Landed {
            at: now,
            order: text("storeOrderId"),
            modified: text("storeModifiedDate"),
            date: text("storeCreatedDate"),
            amount: order["finalAmount"].to_string(),
            status: text("normalizedStatus"),
            live: text("creationSource") == "REAL_TIME",
            queued,
        };
        self.orders.insert(landed.order.clone(), order);
        self.landed.push(landed);
    }

    fn search(&self, body: &Value) -> Vec<Value> {
        let filter = &body["variables"]["filter"];
        let at = |order: &Value| {
            order["storeCreatedDate"].as_str().and_then(|text| text.parse::<Timestamp>().ok())
        };
        let since = filter["storeCreatedDate"]["value"].as_str().and_then(|text| text.parse().ok());
        let number = |name: &str| {
            filter["pagination"][name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
        };
        let mut found: Vec<_> = self.orders.values().filter(|order| at(order) >= since).collect();
        found.sort_by_key(|order| at(order));
        found.into_iter().skip(number("offset")).take(number("limit").min(100)).map(stored).collect()
    }

    fn customer(&mut self, request: &Request, body: &Value) -> Answer {
        let Ok(url) = url::Url::parse(&request.url) else { return Answer::now(400, &json!({})) };
        if request.method == Method::Get {
            let asked = url.query_pairs().find(|(key, _)| key == "filters[email]");
            let email = asked.map(|(_, email)| email.into_owned()).unwrap_or_default();
            let id = self.customers.get(&email).map(|(id, _)| id);
            let found: Vec<_> = (id.into_iter())
                .map(|id| {
                    json!({"id": id.to_string(), "connectionid": "7", "email": email,
                        "externalid": "x", "acceptsMarketing": null})
                })
                .collect();
            return Answer::now(200, &json!({"ecomCustomers": found}));
        }
        let wanted = url.path().rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        let accepts = body["ecomCustomer"]["acceptsMarketing"] != "0";
        match self.customers.values_mut().find(|(id, _)| Some(*id) == wanted) {
            Some((id, said)) => {
                *said = Some(accepts);
                Answer::now(
                    200,
                    &json!({"ecomCustomer": {"id": id.to_string(), "connectionid": "7",
                    "email": "x@example.org", "externalid": "x", "acceptsMarketing": "0"}}),
                )
            }
            None => Answer::now(404, &json!({"message": "No Result found for EcomCustomer"})),
        }
    }
}

fn stored(order: &Write) -> Value {
    json!({
        "storeOrderId": order["storeOrderId"],
        "storeCreatedDate": order["storeCreatedDate"],
        "storeModifiedDate": order["storeModifiedDate"],
        "finalAmount": order["finalAmount"],
        "normalizedStatus": order["normalizedStatus"],
    })
}
