//! Events of a queue: each message is worked on by itself, and those that failed are named to the service, which
//! deletes the others (Lambda developer guide, "Reporting batch item failures").

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};
use tillsync_engine::ports::Lane;
use tillsync_engine::run::{self, Outcome};
use tillsync_engine::{Engine, Fault};
use tracing::{Instrument, Span};

use crate::{App, Arrival, SqsQueue};

/// Works off an event of a lane's queue, all its messages side by side: the work is mostly waiting.
///
/// # Errors
/// `event.unknown` where it is no event of a queue; then the service tries again, and its dead letters keep it.
pub(crate) async fn work_off(
    app: &App,
    lane: Lane,
    event: Value,
    deadline: Timestamp,
) -> Result<Value, Fault> {
    let no_queue = || Fault::reject("event.unknown", "this is no event of a queue");
    let event: SqsEvent = serde_json::from_value(event).map_err(|_| no_queue())?;
    let is_ours = |message: &SqsMessage| {
        message.event_source.as_deref() == Some("aws:sqs") && message.message_id.is_some()
    };
    if event.records.is_empty() || !event.records.iter().all(is_ours) {
        // Green, it would be lost without a trace.
        return Err(no_queue());
    }
    app.look_now_and_then().await;
    let each = event.records.into_iter().map(async |message| {
        let id = message.message_id.clone().unwrap_or_default();
        // One each: that one has to wait is nothing to the others.
        let done = work(app.engine().until(deadline), &app.queue, lane, message).await;
        (!done).then_some(json!({"itemIdentifier": id}))
    });
    let failed: Vec<Value> = join_all(each).await.into_iter().flatten().collect();
    Ok(json!({"batchItemFailures": failed}))
}

/// True when the service may delete the message.
async fn work(engine: Engine, queue: &SqsQueue, lane: Lane, message: SqsMessage) -> bool {
    let delivery = match SqsQueue::arrived(lane, &message) {
        Arrival::Delivery(delivery) => delivery,
        Arrival::Spent(delivery) | Arrival::Unreadable(delivery) => {
            return match queue.bury(&delivery).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::error!(%error, "a dead letter could not be put aside");
                    false
                }
            };
        }
    };
    // A task of its own: should it ever panic, the message returns and the process lives.
    let worker = async move { run::handle(&engine, &delivery).await };
    match tokio::spawn(worker.instrument(Span::current())).await {
        Ok(Ok(Outcome::Done | Outcome::Later(_))) => true,
        Ok(Ok(Outcome::Failed)) => false,
        Ok(Err(fault)) => {
            tracing::error!(code = fault.code, detail = fault.detail, "a message could not be settled");
            false
        }
        Err(_) => {
            tracing::error!("a message ended its worker; it is taken up again");
            false
        }
    }
}
