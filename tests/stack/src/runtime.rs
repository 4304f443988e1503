//! One execution environment: a process, and the Runtime API it asks for work. As the service does, it is given
//! one invocation at a time and killed at the deadline; then a fresh one starts with the next invocation.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::log::{Log, Stream};

/// Longest start, as the service grants.
const INIT: Duration = Duration::from_secs(10);
/// Largest answer.
const MAX_ANSWER: usize = 6 * 1024 * 1024;

/// What came of an invocation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The function answered.
    Ok(Value),
    /// The function says that it failed.
    FunctionError { kind: String, message: String },
    /// The process ended before it asked for work, or said that it cannot start.
    InitError { message: String },
    /// The process ended in the middle.
    Exited { message: String },
    /// The deadline came; the process was killed.
    TimedOut,
}

impl Answer {
    /// The answer of a function that did not fail.
    pub(crate) fn ok(self) -> Value {
        match self {
            Self::Ok(value) => value,
            other => panic!("no answer but {other:?}"),
        }
    }

    /// Type and message of a failure that the function reports.
    pub(crate) fn error(self) -> (String, String) {
        match self {
            Self::FunctionError { kind, message } => (kind, message),
            other => panic!("no error but {other:?}"),
        }
    }
}

struct Event {
    id: String,
    deadline_ms: u128,
    body: Vec<u8>,
}

enum Signal {
    Next,
    Response { id: String, body: Bytes },
    Error { id: String, body: Bytes },
    InitError { body: Bytes },
}

struct Api {
    arn: String,
    events: Mutex<mpsc::Receiver<Event>>,
    signals: mpsc::UnboundedSender<Signal>,
}

/// A process with its Runtime API.
pub(crate) struct Environment {
    child: Child,
    server: JoinHandle<()>,
    events: mpsc::Sender<Event>,
    signals: mpsc::UnboundedReceiver<Signal>,
    /// From the start of the process to its first request for work.
    pub(crate) init: Duration,
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Environment {
    /// Starts a process and waits until it asks for work.
    pub(crate) async fn start(command: &mut Command, arn: &str, log: &Log) -> Result<Self, Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, queue) = mpsc::channel(1);
        let (sender, signals) = mpsc::unbounded_channel();
        let api = Api { arn: arn.to_owned(), events: Mutex::new(queue), signals: sender };
        let server = tokio::spawn(serve(listener, Arc::new(api)));
        command.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let readers = [
            log.follow(Stream::Out, child.stdout.take().unwrap()),
            log.follow(Stream::Err, child.stderr.take().unwrap()),
        ];
        let mut made = Self { child, server, events, signals, init: Duration::ZERO };
        let asked = tokio::time::timeout(INIT, made.until_next()).await;
        made.init = began.elapsed();
        match asked {
            Ok(Ok(())) => Ok(made),
            Ok(Err(Answer::InitError { message })) => {
                for reader in readers {
                    reader.await.unwrap();
                }
                Err(Answer::InitError { message })
            }
            Ok(Err(other)) => Err(other),
            Err(_) => Err(Answer::InitError { message: "the start took too long".into() }),
        }
    }

    async fn until_next(&mut self) -> Result<(), Answer> {
        loop {
            tokio::select! {
                biased;
                signal = self.signals.recv() => match signal {
                    Some(Signal::Next) => return Ok(()),
                    Some(Signal::InitError { body }) => {
                        let (kind, message) = diagnostic(&body);
                        return Err(Answer::InitError { message: format!("{kind}: {message}") });
                    }
                    _ => {}
                },
                status = self.child.wait() => return Err(Answer::InitError { message: ended(status.ok()) }),
            }
        }
    }

    /// Gives the process an event and tells it how much time it has; kills it when its time is over or when `kill`
    /// says so. False beside the answer when the process is gone.
    pub(crate) async fn invoke(
        &mut self,
        (id, event): (&str, &[u8]),
        (told, remaining): (Duration, Duration),
        kill: impl Future<Output = ()>,
    ) -> (Answer, bool) {
        let deadline = tokio::time::Instant::now() + remaining;
        let deadline_ms = (SystemTime::now() + told).duration_since(UNIX_EPOCH).unwrap().as_millis();
        let event = Event { id: id.to_owned(), deadline_ms, body: event.to_vec() };
        self.events.send(event).await.unwrap();
        let answer = tokio::select! {
            answer = self.answer(id) => answer,
            () = tokio::time::sleep_until(deadline) => Answer::TimedOut,
            () = kill => Answer::TimedOut,
        };
        let over = matches!(answer, Answer::TimedOut | Answer::Exited { .. });
        // An invocation is over when the process asks for the next.
        let alive =
            !over && tokio::time::timeout_at(deadline, self.until_next()).await.is_ok_and(|r| r.is_ok());
        if !alive {
            // Gone already, or killed here.
            let _ = self.child.kill().await;
        }
        (answer, alive)
    }

    async fn answer(&mut self, id: &str) -> Answer {
        loop {
            tokio::select! {
                biased;
                signal = self.signals.recv() => match signal {
                    Some(Signal::Response { id: of, body }) if of == id => {
                        return serde_json::from_slice(&body).map_or_else(
                            |error| Answer::FunctionError { kind: "Runtime.InvalidResponse".into(), message: error.to_string() },
                            Answer::Ok,
                        );
                    }
                    Some(Signal::Error { id: of, body }) if of == id => {
                        let (kind, message) = diagnostic(&body);
                        return Answer::FunctionError { kind, message };
                    }
                    _ => {}
                },
                status = self.child.wait() => return Answer::Exited { message: ended(status.ok()) },
            }
        }
    }

    /// Most memory the process ever held, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = self.child.id().map(|id| std::fs::read_to_string(format!("/proc/{id}/status")));
        let status = status.and_then(Result::ok).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }
}

fn ended(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "the process is gone".to_owned(), |status| format!("the process ended: {status}"))
}

fn diagnostic(body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("errorType"), text("errorMessage"))
}

async fn serve(listener: TcpListener, api: Arc<Api>) {
    let listener = listener.tap_io(|tcp| tcp.set_nodelay(true).unwrap());
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(MAX_ANSWER))
        .with_state(api);
    axum::serve(listener, routes).await.unwrap();
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let mut events = api.events.lock().await;
    // Nobody listens once the environment is gone.
    let _ = api.signals.send(Signal::Next);
    let Some(event) = events.recv().await else { return StatusCode::GONE.into_response() };
    let mut headers = HeaderMap::new();
    let trace = format!(
        "Root=1-{:08x}-{};Sampled=0",
        event.deadline_ms / 1_000,
        event.id.replace('-', "").get(..24).unwrap_or("")
    );
    for (name, value) in [
        ("lambda-runtime-aws-request-id", event.id.clone()),
        ("lambda-runtime-deadline-ms", event.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", api.arn.clone()),
        ("lambda-runtime-trace-id", trace),
        ("content-type", "application/json".to_owned()),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    (headers, event.body).into_response()
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    accept(&api, Signal::Response { id, body })
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    accept(&api, Signal::Error { id, body })
}

async fn init_error(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    accept(&api, Signal::InitError { body })
}

fn accept(api: &Api, signal: Signal) -> StatusCode {
    api.signals.send(signal).map_or(StatusCode::GONE, |()| StatusCode::ACCEPTED)
}
