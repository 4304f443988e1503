//! A wire between the program and the stand-ins that keeps what passes, and plays it again.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use tillsync_http::{Allow, Outgoing};
use tillsync_mapping::http::{Effect, Http, Method};
use tokio::net::TcpListener;

/// The headers that are handed on.
const HEADERS: [&str; 6] =
    ["authorization", "api-token", "accept", "content-type", "square-version", "user-agent"];
/// The largest request that is taken.
const BODY: usize = 16 << 20;

/// A question, as it is asked again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    /// What it is, as path and query.
    pub(crate) path: String,
    /// JSON, where there is any.
    pub(crate) body: String,
    /// Milliseconds since the keeping began.
    pub(crate) at_ms: u64,
}

/// When an operation was called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Phase {
    /// The operation.
    pub(crate) what: String,
    /// How often.
    pub(crate) calls: u64,
    /// First.
    pub(crate) from_second: f64,
    /// Last.
    pub(crate) to_second: f64,
}

impl Question {
    /// The name of a mutation or query, else the path.
    fn operation(&self) -> String {
        let name = self.body.split_once(r#""operationName":""#).and_then(|(_, rest)| rest.split('"').next());
        let path = self.path.split('?').next().unwrap_or_default();
        name.unwrap_or(path).to_owned()
    }
}

/// What passed.
#[derive(Default)]
pub(crate) struct Kept {
    /// Questions, in the order they came.
    pub(crate) questions: Vec<Question>,
    /// The answers to them: status and body.
    answers: BTreeMap<usize, (u16, Bytes)>,
    /// Since when what passes is kept; none while nothing is.
    pub(crate) since: Option<Instant>,
}

/// What is kept of both wires.
pub(crate) type Between = Arc<Mutex<Kept>>;

#[derive(Clone)]
struct Wire {
    http: Arc<Outgoing>,
    to: String,
    kept: Between,
}

/// Locks; every use leaves the value whole.
pub(crate) fn lock(kept: &Between) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    /// Who was called from when to when, and how often: by operation, in the order they began.
    pub(crate) fn phases(&self) -> Vec<Phase> {
        let mut phases: Vec<Phase> = Vec::new();
        for question in &self.questions {
            let (what, at) = (question.operation(), question.at_ms as f64 / 1e3);
            match phases.iter_mut().find(|phase| phase.what == what) {
                Some(phase) => (phase.to_second, phase.calls) = (at, phase.calls + 1),
                None => phases.push(Phase { what, calls: 1, from_second: at, to_second: at }),
            }
        }
        phases
    }

    /// Bytes of all answers, and of all questions.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let received: usize = self.answers.values().map(|(_, body)| body.len()).sum();
        let sent: usize = self.questions.iter().map(|question| question.body.len()).sum();
        (received as u64, sent as u64)
    }
}

/// Starts a wire to one of the stand-ins, or with none to what was kept; says where it begins.
pub(crate) async fn start(to: &str, kept: Between) -> Result<String, String> {
    let http = Outgoing::new(Allow { hosts: Vec::new(), suffixes: Vec::new(), loopback: true });
    let http = Arc::new(http.map_err(|error| error.to_string())?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let wire = Wire { http, to: to.to_owned(), kept };
    let router = Router::new().fallback(pass).with_state(wire);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

async fn pass(State(wire): State<Wire>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if let Some(n) = path.strip_prefix("/again/").and_then(|n| n.parse::<usize>().ok()) {
        // What is sent is read to its end, as it was.
        let _ = axum::body::to_bytes(body, BODY).await;
        let kept = lock(&wire.kept).answers.get(&n).cloned();
        let (status, body) = kept.unwrap_or((404, Bytes::new()));
        return answer(status, None, body);
    }
    let Ok(body) = axum::body::to_bytes(body, BODY).await else {
        return answer(413, None, Bytes::new());
    };
    let header = |name: &'static str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(|value| (name, value.to_owned()))
    };
    let method = match parts.method.as_str() {
        "GET" => Method::Get,
        "PUT" => Method::Put,
        _ => Method::Post,
    };
    let number = {
        let mut kept = lock(&wire.kept);
        kept.since.map(|since| {
            let at_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            let body = String::from_utf8_lossy(&body).into_owned();
            kept.questions.push(Question { path: path.clone(), body, at_ms });
            kept.questions.len() - 1
        })
    };
    let sent = wire
        .http
        .send(tillsync_mapping::http::Request {
            operation: "bench.pass",
            method,
            url: format!("{}{path}", wire.to),
            headers: HEADERS.into_iter().filter_map(header).collect(),
            credential: None,
            body: body.into(),
            effect: Effect::Read,
        })
        .await;
    match sent {
        Err(_) => answer(502, None, Bytes::new()),
        Ok(reply) => {
            let body = Bytes::from(reply.body);
            if let Some(number) = number {
                lock(&wire.kept).answers.insert(number, (reply.status, body.clone()));
            }
            answer(reply.status, reply.retry_after, body)
        }
    }
}

fn answer(status: u16, retry_after: Option<String>, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    if let Some(value) = retry_after.and_then(|text| header::HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}
