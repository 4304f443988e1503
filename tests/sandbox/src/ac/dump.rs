//! The state of the account for tests: sums, one record with its history, and a canonical whole.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::State;
use super::state::Record;
use super::validate::{decimal, decimals};

/// An amount in the smallest unit of its currency.
fn minor(order: &Map<String, Value>) -> i64 {
    let currency = order.get("currency").and_then(Value::as_str).unwrap_or("EUR");
    let Some((_, whole, fraction)) = order.get("finalAmount").and_then(decimal) else {
        return 0;
    };
    let places = decimals(currency);
    let padded = format!("{fraction:0<3}");
    format!("{whole}{}", &padded[..places]).parse().unwrap_or(0)
}

impl State {
    pub(crate) fn summary(&self) -> Value {
        let mut connections: BTreeMap<i64, Value> = BTreeMap::new();
        for (id, connection) in &self.connections {
            let text = |name: &str| connection.get(name).cloned().unwrap_or_default();
            connections.insert(
                *id,
                json!({"externalid": text("externalid"), "name": text("name"), "orders": 0,
                "v3_copies": 0, "money_minor": {}, "written": 0}),
            );
        }
        for ((connection, _), record) in &self.orders {
            let Some(sum) = connections.get_mut(connection) else {
                continue;
            };
            let add = |slot: &mut Value, n: i64| *slot = Value::from(slot.as_i64().unwrap_or(0) + n);
            add(&mut sum["orders"], 1);
            add(&mut sum["v3_copies"], i64::from(record.copy.is_some()));
            add(&mut sum["written"], i64::try_from(record.applied.len()).unwrap_or(0));
            let currency = record.order.get("currency").and_then(Value::as_str).unwrap_or("?").to_owned();
            add(&mut sum["money_minor"][currency.as_str()], minor(&record.order));
        }
        let connections: Map<String, Value> =
            connections.into_iter().map(|(id, sum)| (id.to_string(), sum)).collect();
        json!({
            "connections": connections, "orders": self.orders.len(), "pending": self.pending.len(),
            "contacts": self.contacts.len(), "customers": self.customers.len(), "products": self.products.len(),
            "purchases": self.purchases.len(), "order_updates": self.updates.len(),
            "imports_open": self.batches.iter().filter(|b| !b.done).count(),
            "imports_done": self.batches.iter().filter(|b| b.done).count(),
            "imported_with_automations": self.imported_with_automations,
            "peak_in_one_second": self.window.peak,
        })
    }

    /// Every record under this store id, one per connection.
    pub(crate) fn order(&self, id: &str) -> Value {
        let found: Vec<Value> = self
            .orders
            .iter()
            .filter(|((_, order), _)| order == id)
            .map(|(key, record)| {
                let asked = self.asked.get(key).map_or(0, |(_, times)| *times);
                detail(key.0, record, asked)
            })
            .collect();
        let requested =
            self.asked.iter().filter(|((_, order), _)| order == id).map(|(_, (_, n))| *n).sum::<u64>();
        json!({"records": found, "write_requests": requested})
    }

    pub(crate) fn purchases(&self) -> Value {
        json!({"purchases": self.purchases, "order_updates": self.updates})
    }

    /// Without ids the account gave and without times of receipt: two runs that did the same compare equal.
    pub(crate) fn dump(&self) -> Value {
        let external = |id: i64| {
            let connection = self.connections.get(&id);
            connection
                .and_then(|c| c.get("externalid"))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let mut connections: Vec<Value> = self
            .connections
            .values()
            .map(|c| {
                let keep = ["service", "externalid", "name", "listId", "status", "syncStatus", "isInternal"];
                keep.iter()
                    .map(|n| ((*n).to_owned(), c.get(*n).cloned().unwrap_or_default()))
                    .collect::<Map<_, _>>()
            })
            .map(Value::Object)
            .collect();
        connections.sort_by_key(Value::to_string);
        let mut orders: Vec<Value> = Vec::with_capacity(self.orders.len());
        for ((connection, _), record) in &self.orders {
            let mut order = record.order.clone();
            order.insert("legacyConnectionId".to_owned(), Value::from(external(*connection)));
            orders.push(Value::Object(order));
        }
        let key =
            |order: &Value| (order["legacyConnectionId"].to_string(), order["storeOrderId"].to_string());
        orders.sort_by_key(key);
        let contacts: Vec<Value> = self
            .contacts
            .values()
            .map(|c| {
                json!({"email": c.email.to_lowercase(), "first": c.first, "last": c.last, "phone": c.phone,
                    "organisation": c.organisation, "lists": c.lists, "tags": c.tags, "fields": c.fields})
            })
            .collect();
        let mut customers: Vec<Value> = self
            .customers
            .values()
            .map(|c| {
                json!({"connection": external(c.connection), "externalid": c.external,
                    "email": c.email.to_lowercase(), "accepts_marketing": c.accepts})
            })
            .collect();
        customers.sort_by_key(Value::to_string);
        let products: Vec<Value> = self
            .products
            .iter()
            .map(|((connection, _), product)| {
                let mut product = product.clone();
                product.remove("id");
                product.insert("legacyConnectionId".to_owned(), Value::from(external(*connection)));
                Value::Object(product)
            })
            .collect();
        json!({"connections": connections, "orders": orders, "contacts": contacts, "customers": customers,
            "products": products})
    }
}

fn detail(connection: i64, record: &Record, asked: u64) -> Value {
    let history: Vec<Value> = record
        .applied
        .iter()
        .map(|a| json!({"store_modified": a.modified, "creation_source": a.source, "operation": a.operation}))
        .collect();
    json!({
        "id": record.id.to_string(), "connection": connection, "order": record.order, "written": record.applied.len(),
        "write_requests": asked, "history": history, "stale_overwrites": record.stale,
        "v3_copy": record.copy, "amount_minor": minor(&record.order),
    })
}
