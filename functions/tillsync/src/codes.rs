//! Every code that can appear.

use std::sync::LazyLock;

use tillsync_mapping::model::SkipReason;
use tillsync_mapping::source::CodeText;
use tillsync_mapping::{activecampaign, sources};

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

/// The rules by which records are left out, as codes: every word in an answer can be asked for.
static REASONS: LazyLock<Vec<CodeText>> = LazyLock::new(|| {
    let action = "Nothing, if that is right. Else correct it at the store: the next poll looks again.";
    let text = |reason: SkipReason| CodeText { code: reason.word(), meaning: reason.meaning(), action };
    SkipReason::ALL.into_iter().map(text).collect()
});

/// Every code, in order.
pub(crate) fn all() -> Vec<&'static CodeText> {
    let sources = sources::all().into_iter().flat_map(|source| source.codes());
    let mut codes: Vec<_> = CODES
        .iter()
        .chain(tillsync_engine::CODES)
        .chain(tillsync_embedded::CODES)
        .chain(activecampaign::CODES)
        .chain(sources)
        .chain(REASONS.iter())
        .collect();
    codes.sort_by_key(|text| text.code);
    codes
}

/// What a code means.
pub(crate) fn text(code: &str) -> Option<&'static CodeText> {
    all().into_iter().find(|text| text.code == code)
}
