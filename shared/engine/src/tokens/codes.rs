//! The codes of this module.

use tillsync_mapping::source::CodeText;

pub(crate) const KEY_OTHER: &str = "data.key_other";

/// Every code of tokens and the vault.
pub(crate) const CODES: &[CodeText] = &[CodeText {
    code: KEY_OTHER,
    meaning: "A token or key is stored, but was sealed with another data key than the one given now. Nothing is lost.",
    action: "Give the data key it was sealed with: TILLSYNC_DATA_KEY, or the file data.key of the data directory, or the stack's secret; beside a new one, after a comma. Work goes on by itself then.",
}];
