//! tillsync on one machine: the embedded host and the command line.

mod alerts;
mod answer;
mod cli;
mod codes;
mod commands;
mod config;
mod follow;
mod host;
mod memory;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    commands::run(cli)
}
