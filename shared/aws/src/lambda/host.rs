//! From the start of a process to its last event.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tillsync_engine::Fault;
use tracing::Instrument;

use super::{answer, deadline, refuse_to_start};
use crate::{App, Calls};

/// Starts a function and answers its events one after the other, each with its numbers.
///
/// # Errors
/// Where it cannot start, or the service is gone.
pub async fn serve<H>(function: &'static str, calls: Calls, handler: H) -> Result<(), Error>
where
    H: AsyncFn(&App, Value, Timestamp) -> Result<Value, Fault>,
{
    let app = match App::start(function, calls).await {
        Ok(app) => Arc::new(app),
        Err(fault) => return Err(refuse_to_start(fault).await),
    };
    let (app, handler) = (&app, &handler);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let (event, context) = event.into_parts();
        let span = tracing::info_span!("invocation", function, request_id = context.request_id);
        let result = twice(app, handler, event, deadline(&context)).instrument(span).await;
        app.reporter.report(&context.request_id, &app.engine().meter, &app.store.take_used());
        answer(result)
    }))
    .await
}

/// Answers an event; where the secret lacks something, once more with what it holds now.
async fn twice<H>(app: &App, handler: &H, event: Value, deadline: Timestamp) -> Result<Value, Fault>
where
    H: AsyncFn(&App, Value, Timestamp) -> Result<Value, Fault>,
{
    match handler(app, event.clone(), deadline).await {
        Err(fault) if fault.code == "config.missing" && app.look_again().await => {
            handler(app, event, deadline).await
        }
        result => result,
    }
}
