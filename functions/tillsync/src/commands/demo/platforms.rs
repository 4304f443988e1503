//! The stand-ins: a child process of the same binary, which ends with this one.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;

use serde_json::Value;
use tillsync_http::{Allow, Outgoing};
use tillsync_mapping::http::{Effect, Http, Method, Request};
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Application;
use tillsync_mapping::sources;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::answer::Trouble;
use crate::cli::Demo;

/// Running stand-ins.
pub(super) struct Platforms {
    pub(super) source: &'static str,
    pub(super) source_url: String,
    pub(super) destination_url: String,
    /// The operator's application at the source.
    pub(super) application: Application,
    /// The token of the application's owner: subscriptions are made with it.
    pub(super) owner: Secret,
    pub(super) key: Secret,
    /// Ids of the locations that are open.
    pub(super) locations: BTreeSet<String>,
    control_url: String,
    http: Arc<dyn Http>,
    _child: Child,
}

impl Platforms {
    /// Starts them with a generated shop.
    pub(super) async fn start(options: &Demo) -> Result<Self, Trouble> {
        let program = std::env::current_exe().map_err(|error| failed(&format!("no own path: {error}")))?;
        let mut child = Command::new(program)
            .args(["sandbox", "--orders", &options.orders.to_string()])
            .args(["--customers", &options.customers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&format!("the stand-ins do not start: {error}")))?;
        let output = child.stdout.take().ok_or_else(|| failed("the stand-ins say nothing"))?;
        let line = BufReader::new(output).lines().next_line().await.ok().flatten();
        let line = line.ok_or_else(|| failed("the stand-ins ended at once"))?;
        let said: Value = serde_json::from_str(&line).map_err(|_| failed("the stand-ins say nonsense"))?;
        let http = Outgoing::new(Allow { hosts: Vec::new(), suffixes: Vec::new(), loopback: true })
            .map_err(|error| failed(&error.to_string()))?;
        let source = sources::all().first().map_or("", |source| source.name());
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let open = |location: &&Value| location["status"] == "ACTIVE";
        let id = |location: &Value| location["id"].as_str().unwrap_or_default().to_owned();
        let locations = said["locations"].as_array().into_iter().flatten().filter(open).map(id).collect();
        let of_source = |what: &str| text(&format!("{source}_{what}"));
        Ok(Self {
            source,
            source_url: of_source("url"),
            destination_url: text("activecampaign_url"),
            application: Application {
                id: of_source("application_id"),
                secret: Secret::new(&of_source("application_secret")),
            },
            owner: Secret::new(&of_source("personal_token")),
            key: Secret::new(&text("activecampaign_key")),
            locations,
            control_url: text("control_url"),
            http: Arc::new(http),
            _child: child,
        })
    }

    /// Asks the stand-ins what they know.
    pub(super) async fn ask(&self, path: &str) -> Result<Value, Trouble> {
        self.call(Method::Get, path, Vec::new()).await
    }

    /// Has something happen at the stand-ins.
    pub(super) async fn tell(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        self.call(Method::Post, path, body.to_string().into_bytes()).await
    }

    async fn call(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Value, Trouble> {
        let request = Request {
            operation: "demo.control",
            method,
            url: format!("{}{path}", self.control_url),
            headers: vec![("Content-Type", "application/json".into())],
            credential: None,
            body,
            effect: Effect::Read,
        };
        let response = self.http.send(request).await.map_err(|error| failed(&format!("{path}: {error}")))?;
        serde_json::from_slice(&response.body).map_err(|error| failed(&format!("{path}: {error}")))
    }
}

pub(super) fn failed(message: &str) -> Trouble {
    Trouble::failed("demo.failed", message)
}
