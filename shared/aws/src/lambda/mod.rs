//! Lambda: what is common to the functions' events, logs and numbers.

mod batch;
mod fail;
mod host;
mod log;
mod numbers;

pub(crate) use batch::work_off;
pub(crate) use fail::answer;
pub use fail::refuse_to_start;
pub use host::serve;
pub(crate) use log::start_log;
pub(crate) use numbers::Reporter;

use jiff::Timestamp;
use lambda_runtime::Context;

/// When an invocation is stopped; now, where the service says something strange.
pub(crate) fn deadline(context: &Context) -> Timestamp {
    i64::try_from(context.deadline)
        .ok()
        .and_then(|at| Timestamp::from_millisecond(at).ok())
        .unwrap_or_else(Timestamp::now)
}
