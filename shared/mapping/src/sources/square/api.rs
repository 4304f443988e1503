//! The calls: addresses, headers, bodies, and the reply's first sorting. All of them read.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::http::{Effect, Http, Method, Request, Response};
use crate::model::Secret;
use crate::source::{Access, Field, SourceError, Window};

use super::errors;

/// The release the facts in README.md are taken from; fixed, so that an application's default does not decide.
const SQUARE_VERSION: &str = "2025-08-20";
/// ListPayments and ListPaymentRefunds look back one year unless told otherwise (square.md section 3.1).
/// Square opened in 2009.
const BEFORE_SQUARE: &str = "2009-01-01T00:00:00Z";
/// SearchOrders, square.md section 4.1.
pub(crate) const ORDERS_A_PAGE: usize = 1000;
/// ListPayments, refunds, customers, orders by id: square.md section 8.4.
pub(crate) const RECORDS_A_CALL: usize = 100;
/// BatchRetrieveCatalogObjects, square.md section 6.
pub(crate) const OBJECTS_A_CALL: usize = 1000;

/// One store of Square, ready to be asked.
pub(crate) struct Api<'a> {
    http: &'a dyn Http,
    base: &'a str,
    bearer: Secret,
}

/// What a call is called, and the scope it needs (square.md section 1.6).
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    pub(crate) scope: &'static str,
}

const fn call(operation: &'static str, scope: &'static str) -> Call {
    Call { operation, scope }
}

pub(crate) const TOKEN_STATUS: Call = call("token.status", "a valid token");
pub(crate) const LOCATIONS: Call = call("locations.list", "MERCHANT_PROFILE_READ");
pub(crate) const ORDERS_SEARCH: Call = call("orders.search", "ORDERS_READ");
pub(crate) const ORDERS_RETRIEVE: Call = call("orders.batch_retrieve", "ORDERS_READ");
pub(crate) const PAYMENTS_LIST: Call = call("payments.list", "PAYMENTS_READ");
pub(crate) const PAYMENTS_GET: Call = call("payments.get", "PAYMENTS_READ");
pub(crate) const REFUNDS_LIST: Call = call("refunds.list", "PAYMENTS_READ");
pub(crate) const CUSTOMERS_SEARCH: Call = call("customers.search", "CUSTOMERS_READ");
pub(crate) const CUSTOMERS_RETRIEVE: Call = call("customers.bulk_retrieve", "CUSTOMERS_READ");
pub(crate) const CATALOG_RETRIEVE: Call = call("catalog.batch_retrieve", "ITEMS_READ");
pub(crate) const CATALOG_INFO: Call = call("catalog.info", "ITEMS_READ");

impl<'a> Api<'a> {
    pub(crate) fn new(http: &'a dyn Http, base: &'a str, token: &Secret) -> Self {
        Self {
            http,
            base,
            bearer: Secret::new(&format!("Bearer {}", token.expose())),
        }
    }

    pub(crate) fn of(http: &'a dyn Http, access: &'a Access) -> Self {
        Self::new(http, &access.api_url, &access.token)
    }

    /// Reads an address with its query.
    pub(crate) async fn get(&self, call: Call, path: &str) -> Result<Vec<u8>, SourceError> {
        good(call, self.send(call, Method::Get, path, Vec::new()).await?)
    }

    /// Reads an address that may hold nothing.
    pub(crate) async fn find(&self, call: Call, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let reply = self.send(call, Method::Get, path, Vec::new()).await?;
        if reply.status == 404 {
            Ok(None)
        } else {
            good(call, reply).map(Some)
        }
    }

    /// Asks with a body.
    pub(crate) async fn post(&self, call: Call, path: &str, body: &Value) -> Result<Vec<u8>, SourceError> {
        good(
            call,
            self.send(call, Method::Post, path, body.to_string().into_bytes())
                .await?,
        )
    }

    /// Asks with a body for something that may not be there.
    pub(crate) async fn post_or_none(
        &self,
        call: Call,
        path: &str,
        body: &Value,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let reply = self
            .send(call, Method::Post, path, body.to_string().into_bytes())
            .await?;
        if reply.status == 404 {
            Ok(None)
        } else {
            good(call, reply).map(Some)
        }
    }

    async fn send(
        &self,
        call: Call,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Response, SourceError> {
        let request = Request {
            operation: call.operation,
            method,
            url: format!("{}{path}", self.base),
            headers: vec![
                ("Square-Version", SQUARE_VERSION.to_owned()),
                ("Accept", "application/json".to_owned()),
                ("Content-Type", "application/json".to_owned()),
                (
                    "User-Agent",
                    concat!("tillsync/", env!("CARGO_PKG_VERSION")).to_owned(),
                ),
            ],
            credential: Some(("Authorization", self.bearer.clone())),
            body,
            effect: Effect::Read,
        };
        self.http
            .send(request)
            .await
            .map_err(|lost| errors::from_http(call.operation, &lost))
    }
}

fn good(call: Call, reply: Response) -> Result<Vec<u8>, SourceError> {
    if reply.is_success() {
        Ok(reply.body)
    } else {
        Err(errors::from_reply(call.operation, call.scope, &reply))
    }
}

/// Reads an answer's outer form. serde's own words can hold values, so they are left out.
pub(crate) fn decode<'b, T: Deserialize<'b>>(call: Call, body: &'b [u8]) -> Result<T, SourceError> {
    serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_data() {
            "not the promised form"
        } else {
            "not JSON, or cut short"
        };
        errors::unreadable(call.operation, what)
    })
}

