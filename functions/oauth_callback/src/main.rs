//! Answers browsers that sign in at a source, behind the HTTP API.

use std::sync::Arc;

use tillsync_aws::{App, Calls, refuse_to_start};
use tillsync_console::{Front, sign_in};

// One thread: a function has a fraction of a processor, and its work is waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    match App::start("oauth_callback", Calls::Platforms).await {
        Ok(app) => lambda_http::run(sign_in(Arc::new(app.engine), Front::Gateway)).await,
        Err(fault) => Err(refuse_to_start(fault).await),
    }
}
