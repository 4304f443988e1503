//! The embedded host, for as long as it is wanted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tillsync_engine::alerts::Alerts;
use tillsync_engine::doctor::is_public;
use tillsync_engine::intake::place_all;
use tillsync_engine::{Engine, run, sign_in};
use tillsync_host::Settings;
use tokio::net::TcpListener;

use crate::alerts;
use crate::answer::{Answer, Trouble};
use crate::cli::Serve;
use crate::host::Host;

/// Between two looks at what is due.
const TICK: Duration = Duration::from_secs(15);
/// Between two looks at what needs somebody.
const ALERTS_EVERY: Duration = Duration::from_secs(60);
/// Before the first of them: what is due at the start is begun.
const ALERTS_AFTER: Duration = Duration::from_secs(5);
/// Ticks from one queueing anew to the next: an hour.
const REQUEUE_EVERY: u64 = 240;

pub(super) async fn serve(mut host: Host, config: &Settings, options: &Serve) -> Result<Answer, Trouble> {
    let receivers = alerts::receivers(config)?;
    let running = |host: &Host| {
        let message = format!("another process works on this data directory ({})", host.owner_text());
        Trouble::usage("serve.running", message)
    };
    if !host.own_soon().await? {
        return Err(running(&host));
    }
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| Trouble::usage("serve.address", format!("--listen {}: {error}", options.listen)))?;
    let address = listener.local_addr().unwrap_or(options.listen);
    eprintln!("health check: http://{address}/healthz");
    if !config.public_url_given {
        host.reached_at(format!("http://{address}"));
    }
    if !host.work(true).await? {
        return Err(running(&host));
    }
    sign_in::answers_here(&host.engine).await?;
    // As good as a password: it goes to whoever started the program, and into no log.
    eprintln!("console: {}", sign_in::invite(&host.engine, "/").await?.expose());
    for (source, url) in place_all(&host.engine).await?.each() {
        let reached =
            if is_public(url) { "" } else { " (no public https address: nobody outside reaches it)" };
        eprintln!("webhooks of {source}: {url}{reached}");
    }
    let router = super::sign_in::routes(&host.engine);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let schedule = tokio::spawn(schedule(Arc::clone(&host.engine)));
    let alerts = tokio::spawn(alert(Alerts::new(Arc::clone(&host.engine), receivers)));
    stopped().await;
    alerts.abort();
    schedule.abort();
    server.abort();
    host.stop().await;
    Ok(Answer::complete("Stopped; nothing is lost.", json!({"ok": true})))
}

/// Starts the polls that are due. Now and then all work is queued anew, in case a message was lost.
async fn schedule(engine: Arc<Engine>) {
    for tick in 0_u64.. {
        match run::sweep(&engine, tick.is_multiple_of(REQUEUE_EVERY)).await {
            Ok(_) => {}
            Err(fault) => {
                tracing::error!(code = fault.code, detail = fault.detail, "what is due cannot be found")
            }
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Tells of what needs somebody. A task of its own: a receiver that does not answer holds up nothing else.
async fn alert(alerts: Alerts) {
    tokio::time::sleep(ALERTS_AFTER).await;
    loop {
        if let Err(fault) = alerts.tick().await {
            tracing::error!(code = fault.code, detail = fault.detail, "alerts cannot be looked for");
        }
        tokio::time::sleep(ALERTS_EVERY).await;
    }
}

/// Until somebody presses Ctrl-C or the service manager says stop.
pub(super) async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without signals there is only the end of the process.
    let _ = tokio::signal::ctrl_c().await;
}
