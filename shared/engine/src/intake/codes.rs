//! Codes of webhooks.

use tillsync_mapping::source::CodeText;

/// Changes were found that no webhook told of.
pub(crate) const LOST: &str = "webhook.lost";
/// The platform's subscription is not as it should be and could not be put right.
pub(crate) const SUBSCRIPTION: &str = "webhook.subscription";
/// Nobody sees to the subscription.
pub(crate) const BY_HAND: &str = "webhook.by_hand";

/// Every code of webhooks.
pub(crate) const CODES: &[CodeText] = &[
    CodeText {
        code: LOST,
        meaning: "A poll found changes that no webhook told of, though some had come before.",
        action: "Look at the webhook subscription in the platform's developer console: is it enabled, and is its address the one \
                 that `tillsync doctor` shows? Nothing is lost meanwhile: polls bring what changes.",
    },
    CodeText {
        code: SUBSCRIPTION,
        meaning: "The webhook subscription is missing, stopped or not whole at the platform, and could not be put right.",
        action: "Check the token of the application's owner (the setting that ends in SUBSCRIPTION_TOKEN) and the public address; it is tried \
                 again by itself. Polls bring what changes meanwhile.",
    },
    CodeText {
        code: BY_HAND,
        meaning: "Nobody has told this program how webhooks are signed, so changes come by polls alone.",
        action: "Create a webhook subscription in the platform's developer console with the address and the events that `tillsync \
                 doctor` shows, and give its signature key as the setting it names.",
    },
];
