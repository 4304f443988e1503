//! A store in memory that answers as Square documents it: filters, sorting, limits, cursors bound to their
//! query, ids silently left out. It counts calls, and can be told to answer otherwise.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::http::{Effect, Http, HttpError, Method, Request, Response};

/// How a call is answered instead.
#[derive(Clone)]
pub(super) enum Fault {
    Reply(u16, &'static str),
    Lost(HttpError),
    /// The answer is cut in the middle.
    Cut,
}

#[derive(Default)]
pub(super) struct Shop {
    pub(super) orders: Vec<Value>,
    pub(super) payments: Vec<Value>,
    pub(super) refunds: Vec<Value>,
    pub(super) customers: Vec<Value>,
    pub(super) catalog: Vec<Value>,
    /// Answers of plain addresses, by operation.
    pub(super) fixed: BTreeMap<&'static str, Value>,
    /// The most records on a page of an operation, however many were asked for.
    pub(super) short: BTreeMap<&'static str, usize>,
    /// Operations whose first page is empty and has a cursor.
    pub(super) empty_first: Vec<&'static str>,
    /// What happens at the n-th call of an operation, from 1.
    pub(super) faults: BTreeMap<(&'static str, usize), Fault>,
    /// Lists hold everything, whatever was asked for.
    pub(super) whole: bool,
    /// ListPayments tells offline payments only when asked for them.
    pub(super) hides_offline: bool,
    pub(super) calls: Mutex<Vec<Request>>,
}

impl Shop {
    pub(super) fn count(&self, operation: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| call.operation == operation).count()
    }

    pub(super) fn all_calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// The question of a call without its cursor, and the cursor.
    pub(super) fn question(request: &Request) -> (Map<String, Value>, Option<String>) {
        let mut fields = if request.method == Method::Post && request.body.is_empty() {
            Map::new()
        } else if request.method == Method::Post {
            serde_json::from_slice::<Value>(&request.body).unwrap().as_object().unwrap().clone()
        } else {
            let url = url::Url::parse(&request.url).unwrap();
            url.query_pairs()
                .map(|(key, value)| (key.into_owned(), Value::from(value.into_owned())))
                .collect()
        };
        let cursor = fields.remove("cursor").map(|cursor| cursor.as_str().unwrap().to_owned());
        (fields, cursor)
    }

