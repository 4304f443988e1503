//! Takes what platforms send by themselves, behind the HTTP API, and queues what it refers to.

use std::sync::Arc;

use lambda_http::Request;
use lambda_http::tower::ServiceExt;
use tillsync_aws::{App, Calls, refuse_to_start};

// One thread: a function has a fraction of a processor, and its work is waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let app = match App::start("webhook_intake", Calls::Intake).await {
        Ok(app) => Arc::new(app),
        Err(fault) => return Err(refuse_to_start(fault).await),
    };
    let router = tillsync_console::intake(Arc::new(app.engine.clone()));
    let told = ServiceExt::<Request>::map_response(router, move |response| {
        app.report();
        response
    });
    lambda_http::run(told).await
}
