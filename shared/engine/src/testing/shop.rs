//! The store: answers as the platform documents, with pages as small as a test wants them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tillsync_mapping::http::{Method, Request};

use super::authority::Authority;
use super::catalogue;

/// A shop.
#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) orders: Vec<Value>,
    pub(crate) payments: Vec<Value>,
    pub(crate) people: Vec<Value>,
    /// The most records of a page; 0 is as many as are asked for.
    pub(crate) page: usize,
    /// The next so many pages after the first of a search of orders are refused: the cursor is dead.
    pub(crate) dead_cursors: u32,
    /// Whether the location is closed.
    pub(crate) closed: bool,
    /// Orders the index does not show yet: they are there, but no search finds them.
    pub(crate) unlisted: BTreeSet<String>,
    /// Variations the catalogue does not hold any more.
    pub(crate) off_sale: BTreeSet<String>,
    /// Who may call.
    pub(crate) authority: Authority,
}

impl Shop {
    /// Sells something to a person of its own.
    pub(crate) fn sell(&mut self, id: &str, at: Timestamp) {
        self.sell_to(id, &format!("P-{id}"), at);
    }

    /// Sells something; the person is met for the first time then.
    pub(crate) fn sell_to(&mut self, id: &str, person: &str, at: Timestamp) {
        let (at, money) = (at.to_string(), json!({"amount": 1_250, "currency": "EUR"}));
        self.meet(person, at.parse().unwrap());
        self.orders.push(json!({
            "id": id, "location_id": "L1", "state": "COMPLETED", "customer_id": person,
            "created_at": at, "updated_at": at, "closed_at": at,
            "line_items": [{
                "uid": "1", "name": "Beans", "quantity": "1", "catalog_object_id": "V1", "item_type": "ITEM",
                "base_price_money": money, "gross_sales_money": money, "total_money": money,
            }],
            "tenders": [{"id": format!("T-{id}"), "payment_id": format!("T-{id}"), "location_id": "L1",
                "type": "CARD", "amount_money": money, "created_at": at}],
            "total_money": money, "net_amount_due_money": {"amount": 0, "currency": "EUR"},
        }));
        self.payments.push(json!({
            "id": format!("T-{id}"), "order_id": id, "location_id": "L1", "customer_id": person,
            "status": "COMPLETED", "created_at": at, "updated_at": at, "total_money": money,
            "receipt_url": format!("https://shop.test/receipt/T-{id}"),
        }));
    }

    /// A person with an address, once.
    pub(crate) fn meet(&mut self, id: &str, at: Timestamp) {
        if self.people.iter().any(|person| person["id"] == id) {
            return;
        }
        let name = id.strip_prefix("P-").unwrap_or(id).to_lowercase();
        self.people.push(json!({
            "id": id, "given_name": "Ann", "email_address": format!("{name}@example.org"),
            "created_at": at.to_string(), "updated_at": at.to_string(),
        }));
    }

    /// A profile says anew whether it takes no e-mails.
    pub(crate) fn unsubscribe(&mut self, id: &str, out: bool, at: Timestamp) {
        let person = self.people.iter_mut().find(|person| person["id"] == id).unwrap();
        person["preferences"] = json!({"email_unsubscribed": out});
        person["updated_at"] = at.to_string().into();
    }

    /// Gives all of an order's money back.
    pub(crate) fn refund(&mut self, id: &str, at: Timestamp) {
        let order = self.orders.iter_mut().find(|order| order["id"] == id).unwrap();
        order["updated_at"] = at.to_string().into();
        let payment = self.payments.iter_mut().find(|payment| payment["order_id"] == id).unwrap();
        payment["updated_at"] = at.to_string().into();
        payment["refunded_money"] = payment["total_money"].clone();
    }

