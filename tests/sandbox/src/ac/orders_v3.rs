//! The v3 copy of the orders. Writing here is never right for a connector that sends by GraphQL.

use serde_json::{Map, Value, json};

use super::Context;
use super::reply::{bad_request, no_result, text, unprocessable};
use super::state::Record;
use super::write::cents;
use crate::clock;
use crate::http::Reply;

/// What the list filters and sorts by (activecampaign.md section 3.2).
const FIELDS: [&str; 7] = [
    "connectionid",
    "externalid",
    "externalcheckoutid",
    "email",
    "state",
    "customerid",
    "external_created_date",
];

impl Context<'_> {
    pub(super) fn ecom_orders(&mut self, rest: &[&str]) -> Reply {
        let id = rest.first().and_then(|id| id.parse::<i64>().ok());
        match (self.call.method.as_str(), rest, id) {
            ("GET", [], _) => self.list_orders(),
            ("GET", [_], Some(id)) => match self.copy(id) {
                Some((record, copy)) => {
                    let connection = self.state.connections.get(&connection(copy));
                    let body = json!({"connections": connection.into_iter().collect::<Vec<_>>(),
                        "ecomOrderProducts": products(record, copy), "ecomOrderDiscounts": discounts(record, copy),
                        "ecomOrder": order(record, copy)});
                    Reply::json(200, &body)
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
        let connection = self.call.param("filters[connectionid]");
        let wrong = connection.is_some_and(|id| id.parse::<i64>().map_or(true, |id| id < 1));
        if wrong || !self.knows(&FIELDS) {
            return bad_request();
        }
        let fits = |record: &Record, copy: &Map<String, Value>| {
            FIELDS.iter().all(|field| {
                let wanted = self.call.param(&format!("filters[{field}]"));
                wanted.is_none_or(|w| w.eq_ignore_ascii_case(&value_of(field, record, copy)))
            })
        };
        let shown = self.state.orders.values().filter_map(|r| r.copy.as_ref().map(|c| (r, c)));
        let mut all: Vec<_> = shown.filter(|(record, copy)| fits(record, copy)).collect();
        all.sort_by_key(|(record, _)| record.id);
        let sort = self.call.query.iter().find(|(name, _)| name.starts_with("orders["));
        if let Some((name, direction)) = sort {
            let field = name.trim_start_matches("orders[").trim_end_matches(']');
            all.sort_by_key(|(record, copy)| value_of(field, record, copy));
            if direction == "DESC" {
                all.reverse();
            }
        }
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

/// A field as the filters compare it.
fn value_of(field: &str, record: &Record, copy: &Map<String, Value>) -> String {
    match field {
        "connectionid" => connection(copy).to_string(),
        "externalid" => member(copy, "storeOrderId"),
        "externalcheckoutid" => member(copy, "cartId"),
        "state" => state(copy).to_string(),
        "customerid" => record.customer.to_string(),
        "external_created_date" => clock::rfc3339_short(record.created),
        other => member(copy, other),
    }
}

fn connection(copy: &Map<String, Value>) -> i64 {
    copy.get("legacyConnectionId").and_then(Value::as_i64).unwrap_or(0)
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
        "connection": connection(copy).to_string(), "customer": record.customer.to_string(),
        "shippingAmount": copy.get("shippingAmount").map_or(0, cents).to_string(),
        "discountAmount": discounted(copy).to_string(), "links": {"connection": "", "customer": "", "orderProducts": ""},
        "orderUrl": member(copy, "orderUrl"), "externalCreatedDate": clock::rfc3339_short(record.created),
        "orderDate": clock::rfc3339_short(record.created), "shippingMethod": member(copy, "shippingMethod"),
        "totalProducts": copy.get("lineItems").and_then(Value::as_array).map_or(0, Vec::len).to_string(),
    })
}

fn listed<'a>(copy: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    copy.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn discounted(copy: &Map<String, Value>) -> i64 {
    listed(copy, "discounts").filter_map(|d| d.get("discountAmount")).map(cents).sum()
}

fn discounts(record: &Record, copy: &Map<String, Value>) -> Vec<Value> {
    let one = |discount: &Value| {
        let kind = discount.get("type").and_then(Value::as_str).unwrap_or("ORDER").to_lowercase();
        json!({"orderid": record.id.to_string(), "name": discount.get("name"), "type": kind,
            "discountAmount": discount.get("discountAmount").map_or(0, cents).to_string()})
    };
    listed(copy, "discounts").map(one).collect()
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
