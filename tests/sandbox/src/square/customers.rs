//! ListCustomers, SearchCustomers, BulkRetrieveCustomers.

use serde_json::{Value, json};

use super::Context;
use super::error::Fail;
use super::page::{Body, strings};
use crate::clock;
use crate::http::Reply;
use crate::shop::table::{By, Range, Row};

fn page_limit(limit: Option<i64>) -> Result<usize, Fail> {
    match limit {
        None => Ok(100),
        Some(..1) => Err(Fail::bad("VALUE_TOO_LOW", "limit", "limit must be at least 1")),
        Some(limit @ 1..=100) => Ok(usize::try_from(limit).unwrap_or(100)),
        Some(_) => Err(Fail::bad("VALUE_TOO_HIGH", "limit", "limit must not be over 100")),
    }
}

impl Context<'_> {
    pub(super) fn list_customers(&mut self) -> Result<Reply, Fail> {
        let limit = page_limit(self.call.param("limit").map(|l| l.parse().unwrap_or(0)))?;
        let ascending = self.ascending(true)?;
        let count = self.call.param("count") == Some("true");
        self.people(limit, ascending, count, &Value::Null)
    }

    pub(super) fn search_customers(&mut self) -> Result<Reply, Fail> {
        let limit = page_limit(self.body.get("limit").and_then(Value::as_i64))?;
        let ascending = self.body.pointer("/query/sort/order").and_then(Value::as_str) != Some("DESC");
        let count = self.body.get("count") == Some(&Value::Bool(true));
        let filter = self.body.pointer("/query/filter").cloned().unwrap_or_default();
        if strings(&filter, "/segment_ids/all").len() + strings(&filter, "/segment_ids/any").len() > 3 {
            return Err(Fail::bad("INVALID_VALUE", "query.filter.segment_ids", "at most 3 segments"));
        }
        self.people(limit, ascending, count, &filter)
    }

    fn people(&mut self, limit: usize, ascending: bool, count: bool, filter: &Value) -> Result<Reply, Fail> {
        let resume = self.resume()?;
        let times = [window(filter, "created_at")?, window(filter, "updated_at")?];
        // There is no order by update time, so a window of it cannot be walked in its own order.
        let range =
            Range { by: By::Created, ascending, from: times[0].0, to: times[0].1, after: resume.after };
        let (shop, limit) = (self.shop, self.clip(limit));
        let keep = |row: &Row| {
            self.indexed(row) && (times[1].0..times[1].1).contains(&row.updated) && keeps(filter, row)
        };
        let matched = count.then(|| {
            let whole = Range { after: None, ..range };
            Value::from(shop.customers.page(whole, usize::MAX, keep).0.len())
        });
        let (rows, next) = shop.customers.page(range, limit, keep);
        let body = Body::default().list("customers", rows.iter().map(|r| r.bytes.as_slice()));
        let cursor = self.cursor(next, resume.until);
        Ok(body.value("cursor", cursor).value("count", matched).reply())
    }

    pub(super) fn bulk_retrieve_customers(&mut self) -> Result<Reply, Fail> {
        let ids = strings(&self.body, "/customer_ids");
        match ids.len() {
            0 => {
                return Err(Fail::bad("ARRAY_EMPTY", "customer_ids", "at least one customer id"));
            }
            1..=100 => {}
            _ => {
                return Err(Fail::bad("ARRAY_LENGTH_TOO_LONG", "customer_ids", "at most 100 customer ids"));
            }
        }
        let mut responses = serde_json::Map::new();
        for id in ids {
            let one = match self.shop.customers.get(id) {
                Some(row) => json!({"customer": row.json()}),
                None => json!({"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND",
                    "detail": format!("Customer with ID `{id}` not found.")}]}),
            };
            responses.insert(id.to_owned(), one);
        }
        Ok(Reply::json(200, &json!({"responses": responses})))
    }
}

fn window(filter: &Value, name: &str) -> Result<(i64, i64), Fail> {
    let bound = |end: &str| filter.get(name).and_then(|w| w.get(end)?.as_str()).and_then(clock::parse);
    let window = (bound("start_at").unwrap_or(i64::MIN), bound("end_at").unwrap_or(i64::MAX));
    if window.1 < window.0 {
        return Err(Fail::bad("INVALID_TIME_RANGE", &format!("query.filter.{name}"), "end before start"));
    }
    Ok(window)
}

fn keeps(filter: &Value, row: &Row) -> bool {
    let Some(members) = filter.as_object() else {
        return true;
    };
    let others = members
        .iter()
        .filter(|(name, v)| !v.is_null() && !matches!(name.as_str(), "created_at" | "updated_at"));
    let mut others = others.peekable();
    if others.peek().is_none() {
        return true;
    }
    let customer = row.json();
    others.all(|(name, wanted)| match name.as_str() {
        "email_address" | "phone_number" | "reference_id" => text(wanted, customer.get(name)),
        "creation_source" => {
            let source = customer.get("creation_source").and_then(Value::as_str).unwrap_or_default();
            let named = strings(wanted, "/values").contains(&source);
            named != (wanted.get("rule").and_then(Value::as_str) == Some("EXCLUDE"))
        }
        // Nobody is in a group: only an exclusion lets anybody through.
        _ => strings(wanted, "/all").is_empty() && strings(wanted, "/any").is_empty(),
    })
}

fn text(wanted: &Value, have: Option<&Value>) -> bool {
    let have = have.and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let exact = wanted.get("exact").and_then(Value::as_str);
    let fuzzy = wanted.get("fuzzy").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    exact.is_none_or(|e| e.to_lowercase() == have)
        && fuzzy.split_whitespace().all(|token| have.contains(token))
}
