//! Measurements of a build, as ratios in one run. `tests/bench/run` does the rest.
//!
//! `bench starts FOLDER`: starts of the functions in the folder. `bench import PROGRAM FIGURES SIZE...`: imports of
//! so many orders by the program, each beside its floor; the figures as JSON. `bench show FIGURES` prints them,
//! `bench write FIGURES README` puts them into the README. `bench floor FOLDER URL` is called by `import`.
//! `bench webhooks PROGRAM FUNCTION [README]`: answers to webhooks by both hosts, put into the README if it is named.

#![allow(clippy::print_stdout, clippy::float_arithmetic, reason = "it prints ratios")]

mod figures;
mod floor;
mod import;
mod process;
mod start;
mod starts;
mod table;
mod webhooks;
mod wire_between;

use std::path::Path;
use std::process::ExitCode;

/// What the wires of the platforms are written in terms of.
mod model {
    pub(crate) use tillsync_mapping::model::{Currency, Money, MoneyError};
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["starts", folder] => starts::run(Path::new(folder)),
        ["import", program, figures, sizes @ ..] => {
            import::run(Path::new(program), Path::new(figures), sizes)
        }
        ["webhooks", program, function, readme @ ..] if readme.len() < 2 => {
            webhooks::run(Path::new(program), Path::new(function), readme.first().map(Path::new))
        }
        ["floor", folder, url] => floor::run(Path::new(folder), url),
        ["show", figures] => figures::show(Path::new(figures)),
        ["write", figures, readme] => figures::write(Path::new(figures), Path::new(readme)),
        _ => {
            eprintln!("usage: tests/bench/run");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
