//! The calls: what they are called, their headers, and the reply's first sorting. All of them read.

use serde::Deserialize;
use serde_json::Value;

use crate::http::{Effect, Http, Method, Request, Response};
use crate::model::Secret;
use crate::source::{Access, SourceError};

use super::errors;

/// The release the facts in README.md are taken from; fixed, so that an application's default does not decide.
const SQUARE_VERSION: &str = "2025-08-20";
/// What every request says.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    ("Square-Version", SQUARE_VERSION),
    ("Accept", "application/json"),
    ("Content-Type", "application/json"),
    ("User-Agent", concat!("tillsync/", env!("CARGO_PKG_VERSION"))),
];
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
        Self { http, base, bearer: Secret::new(&format!("Bearer {}", token.expose())) }
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
        if reply.status == 404 { Ok(None) } else { good(call, reply).map(Some) }
    }

    /// Asks with a body.
    pub(crate) async fn post(&self, call: Call, path: &str, body: &Value) -> Result<Vec<u8>, SourceError> {
        good(call, self.send(call, Method::Post, path, body.to_string().into_bytes()).await?)
    }

    /// Asks with nothing but the token.
    pub(crate) async fn post_nothing(&self, call: Call, path: &str) -> Result<Vec<u8>, SourceError> {
        good(call, self.send(call, Method::Post, path, Vec::new()).await?)
    }

    /// Asks with a body for something that may not be there.
    pub(crate) async fn post_or_none(
        &self,
        call: Call,
        path: &str,
        body: &Value,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let reply = self.send(call, Method::Post, path, body.to_string().into_bytes()).await?;
        if reply.status == 404 { Ok(None) } else { good(call, reply).map(Some) }
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
            headers: HEADERS.map(|(name, value)| (name, value.to_owned())).to_vec(),
            credential: Some(("Authorization", self.bearer.clone())),
            body,
            effect: Effect::Read,
        };
        self.http.send(request).await.map_err(|lost| errors::from_http(call.operation, &lost))
    }
}

fn good(call: Call, reply: Response) -> Result<Vec<u8>, SourceError> {
    if !reply.is_success() {
        return Err(errors::from_reply(call.operation, call.scope, &reply));
    }
    // Every answer is an object. Read leniently, another form would pass for an empty one.
    if reply.body.trim_ascii_start().starts_with(b"{") {
        Ok(reply.body)
    } else {
        Err(errors::unreadable(call.operation, "not an object"))
    }
}

/// Reads an answer's outer form. serde's own words can hold values, so they are left out.
pub(crate) fn decode<'b, T: Deserialize<'b>>(call: Call, body: &'b [u8]) -> Result<T, SourceError> {
    serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_data() { "not the promised form" } else { "not JSON, or cut short" };
        errors::unreadable(call.operation, what)
    })
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
