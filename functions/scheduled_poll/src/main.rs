//! Starts the polls that are due, and what was lost on the way.

use tillsync_aws::{Calls, functions, serve};

// One thread: a function has a fraction of a processor, and its work is waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    serve("scheduled_poll", Calls::Nobody, functions::scheduled_poll).await
}
