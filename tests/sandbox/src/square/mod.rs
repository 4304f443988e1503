//! The stand-in for Square: reads only, as strict as the published description.

mod catalog;
pub(crate) mod check;
mod consent;
mod cursor;
mod customers;
mod error;
mod oauth;
mod orders;
mod page;
mod payments;
mod subscriptions;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;
use crate::http::{Call, Reply};
use crate::limit::Window;
use crate::openapi;
use crate::settings::Settings;
use crate::shop::Shop;
use cursor::Cursors;
use error::Fail;

pub use oauth::{SQUARE_APPLICATION_ID, SQUARE_APPLICATION_SECRET, SQUARE_REFRESH_TOKEN};
pub use subscriptions::SQUARE_PERSONAL_TOKEN;
pub(crate) use subscriptions::{Subscription, Subscriptions};

pub(crate) const PLATFORM: &str = "square";

/// What has become of the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It works.
    Active,
    /// The seller or the application took it back.
    Revoked,
    /// Its thirty days are over.
    Expired,
}

/// What the one seller granted: several tokens may work at the same time (square.md section 1.3).
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) tokens: Vec<Token>,
    /// Whether the refresh token is taken.
    pub(crate) refreshes: bool,
    pub(crate) scopes: Vec<String>,
}

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) state: TokenState,
    /// When it runs out; a personal token never does.
    pub(crate) expires: Option<i64>,
}

impl Grant {
    /// The token of this text, and how it is at this moment.
    pub(crate) fn find(&self, text: &str, now: i64) -> Option<(&Token, TokenState)> {
        let token = self.tokens.iter().find(|token| token.text == text)?;
        let over = token.state == TokenState::Active && token.expires.is_some_and(|at| at <= now);
        Some((token, if over { TokenState::Expired } else { token.state }))
    }

    /// The fate of everything granted so far. What was taken back can be refreshed no more.
    pub(crate) fn set(&mut self, state: TokenState) {
        self.tokens.iter_mut().for_each(|token| token.state = state);
        self.refreshes = state != TokenState::Revoked;
    }

    /// Only this token, which never runs out, as one that was copied from the developer's console.
    pub(crate) fn replace(&mut self, text: &str) {
        self.tokens = vec![Token { text: text.to_owned(), state: TokenState::Active, expires: None }];
    }
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) grant: Grant,
    cursors: Cursors,
    codes: Vec<oauth::Code>,
    asked: Vec<consent::Asked>,
    pub(crate) subscriptions: Subscriptions,
    window: Window,
    in_flight: usize,
    peak_in_flight: usize,
    pages: u64,
}

/// One call with all it may look at.
struct Context<'a> {
    call: &'a Call,
    body: Value,
    shop: &'a Shop,
    settings: &'a Settings,
    state: &'a mut State,
    now: i64,
}

impl State {
    pub(crate) fn new(seed: u64, token: &str) -> Self {
        let scopes = check::ALL_SCOPES.iter().map(|s| (*s).to_owned()).collect();
        let mut grant = Grant { tokens: Vec::new(), refreshes: true, scopes };
        grant.replace(token);
        Self {
            grant,
            cursors: Cursors::new(seed),
            codes: Vec::new(),
            asked: Vec::new(),
            subscriptions: Subscriptions::new(seed),
            window: Window::default(),
            in_flight: 0,
            peak_in_flight: 0,
            pages: 0,
        }
    }

    /// Lets a request in, or answers 429 for it.
    pub(crate) fn enter(&mut self, settings: &Settings) -> Option<Reply> {
        let limit = settings.square_per_second;
        if self.in_flight >= settings.square_concurrency
            || !self.window.admit(clock::now(), clock::SECOND, limit)
        {
            let detail = "This request was rate limited. Please retry later.";
            let reply = Fail::new(429, "RATE_LIMITED", "", detail).reply();
            return Some(match settings.square_retry_after {
                Some(seconds) => reply.with("retry-after", seconds),
                None => reply,
            });
        }
        self.in_flight += 1;
        self.peak_in_flight = self.peak_in_flight.max(self.in_flight);
        None
    }

    pub(crate) fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub(crate) fn peaks(&self) -> Value {
        json!({"in_flight": self.peak_in_flight, "in_one_second": self.window.peak})
    }
}

