//! E-commerce customers and their totals.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Context;
use super::reply::{bad_request, no_result, text, unprocessable};
use super::state::{Customer, Record, State, valid_email};
use super::write::cents;
use crate::http::Reply;

/// Ids of the rows that sum up an address over all connections lie above this.
const TOTAL_IDS: i64 = 1_000_000_000;

#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    revenue: i64,
    orders: i64,
    products: i64,
}

impl Totals {
    /// Only what the v3 side shows, and of that only completed purchases.
    fn add(&mut self, record: &Record) {
        let Some(copy) = &record.copy else { return };
        if copy.get("normalizedStatus").and_then(Value::as_str) != Some("COMPLETED") {
            return;
        }
        let lines = copy.get("lineItems").and_then(Value::as_array).into_iter().flatten();
        self.revenue += copy.get("finalAmount").map_or(0, cents);
        self.orders += 1;
        self.products += lines.filter_map(|l| l.get("quantity")?.as_i64()).sum::<i64>();
    }
}

impl State {
    fn totals(&self) -> BTreeMap<i64, Totals> {
        let mut all: BTreeMap<i64, Totals> = BTreeMap::new();
        for record in self.orders.values() {
            all.entry(record.customer).or_default().add(record);
        }
        all
    }
}

impl Context<'_> {
    pub(super) fn ecom_customers(&mut self, rest: &[&str]) -> Reply {
        let id = rest.first().and_then(|id| id.parse::<i64>().ok());
        match (self.call.method.as_str(), rest, id) {
            ("GET", [], _) => self.list_customers(),
            ("POST", [], _) => self.create_customer(),
            ("GET", [_], Some(id)) => match self.state.customers.get(&id) {
                Some(customer) => {
                    let totals = self.state.totals().get(&id).copied().unwrap_or_default();
                    Reply::json(200, &json!({"ecomCustomer": json(customer, totals)}))
                }
                None => no_result("EcomCustomer", &id.to_string()),
            },
            ("PUT", [_], Some(id)) => self.update_customer(id),
            ("DELETE", [_], Some(id)) => {
                self.stats.violation("customer_deleted", &id.to_string());
                Reply::json(200, &json!({}))
            }
            _ => bad_request(),
        }
    }

    fn list_customers(&self) -> Reply {
        let totals = self.state.totals();
        let total_of = |id: &i64| totals.get(id).copied().unwrap_or_default();
        let fits = |customer: &Customer| {
            let is = |name: &str, have: &str| {
                self.call.param(&format!("filters[{name}]")).is_none_or(|w| w.eq_ignore_ascii_case(have))
            };
            is("email", &customer.email)
                && is("externalid", &customer.external)
                && is("connectionid", &customer.connection.to_string())
        };
        let mut rows: Vec<Value> = Vec::new();
        let mut sums: BTreeMap<String, (i64, Totals)> = BTreeMap::new();
        for customer in self.state.customers.values() {
            let own = total_of(&customer.id);
            let sum = sums.entry(customer.email.to_lowercase()).or_insert((customer.id, Totals::default()));
            sum.1.revenue += own.revenue;
            sum.1.orders += own.orders;
            sum.1.products += own.products;
            if fits(customer) {
                rows.push(json(customer, own));
            }
        }
        for (email, (id, sum)) in sums {
            let row = Customer {
                id: TOTAL_IDS + id,
                connection: 0,
                external: "0".to_owned(),
                email,
                accepts: None,
            };
            if fits(&row) {
                rows.push(json(&row, sum));
            }
        }
        let (offset, limit) = self.paging();
        let page: Vec<&Value> = rows.iter().skip(offset).take(limit).collect();
        Reply::json(200, &json!({"ecomCustomers": page, "meta": {"total": rows.len().to_string()}}))
    }

    fn create_customer(&mut self) -> Reply {
        let body = self.call.json().unwrap_or_default();
        let Some(sent) = body.get("ecomCustomer") else {
            return bad_request();
        };
        let (connection, external, email) =
            (text(sent, "connectionid"), text(sent, "externalid"), text(sent, "email"));
        let (Some(connection), Some(external), Some(email)) = (connection, external, email) else {
            return unprocessable("A required field is missing.", "field_missing", "externalid");
        };
        let connection = connection.parse::<i64>().unwrap_or(-1);
        if !self.state.connections.contains_key(&connection) {
            return unprocessable("The connection does not exist.", "field_invalid", "connectionid");
        }
        if !valid_email(&email) {
            return unprocessable("Email address is not valid.", "email_invalid", "email");
        }
        let same = self.state.customer_keys.contains_key(&(connection, external.clone()))
            || self.state.customer_emails.contains_key(&(connection, email.to_lowercase()));
        if same {
            return unprocessable("The customer already exists.", "duplicate", "externalid");
        }
        let Ok(accepts) = accepts(sent) else {
            return unprocessable("acceptsMarketing is 0 or 1.", "field_invalid", "acceptsMarketing");
        };
        self.state.contact(&email);
        let id = self.state.add_customer(connection, &external, &email, accepts);
        let json = self.state.customers.get(&id).map(|c| json(c, Totals::default()));
        Reply::json(201, &json!({"ecomCustomer": json}))
    }

    fn update_customer(&mut self, id: i64) -> Reply {
        let body = self.call.json().unwrap_or_default();
        let Some(sent) = body.get("ecomCustomer") else {
            return bad_request();
        };
        let Ok(accepts) = accepts(sent) else {
            return unprocessable("acceptsMarketing is 0 or 1.", "field_invalid", "acceptsMarketing");
        };
        let Some(customer) = self.state.customers.get_mut(&id) else {
            return no_result("EcomCustomer", &id.to_string());
        };
        customer.accepts = accepts.or(customer.accepts);
        Reply::json(200, &json!({"ecomCustomer": json(customer, Totals::default())}))
    }
}

/// `"0"` or `"1"` (activecampaign.md section 3.1); what a change leaves out stays as it was.
fn accepts(sent: &Value) -> Result<Option<bool>, ()> {
    match sent.get("acceptsMarketing") {
        None => Ok(None),
        Some(_) => match text(sent, "acceptsMarketing").as_deref() {
            Some("0") => Ok(Some(false)),
            Some("1") => Ok(Some(true)),
            _ => Err(()),
        },
    }
}

/// Counters are strings here, and the money of even rows is a number.
fn json(customer: &Customer, totals: Totals) -> Value {
    let revenue = if customer.id % 2 == 0 {
        Value::from(totals.revenue)
    } else {
        Value::from(totals.revenue.to_string())
    };
    let total_row = customer.connection == 0;
    json!({
        "id": customer.id.to_string(), "connectionid": customer.connection.to_string(),
        "externalid": customer.external, "email": customer.email, "totalRevenue": revenue,
        "totalOrders": totals.orders.to_string(), "totalProducts": totals.products.to_string(),
        "acceptsMarketing": customer.accepts.map(|a| if a { "1" } else { "0" }),
        "connection": if total_row { Value::Null } else { Value::from(customer.connection.to_string()) },
        "links": {"connection": "", "orders": ""},
    })
}
