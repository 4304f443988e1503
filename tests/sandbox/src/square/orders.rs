//! SearchOrders and BatchRetrieveOrders.

use serde_json::{Value, json};

use super::Context;
use super::error::Fail;
use super::page::{Body, strings};
use crate::clock;
use crate::http::Reply;
use crate::shop::table::{By, Range, Row};

/// The narrowing parts of a search.
struct Filter<'a> {
    places: Vec<usize>,
    states: Vec<&'a str>,
    sources: Vec<&'a str>,
    people: Vec<&'a str>,
    fulfillment: Option<&'a Value>,
}

impl Context<'_> {
    pub(super) fn search_orders(&mut self) -> Result<Reply, Fail> {
        let body = self.body.clone();
        let (filter, mut range, limit) = self.search(&body)?;
        let resume = self.resume()?;
        range.after = resume.after;
        range.to = range.to.min(resume.until.saturating_add(1));
        let (shop, limit) = (self.shop, self.clip(limit));
        let (rows, next) = shop.orders.page(range, limit, |row| self.indexed(row) && filter.keeps(row));
        let cursor = self.cursor(next, resume.until);
        if body.get("return_entries") != Some(&Value::Bool(true)) {
            let page = Body::default().list("orders", rows.iter().map(|r| r.bytes.as_slice()));
            return Ok(page.value("cursor", cursor).reply());
        }
        let entries: Vec<Vec<u8>> = rows.iter().map(|row| self.entry(row)).collect();
        let page = Body::default().list("order_entries", entries.iter().map(Vec::as_slice));
        Ok(page.value("cursor", cursor).reply())
    }

    fn entry(&self, row: &Row) -> Vec<u8> {
        let place = self.shop.places.get(row.place).map_or("", |p| p.id.as_str());
        let mut entry = json!({"order_id": row.id, "location_id": place});
        if let Some(version) = row.version {
            entry["version"] = Value::from(version);
        }
        entry.to_string().into_bytes()
    }

    fn search<'b>(&self, body: &'b Value) -> Result<(Filter<'b>, Range, usize), Fail> {
        let limit = match body.get("limit").map(|l| l.as_i64().unwrap_or(0)) {
            None => 500,
            Some(..1) => return Err(Fail::bad("VALUE_TOO_LOW", "limit", "limit must be at least 1")),
            Some(limit @ 1..=1000) => usize::try_from(limit).unwrap_or(500),
            Some(_) => {
                return Err(Fail::bad("VALUE_TOO_HIGH", "limit", "limit must not be over 1000"));
            }
        };
        let ids = strings(body, "/location_ids");
        if ids.is_empty() {
            let detail = "Must provide at least 1 location_id";
            return Err(Fail::bad("MISSING_REQUIRED_PARAMETER", "location_ids", detail));
        }
        if ids.len() > 10 {
            return Err(Fail::bad("ARRAY_LENGTH_TOO_LONG", "location_ids", "at most 10 location_ids"));
        }
        let mut places = Vec::new();
        for id in ids {
            let place = self.shop.place(id).filter(|_| id != "main");
            places.push(place.ok_or_else(|| Fail::bad("INVALID_VALUE", "location_ids", "no such location"))?);
        }
        let filter = body.pointer("/query/filter").unwrap_or(&Value::Null);
        let filter = Filter {
            places,
            states: strings(filter, "/state_filter/states"),
            sources: bounded(filter, "/source_filter/source_names")?,
            people: bounded(filter, "/customer_filter/customer_ids")?,
            fulfillment: filter.get("fulfillment_filter").filter(|f| !f.is_null()),
        };
        let range = range(body, &filter.states)?;
        Ok((filter, range, limit))
    }

    pub(super) fn batch_retrieve_orders(&mut self) -> Result<Reply, Fail> {
        let ids = strings(&self.body, "/order_ids");
        match ids.len() {
            0 => return Err(Fail::bad("ARRAY_EMPTY", "order_ids", "at least one order id")),
            1..=100 => {}
            _ => {
                return Err(Fail::bad("ARRAY_LENGTH_TOO_LONG", "order_ids", "at most 100 order ids"));
            }
        }
        let place = match self.body.get("location_id").and_then(Value::as_str) {
            None => None,
            Some(id) => {
                let detail = "no such location";
                Some(self.shop.place(id).ok_or_else(|| Fail::bad("INVALID_VALUE", "location_id", detail))?)
            }
        };
        let shown = |row: &&Row| row.updated + self.settings.orders_hidden_ms <= self.now;
        let rows = ids.iter().filter_map(|id| self.shop.orders.get(id)).filter(shown);
        let rows = rows.filter(|row| place.is_none_or(|p| p == row.place));
        Ok(Body::default().list("orders", rows.map(|r| r.bytes.as_slice())).reply())
    }
}

