//! Answers browsers that sign in at a source, behind the HTTP API.

use std::sync::Arc;

use lambda_http::http::StatusCode;
use lambda_http::tower::ServiceExt;
use lambda_http::{Request, service_fn};
use tillsync_aws::{App, Calls, refuse_to_start};
use tillsync_console::{Front, sign_in};

// One thread: a function has a fraction of a processor, and its work is waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let app = match App::start("oauth_callback", Calls::Platforms).await {
        Ok(app) => Arc::new(app),
        Err(fault) => return Err(refuse_to_start(fault).await),
    };
    lambda_http::run(service_fn(move |request: Request| {
        let app = Arc::clone(&app);
        async move {
            let response = sign_in(Arc::new(app.engine()), Front::Gateway).oneshot(request).await?;
            if matches!(response.status(), StatusCode::BAD_REQUEST | StatusCode::SERVICE_UNAVAILABLE) {
                // The application may be set or replaced by now: whoever begins again goes on with that.
                app.look_again().await;
            }
            Ok::<_, lambda_http::Error>(response)
        }
    }))
    .await
}
