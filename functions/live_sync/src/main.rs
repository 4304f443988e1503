//! Works off the live queue.

use tillsync_aws::{Calls, functions, serve};

// One thread: a function has a fraction of a processor, and its work is waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    serve("live_sync", Calls::Platforms, functions::live_sync).await
}
