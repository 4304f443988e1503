//! What can be said of a sign-in.

use tillsync_mapping::source::CodeText;

/// Codes of links, sessions and sign-ins.
pub(crate) const CODES: &[CodeText] = &[
    CodeText {
        code: "sign_in.link_unknown",
        meaning: "The one-time link is not known here, was used already, or its 15 minutes are over.",
        action: "Get a new one: `tillsync serve` prints one at its start, `tillsync connect SOURCE --oauth` one for a new connection; on AWS send the sign_in event.",
    },
    CodeText {
        code: "sign_in.session_missing",
        meaning: "This browser did not come by a one-time link, or its 12 hours are over.",
        action: "Open the link that `tillsync serve` or `tillsync connect SOURCE --oauth` printed, in this browser; on AWS the link of the sign_in event.",
    },
    CodeText {
        code: "sign_in.host_refused",
        meaning: "The page was asked for under a host name that is not this installation's.",
        action: "Open it under the address of TILLSYNC_PUBLIC_URL; a proxy in front must pass the host on, or use 127.0.0.1.",
    },
    CodeText {
        code: "sign_in.cross_site",
        meaning: "A page of another site sent this browser here to begin a sign-in. Nothing was begun.",
        action: "If it was you who wanted it, follow the link on this page; otherwise close it.",
    },
    CodeText {
        code: "sign_in.not_supported",
        meaning: "Nobody can sign in at this source.",
        action: "Connect it by token: `tillsync connect SOURCE` without --oauth.",
    },
    CodeText {
        code: "sign_in.method",
        meaning: "The page was asked for in a way it does not answer.",
        action: "Open it in a browser, by its link.",
    },
    CodeText {
        code: "sign_in.too_long",
        meaning: "More came back than a sign-in needs; it was not read.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.malformed",
        meaning: "What came back cannot be read: a parameter came twice, or is not text.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.state_missing",
        meaning: "What came back does not say which sign-in it belongs to.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.state_unknown",
        meaning: "What came back belongs to no sign-in that was begun here.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.state_used",
        meaning: "This sign-in was ended before: it counts once.",
        action: "If that was you, it is done; go on where you began. Else begin again.",
    },
    CodeText {
        code: "sign_in.expired",
        meaning: "The sign-in took longer than the 30 minutes it is good for, so what came back was not taken.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.other_session",
        meaning: "The sign-in was begun in another browser, or in a session that is over.",
        action: "End it in the browser it was begun in, or begin again in this one.",
    },
    CodeText {
        code: "sign_in.other_source",
        meaning: "The sign-in was begun at another source than the one that answered.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.contradiction",
        meaning: "A permission and a refusal came back together; neither was taken.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.code_missing",
        meaning: "Neither a permission nor a refusal came back.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.code_invalid",
        meaning: "The permission that came back is none.",
        action: "Begin again: follow the link on this page where there is one, or run the command once more.",
    },
    CodeText {
        code: "sign_in.refused",
        meaning: "Somebody pressed Deny, so nothing was connected.",
        action: "If that was a slip, allow access this time: go on with the command the message names; where it names none, begin again.",
    },
    CodeText {
        code: "sign_in.failed_there",
        meaning: "The source refused the sign-in with an error of its own.",
        action: "Look at the application in the source's developer console: its redirect URL and its permissions. Then begin again.",
    },
    CodeText {
        code: "sign_in.other_store",
        meaning: "Another store was authorised than the one this connection belongs to. Nothing was changed.",
        action: "Begin again and sign in at the source as the connection's own store; for another store make a new connection.",
    },
    CodeText {
        code: "sign_in.waiting",
        meaning: "Nobody came back from the sign-in in time.",
        action: "Do what the message says: go on with the draft (`tillsync connect --resume DRAFT`), or run `tillsync reauthorise` again.",
    },
];
