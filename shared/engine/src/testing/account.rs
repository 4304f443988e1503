//! The destination: keeps what it is sent, refuses what it is told to refuse, and shows queued orders late.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tillsync_mapping::activecampaign::minor_amount;
use tillsync_mapping::http::Request;
use tillsync_mapping::model::Currency;

/// An account.
#[derive(Default)]
pub(crate) struct Account {
    /// Orders as they came last, with the instant from which they are shown.
    pub(crate) orders: BTreeMap<String, (Value, Timestamp)>,
    pub(crate) products: BTreeMap<String, Value>,
    /// Addresses that came by import or sync.
    pub(crate) people: Vec<String>,
    /// Ids (or addresses) that are refused by name.
    pub(crate) refused: BTreeSet<String>,
    /// Ids (or addresses) for which a batch is refused without a name.
    pub(crate) cursed: BTreeSet<String>,
    /// Ids of queued orders that never appear, so many times.
    pub(crate) loses: BTreeMap<String, u32>,
    /// How long queued orders take to appear, in seconds.
    pub(crate) delay: i64,
    /// The most records of one call; 0 is any number.
    pub(crate) most: usize,
    /// Addresses that an import drops.
    pub(crate) bounced: Vec<String>,
    /// Times an import is still at work when it is asked for.
    pub(crate) working: u32,
    pub(crate) imports_fail: bool,
    /// Its e-commerce customers, as v3 shows them.
    pub(crate) customers: Vec<Value>,
    /// Its connections.
    pub(crate) connections: Vec<Value>,
    /// Orders that are in the v3 copy only.
    pub(crate) copies: Vec<Value>,
}

impl Account {
    pub(super) fn answer(&mut self, request: &Request, now: Timestamp) -> (u16, Value) {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        match request.operation {
            "orders.push" => self.push(&body, now, false),
            "orders.queue" => self.push(&body, now, true),
            "orders.read_back" => (200, json!({"data": {"searchOrder": self.search(&body, now)}})),
            "orders.get" => {
                let id = body["variables"]["order"].as_str().unwrap();
                let found =
                    self.orders.get(id).filter(|(_, shown)| *shown <= now).map(|(order, _)| stored(order));
                (200, json!({"data": {"getOrder": found}}))
            }
            "products.push" => self.stock(&body),
            "contacts.import" => self.import(&body),
            "orders.newest" => (200, json!({"data": {"searchOrder": self.newest(&body)}})),
            "orders.copy" => (200, json!({"ecomOrders": self.copy(&request.url)})),
            "orders.copies" => (200, json!({"ecomOrders": self.copies})),
            "schema.check" => (200, json!({"data": {"searchOrder": []}})),
            "account.me" => (200, json!({"user": {"id": "1"}})),
            "account.entitlements" => (200, json!({"entitlements": ["ecom-core"]})),
            operation if operation.starts_with("customers.") => self.customer(request, &body),
            operation if operation.starts_with("connections.") => self.connected(request, &body),
            "contacts.sync" => {
                let address = body["contact"]["email"].as_str().unwrap().to_owned();
                if self.refused.contains(&address) {
                    return (422, json!({"errors": [{"title": "Email is bad", "code": "email_invalid"}]}));
                }
                self.people.push(address);
                (201, json!({"contact": {"id": "1"}}))
            }
            "contacts.import_info" => {
                let working = self.working > 0;
                self.working = self.working.saturating_sub(1);
                let status = match (working, self.imports_fail) {
                    (true, _) => "active",
                    (false, true) => "failed",
                    (false, false) => "completed",
                };
                (200, json!({"status": status, "success": [], "failure": self.bounced}))
            }
            operation => panic!("nothing answers {operation}"),
        }
    }

    fn push(&mut self, body: &Value, now: Timestamp, queued: bool) -> (u16, Value) {
        let orders = body["variables"]["orders"].as_array().unwrap();
        if let Some(refusal) = self.refusal(orders, "storeOrderId") {
            return (200, refusal);
        }
        for order in orders {
            let id = order["storeOrderId"].as_str().unwrap();
            self.buy(order);
            if let Some(times) = self.loses.get_mut(id).filter(|times| queued && **times > 0) {
                *times -= 1;
                continue;
            }
            let shown = if queued { now + SignedDuration::from_secs(self.delay) } else { now };
            self.orders.insert(id.to_owned(), (order.clone(), shown));
        }
        if queued {
            return (200, json!({"data": {"bulkUpsertOrdersAsync": {"recordId": "rec-1"}}}));
        }
        let written: Vec<_> =
            orders.iter().map(|order| json!({"storeOrderId": order["storeOrderId"]})).collect();
        (200, json!({"data": {"bulkUpsertOrders": written}}))
    }

