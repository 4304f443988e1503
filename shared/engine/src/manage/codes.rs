//! Codes of what changes a connection.

use tillsync_mapping::source::CodeText;

/// Every code of this module.
pub(crate) const CODES: &[CodeText] = &[
    CodeText {
        code: "connection.authorise",
        meaning: "There is no token to go on with: it was given back or taken out when the connection ended.",
        action: "If the store is connected by signing in: sign in again with `tillsync reauthorise CONNECTION`, which \
                 begins the connection again too. By token, or where the import was deleted: connect the same location \
                 again (`tillsync connect`; as an event, `connect`). Both go on with the same ActiveCampaign connection, \
                 and nothing is sent twice.",
    },
    CodeText {
        code: "connection.other_store",
        meaning: "The stored token is for another store than the connection.",
        action: "Connect the same location again with a token of its own store.",
    },
    CodeText {
        code: "connection.over",
        meaning: "The connection was ended by somebody.",
        action: "Begin it again (`tillsync reconnect`; as an event, `reconnect`), or connect the location again.",
    },
    CodeText {
        code: "destination.other_account",
        meaning: "The address and key are not of the account the connection sends to, so its records are not there.",
        action: "Give the address and key of the same account. To send to another account, connect the location to it.",
    },
];
