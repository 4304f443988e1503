//! The codes of this module.

use tillsync_mapping::source::CodeText;

pub(crate) const KEY_OTHER: &str = "data.key_other";
pub(crate) const NOT_RENEWED: &str = "token.not_renewed";
pub(super) const OTHER_STORE: &str = "token.other_store";
pub(super) const OTHER_PLATFORM: &str = "token.other_platform";

/// Every code of tokens and the vault.
pub(crate) const CODES: &[CodeText] = &[
    CodeText {
        code: KEY_OTHER,
        meaning: "A token or key is stored, but was sealed with another data key than the one given now. Nothing is lost.",
        action: "Give the data key it was sealed with: TILLSYNC_DATA_KEY, the file data.key of the data directory, or the stack's secret; beside a new one, after a comma. Work goes on by itself then.",
    },
    CodeText {
        code: NOT_RENEWED,
        meaning: "The authorisation of a store is older than eight days: renewing it has failed since.",
        action: "Look at what `tillsync doctor` says of the store's token, and mend it; it is tried again every hour. Before the token runs out, nothing stops.",
    },
    CodeText {
        code: OTHER_PLATFORM,
        meaning: "The store was authorised at another address of the platform's API than the one that is set now, so its authorisation can be neither renewed nor given back. It stays as it is.",
        action: "Set the address and the application the store was authorised with; it goes on by itself then. To change to the other ones, sign in again.",
    },
    CodeText {
        code: OTHER_STORE,
        meaning: "The platform answered the question for a new token with one of another store. It was not stored.",
        action: "Check that the application's id and secret are those the store was connected with; else connect the store again.",
    },
];
