//! What each function does with an event: its main only connects this to the service.

use jiff::Timestamp;
use serde_json::{Value, json};
use tillsync_engine::entry::{Known, operate};
use tillsync_engine::ports::Lane;
use tillsync_engine::{Fault, run};

use crate::{App, work_off};

/// Between two looks for messages that were lost: the first tick of an hour does it.
const REQUEUE_WITHIN: i8 = 5;

/// A tick of the schedule: `{"action":"tick"}`.
///
/// # Errors
/// `event.unknown`, or of the store.
pub async fn scheduled_poll(app: &App, event: Value, deadline: Timestamp) -> Result<Value, Fault> {
    const HELP: &str = "The schedule calls this function with {\"action\":\"tick\"}: it starts the polls that are due. \
                        Send the same to do it now. Operators' events go to the backfill function.";
    if event.get("action").and_then(Value::as_str) != Some("tick") {
        return help_or_refuse(&event, HELP);
    }
    let now = app.engine().now();
    let hourly = now.to_zoned(jiff::tz::TimeZone::UTC).minute() < REQUEUE_WITHIN;
    let swept = run::sweep(&app.engine().until(deadline), hourly).await?;
    let answer = json!({
        "ok": swept.failed == 0, "connections": swept.connections, "due": swept.due, "failed": swept.failed,
        "need_somebody": swept.need_somebody, "lag_seconds": swept.lag_seconds,
    });
    tracing::info!(connections = swept.connections, due = swept.due, failed = swept.failed, "tick");
    Ok(answer)
}

/// Messages of the live queue.
///
/// # Errors
/// `event.unknown`.
pub async fn live_sync(app: &App, event: Value, deadline: Timestamp) -> Result<Value, Fault> {
    const HELP: &str = "The live queue calls this function. Operators' events go to the backfill function.";
    if event.get("Records").is_none() {
        return help_or_refuse(&event, HELP);
    }
    work_off(app, Lane::Live, event, deadline).await
}

/// Messages of the history queue, and events of operators.
///
/// # Errors
/// Every fault of what was asked for.
pub async fn backfill(app: &App, event: Value, deadline: Timestamp) -> Result<Value, Fault> {
    if event.get("Records").is_some() && event.get("action").is_none() {
        return work_off(app, Lane::History, event, deadline).await;
    }
    match Known::read(&event)? {
        Known::Asked(asked) => operate(&app.engine().until(deadline), &asked, &app.credentials).await,
        Known::NotOurs => Err(unknown()),
    }
}

fn help_or_refuse(event: &Value, help: &str) -> Result<Value, Fault> {
    match Known::read(event) {
        Ok(Known::Asked(asked)) if asked.is_help() => Ok(json!({"ok": true, "help": help})),
        Ok(Known::NotOurs) => Err(unknown()),
        Ok(Known::Asked(_)) | Err(_) => Err(Fault::usage(
            "event.unknown",
            "events of operators go to the backfill function, not to this one",
        )),
    }
}

fn unknown() -> Fault {
    Fault::reject("event.unknown", "the event is of no kind this function takes")
}
