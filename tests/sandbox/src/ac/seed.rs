//! What others did to the account: orders that were there before, and orders that change, or go, behind one's back.

use serde_json::{Map, Value, json};

use super::State;
use super::state::Key;
use super::validate::decimals;
use crate::clock;
use crate::settings::Settings;
use crate::stats::Stats;

/// A sale as its oracle tells it, in the form of the GraphQL API and under this id.
pub(crate) fn order_of(sale: &Value, id: &Value) -> Value {
    let minor = sale.get("amount_minor").and_then(Value::as_i64).unwrap_or(0);
    let currency = sale.get("currency").and_then(Value::as_str).unwrap_or("EUR");
    let places = decimals(currency);
    let digits = format!("{minor:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let amount = if places == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") };
    json!({
        "storeOrderId": id, "orderNumber": id, "email": sale["email"], "storeCustomerId": sale["customer"],
        "currency": currency, "finalAmount": amount, "storeCreatedDate": sale["date"],
        "normalizedStatus": sale["status"],
    })
}

impl State {
    /// Orders that a connection held before anybody looked, v3 copies included. What is not said is made up.
    pub(crate) fn seed_orders(&mut self, connection: i64, orders: &[Value], now: i64) -> usize {
        // None of it is anything the client did.
        let mut unnoted = Stats::default();
        let settings = Settings::default();
        let events = (self.purchases.len(), self.updates.len());
        for (index, sent) in orders.iter().enumerate() {
            let id = format!("foreign-{}", index + 1);
            let mut order = json!({
                "storeOrderId": id, "orderNumber": id, "email": format!("foreign{index}@example.org"),
                "storeCustomerId": format!("foreign-customer-{}", index + 1), "creationSource": "HISTORICAL",
                "normalizedStatus": "COMPLETED", "storeStatus": "completed", "currency": "EUR", "finalAmount": 10,
                "storeCreatedDate": clock::rfc3339(now - clock::DAY), "lineItems": [],
            });
            for (name, value) in sent.as_object().into_iter().flatten() {
                order[name] = value.clone();
            }
            order["legacyConnectionId"] = Value::from(connection);
            let order = order.as_object().cloned().unwrap_or_default();
            let id = self.apply(order, "seeded", now, &settings, &mut unnoted);
            if let Some(record) = self.order_ids.get(&id).and_then(|key| self.orders.get_mut(key)) {
                record.copy = Some(record.order.clone());
            }
        }
        self.purchases.truncate(events.0);
        self.updates.truncate(events.1);
        // The copies are there already, so none is on its way.
        self.copies.retain(|(_, (of, _))| *of != connection);
        orders.len()
    }

    fn keys(&self, id: &str) -> Vec<Key> {
        self.orders.keys().filter(|(_, order)| order == id).cloned().collect()
    }

    /// Forgets an order on both sides. How many there were is the answer.
    pub(crate) fn lose(&mut self, id: &str) -> usize {
        let keys = self.keys(id);
        for key in &keys {
            if let Some(record) = self.orders.remove(key) {
                self.order_ids.remove(&record.id);
                self.by_date.remove(&(key.0, record.created, key.1.clone()));
            }
        }
        self.pending.retain(|p| p.order.get("storeOrderId").and_then(Value::as_str) != Some(id));
        keys.len()
    }

    /// The v3 copy goes, and the order stays. How many there were is the answer.
    pub(crate) fn lose_copy(&mut self, id: &str) -> usize {
        let keys = self.keys(id);
        self.copies.retain(|(_, key)| key.1 != id);
        let copies = keys.iter().filter_map(|key| self.orders.get_mut(key)?.copy.take());
        copies.count()
    }

    /// Somebody else writes members of an order, on both sides. How many orders there were is the answer.
    pub(crate) fn alter(&mut self, id: &str, members: &Map<String, Value>) -> usize {
        let keys = self.keys(id);
        for key in &keys {
            let Some(record) = self.orders.get_mut(key) else { continue };
            self.by_date.remove(&(key.0, record.created, key.1.clone()));
            record.order.extend(members.clone());
            let date = record.order.get("storeCreatedDate").and_then(Value::as_str).and_then(clock::parse);
            record.created = date.unwrap_or(record.created);
            self.by_date.insert((key.0, record.created, key.1.clone()));
            if let Some(copy) = &mut record.copy {
                copy.extend(members.clone());
            }
        }
        keys.len()
    }
}
