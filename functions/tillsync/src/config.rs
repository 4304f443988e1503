//! Secrets of the command line: from the environment, or asked for on a terminal.

use std::env;

use tillsync_mapping::model::Secret;

use crate::answer::Trouble;

/// A secret from the environment, or asked for on a terminal; never from the arguments.
pub(crate) fn secret(name: &str, question: &str) -> Result<Secret, Trouble> {
    let text = match env::var(name) {
        Ok(text) if !text.trim().is_empty() => text,
        _ => ask(name, question)?,
    };
    let secret = Secret::new(&text);
    let plain = !secret.is_empty() && secret.expose().bytes().all(|b| b.is_ascii_graphic());
    if plain {
        return Ok(secret);
    }
    Err(Trouble::usage(
        "config.invalid",
        format!("{name}: give {question} alone, as one word of plain characters"),
    ))
}

fn ask(name: &str, question: &str) -> Result<String, Trouble> {
    use std::io::IsTerminal;
    let missing = || Trouble::usage("config.missing", format!("{name}: set it to {question}"));
    if !std::io::stdin().is_terminal() {
        return Err(missing());
    }
    rpassword::prompt_password(format!("{question}: ")).map_err(|_| missing())
}
