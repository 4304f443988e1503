//! The v3 copy of the orders. Writing here is never right for a connector that sends by GraphQL.

use serde_json::{Map, Value, json};

use super::Context;
use super::reply::{bad_request, no_result, text, unprocessable};
use super::state::Record;
use super::write::cents;
use crate::clock;
use crate::http::Reply;

impl Context<'_> {
    pub(super) fn ecom_orders(&mut self, rest: &[&str]) -> Reply {
        let id = rest.first().and_then(|id| id.parse::<i64>().ok());
        match (self.call.method.as_str(), rest, id) {
            ("GET", [], _) => self.list_orders(),
            ("GET", [_], Some(id)) => match self.copy(id) {
                Some((record, copy)) => {
                    let json = order(record, copy);
                    Reply::json(200, &json!({"ecomOrder": json, "ecomOrderProducts": products(record, copy)}))
                }
                None => no_result("EcomOrder", &id.to_string()),
            },
            ("GET", [_, "orderProducts"], Some(id)) => match self.copy(id) {
                Some((record, copy)) => {
                    Reply::json(200, &json!({"ecomOrderProducts": products(record, copy)}))
                }
                None => no_result("EcomOrder", &id.to_string()),
            },
            ("POST", [], _) => self.post_order(),
            ("PUT" | "DELETE", [_], Some(id)) => {
                self.stats.violation("v3_order_written", &id.to_string());
                Reply::json(200, &json!({}))
            }
            _ => bad_request(),
        }
    }

    fn copy(&self, id: i64) -> Option<(&Record, &Map<String, Value>)> {
        let record = self.state.order_ids.get(&id).and_then(|key| self.state.orders.get(key))?;
        record.copy.as_ref().map(|copy| (record, copy))
    }

    fn list_orders(&self) -> Reply {
        let fits = |record: &Record, copy: &Map<String, Value>| {
            let is = |filter: &str, have: String| {
                let wanted = self.call.param(&format!("filters[{filter}]"));
                wanted.is_none_or(|w| w.eq_ignore_ascii_case(&have))
            };
            is("externalid", member(copy, "storeOrderId"))
                && is("email", member(copy, "email"))
                && is("state", state(copy).to_string())
                && is("customerid", record.customer.to_string())
                && is("externalcheckoutid", member(copy, "cartId"))
                && is(
                    "connectionid",
                    copy.get("legacyConnectionId").map(Value::to_string).unwrap_or_default(),
                )
        };
        let shown = self.state.orders.values().filter_map(|r| r.copy.as_ref().map(|c| (r, c)));
        let all: Vec<_> = shown.filter(|(record, copy)| fits(record, copy)).collect();
        let (offset, limit) = self.paging();
        let page: Vec<Value> = all.iter().skip(offset).take(limit).map(|(r, c)| order(r, c)).collect();
        let lines: Vec<Value> =
            all.iter().skip(offset).take(limit).flat_map(|(r, c)| products(r, c)).collect();
        // The total is a string or a number, and nobody knows when.
        let total =
            if all.len() % 2 == 0 { Value::from(all.len()) } else { Value::from(all.len().to_string()) };
        Reply::json(200, &json!({"ecomOrders": page, "ecomOrderProducts": lines, "meta": {"total": total}}))
    }

    pub(super) fn ecom_order_products(&self) -> Reply {
        let wanted = self.call.param("filters[orderid]");
        let copies = self.state.orders.values().filter_map(|r| r.copy.as_ref().map(|c| (r, c)));
        let lines: Vec<Value> = copies
            .filter(|(record, _)| wanted.is_none_or(|w| w == record.id.to_string()))
            .flat_map(|(record, copy)| products(record, copy))
            .collect();
        let (offset, limit) = self.paging();
        let page: Vec<&Value> = lines.iter().skip(offset).take(limit).collect();
        Reply::json(200, &json!({"ecomOrderProducts": page, "meta": {"total": lines.len().to_string()}}))
    }

    fn post_order(&mut self) -> Reply {
        let body = self.call.json().unwrap_or_default();
        let Some(sent) = body.get("ecomOrder") else {
            return bad_request();
        };
        let external = text(sent, "externalid").unwrap_or_default();
        self.stats.violation("v3_order_written", &external);
        let connection = text(sent, "connectionid").and_then(|c| c.parse::<i64>().ok()).unwrap_or(-1);
        if self.state.orders.contains_key(&(connection, external)) {
            return unprocessable("The ecom order already exists.", "duplicate", "externalid");
        }
        let id = self.state.next_id();
        Reply::json(201, &json!({"ecomOrder": {"id": id.to_string()}}))
    }
}

fn member(copy: &Map<String, Value>, name: &str) -> String {
    copy.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// v3 knows fewer states; what it cannot say is shown as pending.
fn state(copy: &Map<String, Value>) -> i64 {
    match member(copy, "normalizedStatus").as_str() {
        "COMPLETED" => 1,
        "ABANDONED" => 2,
        "RECOVERED" => 3,
        "WAITING" => 4,
        _ => 0,
    }
}

/// Amounts as strings on even rows and as integers on odd ones.
fn order(record: &Record, copy: &Map<String, Value>) -> Value {
    let minor = copy.get("finalAmount").map_or(0, cents);
    let total = if record.id % 2 == 0 { Value::from(minor.to_string()) } else { Value::from(minor) };
    let source = if member(copy, "creationSource") == "REAL_TIME" { "1" } else { "0" };
    json!({
        "id": record.id.to_string(), "externalid": member(copy, "storeOrderId"), "source": source,
        "email": member(copy, "email"), "totalPrice": total, "currency": member(copy, "currency"),
        "connectionid": copy.get("legacyConnectionId").map(Value::to_string), "state": state(copy).to_string(),
        "customerid": record.customer.to_string(), "orderNumber": member(copy, "orderNumber"),
        "orderUrl": member(copy, "orderUrl"), "externalCreatedDate": clock::rfc3339_short(record.created),
        "orderDate": clock::rfc3339_short(record.created), "shippingMethod": member(copy, "shippingMethod"),
        "totalProducts": copy.get("lineItems").and_then(Value::as_array).map_or(0, Vec::len).to_string(),
    })
}

fn products(record: &Record, copy: &Map<String, Value>) -> Vec<Value> {
    let lines = copy.get("lineItems").and_then(Value::as_array).into_iter().flatten();
    lines
        .map(|line| {
            let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
            let base = text("storeBaseProductId");
            json!({
                "orderid": record.id.to_string(), "name": text("name"), "category": text("category"),
                "externalid": if base.is_empty() { text("productStorePrimaryId") } else { base },
                "price": line.get("priceAmount").map_or(0, cents).to_string(), "sku": text("sku"),
                "quantity": line.get("quantity"), "imageUrl": text("imageUrl"), "description": "",
            })
        })
        .collect()
}
