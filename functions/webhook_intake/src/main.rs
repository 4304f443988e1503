//! Takes what platforms send by themselves, behind the HTTP API, and queues what it refers to.

use std::sync::Arc;

use lambda_http::http::StatusCode;
use lambda_http::tower::ServiceExt;
use lambda_http::{Request, service_fn};
use tillsync_aws::{App, Calls, refuse_to_start};

// One thread: a function has a fraction of a processor, and its work is waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let app = match App::start("webhook_intake", Calls::Intake).await {
        Ok(app) => Arc::new(app),
        Err(fault) => return Err(refuse_to_start(fault).await),
    };
    lambda_http::run(service_fn(move |request: Request| {
        let app = Arc::clone(&app);
        async move {
            let response = tillsync_console::intake(Arc::new(app.engine())).oneshot(request).await?;
            if response.status() == StatusCode::FORBIDDEN {
                // The key may have been replaced: what is sent again is proved then.
                app.look_again().await;
            }
            app.report();
            Ok::<_, lambda_http::Error>(response)
        }
    }))
    .await
}
