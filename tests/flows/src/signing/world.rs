//! An installation with one draft, a source that answers as told, and browsers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use tillsync_console::{Front, sign_in as routes};
use tillsync_engine::budget::LocalBudget;
use tillsync_engine::intake::Hooks;
use tillsync_engine::memory::{ManualClock, MemoryQueue, MemoryStore, MemoryVault, SeededEntropy};
use tillsync_engine::ports::{Key, Store, Vault};
use tillsync_engine::{Config, Engine, Timing, connect, sign_in};
use tillsync_mapping::http::{Http, HttpError, Request as Asked, Response as Told};
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Application;
use tillsync_mapping::sources;
use tower::ServiceExt;

pub(super) const PUBLIC: &str = "https://till.example.com";
pub(super) const COOKIE: &str = "__Host-tillsync";

/// How a request reaches the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A port.
    Port,
    /// An event of the HTTP API (payload version 2.0).
    Gateway,
}

/// A source that gives what it is told to, and counts what it was asked.
#[derive(Default)]
pub(super) struct Source {
    pub(super) reply: Mutex<Option<(u16, String)>>,
    pub(super) asked: Mutex<Vec<(&'static str, String)>>,
}

#[async_trait]
impl Http for Source {
    async fn send(&self, request: Asked) -> Result<Told, HttpError> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        self.asked.lock().unwrap().push((request.operation, body));
        let (status, body) = self.reply.lock().unwrap().clone().unwrap_or((500, String::new()));
        if status == 0 {
            return Err(HttpError::Unknown);
        }
        Ok(Told { status, retry_after: None, date: None, body: body.into_bytes() })
    }
}

pub(super) struct World {
    pub(super) by: By,
    pub(super) clock: Arc<ManualClock>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) vault: Arc<MemoryVault>,
    pub(super) source: Arc<Source>,
    pub(super) engine: Arc<Engine>,
    router: Router,
}

/// An answer, read whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) fn name() -> &'static str {
    sources::all()[0].name()
}

pub(super) fn granted(store: &str) -> (u16, String) {
    let body = json!({"access_token": "EAAAcanary", "token_type": "bearer", "expires_at": "2026-06-03T10:00:00Z",
        "merchant_id": store, "refresh_token": "EQAAcanary"});
    (200, body.to_string())
}

impl World {
    pub(super) fn new(by: By) -> Self {
        let clock = Arc::new(ManualClock::new("2026-05-04T10:00:00Z".parse().unwrap()));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let (vault, source) = (Arc::new(MemoryVault::new()), Arc::new(Source::default()));
        *source.reply.lock().unwrap() = Some(granted("M1"));
        let application = Application { id: "app".into(), secret: Secret::new("canary-application") };
        let config = Config {
            calls_per_second: 4,
            instance: "one".into(),
            exclusive: true,
            api_urls: BTreeMap::new(),
            applications: [(name().to_owned(), application)].into(),
            public_url: PUBLIC.into(),
            hooks: Hooks::default(),
            timing: Timing::default(),
        };
        let queue = Arc::new(MemoryQueue::new(clock.clone()));
        let engine = Engine::new(
            (store.clone(), queue, vault.clone()),
            (source.clone(), Arc::new(LocalBudget::default())),
            (clock.clone(), Arc::new(SeededEntropy::new(7))),
            config,
        );
        let engine = Arc::new(engine);
        let front = if by == By::Port { Front::Port } else { Front::Gateway };
        let router = routes(Arc::clone(&engine), front);
        Self { by, clock, store, vault, source, engine, router }
    }

    pub(super) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Asks for a path with its query; `cookie` as the header has it.
    pub(super) async fn ask(&self, method: &str, path: &str, cookie: &str) -> Answer {
        let request = match self.by {
            By::Port => {
                let request = Request::builder().method(method).uri(path).header("host", "till.example.com");
                let request =
                    if cookie.is_empty() { request } else { request.header(header::COOKIE, cookie) };
                request.body(Body::empty()).unwrap()
            }
            By::Gateway => gateway(method, path, cookie),
        };
        self.send(request).await
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A browser that came by a link: its session.
    pub(super) async fn browser(&self) -> String {
        let link = sign_in::invite(&self.engine, "/oauth").await.unwrap();
        let path = link.expose().strip_prefix(PUBLIC).unwrap().to_owned();
        let entered = self.ask("GET", &path, "").await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.body);
        let cookie = entered.header(header::SET_COOKIE);
        let value = cookie.strip_prefix(&format!("{COOKIE}=")).unwrap();
        let (session, rest) = value.split_once(';').unwrap();
        assert_eq!(rest, " Path=/; HttpOnly; SameSite=Lax; Max-Age=43200; Secure");
        session.to_owned()
    }

    /// Begins a sign-in: its state.
    pub(super) async fn begun(&self, session: &str, intent: &str) -> String {
        let path = format!("/oauth/{}/start{intent}", name());
        let answer = self.ask("GET", &path, &format!("{COOKIE}={session}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let url = answer.header(header::LOCATION).to_owned();
        assert!(url.contains(&format!("%2Foauth%2F{}%2Fcallback", name())), "{url}");
        url.split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned()
    }

    pub(super) async fn draft(&self) -> String {
        connect::open(&self.engine, name()).await.unwrap()
    }

    /// The row of a state, changed by hand.
    pub(super) async fn alter(&self, digest: &str, with: impl FnOnce(&mut Value)) {
        use tillsync_engine::ports::{Condition, Write};
        let key = Key::new(format!("STATE#{digest}"), "META");
        let mut item = self.store.get(&key).await.unwrap().unwrap();
        let mut body: Value = serde_json::from_str(&item.body).unwrap();
        with(&mut body);
        item.body = body.to_string();
        let when = Condition::Rev(item.rev);
        self.store.transact(vec![Write::Put { item, when }]).await.unwrap();
    }

    /// Nothing of a sign-in is kept, anywhere.
    pub(super) async fn kept_nothing(&self, what: &str, draft: &str) {
        for store in ["M1", "M2"] {
            let owner = format!("STORE#{}#{store}", name());
            assert!(self.vault.get(&owner).await.unwrap().is_none(), "{what}: {owner} is kept");
        }
        // A draft is kept for a day, and then there is nothing at all.
        if let Ok(draft) = connect::going_on(&self.engine, draft).await {
            assert_eq!(draft.step(), connect::Step::SignIn, "{what}");
        }
    }
}

/// A request as the HTTP API hands it to a function (Lambda developer guide, payload format version 2.0).
fn gateway(method: &str, path: &str, cookie: &str) -> Request<Body> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let cookies: Vec<&str> = cookie.split("; ").filter(|one| !one.is_empty()).collect();
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "cookies": cookies,
        "headers": {"host": "till.example.com", "accept": "text/html"},
        "requestContext": {
            "accountId": "000000000000", "apiId": "api", "domainName": "till.example.com", "domainPrefix": "till",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            "requestId": "r", "routeKey": "$default", "stage": "$default",
            "time": "04/May/2026:10:00:00 +0000", "timeEpoch": 1_777_888_800_000_u64,
        },
        "isBase64Encoded": false,
    });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    request.map(|_| Body::empty())
}
