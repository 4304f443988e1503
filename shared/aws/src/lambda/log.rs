//! Logs: one JSON object a line, on standard output. Fields are those of the event, never of a record.

/// Starts the log; `TILLSYNC_LOG` chooses how much, as `info`, or a list as `info,hyper=debug`.
pub(crate) fn start_log() {
    let level = crate::settings::optional("TILLSYNC_LOG").unwrap_or_else(|| "info".into());
    let ours = ["tillsync_aws", "tillsync_engine", "tillsync_host", "tillsync_http", "tillsync_console"];
    let directives = match level.parse::<tracing::Level>() {
        Ok(_) => ours.map(|name| format!("{name}={level}")).join(","),
        Err(_) => level,
    };
    let log = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(tracing_subscriber::EnvFilter::new(directives));
    // Only the first one counts; tests start several.
    let _ = log.try_init();
}
