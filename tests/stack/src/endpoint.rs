//! The endpoint of one function: passes its calls on to the emulators, notes each, and fails those it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::rows;
use crate::trace::{Call, capacity, grants, target};

/// Headers that belong to one connection.
const HOP: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

/// Where the emulators are.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    pub(crate) dynamodb: String,
    pub(crate) sqs: String,
    pub(crate) secrets: String,
}

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// It is carried out, and its reply lost.
    DropReply,
    /// It is refused, as this exception of DynamoDB.
    Refuse(&'static str),
    /// It is carried out late.
    Delay(Duration),
}

/// The calls something goes wrong with.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// As `PutItem`.
    pub(crate) api: &'static str,
    /// Words the request must hold.
    pub(crate) holds: &'static str,
    /// Calls to let pass.
    pub(crate) skip: u32,
    /// Calls to hit after that.
    pub(crate) times: u32,
    pub(crate) trouble: Trouble,
}

/// The endpoint.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: Upstream,
    /// What no request may hold in clear.
    secrets: Vec<String>,
    client: reqwest::Client,
    /// Calls that came in.
    seen: watch::Sender<u64>,
    calls: Mutex<Vec<Call>>,
    messages: Mutex<Vec<String>>,
    leaks: Mutex<Vec<String>>,
    rules: Mutex<Vec<Rule>>,
}

impl Endpoint {
    pub(crate) async fn start(upstream: Upstream, secrets: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = reqwest::Client::builder().no_proxy().no_gzip().tcp_nodelay(true).build().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            secrets,
            client,
            seen: watch::Sender::new(0),
            calls: Mutex::default(),
            messages: Mutex::default(),
            leaks: Mutex::default(),
            rules: Mutex::default(),
        });
        let routes = Router::new()
            .fallback(pass)
            .layer(DefaultBodyLimit::max(20 * 1024 * 1024))
            .with_state(Arc::clone(&shared));
        let listener = listener.tap_io(|tcp| tcp.set_nodelay(true).unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared }
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Waits until so many more calls have come in.
    pub(crate) async fn more(&self, calls: u64) {
        let mut seen = self.shared.seen.subscribe();
        let until = *seen.borrow() + calls;
        seen.wait_for(|seen| *seen >= until).await.unwrap();
    }

    /// The bodies put into queues so far.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.shared.messages.lock().unwrap().clone()
    }

    /// Calls that held a secret in clear.
    pub(crate) fn leaks(&self) -> Vec<String> {
        self.shared.leaks.lock().unwrap().clone()
    }

    /// Arms a fault.
    pub(crate) fn fail(&self, api: &'static str, (skip, times): (u32, u32), trouble: Trouble) {
        self.fail_those(api, "", (skip, times), trouble);
    }

    /// Arms a fault of calls that hold certain words.
    pub(crate) fn fail_those(
        &self,
        api: &'static str,
        holds: &'static str,
        (skip, times): (u32, u32),
        trouble: Trouble,
    ) {
        self.shared.rules.lock().unwrap().push(Rule { api, holds, skip, times, trouble });
    }

    /// Faults that are still armed.
    pub(crate) fn armed(&self) -> usize {
        self.shared.rules.lock().unwrap().iter().filter(|rule| rule.times > 0).count()
    }
}

impl Shared {
    fn trouble(&self, api: &str, raw: &[u8]) -> Option<Trouble> {
        let text = String::from_utf8_lossy(raw);
        let mut rules = self.rules.lock().unwrap();
        for rule in
            rules.iter_mut().filter(|rule| rule.api == api && rule.times > 0 && text.contains(rule.holds))
        {
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.trouble.clone());
        }
        None
    }

    /// Looks at what is sent: secrets in clear, and messages.
    fn look(&self, api: &str, raw: &[u8], request: &Value) {
        let mut text = String::from_utf8_lossy(raw).into_owned();
        rows::unpacked(request, &mut text);
        if self.secrets.iter().any(|secret| text.contains(secret)) {
            self.leaks.lock().unwrap().push(api.to_owned());
        }
        let one = request["MessageBody"].as_str();
        let many = request["Entries"].as_array().into_iter().flatten();
        let bodies = one.into_iter().chain(many.filter_map(|entry| entry["MessageBody"].as_str()));
        self.messages.lock().unwrap().extend(bodies.map(str::to_owned));
    }

    async fn forward(&self, to: &str, headers: &HeaderMap, body: Vec<u8>) -> Response {
        let mut request = self.client.post(format!("{to}/")).body(body);
        for (name, value) in headers.iter().filter(|(name, _)| !HOP.contains(&name.as_str())) {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => {
                let (status, mut kept) = (answer.status(), answer.headers().clone());
                for name in HOP {
                    kept.remove(name);
                }
                (status, kept, answer.bytes().await.unwrap_or_default()).into_response()
            }
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    }
}

async fn pass(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((service, api)) = target(header) else {
        return (StatusCode::NOT_FOUND, format!("no such call: {header:?}")).into_response();
    };
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let needs = grants(service, api, &request);
    shared.look(api, &body, &request);
    shared.seen.send_modify(|seen| *seen += 1);
    let trouble = shared.trouble(api, &body);
    if let Some(Trouble::Refuse(exception)) = &trouble {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{exception}");
        note(&shared, (service, api), needs, (400, &Value::Null));
        return (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": "as the test asks"}).to_string())
            .into_response();
    }
    if let Some(Trouble::Delay(time)) = &trouble {
        tokio::time::sleep(*time).await;
    }
    let to = match service {
        "dynamodb" => &shared.upstream.dynamodb,
        "sqs" => &shared.upstream.sqs,
        _ => &shared.upstream.secrets,
    };
    if service == "dynamodb" {
        request["ReturnConsumedCapacity"] = "TOTAL".into();
    }
    // A call that has come in is carried out, even if its caller goes away.
    let (task, sent) = (Arc::clone(&shared), headers.clone());
    let (to, bytes) = (to.clone(), serde_json::to_vec(&request).unwrap());
    let answer = tokio::spawn(async move { task.forward(&to, &sent, bytes).await }).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let told: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    note(&shared, (service, api), needs, (parts.status.as_u16(), &told));
    if matches!(trouble, Some(Trouble::DropReply)) {
        // Ends the task of this connection, and the connection with it.
        std::panic::resume_unwind(Box::new("the reply is lost"));
    }
    (parts, bytes).into_response()
}

type Needs = std::collections::BTreeSet<(String, String)>;

fn note(shared: &Shared, (service, api): (&'static str, &str), grants: Needs, (status, told): (u16, &Value)) {
    let (write_halves, read_halves) = if service == "dynamodb" { capacity(api, told) } else { (0, 0) };
    let call = Call { service, api: api.to_owned(), grants, status, write_halves, read_halves };
    shared.calls.lock().unwrap().push(call);
}