/// The name calls are counted and faults are armed under.
pub(crate) fn operation(call: &Call) -> String {
    match openapi::find(&call.method, &call.path) {
        Some(operation) => operation.id.to_owned(),
        None => format!("{} {}", call.method, call.path),
    }
}

/// Answers a call.
pub(crate) fn answer(call: &Call, shop: &Shop, settings: &Settings, state: &mut State) -> Reply {
    let version = call.header("square-version").unwrap_or_default().to_owned();
    if call.path == "/oauth2/authorize" {
        return consent::answer(call, settings, state);
    }
    let reply = checked(call, shop, settings, state).unwrap_or_else(|fail| fail.reply());
    reply.with("square-version", version)
}

fn checked(call: &Call, shop: &Shop, settings: &Settings, state: &mut State) -> Result<Reply, Fail> {
    let (operation, body) = check::check(call, &state.grant)?;
    let mut context = Context { call, body, shop, settings, state, now: clock::now() };
    let id = operation.path.first().map_or("", String::as_str);
    match operation.id {
        "ObtainToken" => context.obtain_token(),
        "RevokeToken" => context.revoke_token(),
        "RetrieveTokenStatus" => Ok(context.token_status()),
        "ListLocations" => Ok(Reply::json(200, &json!({"locations": shop.places_json()}))),
        "RetrieveLocation" => context.location(id),
        "ListMerchants" => Ok(Reply::json(200, &json!({"merchant": [shop.merchant_json()]}))),
        "RetrieveMerchant" if id == "me" || id == shop.merchant => {
            Ok(Reply::json(200, &json!({"merchant": shop.merchant_json()})))
        }
        "RetrieveMerchant" => Err(Fail::not_found(id)),
        "ListPayments" => context.list_payments(),
        "GetPayment" => page::single("payment", shop.payments.get(id), id),
        "ListPaymentRefunds" => context.list_refunds(),
        "GetPaymentRefund" => page::single("refund", shop.refunds.get(id), id),
        "SearchOrders" => context.search_orders(),
        "BatchRetrieveOrders" => context.batch_retrieve_orders(),
        "RetrieveOrder" => page::single("order", shop.orders.get(id), id),
        "ListCustomers" => context.list_customers(),
        "SearchCustomers" => context.search_customers(),
        "RetrieveCustomer" => page::single("customer", shop.customers.get(id), id),
        "BulkRetrieveCustomers" => context.bulk_retrieve_customers(),
        "BatchRetrieveCatalogObjects" => context.batch_retrieve_catalog(),
        "SearchCatalogObjects" => context.search_catalog(),
        "ListCatalog" => context.list_catalog(),
        "RetrieveCatalogObject" => context.catalog_object(id),
        "CatalogInfo" => Ok(catalog::info()),
        "ListWebhookEventTypes" => Ok(subscriptions::event_types()),
        "ListWebhookSubscriptions" => Ok(context.list_subscriptions()),
        "CreateWebhookSubscription" => context.create_subscription(),
        "RetrieveWebhookSubscription" => context.subscription(id),
        "UpdateWebhookSubscription" => context.update_subscription(id),
        "DeleteWebhookSubscription" => context.delete_subscription(id),
        "UpdateWebhookSubscriptionSignatureKey" => context.replace_signature_key(id),
        other => Err(Fail::new(501, "NOT_IMPLEMENTED", "", format!("{other} is not part of this stand-in."))),
    }
}

impl Context<'_> {
    fn token_status(&self) -> Reply {
        let given =
            self.call.header("authorization").and_then(|h| h.strip_prefix("Bearer ")).unwrap_or_default();
        let expires = self.state.grant.find(given, self.now).and_then(|(token, _)| token.expires);
        Reply::json(
            200,
            &json!({
                "scopes": self.state.grant.scopes, "merchant_id": self.shop.merchant,
                "expires_at": expires.map_or_else(String::new, clock::rfc3339_short), "client_id": SQUARE_APPLICATION_ID,
            }),
        )
    }

    fn location(&self, id: &str) -> Result<Reply, Fail> {
        let place = self.shop.place(id).and_then(|index| self.shop.places.get(index));
        let place = place.ok_or_else(|| Fail::not_found(id))?;
        Ok(Reply::json(200, &json!({"location": place.json(&self.shop.merchant)})))
    }
}
