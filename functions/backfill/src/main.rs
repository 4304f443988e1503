//! Answers operators, and works off the history queue.

use tillsync_aws::{Calls, functions, serve};

// One thread: a function has a fraction of a processor, and its work is waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    serve("backfill", Calls::Platforms, functions::backfill).await
}
