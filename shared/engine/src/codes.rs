//! Every code that can appear on any host: of the engine, the destination, the sources, and the rules by which
//! records are left out.

use std::sync::LazyLock;

use tillsync_mapping::model::SkipReason;
use tillsync_mapping::source::CodeText;
use tillsync_mapping::{activecampaign, sources};

/// The rules by which records are left out, as codes: every word in an answer can be asked for.
static REASONS: LazyLock<Vec<CodeText>> = LazyLock::new(|| {
    let action = "Nothing, if that is right. Else correct it at the store: the next poll looks again.";
    let text = |reason: SkipReason| CodeText { code: reason.word(), meaning: reason.meaning(), action };
    SkipReason::ALL.into_iter().map(text).collect()
});

/// Every code that is not a host's own.
#[must_use]
pub fn codes() -> Vec<&'static CodeText> {
    let sources = sources::all().into_iter().flat_map(|source| source.codes());
    crate::fault::CODES.iter().chain(activecampaign::CODES).chain(sources).chain(REASONS.iter()).collect()
}

/// What a code means, in three members; none where nobody knows it.
#[must_use]
pub fn explained(code: &str) -> Option<&'static CodeText> {
    codes().into_iter().find(|text| text.code == code)
}
