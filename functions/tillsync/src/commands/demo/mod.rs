//! The demonstration: stand-in platforms as a child process, and the whole way through the product.

mod browser;
mod check;
mod joining;
mod live;
mod platforms;
mod story;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use tillsync_host::Settings;
use tokio::net::TcpListener;

use crate::answer::{Answer, Exit, Trouble};
use crate::cli::{Demo, Sandbox, Serve};
use crate::host::Host;
use crate::memory;
use platforms::Platforms;

/// The stand-ins, as the child process runs them.
pub(super) fn sandbox(options: &Sandbox) -> ExitCode {
    let options = tillsync_sandbox::Options {
        orders: options.orders,
        customers: options.customers,
        seed: options.seed,
        ..tillsync_sandbox::Options::default()
    };
    match tillsync_sandbox::serve_main(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the stand-ins cannot run: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Shows everything, checks it, and stays open unless asked for once.
pub(super) async fn demo(data: Option<PathBuf>, options: &Demo, json: bool) -> Result<Answer, Trouble> {
    let started = Instant::now();
    let folder = tempfile::tempdir()
        .map_err(|error| Trouble::failed("demo.failed", format!("no temporary folder: {error}")))?;
    let data = data.unwrap_or_else(|| folder.path().join("data"));
    story::say("Starting stand-ins for the shop's platform and for ActiveCampaign, on this machine only.");
    let platforms = Platforms::start(options).await?;
    let (listener, public_url) = listen(options).await?;
    let mut host = Host::open(Some(data), &platforms.config(public_url))?;
    if !host.work(true).await? {
        let message = format!("another process works on this data directory ({})", host.owner_text());
        return Err(Trouble::usage("serve.running", message));
    }
    // What `serve` answers: the pages of signing in, and webhooks.
    let router = super::sign_in::routes(&host.engine);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let told = story::tell(&mut host, &platforms).await?;
    server.abort();
    // It ends by being stopped; then its port is free again.
    let _ = server.await;
    let seconds = started.elapsed().as_secs();
    let mut text = told.summary();
    let peak = memory::peak_kib();
    let mib = peak.map_or("not told by this system".into(), |kib| format!("{} MiB", kib.div_ceil(1024)));
    text.push_str(&format!("  {seconds} s in all; peak memory {mib}\n"));
    let held = told.checks.iter().all(|check| check.held);
    let exit = if held { Exit::Complete } else { Exit::Failed };
    let document = json!({
        "ok": held, "seconds": seconds, "peak_memory_kib": peak,
        "checks": told.checks.iter().map(check::Check::json).collect::<Vec<_>>(),
        "runs": told.runs, "calls_per_1000_orders": told.calls, "live_sale": told.live,
    });
    let answer = Answer { exit, text, json: document };
    if options.once {
        host.stop().await;
        return Ok(answer);
    }
    stay(host, options, &answer, json).await
}

/// The port of this machine that browsers and webhooks reach, with its address: the one to stay at, or any.
async fn listen(options: &Demo) -> Result<(TcpListener, String), Trouble> {
    let port = if options.once { 0 } else { options.port };
    let taken = |error: std::io::Error| Trouble::usage("serve.address", format!("--port {port}: {error}"));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    Ok((listener, format!("http://{address}")))
}

/// Leaves the host open to look around in.
async fn stay(mut host: Host, options: &Demo, answer: &Answer, json: bool) -> Result<Answer, Trouble> {
    host.stop().await;
    if !json {
        crate::answer::print(false, answer);
        story::say("The host stays open; press Ctrl-C to end it.");
    }
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], options.port));
    super::serve::serve(host, &Settings::local(), &Serve { listen }).await?;
    Ok(Answer { exit: answer.exit, text: "Stopped.".into(), json: answer.json.clone() })
}

impl Platforms {
    /// Settings that point at the stand-ins, with the application and its owner's token, as an operator gives them.
    fn config(&self, public_url: String) -> Settings {
        let mut config = Settings::local();
        let source = || self.source.to_owned();
        config.api_urls.insert(source(), self.source_url.clone());
        config.applications.insert(source(), self.application.clone());
        config.hooks.owners.insert(source(), self.owner.clone());
        config.public_url = public_url;
        config
    }
}
