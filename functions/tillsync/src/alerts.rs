//! Who is told that something needs somebody: an address, a program, or both.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tillsync_engine::alerts::Receiver;
use tillsync_host::Settings;
use tillsync_http::Outgoing;
use tillsync_mapping::http::{Effect, Http, Method, Request};
use tillsync_mapping::model::Secret;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::answer::Trouble;

/// A program that takes longer is stopped.
const PATIENCE: Duration = Duration::from_secs(30);
/// What begins so is ours, secrets among it: no other program gets to see it.
const OURS: &str = "TILLSYNC";

/// Everybody the settings name.
pub(crate) fn receivers(config: &Settings) -> Result<Vec<Arc<dyn Receiver>>, Trouble> {
    let mut all: Vec<Arc<dyn Receiver>> = Vec::new();
    if let Some(url) = &config.alert_url {
        let wrong = |_| {
            let detail =
                "TILLSYNC_ALERT_URL: this address may not be called; give one as https://example.com/path";
            Trouble::usage("config.invalid", detail)
        };
        // A client of its own: nothing else may call that host, and it may be called for nothing else.
        let http = Outgoing::new(config.alert_allow()).map_err(|error| wrong(error.to_string()))?;
        http.host_allowed(url.expose()).map_err(|error| wrong(error.to_string()))?;
        all.push(Arc::new(Address { http, url: url.clone() }));
    }
    if let Some(path) = &config.alert_command {
        if !is_program(path) {
            let form = "give the whole path of a program that may be run";
            return Err(Trouble::usage("config.invalid", format!("TILLSYNC_ALERT_COMMAND: {form}")));
        }
        all.push(Arc::new(Program { path: path.clone(), patience: PATIENCE }));
    }
    Ok(all)
}

fn is_program(path: &Path) -> bool {
    let Ok(file) = path.metadata() else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.is_file() && file.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    file.is_file()
}

/// An address that is posted to.
struct Address {
    http: Outgoing,
    url: Secret,
}

#[async_trait]
impl Receiver for Address {
    fn name(&self) -> &'static str {
        "url"
    }

    async fn tell(&self, document: String) -> bool {
        let request = Request {
            operation: "alert",
            method: Method::Post,
            url: self.url.expose().to_owned(),
            headers: vec![("Content-Type", "application/json".to_owned())],
            credential: None,
            body: document.into_bytes(),
            effect: Effect::Write,
        };
        match self.http.send(request).await {
            Ok(reply) if reply.is_success() => true,
            Ok(reply) => {
                tracing::warn!(status = reply.status, "the address of alerts does not take one");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "the address of alerts cannot be reached");
                false
            }
        }
    }
}

/// A program that reads from its standard input. No shell comes between.
struct Program {
    path: PathBuf,
    patience: Duration,
}

impl Program {
    async fn run(&self, document: &str) -> std::io::Result<std::process::ExitStatus> {
        let mut command = Command::new(&self.path);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(OURS)) {
            command.env_remove(name);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // One that does not read to the end may still have done its work: its status says so.
            let _ = input.write_all(document.as_bytes()).await;
            let _ = input.write_all(b"\n").await;
        }
        child.wait().await
    }
}

#[async_trait]
impl Receiver for Program {
    fn name(&self) -> &'static str {
        "command"
    }

    async fn tell(&self, document: String) -> bool {
        match tokio::time::timeout(self.patience, self.run(&document)).await {
            Ok(Ok(status)) if status.success() => true,
            Ok(Ok(status)) => {
                tracing::warn!(%status, "the program for alerts failed");
                false
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the program for alerts cannot be run");
                false
            }
            Err(_) => {
                tracing::warn!("the program for alerts took too long and was stopped");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
