//! Serves the routes behind the HTTP API.

use std::sync::Arc;

use tillsync_aws::{App, Calls, refuse_to_start};

// One thread: a function has a fraction of a processor, and its work is waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    match App::start("console", Calls::Queues).await {
        Ok(app) => lambda_http::run(tillsync_console::router(Arc::new(app.engine()))).await,
        Err(fault) => Err(refuse_to_start(fault).await),
    }
}
