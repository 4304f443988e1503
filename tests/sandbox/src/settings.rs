//! What a test can turn while the stand-ins run.

use serde::{Deserialize, Serialize};

/// How a sandbox is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Orders in the shop, return orders included.
    pub orders: usize,
    /// Customer profiles in the shop.
    pub customers: usize,
    /// The same seed, counts and `now` give the same shop.
    pub seed: u64,
    /// Active locations; a closed one without orders comes on top.
    pub locations: usize,
    /// Port of the Square stand-in, 0 for any.
    pub square_port: u16,
    /// Port of the ActiveCampaign stand-in, 0 for any.
    pub activecampaign_port: u16,
    /// Port of the control server, 0 for any.
    pub control_port: u16,
    /// The end of the generated history; the present when absent.
    pub now_ms: Option<i64>,
    /// First state of the settings.
    pub settings: Settings,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            orders: 200,
            customers: 60,
            seed: 1,
            locations: 3,
            square_port: 0,
            activecampaign_port: 0,
            control_port: 0,
            now_ms: None,
            settings: Settings::default(),
        }
    }
}

/// What `GET /account/entitlements` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entitlements {
    /// The feature codes of an account with e-commerce.
    Ecommerce,
    /// A list without any e-commerce code.
    WithoutEcommerce,
    /// The endpoint answers 404.
    Absent,
}

/// What the account does with the `listId` of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionList {
    /// Stored as sent.
    AsSent,
    /// Answers "1" whatever was sent, as an account of 2026 was seen to do; PUT mends it.
    ForcedPutAccepted,
    /// Answers "1", and PUT of another list is refused with 422.
    ForcedPutRefused,
    /// Answers "1", and PUT answers 200 with "1" still there.
    ForcedPutIgnored,
}

/// What the seller does on the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// A page with Allow and Deny waits for somebody.
    Ask,
    /// Allow, without a page: what a seller sees who allowed the same before.
    Allow,
    /// Deny, without a page.
    Deny,
}

/// Behaviour that can be changed at any moment by `POST /settings`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Square: an object is not in lists and searches until this long after its `updated_at`.
    pub index_lag_ms: i64,
    /// Square: life of a cursor.
    pub cursor_ttl_ms: i64,
    /// Square: pages are never longer than this.
    pub square_page_max: Option<usize>,
    /// Square: every n-th page is empty although a cursor follows; 0 for never.
    pub square_empty_page_every: u64,
    /// Square: requests in any second before 429.
    pub square_per_second: usize,
    /// Square: requests in flight before 429.
    pub square_concurrency: usize,
    /// Square: `Retry-After` on 429, which Square is not known to send.
    pub square_retry_after: Option<u64>,
    /// Square: added to every answer.
    pub square_latency_ms: u64,
    /// Square: what happens on the consent page.
    pub square_consent: Consent,
    /// Square: the redirect URL of the application; any proper one where none is set.
    pub square_redirect: Option<String>,
    /// Square: somebody signs in as the seller of this id, who is not the shop's.
    pub square_signs_in_as: Option<String>,
    /// Square: life of a code.
    pub square_code_ttl_ms: i64,
    /// ActiveCampaign: requests in any second before 429.
    pub activecampaign_per_second: usize,
    /// ActiveCampaign: `Retry-After` of its 429.
    pub activecampaign_retry_after: u64,
    /// ActiveCampaign: added to every answer.
    pub activecampaign_latency_ms: u64,
    /// Import batches a minute with several contacts.
    pub import_per_minute: usize,
    /// Import batches a minute with one contact.
    pub import_single_per_minute: usize,
    /// Shortest and longest wait of an order taken by the async mutation.
    pub async_delay_ms: (i64, i64),
    /// The v3 copy appears this long after the GraphQL record.
    pub v3_delay_ms: i64,
    /// An import is completed after this long.
    pub import_delay_ms: i64,
    /// Two write requests of one record closer than this are flagged.
    pub rewrite_window_ms: i64,
    /// GraphQL bodies above this are refused with 413.
    pub graphql_body_bytes: usize,
    /// Grammar tokens a GraphQL document may have.
    pub grammar_tokens: usize,
    /// The plan of the account.
    pub entitlements: Entitlements,
    /// The list of new connections.
    pub connection_list: ConnectionList,
    /// `syncLegacyConnection` answers with an error.
    pub sync_legacy_connection_fails: bool,
    /// Webhooks: the pause before the first of eleven tries more; the next are as many times as long as Square's are.
    pub webhook_retry_ms: u64,
    /// Webhooks: how often each event is sent that was taken at once.
    pub webhook_copies: usize,
    /// Webhooks: shortest and longest way of one, each by itself, so that they overtake each other.
    pub webhook_delay_ms: (i64, i64),
    /// Webhooks: events a subscription is never given, whatever was asked for, as of a type that was withdrawn.
    pub webhook_withheld: Vec<String>,
    /// Square: an order is not retrieved by its id until this long after its `updated_at`, though it was told of.
    pub orders_hidden_ms: i64,
    /// Webhooks: nothing is sent, as where a subscription does not know the seller.
    pub webhooks_lost: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            index_lag_ms: 30_000,
            cursor_ttl_ms: 300_000,
            square_page_max: None,
            square_empty_page_every: 0,
            square_per_second: 10,
            square_concurrency: 10,
            square_retry_after: None,
            square_latency_ms: 0,
            square_consent: Consent::Ask,
            square_redirect: None,
            square_signs_in_as: None,
            square_code_ttl_ms: 300_000,
            activecampaign_per_second: 5,
            activecampaign_retry_after: 1,
            activecampaign_latency_ms: 0,
            import_per_minute: 100,
            import_single_per_minute: 20,
            async_delay_ms: (200, 3_000),
            v3_delay_ms: 2_000,
            import_delay_ms: 1_000,
            rewrite_window_ms: 60_000,
            graphql_body_bytes: 2_000_000,
            grammar_tokens: 15_000,
            entitlements: Entitlements::Ecommerce,
            connection_list: ConnectionList::AsSent,
            sync_legacy_connection_fails: false,
            webhook_retry_ms: 60_000,
            webhook_copies: 1,
            webhook_delay_ms: (0, 0),
            webhook_withheld: Vec::new(),
            orders_hidden_ms: 0,
            webhooks_lost: false,
        }
    }
}

impl Settings {
    /// Lays a JSON object of changed members over the present values.
    pub(crate) fn patched(&self, patch: &serde_json::Value) -> Result<Self, String> {
        let mut all = serde_json::to_value(self).map_err(|e| e.to_string())?;
        let (Some(all_members), Some(changes)) = (all.as_object_mut(), patch.as_object()) else {
            return Err("settings are an object".to_owned());
        };
        for (name, value) in changes {
            all_members.insert(name.clone(), value.clone());
        }
        serde_json::from_value(all).map_err(|e| e.to_string())
    }
}
