//! Every code that can appear on any host: of the engine, the destination, the sources, and the rules by which
//! records are left out.

use std::sync::LazyLock;

use tillsync_mapping::model::SkipReason;
use tillsync_mapping::source::CodeText;
use tillsync_mapping::{activecampaign, sources};

/// What to do about a difference that a comparison explains.
const COMPARED: &str = "Nothing, if that is right; `tillsync reconcile --repair` sends again what ActiveCampaign lost or has otherwise.";

/// The rules by which records are left out, and the reasons of differences, as codes: every word in an answer can be asked for.
static REASONS: LazyLock<Vec<CodeText>> = LazyLock::new(|| {
    let action = "Nothing, if that is right. Else correct it at the store: the next poll looks again.";
    let text = |reason: SkipReason| CodeText { code: reason.word(), meaning: reason.meaning(), action };
    let compared =
        |(code, meaning): (&'static str, &'static str)| CodeText { code, meaning, action: COMPARED };
    SkipReason::ALL.into_iter().map(text).chain(crate::run::REASONS.map(compared)).collect()
});

/// Every code that is not a host's own.
#[must_use]
pub fn codes() -> Vec<&'static CodeText> {
    let sources = sources::all().into_iter().flat_map(|source| source.codes());
    crate::fault::CODES
        .iter()
        .chain(crate::manage::codes::CODES)
        .chain(crate::erase::CODES)
        .chain(crate::tokens::CODES)
        .chain(crate::sign_in::codes::CODES)
        .chain(crate::connect::CODES)
        .chain(crate::intake::CODES)
        .chain(activecampaign::CODES)
        .chain(sources)
        .chain(REASONS.iter())
        .collect()
}

/// What a code means, in three members; none where nobody knows it.
#[must_use]
pub fn explained(code: &str) -> Option<&'static CodeText> {
    codes().into_iter().find(|text| text.code == code)
}
