//! The AWS host: the real function, given events by a Runtime API here, one at a time as the service does. From the
//! event that is handed out to the answer that is posted. The services of AWS answer at once.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use super::{EVENTS, HEADER, KEY, LARGE, Row, counting, event, signature};

/// The address webhooks are signed for.
const PUBLIC_URL: &str = "https://till.example.com";
/// Below it, where they are taken.
const PLACE: &str = "/webhooks/square/bench0token";
/// The longest an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events before it is measured: those of a function that has run before.
const WARM: usize = 20;

/// Both sides of the function.
struct Service {
    events: Mutex<mpsc::Receiver<(String, Vec<u8>)>>,
    handed: std::sync::Mutex<Instant>,
    answers: mpsc::UnboundedSender<(Duration, Bytes)>,
    calls: AtomicU64,
    queued: AtomicU64,
}

/// The function, stopped when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The rows, and calls to services per event.
pub(super) fn measure(function: &Path) -> Result<(Vec<Row>, f64), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(measured(function))
}

async fn measured(function: &Path) -> Result<(Vec<Row>, f64), String> {
    let (events, queue) = mpsc::channel(1);
    let (sender, mut answers) = mpsc::unbounded_channel();
    let service = Arc::new(Service {
        events: Mutex::new(queue),
        handed: std::sync::Mutex::new(Instant::now()),
        answers: sender,
        calls: AtomicU64::new(0),
        queued: AtomicU64::new(0),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
    tokio::spawn(serve(listener, Arc::clone(&service)));
    let (platform, platform_calls) = counting()?;
    let _process = Process(start(function, &address, platform)?);
    let sample = json!({
        "merchant_id": "M1", "type": "order.updated", "created_at": "2026-01-02T03:04:05.123Z",
        "data": {"type": "order_updated", "id": "O1",
                 "object": {"order_updated": {"order_id": "O1", "location_id": "L1", "state": "OPEN"}}},
    });
    let (mut rows, mut first_calls, mut measured) = (Vec::new(), 0, 0);
    for (n, (length, count)) in
        [(None, WARM), (None, EVENTS[0]), (Some(LARGE), EVENTS[1])].into_iter().enumerate()
    {
        let (before, queued) =
            (platform_calls.load(Ordering::Relaxed), service.queued.load(Ordering::Relaxed));
        let (mut took, mut body) = (Vec::new(), 0);
        for number in 0..count {
            let raw = event(&sample, &format!("bench-{n}-{number:06}"), length);
            body = raw.len();
            let sent = events.send((format!("request-{n}-{number}"), handed_over(&raw))).await;
            sent.map_err(|error| error.to_string())?;
            let answer = tokio::time::timeout(PATIENCE, answers.recv()).await;
            let (time, answer) = answer.ok().flatten().ok_or("the function does not answer")?;
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            if answer["statusCode"] != 200 {
                return Err(format!("an event was answered by {answer}"));
            }
            took.push(time);
        }
        if service.queued.load(Ordering::Relaxed) - queued != count as u64 {
            return Err("events were answered without being queued".to_owned());
        }
        let calls = platform_calls.load(Ordering::Relaxed) - before;
        if n == 0 {
            first_calls = service.calls.load(Ordering::Relaxed);
        } else {
            measured += count;
            rows.push(Row { host: "AWS", body, at_once: 1, took, calls });
        }
    }
    let calls = service.calls.load(Ordering::Relaxed) - first_calls;
    Ok((rows, calls as f64 / measured as f64))
}

/// A webhook as the HTTP API hands it over.
fn handed_over(raw: &[u8]) -> Vec<u8> {
    let url = format!("{PUBLIC_URL}{PLACE}");
    let event = json!({
        "version": "2.0", "routeKey": "POST /webhooks/{source}/{path_token}", "rawPath": PLACE, "rawQueryString": "",
        "headers": {
            "content-type": "application/json", "content-length": raw.len().to_string(),
            "host": "abc123.execute-api.us-east-1.amazonaws.com", HEADER: signature(&url, raw),
        },
        "requestContext": {
            "accountId": "000000000000", "apiId": "abc123", "stage": "$default", "requestId": "JKJaXmPLvHcESHA=",
            "domainName": "abc123.execute-api.us-east-1.amazonaws.com", "domainPrefix": "abc123",
            "http": {"method": "POST", "path": PLACE, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7",
                     "userAgent": "bench"},
            "routeKey": "POST /webhooks/{source}/{path_token}",
            "time": "22/Nov/2026:20:00:00 +0000", "timeEpoch": 1_795_377_600_000_u64,
        },
        "body": STANDARD.encode(raw), "isBase64Encoded": true,
    });
    event.to_string().into_bytes()
}

fn start(function: &Path, address: &str, platform: String) -> Result<Child, String> {
    let mut command = Command::new(function);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(crate::start::environment(&format!("http://{address}")));
    command.envs([
        ("AWS_LAMBDA_RUNTIME_API", address.to_owned()),
        ("TILLSYNC_PUBLIC_URL", PUBLIC_URL.to_owned()),
        ("TILLSYNC_ALLOW_LOOPBACK", "true".to_owned()),
        ("TILLSYNC_SQUARE_API_URL", platform),
    ]);
    command.spawn().map_err(|error| format!("{}: {error}", function.display()))
}

async fn serve(listener: TcpListener, service: Arc<Service>) {
    // It is a loopback: should it refuse, the figure is larger, not wrong.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(answered))
        .fallback(aws)
        .layer(DefaultBodyLimit::max(8 << 20))
        .with_state(service);
    // It ends with the measurement.
    let _ = axum::serve(listener, routes).await;
}

async fn next(State(service): State<Arc<Service>>) -> Response {
    let Some((id, body)) = service.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = SystemTime::now() + PATIENCE;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    *service.handed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    (headers, body).into_response()
}

async fn answered(State(service): State<Arc<Service>>, body: Bytes) -> StatusCode {
    let now = Instant::now();
    let handed = *service.handed.lock().unwrap_or_else(PoisonError::into_inner);
    // Nobody listens once the measurement is over.
    let _ = service.answers.send((now.duration_since(handed), body));
    StatusCode::ACCEPTED
}

/// DynamoDB, SQS and Secrets Manager, as far as the function asks them.
async fn aws(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    service.calls.fetch_add(1, Ordering::Relaxed);
    let pk = asked["Key"]["pk"]["S"].as_str().unwrap_or_default();
    let answer = match target.rsplit('.').next().unwrap_or_default() {
        "GetSecretValue" => {
            let secret = json!({"TILLSYNC_DATA_KEY": "k".repeat(64), "TILLSYNC_SQUARE_WEBHOOK_KEY": KEY});
            json!({"Name": "bench", "SecretString": secret.to_string()})
        }
        // Whichever address it looks up is one of the source's.
        "GetItem" if pk.starts_with("HOOK#") => json!({"Item": {
            "pk": {"S": pk}, "sk": {"S": "META"}, "rev": {"N": "1"},
            "body": {"S": json!({"source": "square"}).to_string()},
        }}),
        "SendMessageBatch" => {
            service.queued.fetch_add(1, Ordering::Relaxed);
            let entries = asked["Entries"].as_array().into_iter().flatten();
            let taken = entries.map(
                |entry| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0".repeat(32)}),
            );
            json!({"Successful": taken.collect::<Vec<_>>(), "Failed": []})
        }
        _ => json!({}),
    };
    ([("content-type", "application/x-amz-json-1.0")], answer.to_string()).into_response()
}
