//! A store that answers with what it is given, and the running of what reads from it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tillsync_mapping::http::{Http, HttpError, Request, Response};

/// How often an operation is answered as told. Then there is nothing more: an answer with a cursor is followed, and
/// the same one again and again would only cost time.
const TIMES: usize = 3;

/// What a store holds, as answers.
pub(crate) struct Store {
    bodies: BTreeMap<&'static str, Vec<u8>>,
    /// Customers by id, as they are asked for in bulk.
    people: Map<String, Value>,
}

/// A store that is asked; some operations are answered otherwise.
pub(crate) struct Served<'a> {
    pub(crate) store: &'a Store,
    pub(crate) otherwise: &'static [&'static str],
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
    given: Mutex<BTreeMap<&'static str, usize>>,
}

impl Store {
    /// The answers of a store with these lists: `orders`, `payments`, `refunds`, `customers`, `catalog`.
    pub(crate) fn of(store: &Value) -> Self {
        let list = |name: &str| store.get(name).cloned().unwrap_or_default();
        let place = json!({"id": "L1", "name": "Rue Haute", "currency": "EUR", "timezone": "Europe/Paris",
            "status": "ACTIVE", "merchant_id": "M1"});
        let bodies = [
            ("orders.search", json!({"orders": list("orders"), "order_entries": list("orders")})),
            ("orders.batch_retrieve", json!({"orders": list("orders")})),
            ("payments.list", json!({"payments": list("payments")})),
            ("payments.get", json!({"payment": list("payments").get(0)})),
            ("refunds.list", json!({"refunds": list("refunds")})),
            ("customers.search", json!({"customers": list("customers"), "count": 1})),
            (
                "catalog.batch_retrieve",
                json!({"objects": list("catalog"), "related_objects": list("catalog")}),
            ),
            ("catalog.info", json!({"limits": {}})),
            ("token.status", json!({"merchant_id": "M1", "scopes": []})),
            ("locations.list", json!({"locations": [place]})),
        ];
        let mut people = Map::new();
        for person in list("customers").as_array().into_iter().flatten() {
            if let Some(id) = person.get("id").and_then(Value::as_str) {
                people.insert(id.to_owned(), json!({"customer": person}));
            }
        }
        let bytes = |body: Value| body.to_string().into_bytes();
        Self { bodies: bodies.into_iter().map(|(name, body)| (name, bytes(body))).collect(), people }
    }

    /// The store, asked from the beginning.
    pub(crate) fn served(&self) -> Served<'_> {
        self.but(&[], 200, &[])
    }

    /// The same, with some operations answered otherwise.
    pub(crate) fn but<'a>(
        &'a self,
        otherwise: &'static [&'static str],
        status: u16,
        body: &'a [u8],
    ) -> Served<'a> {
        Served { store: self, otherwise, status, body, given: Mutex::default() }
    }

    /// The customers asked for, whoever of them is there.
    fn people(&self, request: &Request) -> Vec<u8> {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let ids = asked.get("customer_ids").and_then(Value::as_array).cloned().unwrap_or_default();
        let gone = json!({"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND"}]});
        let entry = |id: &Value| {
            let id = id.as_str()?;
            Some((id.to_owned(), self.people.get(id).unwrap_or(&gone).clone()))
        };
        json!({"responses": ids.iter().filter_map(entry).collect::<Map<_, _>>()}).to_string().into_bytes()
    }
}

impl Served<'_> {
    /// Whether there is anything left to say.
    fn is_over(&self, operation: &'static str) -> bool {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let times = given.entry(operation).or_default();
        *times += 1;
        *times > TIMES
    }
}

#[async_trait]
impl Http for Served<'_> {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let reply = |status, body| Ok(Response { status, retry_after: None, date: None, body });
        let operation = request.operation;
        if self.otherwise.contains(&operation) && !self.is_over(operation) {
            return reply(self.status, self.body.to_vec());
        }
        match self.store.bodies.get(operation) {
            Some(body) if !self.otherwise.contains(&operation) && !self.is_over(operation) => {
                reply(200, body.clone())
            }
            None if operation == "customers.bulk_retrieve" => reply(200, self.store.people(&request)),
            _ => reply(200, b"{}".to_vec()),
        }
    }
}

/// Runs a future of which every step is ready: the store here answers at once.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
