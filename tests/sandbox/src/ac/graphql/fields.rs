//! The operations behind the schema's fields.

use serde_json::{Map, Value, json};

use super::FieldError;
use crate::ac::Context;
use crate::ac::state::{Poison, Record};
use crate::ac::validate::Refusal;

type Answer = Result<Value, FieldError>;

impl Context<'_> {
    pub(super) fn field(&mut self, name: &str, arguments: &Map<String, Value>) -> Answer {
        match name {
            "upsertOrder" => {
                let one = arguments.get("order").cloned().into_iter().collect();
                self.upsert(one, "upsertOrder").map(|all| all.get(0).cloned().unwrap_or_default())
            }
            "bulkUpsertOrders" => self.upsert(list(arguments, "orders"), "bulkUpsertOrders"),
            "bulkUpsertOrdersAsync" => self.upsert_later(list(arguments, "orders")),
            "getOrder" => self.get_order(arguments),
            "searchOrder" => self.search_order(arguments),
            "bulkUpsertProducts" => self.upsert_products(list(arguments, "products")),
            "searchProduct" => self.search_product(arguments),
            "syncLegacyConnection" => self.sync_connection(arguments),
            other => Err(FieldError::new(format!("{other} is not part of this stand-in"))),
        }
    }

    /// The whole batch is looked over before any of it is written.
    fn admitted(&mut self, orders: Vec<Value>) -> Result<Vec<Map<String, Value>>, FieldError> {
        let orders: Vec<Map<String, Value>> = orders
            .into_iter()
            .filter_map(|order| match order {
                Value::Object(members) => Some(members.into_iter().filter(|(_, v)| !v.is_null()).collect()),
                _ => None,
            })
            .collect();
        match self.state.look_over(&orders) {
            None => {}
            Some(Refusal::Named(named)) => return Err(FieldError::validation(named)),
            Some(Refusal::Unnamed) => return Err(FieldError::validation(Vec::new())),
        }
        self.state.note_request(&orders, self.call.asked, self.settings.rewrite_window_ms, self.stats);
        Ok(orders)
    }

    fn upsert(&mut self, orders: Vec<Value>, operation: &'static str) -> Answer {
        let mut answers = Vec::new();
        for order in self.admitted(orders)? {
            let lost =
                order.get("storeOrderId").and_then(Value::as_str).and_then(|id| self.state.poison.get(id));
            if lost == Some(&Poison::Lost) {
                answers.push(Value::Null);
                continue;
            }
            let id = self.state.apply(order, operation, self.now, self.settings, self.stats);
            let key = self.state.order_ids.get(&id).cloned();
            let record = key.and_then(|key| self.state.orders.get(&key));
            answers.push(record.map_or(Value::Null, json_of));
        }
        Ok(Value::Array(answers))
    }

    fn upsert_later(&mut self, orders: Vec<Value>) -> Answer {
        let orders = self.admitted(orders)?;
        self.state.queue(orders, self.now, self.settings);
        let id = self.state.rng.id("", 32).to_ascii_lowercase();
        Ok(json!({"recordId": id}))
    }

    fn get_order(&self, arguments: &Map<String, Value>) -> Answer {
        let connection = arguments.get("legacyConnectionId").and_then(Value::as_i64).unwrap_or(-1);
        let id = arguments.get("storeOrderId").and_then(Value::as_str).unwrap_or_default();
        Ok(self.state.orders.get(&(connection, id.to_owned())).map_or(Value::Null, json_of))
    }

    /// Patch: what is left out stays, null clears. The same key twice keeps the last, silently.
    fn upsert_products(&mut self, products: Vec<Value>) -> Answer {
        let mut named = Vec::new();
        for (index, product) in products.iter().enumerate() {
            let connection = product.get("legacyConnectionId").and_then(Value::as_i64).unwrap_or(-1);
            let id = product.get("storePrimaryId").and_then(Value::as_str).unwrap_or_default();
            let text = match (self.state.connections.contains_key(&connection), id) {
                (false, _) => "legacyConnectionId does not exist",
                (true, "") => "storePrimaryId must not be blank",
                _ => continue,
            };
            named.push((format!("{index}-storePrimaryId-{id}"), text.to_owned()));
        }
        if !named.is_empty() {
            return Err(FieldError::validation(named));
        }
        let mut answers = Vec::new();
        for product in products {
            let Value::Object(members) = product else { continue };
            let connection = members.get("legacyConnectionId").and_then(Value::as_i64).unwrap_or(-1);
            let id = members.get("storePrimaryId").and_then(Value::as_str).unwrap_or_default().to_owned();
            let fresh = self.state.next_id();
            let stored = self.state.products.entry((connection, id)).or_insert_with(|| {
                let mut first = Map::new();
                first.insert("id".to_owned(), Value::from(fresh.to_string()));
                first
            });
            stored.extend(members);
            answers.push(Value::Object(stored.clone()));
        }
        Ok(Value::Array(answers))
    }

    fn sync_connection(&self, arguments: &Map<String, Value>) -> Answer {
        if self.settings.sync_legacy_connection_fails {
            return Err(FieldError::new("Internal Server Error(s) while executing query"));
        }
        let same = |connection: &Map<String, Value>| {
            connection.get("service") == arguments.get("integrationName")
                && connection.get("externalid") == arguments.get("connectionUniqueIdentifier")
        };
        match self.state.connections.values().find(|c| same(c)) {
            Some(connection) => Ok(json!({"id": connection.get("id")})),
            None => Err(FieldError::new("Connection not found")),
        }
    }
}

fn list(arguments: &Map<String, Value>, name: &str) -> Vec<Value> {
    match arguments.get(name) {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one.clone()],
    }
}

/// The record as the API shows it: ids as strings, and amounts of even rows as strings too.
pub(super) fn json_of(record: &Record) -> Value {
    let mut out = record.order.clone();
    out.insert("id".to_owned(), Value::from(record.id.to_string()));
    let connection = out.get("legacyConnectionId").map(|id| Value::from(id.to_string()));
    out.insert("connectionId".to_owned(), connection.unwrap_or_default());
    if record.id % 2 == 0
        && let Some(amount) = out.get_mut("finalAmount")
        && amount.is_number()
    {
        *amount = Value::from(amount.to_string());
    }
    Value::Object(out)
}
