//! What is printed: one JSON document, or plain text; and the exit status.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};
use tillsync_embedded::DataError;
use tillsync_engine::{Fault, Kind};

use crate::codes;

/// The exit status (rules.md section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and complete.
    Complete,
    /// Nothing was done.
    Failed,
    /// The question or a setting is wrong.
    Usage,
    /// Something was parked or could not be read.
    Partial,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Complete => 0_u8,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partial => 3,
        })
    }
}

/// What went wrong, for people.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) exit: Exit,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Trouble {
    pub(crate) fn usage(code: &str, message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: code.into(), message: message.into() }
    }

    pub(crate) fn failed(code: &str, message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, code: code.into(), message: message.into() }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let exit = if fault.kind == Kind::Usage { Exit::Usage } else { Exit::Failed };
        Self { exit, code: fault.code.into(), message: fault.detail }
    }
}

impl From<DataError> for Trouble {
    fn from(error: DataError) -> Self {
        Self::usage(error.code(), error.to_string())
    }
}

impl From<tillsync_engine::ports::PortError> for Trouble {
    fn from(error: tillsync_engine::ports::PortError) -> Self {
        Fault::from(error).into()
    }
}

/// An answer: text for people, JSON for programs.
pub(crate) struct Answer {
    pub(crate) exit: Exit,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn complete(text: impl Into<String>, json: Value) -> Self {
        Self { exit: Exit::Complete, text: text.into(), json }
    }
}

/// Prints an answer on standard output.
pub(crate) fn print(json: bool, answer: &Answer) {
    let text = if json { answer.json.to_string() } else { answer.text.trim_end().to_owned() };
    // A reader that went away is nothing to stop for.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints an error: on standard output with `--json`, else on standard error with what to do.
pub(crate) fn print_error(json: bool, trouble: &Trouble) {
    let action = codes::text(&trouble.code).map_or("", |text| text.action);
    if json {
        let error = json!({
            "code": trouble.code, "message": trouble.message, "action": action,
            "subject": subject(&trouble.message),
        });
        let _ = writeln!(std::io::stdout().lock(), "{}", json!({"ok": false, "error": error}));
        return;
    }
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "error: {} ({})", trouble.message, trouble.code);
    if !action.is_empty() {
        let _ = writeln!(out, "  do:   {action}");
    }
}

/// What a message begins with: what it is about. The colon within an address is none.
fn subject(message: &str) -> &str {
    let end = message.find(": ").into_iter().chain(message.find(';')).min();
    message.get(..end.unwrap_or(message.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::subject;

    #[test]
    fn the_subject_is_what_the_message_begins_with() {
        let cases = [
            ("TILLSYNC_SOURCE_TOKEN: set it", "TILLSYNC_SOURCE_TOKEN"),
            ("http://127.0.0.1:80/api/3: it is another account", "http://127.0.0.1:80/api/3"),
            ("the sign-in ended; go on with: x", "the sign-in ended"),
            ("no colon at all", "no colon at all"),
            ("", ""),
        ];
        for (message, expected) in cases {
            assert_eq!(subject(message), expected);
        }
    }
}
