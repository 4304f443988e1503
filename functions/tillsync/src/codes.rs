//! Every code that can appear.

use tillsync_mapping::source::CodeText;

/// Codes of the command line itself.
const CODES: &[CodeText] = &[
    CodeText {
        code: "usage.invalid",
        meaning: "The command line cannot be understood.",
        action: "Run `tillsync --help`, or the command with --help.",
    },
    CodeText {
        code: "serve.address",
        meaning: "The address to listen on cannot be had.",
        action: "Choose another one with --listen, or stop what uses it.",
    },
    CodeText {
        code: "sign_in.address",
        meaning: "The address where the browser is to come back is used by another process.",
        action: "Stop that one, as a `tillsync connect` elsewhere or the `tillsync serve` of another data directory, then do \
                 what the message says. A `serve` of this data directory needs no stopping: the command goes on beside it.",
    },
    CodeText {
        code: "serve.running",
        meaning: "Another process works on this data directory already.",
        action: "Use that one, stop it, or give another directory with --data.",
    },
    CodeText {
        code: "demo.failed",
        meaning: "The demonstration could not be carried out, or a check did not hold.",
        action: "Read the message; run it again, and report it if it comes back.",
    },
];

/// Every code, in order.
pub(crate) fn all() -> Vec<&'static CodeText> {
    let ours = CODES.iter().chain(tillsync_embedded::CODES);
    let mut codes: Vec<_> = ours.chain(tillsync_engine::codes()).collect();
    codes.sort_by_key(|text| text.code);
    codes
}

/// What a code means.
pub(crate) fn text(code: &str) -> Option<&'static CodeText> {
    all().into_iter().find(|text| text.code == code)
}