    fn stock(&mut self, body: &Value) -> (u16, Value) {
        let products = body["variables"]["products"].as_array().unwrap();
        if let Some(refusal) = self.refusal(products, "storePrimaryId") {
            return (200, refusal);
        }
        for product in products {
            self.products.insert(product["storePrimaryId"].as_str().unwrap().to_owned(), product.clone());
        }
        let written: Vec<_> =
            products.iter().map(|one| json!({"storePrimaryId": one["storePrimaryId"]})).collect();
        (200, json!({"data": {"bulkUpsertProducts": written}}))
    }

    fn refusal(&self, records: &[Value], key: &str) -> Option<Value> {
        let ids: Vec<&str> = records.iter().map(|record| record[key].as_str().unwrap()).collect();
        if self.most > 0 && ids.len() > self.most {
            return Some(
                json!({"errors": [{"message": "More than 15,000 'grammar' tokens have been presented."}]}),
            );
        }
        let named: serde_json::Map<_, _> = (ids.iter().enumerate())
            .filter(|(_, id)| self.refused.contains(**id))
            .map(|(n, id)| (format!("{n}-{key}-{id}"), json!("is not valid")))
            .collect();
        if !named.is_empty() {
            return Some(json!({"errors": [{"message": "validation", "extensions": named}]}));
        }
        let cursed = ids.iter().any(|id| self.cursed.contains(*id));
        cursed.then(|| json!({"errors": [{"message": "something is wrong"}]}))
    }

    fn search(&self, body: &Value, now: Timestamp) -> Vec<Value> {
        let filter = &body["variables"]["filter"];
        let since: Timestamp = filter["storeCreatedDate"]["value"].as_str().unwrap().parse().unwrap();
        let offset = usize::try_from(filter["pagination"]["offset"].as_u64().unwrap()).unwrap();
        let mut found: Vec<_> =
            self.orders.values().filter(|(_, shown)| *shown <= now).map(|(order, _)| order).collect();
        found.retain(|order| created(order) >= since);
        found.sort_by_key(|order| created(order));
        found.into_iter().skip(offset).take(100).map(stored).collect()
    }

    /// The older store shows an order as soon as this one holds it.
    fn copy(&self, url: &str) -> Vec<Value> {
        let url = url::Url::parse(url).unwrap();
        let (_, id) = url.query_pairs().find(|(name, _)| name == "filters[externalid]").unwrap();
        let shown = |(order, _): &(Value, Timestamp)| {
            let currency = Currency::parse(order["currency"].as_str().unwrap()).unwrap();
            let minor = minor_amount(&order["finalAmount"].to_string(), currency).unwrap();
            json!({"externalid": id, "connectionid": order["legacyConnectionId"].to_string(),
                "totalPrice": minor.to_string(), "currency": order["currency"]})
        };
        self.orders.get(&*id).map(shown).into_iter().collect()
    }

    /// The newest orders of one connection.
    fn newest(&self, body: &Value) -> Vec<Value> {
        let filter = &body["variables"]["filter"];
        let of = &filter["legacyConnectionId"]["value"];
        let mut found: Vec<_> = self.orders.values().map(|(order, _)| order).collect();
        found.retain(|order| order["legacyConnectionId"] == *of);
        found.sort_by_key(|order| std::cmp::Reverse(created(order)));
        let limit = usize::try_from(filter["pagination"]["limit"].as_u64().unwrap()).unwrap();
        found.into_iter().take(limit).map(stored).collect()
    }

    fn import(&mut self, body: &Value) -> (u16, Value) {
        let people = body["contacts"].as_array().unwrap();
        assert!(people.len() <= 250);
        let addresses: Vec<&str> = people.iter().map(|person| person["email"].as_str().unwrap()).collect();
        let bad = |(_, address): &(usize, &&str)| self.refused.contains(**address);
        let mut reasons: Vec<_> = (addresses.iter().enumerate().filter(bad))
            .map(|(place, _)| json!({"contact": place, "failureReason": "bad"}))
            .collect();
        if addresses.iter().any(|address| self.cursed.contains(*address)) {
            reasons = vec![json!({"contact": "somebody@example.org", "failureReason": "bad"})];
        }
        if !reasons.is_empty() {
            return (400, json!({"success": 0, "message": "refused", "failureReasons": reasons}));
        }
        self.people.extend(addresses.iter().map(|address| (*address).to_owned()));
        (200, json!({"success": 1, "queued_contacts": people.len(), "batchId": "b-1"}))
    }
}

fn created(order: &Value) -> Timestamp {
    order["storeCreatedDate"].as_str().unwrap().parse().unwrap()
}

fn stored(order: &Value) -> Value {
    json!({
        "storeOrderId": order["storeOrderId"],
        "storeCreatedDate": order["storeCreatedDate"],
        "storeModifiedDate": order["storeModifiedDate"],
        "finalAmount": order["finalAmount"],
        "normalizedStatus": order["normalizedStatus"],
    })
}
