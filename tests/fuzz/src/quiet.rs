//! What holds of every message: it is short, of a known code, and repeats nothing of a person and no secret.

use tillsync_engine::{Fault, explained};
use tillsync_mapping::source::SourceError;

/// Stands in inputs where a token would.
pub(crate) const TOKEN: &str = "EAAA-canary";
/// No message is longer: what it shows of an input is cut.
const LONGEST: usize = 1_500;

/// A message of an answer or a record: no address, in any of the forms of its sign, and no token.
pub(crate) fn said(text: &str) {
    assert!(text.len() <= LONGEST, "a message of {} bytes", text.len());
    assert!(!text.contains(['@', '\u{ff20}', '\u{fe6b}']) && !text.contains("%40"), "an address in: {text}");
    assert!(!text.contains(TOKEN), "a token in: {text}");
    assert!(!text.contains(|c: char| c.is_control()), "a break in: {text:?}");
}

/// A failure of a source.
pub(crate) fn source_error(error: &SourceError, known: &[&str]) {
    assert!(known.contains(&error.code), "{} is not explained", error.code);
    said(&error.detail);
}

/// A failure of the engine.
pub(crate) fn fault(fault: &Fault) {
    assert!(explained(fault.code).is_some(), "{} is not explained", fault.code);
    said(&fault.detail);
}
