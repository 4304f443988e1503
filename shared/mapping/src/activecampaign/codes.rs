//! The codes, with what they mean and what to do.

use crate::source::CodeText;

/// Every code the destination can answer with.
pub const CODES: &[CodeText] = &[
    CodeText {
        code: "destination.url_invalid",
        meaning: "The text given is not the address of an ActiveCampaign account.",
        action: "Copy the URL under Settings, Developer in ActiveCampaign; it looks like \
                 https://ACCOUNT.api-us1.com.",
    },
    CodeText {
        code: "destination.host_not_allowed",
        meaning: "The address is not one of ActiveCampaign's, or its name leads to a private network. \
                  Nothing was sent.",
        action: "Check the address for slips; if the host is right, add it to TILLSYNC_DESTINATION_HOSTS.",
    },
    CodeText {
        code: "destination.key_refused",
        meaning: "ActiveCampaign does not accept the API key, or its user may not do this.",
        action: "Copy the key of a user with full rights under Settings, Developer, and reconnect with it.",
    },
    CodeText {
        code: "destination.plan",
        meaning: "The account's plan has no e-commerce, so it takes no orders.",
        action: "Change to a plan with e-commerce in ActiveCampaign, then connect again.",
    },
    CodeText {
        code: "destination.schema",
        meaning: "ActiveCampaign does not know a field or type this version sends; its API has changed. \
                  No record is at fault, and none was parked for it.",
        action: "Update tillsync and resume the connection; if it is up to date, report this.",
    },
    CodeText {
        code: "destination.invalid_record",
        meaning: "ActiveCampaign refuses this record; what it says stands beside it.",
        action: "Correct the record at the store; when it changes there it is sent again.",
    },
    CodeText {
        code: "destination.too_large",
        meaning: "A single record is larger than ActiveCampaign takes in one request.",
        action: "Shorten the record at the store (number of lines, long texts); when it changes there it is sent again.",
    },
    CodeText {
        code: "destination.lost",
        meaning: "ActiveCampaign accepted this record twice, yet does not hold it 15 minutes later.",
        action: "Retry the record; if it is lost again, ask ActiveCampaign's support with the record's id.",
    },
    CodeText {
        code: "destination.unavailable",
        meaning: "ActiveCampaign does not answer, or answers with a fault of its own.",
        action: "Nothing: it is tried again. Look at ActiveCampaign's status page if it lasts.",
    },
    CodeText {
        code: "destination.throttled",
        meaning: "ActiveCampaign asks to slow down: the account's calls are used up by all that use it, or \
                  it is in maintenance.",
        action: "Nothing: it goes on by itself. Lower TILLSYNC_CALLS_PER_SECOND if other tools suffer.",
    },
    CodeText {
        code: "destination.list_refused",
        meaning: "ActiveCampaign put the new connection on a list nobody chose and would not take it off. \
                  The connection there was stopped, and no contact was added.",
        action: "Take the list off the connection in ActiveCampaign, then connect again and choose it.",
    },
    CodeText {
        code: "destination.connection_unknown",
        meaning: "The ActiveCampaign account has no connection of this id.",
        action: "Connect without a connection type, or with an id that the account has.",
    },
    CodeText {
        code: "destination.connection_foreign",
        meaning: "That ActiveCampaign connection holds orders of something else: none of them is known at \
                  this store and location.",
        action: "Choose the connection that was made for this store, or a new one.",
    },
    CodeText {
        code: "destination.connection_list",
        meaning: "That ActiveCampaign connection puts new contacts on a list, and it is not tillsync's to change.",
        action: "Take the list off the connection in ActiveCampaign, or choose a new connection, then connect again.",
    },
    CodeText {
        code: "destination.connection_in_use",
        meaning: "Another connection of this installation sends to that ActiveCampaign connection.",
        action: "Choose another ActiveCampaign connection, or none: each location has its own.",
    },
    CodeText {
        code: "destination.own_integration",
        meaning: "ActiveCampaign's own integration for the same platform is running in this account. Where it \
                  reads the same store, each sale is counted twice.",
        action: "Disconnect one of the two: in ActiveCampaign under Settings, Integrations, or here.",
    },
];
