//! placeholder
use std::process::ExitCode;
use crate::answer::{Answer, Trouble};
use crate::cli::{Demo, Sandbox};
use std::path::PathBuf;
pub(super) fn sandbox(options: &Sandbox) -> ExitCode {
    let options = tillsync_sandbox::Options { orders: options.orders, customers: options.customers, seed: options.seed, ..Default::default() };
    match tillsync_sandbox::serve_main(options) { Ok(()) => ExitCode::SUCCESS, Err(_) => ExitCode::FAILURE }
}
pub(super) async fn demo(_: Option<PathBuf>, _: &Demo, _: bool) -> Result<Answer, Trouble> { Err(Trouble::failed("demo.failed", "x")) }
