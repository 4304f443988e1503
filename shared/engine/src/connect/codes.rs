//! What can be said of a connection that is being set up.

use tillsync_mapping::source::CodeText;

/// Codes of drafts.
pub(crate) const CODES: &[CodeText] = &[
    CodeText {
        code: "draft.unknown",
        meaning: "There is no such draft of a connection, or its 24 hours are over.",
        action: "Begin a new one: `tillsync connect SOURCE --oauth`.",
    },
    CodeText {
        code: "draft.finished",
        meaning: "The draft became a connection, or was refused for good.",
        action: "Look at `tillsync connections`; begin a new one with `tillsync connect SOURCE --oauth`.",
    },
    CodeText {
        code: "draft.incomplete",
        meaning: "A step of the draft is missing.",
        action: "Do the step the message names: `tillsync connect --resume DRAFT` asks for it, or takes it as an option.",
    },
];