    fn answer(&self, request: &Request) -> (u16, Value) {
        let (query, cursor) = Self::question(request);
        match request.operation {
            "orders.search" => self.search_orders(request, &query, cursor),
            "orders.batch_retrieve" => {
                let found =
                    listed(&query, "order_ids", 100).into_iter().filter_map(|id| by_id(&self.orders, &id));
                (200, json!({"orders": found.collect::<Vec<_>>()}))
            }
            "payments.list" => self.list(request, &query, cursor, "payments", self.payments.iter().collect()),
            "refunds.list" => self.list(request, &query, cursor, "refunds", self.refunds.iter().collect()),
            "payments.get" => match by_id(&self.payments, request.url.rsplit('/').next().unwrap()) {
                Some(payment) => (200, json!({"payment": payment})),
                None => {
                    (404, json!({"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND"}]}))
                }
            },
            "customers.search" => self.search_customers(request, &query, cursor),
            "customers.bulk_retrieve" => {
                let none = json!({"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND"}]});
                let any = self.customers.first().filter(|_| self.whole);
                let entry = |id: String| match any.or_else(|| by_id(&self.customers, &id)) {
                    Some(person) => (id, json!({"customer": person})),
                    None => (id, none.clone()),
                };
                let ids = listed(&query, "customer_ids", 100);
                (200, json!({"responses": ids.into_iter().map(entry).collect::<Map<_, _>>()}))
            }
            "catalog.batch_retrieve" => (200, self.catalog_of(&query)),
            operation => match self.fixed.get(operation) {
                Some(body) => (200, body.clone()),
                None => panic!("nothing answers {operation}"),
            },
        }
    }

    fn catalog_of(&self, query: &Map<String, Value>) -> Value {
        let wanted = listed(query, "object_ids", 1000);
        let mut objects: Vec<&Value> = wanted.iter().filter_map(|id| by_id(&self.catalog, id)).collect();
        if self.whole {
            objects = self.catalog.iter().collect();
        }
        let related = objects.iter().filter_map(|object| {
            by_id(&self.catalog, object.pointer("/item_variation_data/item_id")?.as_str()?)
        });
        let wanted = query["include_related_objects"] == json!(true);
        json!({"objects": objects, "related_objects": related.filter(|_| wanted).collect::<Vec<_>>()})
    }

    fn search_orders(
        &self,
        request: &Request,
        query: &Map<String, Value>,
        cursor: Option<String>,
    ) -> (u16, Value) {
        let query_value = &query["query"];
        let sort = query_value["sort"]["sort_field"].as_str().unwrap().to_lowercase();
        assert_eq!(query_value["sort"]["sort_order"], "ASC");
        let mut found: Vec<&Value> = self
            .orders
            .iter()
            .filter(|order| self.whole || query["location_ids"] == json!([order["location_id"]]))
            .collect();
        if let Some(filter) = query_value.pointer("/filter/date_time_filter").and_then(Value::as_object) {
            assert_eq!(filter.keys().collect::<Vec<_>>(), [&sort], "Square: the sort field is the filter's");
            found.retain(|order| {
                self.whole || within(order, &sort, &filter[&sort]["start_at"], &filter[&sort]["end_at"])
            });
        }
        found.sort_by_cached_key(|order| instant(&order[&sort]));
        let key = sort.as_str();
        let limit = query["limit"].as_u64().unwrap() as usize;
        assert!(limit <= 1000);
        let name = if query["return_entries"] == json!(true) { "order_entries" } else { "orders" };
        self.page(request, query, cursor, (limit, key), name, found)
    }

    fn search_customers(
        &self,
        request: &Request,
        query: &Map<String, Value>,
        cursor: Option<String>,
    ) -> (u16, Value) {
        if query.get("count") == Some(&json!(true)) {
            return (200, json!({"count": self.customers.len()}));
        }
        let filter = query["query"]["filter"].as_object().unwrap();
        let (field, range) = filter.iter().next().unwrap();
        let mut found: Vec<&Value> = self
            .customers
            .iter()
            .filter(|c| self.whole || within(c, field, &range["start_at"], &range["end_at"]))
            .collect();
        found.sort_by_cached_key(|person| instant(&person["created_at"]));
        let limit = query["limit"].as_u64().unwrap() as usize;
        self.page(request, query, cursor, (limit, "created_at"), "customers", found)
    }

    /// ListPayments and ListPaymentRefunds.
    fn list<'s>(
        &'s self,
        request: &Request,
        query: &Map<String, Value>,
        cursor: Option<String>,
        name: &str,
        mut found: Vec<&'s Value>,
    ) -> (u16, Value) {
        let nothing = Value::Null;
        let field = |name: &str| query.get(name).unwrap_or(&nothing);
        assert_ne!(field("begin_time"), &nothing, "without begin_time Square answers one year");
        assert!(
            name == "refunds" || query.contains_key("location_id"),
            "without one it reads the main location"
        );
        if query.contains_key("location_id") && !self.whole {
            found.retain(|one| one["location_id"] == *field("location_id"));
        }
        found.retain(|one| self.whole || within(one, "created_at", field("begin_time"), field("end_time")));
        found.retain(|one| {
            self.whole
                || within(one, "updated_at", field("updated_at_begin_time"), field("updated_at_end_time"))
        });
        if self.hides_offline {
            let asked = field("is_offline_payment") == "true";
            found.retain(|one| one.get("offline_payment_details").is_some() == asked);
        }
        let sort = field("sort_field").as_str().unwrap().to_lowercase();
        found.sort_by_cached_key(|one| instant(&one[&sort]));
        self.page(request, query, cursor, (100, &sort), name, found)
    }

    /// One page; the cursor holds the last record and the very question it is bound to. It keeps its place by the
    /// record and not by a count, or a record that moves would hide another; Square does not tell.
    fn page(
        &self,
        request: &Request,
        query: &Map<String, Value>,
        cursor: Option<String>,
        (limit, key): (usize, &str),
        name: &str,
        found: Vec<&Value>,
    ) -> (u16, Value) {
        let bound = format!("{:?}", Value::from(query.clone()));
        let place = |one: &Value| format!("{:?} {}", instant(&one[key]), one["id"]);
        let start = match &cursor {
            None => 0,
            Some(cursor) => match cursor.split_once('|') {
                Some((last, question)) if question == bound => {
                    let held = found.iter().position(|one| place(one) == last);
                    held.map_or_else(|| found.partition_point(|one| *place(one) < *last), |held| held + 1)
                }
                _ => {
                    return (
                        400,
                        json!({"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "INVALID_VALUE", "field": "cursor"}]}),
                    );
                }
            },
        };
        let limit = self.short.get(request.operation).copied().unwrap_or(limit);
        let empty = cursor.is_none() && self.empty_first.contains(&request.operation);
        let end = if empty { 0 } else { (start + limit).min(found.len()) };
        let mut body = json!({});
        if end > start {
            body[name] = found[start..end].iter().map(|value| (*value).clone()).collect();
        }
        if end < found.len() {
            let last = if end == 0 { String::new() } else { place(found[end - 1]) };
            body["cursor"] = Value::from(format!("{last}|{bound}"));
        }
        (200, body)
    }
}

#[async_trait]
impl Http for Shop {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        assert_eq!(request.effect, Effect::Read);
        assert!(request.url.starts_with("https://connect.squareup"), "{}", request.url);
        assert_eq!(request.credential.as_ref().unwrap().1.expose(), "Bearer EAAA-token");
        assert!(request.headers.contains(&("Square-Version", "2025-08-20".to_owned())));
        self.calls.lock().unwrap().push(request.clone());
        let turn = self.count(request.operation);
        let fault = self.faults.get(&(request.operation, turn)).cloned();
        let (status, body) = match fault {
            Some(Fault::Lost(error)) => return Err(error),
            Some(Fault::Reply(status, body)) => (status, body.as_bytes().to_vec()),
            Some(Fault::Cut) => {
                let body = self.answer(&request).1.to_string().into_bytes();
                (200, body[..body.len() / 2].to_vec())
            }
            None => {
                let (status, body) = self.answer(&request);
                (status, body.to_string().into_bytes())
            }
        };
        Ok(Response { status, retry_after: None, date: None, body })
    }
}