/// The body of SearchOrders for a window: every state, so that what is left out is seen and said. The sort
/// field must be the filter's (square.md section 4.1). Repeated whole with a cursor (section 8.3).
pub(crate) fn orders_in(location: &str, window: Window, entries: bool, cursor: Option<&str>) -> Value {
    let (filter, sort) = match window.field {
        Field::Created => ("created_at", "CREATED_AT"),
        Field::Updated => ("updated_at", "UPDATED_AT"),
    };
    let range = json!({"start_at": window.from.to_string(), "end_at": window.to.to_string()});
    let mut body = json!({
        "location_ids": [location],
        "limit": ORDERS_A_PAGE,
        "return_entries": entries,
        "query": {
            "filter": {"date_time_filter": {filter: range}},
            "sort": {"sort_field": sort, "sort_order": "ASC"},
        },
    });
    put_cursor(&mut body, cursor);
    body
}

/// The body of SearchOrders for the oldest order.
pub(crate) fn oldest_order(location: &str, cursor: Option<&str>) -> Value {
    let mut body = json!({
        "location_ids": [location],
        "limit": 1,
        "return_entries": false,
        "query": {"sort": {"sort_field": "CREATED_AT", "sort_order": "ASC"}},
    });
    put_cursor(&mut body, cursor);
    body
}

/// The body of SearchCustomers for a window. Customers cannot be sorted by update (square.md section 5.2).
pub(crate) fn customers_in(window: Window, cursor: Option<&str>) -> Value {
    let filter = match window.field {
        Field::Created => "created_at",
        Field::Updated => "updated_at",
    };
    let range = json!({"start_at": window.from.to_string(), "end_at": window.to.to_string()});
    let mut body = json!({
        "limit": RECORDS_A_CALL,
        "query": {"filter": {filter: range}, "sort": {"field": "CREATED_AT", "order": "ASC"}},
    });
    put_cursor(&mut body, cursor);
    body
}

fn put_cursor(body: &mut Value, cursor: Option<&str>) {
    if let (Some(cursor), Some(fields)) = (cursor, body.as_object_mut()) {
        fields.insert("cursor".to_owned(), Value::from(cursor));
    }
}

/// ListPayments of a location by the time they were made. Without a location it would read the main one.
pub(crate) fn payments_made(
    location: &str,
    from: Timestamp,
    to: Timestamp,
    offline: bool,
    cursor: Option<&str>,
) -> String {
    let mut query = listing("CREATED_AT", cursor);
    query.append_pair("location_id", location);
    query
        .append_pair("begin_time", &from.to_string())
        .append_pair("end_time", &to.to_string());
    if offline {
        query.append_pair("is_offline_payment", "true");
    }
    format!("/v2/payments?{}", query.finish())
}

/// ListPayments of a location by the time they last changed. Whether the one-year default of `begin_time`
/// stays in force beside this filter is not told, so it is opened (square.md section 3.1).
pub(crate) fn payments_changed(location: &str, slice: Slice, cursor: Option<&str>) -> String {
    let mut query = listing("UPDATED_AT", cursor);
    query
        .append_pair("location_id", location)
        .append_pair("begin_time", BEFORE_SQUARE);
    slice.put(&mut query);
    format!("/v2/payments?{}", query.finish())
}

/// ListPaymentRefunds by the time they last changed, at whichever location they were given: a sale can be
/// refunded elsewhere (square.md section 3.3).
pub(crate) fn refunds_changed(slice: Slice, cursor: Option<&str>) -> String {
    let mut query = listing("UPDATED_AT", cursor);
    query.append_pair("begin_time", BEFORE_SQUARE);
    slice.put(&mut query);
    format!("/v2/refunds?{}", query.finish())
}

/// The address of one payment.
pub(crate) fn payment(id: &str) -> String {
    format!("/v2/payments/{}", segment(id))
}

/// A slice of update times, both ends included.
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Slice {
    /// The upper bound is not said to be inclusive for these lists, so a millisecond, which is Square's
    /// resolution, is added.
    fn put(self, query: &mut Serializer<'static, String>) {
        let end = self.to.checked_add(Duration::from_millis(1)).unwrap_or(self.to);
        query.append_pair("updated_at_begin_time", &self.from.to_string());
        query.append_pair("updated_at_end_time", &end.to_string());
    }
}

fn listing(sort: &str, cursor: Option<&str>) -> Serializer<'static, String> {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("limit", "100")
        .append_pair("sort_field", sort)
        .append_pair("sort_order", "ASC");
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    query
}

/// An id as one segment of a path: nothing in it can lead elsewhere.
pub(crate) fn segment(id: &str) -> String {
    let mut safe = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe
}
