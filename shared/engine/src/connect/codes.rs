//! What can be said of a connection that is being set up.

use tillsync_mapping::source::CodeText;

/// Codes of drafts.
pub(crate) const CODES: &[CodeText] = &[
    CodeText {
        code: "destination.not_proved",
        meaning: "The account did not answer at this address, so nothing was changed.",
        action: "Check the address, letter by letter, and the network; then do the same again. Nothing is tried again by itself.",
    },
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
    CodeText {
        code: "draft.ids",
        meaning: "Customers were to be matched by an id that is not sent.",
        action: "Leave it out: the message names the id that is matched. `tillsync preview --json` shows where every field goes.",
    },
    CodeText {
        code: "connection.token_not_kept",
        meaning: "The store is authorised by signing in. A token that was given besides was used to check the connection, and was not kept.",
        action: "Nothing, as a rule. To work by the token instead, disconnect the store's connections first, then connect with the token.",
    },
];