impl Filter<'_> {
    fn keeps(&self, row: &Row) -> bool {
        self.places.contains(&row.place)
            && (self.states.is_empty() || self.states.contains(&row.state.as_str()))
            && (self.people.is_empty() || row.people.iter().any(|p| self.people.contains(&p.as_str())))
            && (self.sources.is_empty() && self.fulfillment.is_none() || self.keeps_json(&row.json()))
    }

    fn keeps_json(&self, order: &Value) -> bool {
        let source = order.pointer("/source/name").and_then(Value::as_str).unwrap_or_default();
        if !self.sources.is_empty() && !self.sources.contains(&source) {
            return false;
        }
        let Some(wanted) = self.fulfillment else {
            return true;
        };
        let (types, states) = (strings(wanted, "/fulfillment_types"), strings(wanted, "/fulfillment_states"));
        let fulfillments = order.get("fulfillments").and_then(Value::as_array).into_iter().flatten();
        let fits = |member: &str, list: &[&str], one: &Value| {
            list.is_empty() || one.get(member).and_then(Value::as_str).is_some_and(|v| list.contains(&v))
        };
        fulfillments.into_iter().any(|f| fits("type", &types, f) && fits("state", &states, f))
    }
}

fn bounded<'a>(filter: &'a Value, pointer: &str) -> Result<Vec<&'a str>, Fail> {
    let list = strings(filter, pointer);
    if list.len() > 10 {
        return Err(Fail::bad(
            "ARRAY_LENGTH_TOO_LONG",
            pointer.rsplit('/').next().unwrap_or(""),
            "at most 10",
        ));
    }
    Ok(list)
}

/// The time window and the order of the answer. Both bounds belong to the window.
fn range(body: &Value, states: &[&str]) -> Result<Range, Fail> {
    let filter = body.pointer("/query/filter/date_time_filter").and_then(Value::as_object);
    let chosen = match filter {
        None => None,
        Some(times) if times.len() == 1 => times.iter().next(),
        Some(_) => {
            let field = "query.filter.date_time_filter";
            return Err(Fail::bad("BAD_REQUEST", field, "exactly one of created_at, updated_at, closed_at"));
        }
    };
    let sort = body.pointer("/query/sort/sort_field").and_then(Value::as_str).unwrap_or("CREATED_AT");
    if chosen.is_some_and(|(name, _)| name.to_uppercase() != sort) {
        let detail = "sort_field must match the date_time_filter";
        return Err(Fail::bad("BAD_REQUEST", "query.sort.sort_field", detail));
    }
    let by = match sort {
        "UPDATED_AT" => By::Updated,
        "CLOSED_AT" => By::Closed,
        _ => By::Created,
    };
    if by == By::Closed
        && (states.is_empty() || states.iter().any(|s| !matches!(*s, "COMPLETED" | "CANCELED")))
    {
        let detail = "CLOSED_AT asks for a state_filter of COMPLETED and CANCELED only";
        return Err(Fail::bad("BAD_REQUEST", "query.sort.sort_field", detail));
    }
    let bound = |name: &str| chosen.and_then(|(_, t)| t.get(name)?.as_str()).and_then(clock::parse);
    let (from, to) = (bound("start_at").unwrap_or(i64::MIN), bound("end_at"));
    if to.is_some_and(|to| to < from) {
        let field = "query.filter.date_time_filter";
        return Err(Fail::bad("INVALID_TIME_RANGE", field, "end_at lies before start_at"));
    }
    let ascending = body.pointer("/query/sort/sort_order").and_then(Value::as_str) == Some("ASC");
    Ok(Range { by, ascending, from, to: to.map_or(i64::MAX, |t| t + 1), after: None })
}