fn listed(query: &Map<String, Value>, name: &str, most: usize) -> Vec<String> {
    let ids: Vec<String> =
        query[name].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert!((1..=most).contains(&ids.len()), "{} {name}", ids.len());
    ids
}

fn by_id<'v>(values: &'v [Value], id: &str) -> Option<&'v Value> {
    values.iter().find(|value| value["id"] == id)
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn within(value: &Value, field: &str, from: &Value, to: &Value) -> bool {
    if from.is_null() && to.is_null() {
        return true;
    }
    let at = instant(&value[field]);
    let after = instant(from).is_none_or(|from| at.is_none_or(|at| at >= from));
    after && instant(to).is_none_or(|to| at.is_none_or(|at| at <= to))
}

/// A sale of one line, paid in one payment, at a second of 2026.
pub(super) fn sell(
    shop: &mut Shop,
    id: &str,
    location: &str,
    customer: Option<&str>,
    second: i64,
    minor: i64,
) {
    let at = super::support::after(second).to_string();
    let money = json!({"amount": minor, "currency": "EUR"});
    shop.orders.push(json!({
        "id": id, "location_id": location, "state": "COMPLETED",
        "created_at": at, "updated_at": at, "closed_at": at,
        "line_items": [{
            "uid": "1", "name": "Beans", "quantity": "1", "catalog_object_id": "V1", "item_type": "ITEM",
            "base_price_money": money, "gross_sales_money": money, "total_money": money,
        }],
        "tenders": [{"id": format!("P-{id}"), "payment_id": format!("P-{id}"), "location_id": location,
            "type": "CARD", "amount_money": money, "created_at": at}],
        "total_money": money, "net_amount_due_money": {"amount": 0, "currency": "EUR"},
    }));
    shop.payments.push(json!({
        "id": format!("P-{id}"), "order_id": id, "location_id": location, "customer_id": customer,
        "status": "COMPLETED", "created_at": at, "updated_at": at, "total_money": money,
        "receipt_number": "P-re",
    }));
}

/// A customer with an address.
pub(super) fn meet(shop: &mut Shop, id: &str, second: i64) {
    let at = super::support::after(second).to_string();
    shop.customers.push(json!({
        "id": id, "given_name": "Ann", "email_address": format!("{}@example.org", id.to_lowercase()),
        "created_at": at, "updated_at": at,
    }));
}
