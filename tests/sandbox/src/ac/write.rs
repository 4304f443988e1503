//! Applying an order: contact, customer, record, and what automations would see.

use serde_json::{Map, Value, json};

use super::State;
use super::state::{Applied, Key, Poison, Record};
use super::validate::decimal;
use crate::clock;
use crate::settings::Settings;
use crate::stats::Stats;

/// A decimal in hundredths, which is how v3 writes money, whatever the currency.
pub(crate) fn cents(value: &Value) -> i64 {
    let Some((negative, whole, fraction)) = decimal(value) else {
        return 0;
    };
    let padded = format!("{fraction:0<2}");
    let minor = format!("{whole}{}", &padded[..2]).parse::<i64>().unwrap_or(0);
    if negative { -minor } else { minor }
}

fn text<'a>(order: &'a Map<String, Value>, name: &str) -> &'a str {
    order.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn key(order: &Map<String, Value>) -> Key {
    let connection = order.get("legacyConnectionId").and_then(Value::as_i64).unwrap_or(-1);
    (connection, text(order, "storeOrderId").to_owned())
}

impl State {
    /// Notes that a write of these orders was asked for. Sooner than the window after the last is a violation,
    /// whichever of the two is carried out first.
    pub(crate) fn note_request(
        &mut self,
        orders: &[Map<String, Value>],
        asked: i64,
        window: i64,
        stats: &mut Stats,
    ) {
        for order in orders {
            let key = key(order);
            let seen = self.asked.entry(key.clone()).or_insert((i64::MIN / 2, 0));
            if asked.saturating_sub(seen.0).abs() < window {
                stats.violation("rewritten_within_60s", &key.1);
            }
            *seen = (seen.0.max(asked), seen.1 + 1);
        }
    }

    /// Takes orders for later: each at a time of its own, so batches overtake each other.
    pub(crate) fn queue(&mut self, orders: Vec<Map<String, Value>>, now: i64, settings: &Settings) {
        let (least, most) = settings.async_delay_ms;
        for order in orders {
            if self.poison.get(text(&order, "storeOrderId")) == Some(&Poison::Lost) {
                continue;
            }
            let at = now + self.rng.between(least, most);
            self.pending.push(super::state::Pending { at, order });
        }
    }

    /// Writes one order. The id of its record is the answer.
    pub(crate) fn apply(
        &mut self,
        order: Map<String, Value>,
        operation: &'static str,
        at: i64,
        settings: &Settings,
        stats: &mut Stats,
    ) -> i64 {
        let key = key(&order);
        let customer = self.person_of(&order, stats);
        let (created, modified) = (
            clock::parse(text(&order, "storeCreatedDate")).unwrap_or(0),
            clock::parse(text(&order, "storeModifiedDate")).unwrap_or(i64::MIN),
        );
        let source = text(&order, "creationSource").to_owned();
        let applied = Applied {
            modified: order.get("storeModifiedDate").and_then(Value::as_str).map(str::to_owned),
            source: source.clone(),
            operation,
        };
        let live = source == "REAL_TIME";
        let event = json!({"connection": key.0, "storeOrderId": key.1, "email": text(&order, "email")});
        if let Some(record) = self.orders.get_mut(&key) {
            if modified < record.modified {
                record.stale += 1;
                stats.violation("stale_overwrite", &key.1);
            }
            if record.order == order {
                stats.warning("unchanged_rewrite", &key.1);
            }
            if record.applied.last().is_some_and(|last| last.source != source) {
                stats.warning("creation_source_changed", &key.1);
            }
            self.by_date.remove(&(key.0, record.created, key.1.clone()));
            record.order = order;
            record.created = created;
            record.modified = modified;
            record.customer = customer;
            record.applied.push(applied);
            let id = record.id;
            if live {
                self.updates.push(event);
            }
            self.by_date.insert((key.0, created, key.1.clone()));
            self.copies.push((at + settings.v3_delay_ms, key));
            return id;
        }
        if live {
            self.purchases.push(event);
        }
        let id = self.next_id();
        self.by_date.insert((key.0, created, key.1.clone()));
        self.order_ids.insert(id, key.clone());
        self.copies.push((at + settings.v3_delay_ms, key.clone()));
        let record =
            Record { id, order, created, modified, customer, applied: vec![applied], stale: 0, copy: None };
        self.orders.insert(key, record);
        id
    }

    /// The contact and the customer of an order, made or updated at once.
    fn person_of(&mut self, order: &Map<String, Value>, stats: &mut Stats) -> i64 {
        let email = text(order, "email").to_owned();
        let connection = order.get("legacyConnectionId").and_then(Value::as_i64).unwrap_or(-1);
        let list = self.connections.get(&connection).and_then(|c| c.get("listId")).map(|l| match l {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        });
        let (contact, new) = self.contact(&email);
        if let (true, Some(list)) = (new, list.filter(|l| l != "0")) {
            contact.lists.insert(list, 1);
        }
        let person = ["customerData", "shippingAddress", "billingAddress"].iter().find_map(|n| order.get(*n));
        if person.is_some_and(|person| contact.lay(person)) {
            stats.warning("blanked_contact_field", &email);
        }
        let external = text(order, "storeCustomerId");
        let external = if external.is_empty() { email.as_str() } else { external };
        let accepts = order.get("acceptsMarketing").and_then(Value::as_bool);
        let by_key = self.customer_keys.get(&(connection, external.to_owned())).copied();
        let by_email = self.customer_emails.get(&(connection, email.to_lowercase())).copied();
        if by_email.is_some_and(|id| by_key != Some(id)) {
            stats.violation("second_customer_same_email", external);
        }
        let id = match (by_key, by_email) {
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => self.add_customer(connection, external, &email, accepts),
        };
        if let Some(customer) = self.customers.get_mut(&id) {
            customer.accepts = accepts.or(customer.accepts);
            if by_key.is_some() && !customer.email.eq_ignore_ascii_case(&email) {
                let old = std::mem::replace(&mut customer.email, email.clone());
                let old = (connection, old.to_lowercase());
                if self.customer_emails.get(&old) == Some(&id) {
                    self.customer_emails.remove(&old);
                }
                self.customer_emails.entry((connection, email.to_lowercase())).or_insert(id);
            }
        }
        id
    }
}
