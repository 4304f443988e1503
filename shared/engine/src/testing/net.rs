//! The wire: hands requests to the shop or the account, keeps them, and fails as told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tillsync_mapping::http::{Http, HttpError, Request, Response};

use super::{Account, Shop};
use crate::memory::ManualClock;
use crate::ports::Clock;

pub(super) const SHOP: &str = "https://shop.test";
pub(super) const ACCOUNT: &str = "https://acme.api-us1.com/api/3";

/// What happens to a call instead of its answer.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// This status, with or without `Retry-After`; nothing was carried out.
    Says(u16, Option<&'static str>),
    /// No connection: nothing was carried out.
    NotSent,
    /// No answer came, and nothing was carried out.
    Lost,
    /// No answer came, and it was carried out.
    Landed,
    /// This body with status 200; nothing was carried out.
    Body(&'static str),
}

/// The wire.
pub(crate) struct Net {
    pub(crate) shop: Mutex<Shop>,
    pub(crate) account: Mutex<Account>,
    /// Troubles by operation and how often it was called, from 1; 0 is every call.
    troubles: Mutex<BTreeMap<(&'static str, usize), Trouble>>,
    requests: Mutex<Vec<(Timestamp, Request)>>,
    /// The operation whose answers are held back.
    held: Mutex<Option<&'static str>>,
    clock: Arc<ManualClock>,
    /// How far the shop's clock is ahead of ours; none: it does not tell the time.
    ahead: Mutex<Option<SignedDuration>>,
}

impl Net {
    pub(super) fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            shop: Mutex::default(),
            account: Mutex::default(),
            troubles: Mutex::default(),
            requests: Mutex::default(),
            held: Mutex::default(),
            clock,
            ahead: Mutex::new(Some(SignedDuration::ZERO)),
        }
    }

    /// From now on the shop's clock is so far ahead of ours; none: it does not tell the time.
    pub(crate) fn set_ahead(&self, ahead: Option<SignedDuration>) {
        *self.ahead.lock().unwrap() = ahead;
    }

    /// What a `Date` of the shop tells: whole seconds.
    fn date(&self) -> Option<Timestamp> {
        let there = Clock::now(&*self.clock) + (*self.ahead.lock().unwrap())?;
        Timestamp::from_second(there.as_second()).ok()
    }

    /// Plans trouble for the n-th call of an operation, counted from now; 0 for all of them.
    pub(crate) fn plan(&self, operation: &'static str, n: usize, trouble: Trouble) {
        let turn = if n == 0 { 0 } else { self.count(operation) + n };
        self.troubles.lock().unwrap().insert((operation, turn), trouble);
    }

    /// Holds the answers of an operation back until somebody else is done; none lets them go.
    pub(crate) fn hold(&self, operation: Option<&'static str>) {
        *self.held.lock().unwrap() = operation;
    }

    /// Lets others work until an operation was called and its answer is held, or goes.
    pub(crate) async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..100_000 {
            if is_so(self) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never came to that");
    }

    /// No trouble any more.
    pub(crate) fn mend(&self) {
        self.troubles.lock().unwrap().clear();
    }

    /// The requests of an operation so far.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Request> {
        self.requests
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, request)| request.operation == operation)
            .map(|(_, request)| request.clone())
            .collect()
    }

    /// How many they are.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|(_, request)| request.operation == operation).count()
    }

    /// How many requests were made in all.
    pub(crate) fn all_calls(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// What each call of `orders.push` or `orders.queue` carried.
    pub(crate) fn orders_of(&self, operation: &str) -> Vec<Vec<String>> {
        let ids = |body: &Value| {
            let orders = body["variables"]["orders"].as_array().unwrap();
            orders.iter().map(|order| order["storeOrderId"].as_str().unwrap().to_owned()).collect()
        };
        self.bodies(operation).iter().map(ids).collect()
    }

    /// When an order went out, whichever way.
    pub(crate) fn sent(&self, id: &str) -> Vec<Timestamp> {
        let requests = self.requests.lock().unwrap();
        let carries = |request: &Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["variables"]["orders"].as_array().unwrap().iter().any(|order| order["storeOrderId"] == id)
        };
        let pushes = requests
            .iter()
            .filter(|(_, request)| ["orders.push", "orders.queue"].contains(&request.operation));
        pushes.filter(|(_, request)| carries(request)).map(|(at, _)| *at).collect()
    }

    /// The bodies of an operation's requests.
    pub(crate) fn bodies(&self, operation: &str) -> Vec<Value> {
        self.calls(operation).iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }

    pub(crate) fn shop(&self) -> MutexGuard<'_, Shop> {
        self.shop.lock().unwrap()
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    fn answer(&self, request: &Request) -> Response {
        let (date, (status, body)) = if request.url.starts_with(SHOP) {
            (self.date(), self.shop().answer(request))
        } else {
            (None, self.account().answer(request, Clock::now(&*self.clock)))
        };
        Response { status, retry_after: None, date, body: body.to_string().into_bytes() }
    }
}

#[async_trait]
impl Http for Net {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.requests.lock().unwrap().push((Clock::now(&*self.clock), request.clone()));
        let turn = self.count(request.operation);
        self.until(|net| *net.held.lock().unwrap() != Some(request.operation)).await;
        let trouble = {
            let troubles = self.troubles.lock().unwrap();
            let one = troubles.get(&(request.operation, turn));
            one.or_else(|| troubles.get(&(request.operation, 0))).cloned()
        };
        match trouble {
            None => Ok(self.answer(&request)),
            Some(Trouble::Says(status, after)) => Ok(Response {
                status,
                retry_after: after.map(str::to_owned),
                date: None,
                body: b"{}".to_vec(),
            }),
            Some(Trouble::Body(body)) => {
                Ok(Response { status: 200, retry_after: None, date: None, body: body.into() })
            }
            Some(Trouble::NotSent) => Err(HttpError::NotSent),
            Some(Trouble::Lost) => Err(HttpError::Unknown),
            Some(Trouble::Landed) => {
                self.answer(&request);
                Err(HttpError::Unknown)
            }
        }
    }
}