    pub(super) fn answer(&mut self, request: &Request) -> (u16, Value) {
        if let Some(refused) = self.authority.answer(request) {
            return refused;
        }
        let (query, cursor) = question(request);
        let listed = |name: &str| query[name].as_array().unwrap().clone();
        match request.operation {
            "orders.search" => {
                if cursor.is_some() && self.dead_cursors > 0 {
                    self.dead_cursors -= 1;
                    return (400, json!({"errors": [{"code": "INVALID_CURSOR", "field": "cursor"}]}));
                }
                let name = if query["return_entries"] == json!(true) { "order_entries" } else { "orders" };
                self.search(&query, cursor, name, &self.orders)
            }
            "customers.search" if query.contains_key("count") => (200, json!({"count": self.people.len()})),
            "customers.search" => self.search(&query, cursor, "customers", &self.people),
            "orders.batch_retrieve" => {
                let found: Vec<_> =
                    listed("order_ids").iter().filter_map(|id| by_id(&self.orders, id)).collect();
                (200, json!({"orders": found}))
            }
            "payments.list" => {
                let text =
                    |name: &str| query.get(name).and_then(|text| text.as_str()?.parse::<Timestamp>().ok());
                let mut found: Vec<_> = self.payments.iter().collect();
                found.retain(|one| !self.is_unlisted(&one["order_id"]));
                found.retain(|one| within(one, "created_at", text("begin_time"), text("end_time")));
                let (from, to) = (text("updated_at_begin_time"), text("updated_at_end_time"));
                found.retain(|one| within(one, "updated_at", from, to));
                found.sort_by_key(|one| one["created_at"].as_str().map(str::to_owned));
                (200, json!({"payments": found}))
            }
            "payments.get" => {
                let id = request.url.rsplit('/').next().unwrap_or_default();
                match self.payments.iter().find(|payment| payment["id"] == id) {
                    Some(payment) => (200, json!({"payment": payment})),
                    None => (404, json!({"errors": [{"code": "NOT_FOUND"}]})),
                }
            }
            "refunds.list" => (200, json!({"refunds": []})),
            "customers.bulk_retrieve" => {
                let none = json!({"errors": [{"code": "NOT_FOUND"}]});
                let entry = |id: &Value| {
                    let person = by_id(&self.people, id).map(|person| json!({"customer": person}));
                    (id.as_str().unwrap().to_owned(), person.unwrap_or_else(|| none.clone()))
                };
                (200, json!({"responses": listed("customer_ids").iter().map(entry).collect::<Map<_, _>>()}))
            }
            "catalog.info" => (200, json!({})),
            "token.status" => (200, json!({"merchant_id": "M1"})),
            "locations.list" => {
                let status = if self.closed { "INACTIVE" } else { "ACTIVE" };
                (
                    200,
                    json!({"locations": [{"id": "L1", "name": "Rue Haute", "currency": "EUR", "status": status}]}),
                )
            }
            "catalog.batch_retrieve" => (200, catalogue::of(&query, &self.off_sale)),
            operation => panic!("nothing answers {operation}"),
        }
    }

    fn is_unlisted(&self, id: &Value) -> bool {
        id.as_str().is_some_and(|id| self.unlisted.contains(id))
    }

    /// One page of a window; the cursor is the place where the next one begins.
    fn search(
        &self,
        query: &Map<String, Value>,
        cursor: Option<String>,
        name: &str,
        all: &[Value],
    ) -> (u16, Value) {
        let filter = &query["query"]["filter"];
        let filter = filter.get("date_time_filter").unwrap_or(filter).as_object();
        let mut found: Vec<&Value> = all.iter().filter(|one| !self.is_unlisted(&one["id"])).collect();
        if let Some((field, range)) = filter.and_then(|filter| filter.iter().next()) {
            let text = |name: &str| range[name].as_str().unwrap().parse::<Timestamp>().ok();
            found.retain(|one| within(one, field, text("start_at"), text("end_at")));
            found.sort_by_key(|one| instant(one, field));
        }
        if let Some(locations) = query.get("location_ids") {
            found.retain(|one| locations[0] == one["location_id"]);
        }
        let asked = usize::try_from(query["limit"].as_u64().unwrap()).unwrap();
        let limit = if self.page > 0 { self.page.min(asked) } else { asked };
        let start = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let end = (start + limit).min(found.len());
        let mut body = json!({name: found[start.min(end)..end]});
        if end < found.len() {
            body["cursor"] = end.to_string().into();
        }
        (200, body)
    }
}

fn question(request: &Request) -> (Map<String, Value>, Option<String>) {
    let mut fields = if request.method == Method::Post && request.body.is_empty() {
        Map::new()
    } else if request.method == Method::Post {
        serde_json::from_slice::<Value>(&request.body).unwrap().as_object().unwrap().clone()
    } else {
        let url = url::Url::parse(&request.url).unwrap();
        url.query_pairs().map(|(key, value)| (key.into_owned(), Value::from(value.into_owned()))).collect()
    };
    let cursor = fields.remove("cursor").map(|cursor| cursor.as_str().unwrap().to_owned());
    (fields, cursor)
}

fn by_id<'v>(values: &'v [Value], id: &Value) -> Option<&'v Value> {
    values.iter().find(|value| value["id"] == *id)
}

fn instant(value: &Value, field: &str) -> Timestamp {
    value[field].as_str().unwrap().parse().unwrap()
}

fn within(value: &Value, field: &str, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
    let at = instant(value, field);
    from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to)
}
