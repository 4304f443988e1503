//! Running, reading, and a wire between a source and its store on which things go wrong.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::{BEGINNING, Platform, Stock};
use crate::http::{Effect, Http, HttpError, Request, Response};
use crate::model::{Observed, Order, Reading};
use crate::source::{Cache, Field, Page, SourceError, Window};

/// Runs a future of which every step is ready: the stores here answer at once.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// What happens to a call instead of its answer.
#[derive(Clone)]
pub(super) enum Trouble {
    Says(u16, Vec<u8>),
    Lost(HttpError),
    /// So many quarters of the answer come, less one byte.
    Cut(usize),
}

/// A wire to a store. Every request on it is looked at.
pub(super) struct Wire<'a> {
    platform: &'a dyn Platform,
    store: Mutex<Arc<dyn Http>>,
    calls: Mutex<usize>,
    /// What happens at the n-th call, from 1.
    pub(super) trouble: Mutex<Option<(usize, Trouble)>>,
    /// Whether answers are made partial where they can be, and how often they were.
    pub(super) partial: Mutex<Option<usize>>,
}

impl<'a> Wire<'a> {
    pub(super) fn new(platform: &'a dyn Platform, store: Arc<dyn Http>) -> Self {
        Self {
            platform,
            store: Mutex::new(store),
            calls: Mutex::new(0),
            trouble: Mutex::default(),
            partial: Mutex::default(),
        }
    }

    pub(super) fn to(platform: &'a dyn Platform, stock: &Stock) -> Self {
        Self::new(platform, platform.open(stock))
    }

    /// The store changes while it is read.
    pub(super) fn change(&self, stock: &Stock) {
        *self.store.lock().unwrap() = self.platform.open(stock);
    }

    pub(super) fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    fn looked_at(&self, request: &Request) -> usize {
        let access = self.platform.access();
        assert_eq!(request.effect, Effect::Read, "{}", request.operation);
        assert!(request.url.starts_with(&format!("{}/", access.api_url)), "{}", request.url);
        assert!(!request.url.contains("/../") && !request.url.contains(' '), "{}", request.url);
        let token = access.token.expose();
        let sent = format!("{request:?} {}", String::from_utf8_lossy(&request.body));
        assert!(!sent.contains(token), "{}: the token stands in the open", request.operation);
        assert!(request.credential.as_ref().is_some_and(|(_, secret)| secret.expose().contains(token)));
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        *calls
    }

    fn in_part(&self, request: &Request, response: &mut Response) {
        let mut partial = self.partial.lock().unwrap();
        let Some(times) = partial.as_mut() else { return };
        let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) else { return };
        if self.platform.cut_short(request, &mut body) {
            *times += 1;
            response.body = body.to_string().into_bytes();
        }
    }
}

#[async_trait]
impl Http for Wire<'_> {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let turn = self.looked_at(&request);
        let trouble = self.trouble.lock().unwrap().clone().filter(|(at, _)| *at == turn);
        let store = self.store.lock().unwrap().clone();
        let ok = |body| Ok(Response { status: 200, retry_after: None, date: None, body });
        match trouble.map(|(_, trouble)| trouble) {
            Some(Trouble::Says(status, body)) => Ok(Response { status, retry_after: None, date: None, body }),
            Some(Trouble::Lost(error)) => Err(error),
            Some(Trouble::Cut(quarters)) => {
                let body = store.send(request).await?.body;
                ok(body[..(body.len() * quarters / 4).saturating_sub(1)].to_vec())
            }
            None => {
                let mut response = store.send(request.clone()).await?;
                self.in_part(&request, &mut response);
                Ok(response)
            }
        }
    }
}

pub(super) fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGINNING + seconds).unwrap()
}

pub(super) fn window(field: Field, from: i64, to: i64) -> Window {
    Window { field, from: after(from), to: after(to) }
}

/// Reads a window to its end, as an engine does.
pub(super) fn read(
    platform: &dyn Platform,
    http: &dyn Http,
    window: Window,
) -> Result<Vec<Page<Order>>, SourceError> {
    read_with(platform, http, window, |_| {})
}

/// The same; `between` runs after each page.
pub(super) fn read_with(
    platform: &dyn Platform,
    http: &dyn Http,
    window: Window,
    between: impl Fn(usize),
) -> Result<Vec<Page<Order>>, SourceError> {
    let (cache, access) = (Cache::default(), platform.access());
    let (mut pages, mut token) = (Vec::new(), None);
    loop {
        let mut page = run(platform.source().read_orders(http, &access, window, token.take(), &cache))?;
        token = page.next.take();
        pages.push(page);
        if token.is_none() {
            return Ok(pages);
        }
        assert!(pages.len() < 3_000, "the window does not end");
        between(pages.len());
    }
}

pub(super) fn records(pages: Vec<Page<Order>>) -> Vec<Observed<Order>> {
    pages.into_iter().flat_map(|page| page.records).collect()
}

pub(super) fn ids<T>(records: &[Observed<T>]) -> Vec<String> {
    records.iter().map(|record| record.id.clone()).collect()
}

pub(super) fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// What is left of records when it is not told by which window they came: one seen twice, at the border of two
/// pages or because two things of it changed, is the same.
pub(super) fn by_id<T: Clone + PartialEq>(records: &[Observed<T>]) -> Vec<Observed<T>> {
    let mut all: Vec<Observed<T>> =
        records.iter().map(|record| Observed { at: Timestamp::UNIX_EPOCH, ..record.clone() }).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all.dedup();
    all
}

pub(super) fn all_ready<T>(records: &[Observed<T>]) -> bool {
    records.iter().all(|record| matches!(record.reading, Reading::Ready(_)))
}

pub(super) fn failure<T>(what: &str, result: Result<T, SourceError>) -> SourceError {
    match result {
        Ok(_) => panic!("{what}: it went well"),
        Err(error) => error,
    }
}

#[async_trait]
impl Http for Arc<dyn Http> {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        (**self).send(request).await
    }
}
