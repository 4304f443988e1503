//! What every platform must be able to tell. A new one is a folder in `sources/`.

mod fields;
mod merged;
mod shared;
mod sign_in;
mod webhooks;

use std::any::Any;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::http::Http;
use crate::model::{Customer, Location, Observed, Order, Product, Secret, Store};

pub use fields::{CUSTOMER, FieldLine};
pub use merged::{Merged, Successors};
pub(crate) use shared::Beside;
pub use shared::Shared;
pub use sign_in::{Application, Grant, SignIn};
pub use webhooks::{Notice, Received, Refused, Subscription, Verified, Webhooks, What, is_reference};

/// A call that reached nothing useful, by what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct SourceError {
    /// What to do next.
    pub next: Next,
    /// Stable code, known to `explain`.
    pub code: &'static str,
    /// One line for the operator: which call, which field. Nothing of a record, no token.
    pub detail: String,
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try the same again later.
    Retry,
    /// The page token is of no use any more: begin again at the checkpoint.
    Restart,
    /// Somebody must authorise again, or grant more.
    Reconnect,
    /// The other side will never take this request.
    Reject,
}

/// A code with what it means and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeText {
    /// Stable, as `acme.token_revoked`.
    pub code: &'static str,
    /// What happened.
    pub meaning: &'static str,
    /// What to do.
    pub action: &'static str,
}

/// How to call a store.
#[derive(Clone, Debug)]
pub struct Access {
    /// The platform's address, without a slash at the end.
    pub api_url: String,
    /// The store's token.
    pub token: Secret,
    /// The store's id at the platform.
    pub store: String,
    /// The location to read.
    pub location: Location,
    /// Settings of the connection that change how records are read.
    pub options: ReadOptions,
    /// Profiles that were merged into another one. Orders keep naming the old one.
    pub merged: Merged,
}

/// Settings that change how records are read (rules.md section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// `order_link: receipt` instead of the dashboard.
    pub link_to_receipt: bool,
    /// `orders_without_customer: by_email`.
    pub buyers_by_email: bool,
}

/// The time a window selects on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// When the record was made: history.
    Created,
    /// When it last changed: polls.
    Updated,
}

/// A slice of time of one stream, read in ascending order. Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which time.
    pub field: Field,
    /// First instant.
    pub from: Timestamp,
    /// Last instant, fixed when the run started.
    pub to: Timestamp,
}

/// A platform's cursor: lives minutes and only within one invocation, so it can be neither stored nor printed.
pub struct PageToken(pub(crate) Box<dyn Any + Send>);

/// A page of a window.
pub struct Page<T> {
    /// Everything observed, in ascending order of [`Observed::at`]; records that were looked at because
    /// something of theirs changed, without lying in the window by themselves, carry the `at` of the page's end.
    pub records: Vec<Observed<T>>,
    /// Products the records mention and the catalogue still holds.
    pub products: Vec<Product>,
    /// How to go on; none at the end of the window.
    pub next: Option<PageToken>,
}

/// How many orders a window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Orders counted.
    pub orders: u64,
    /// False when counting stopped early.
    pub exact: bool,
}

/// What a source keeps between pages of one run, so as not to ask twice: people and catalogue.
/// Bounded; forgotten when the run's worker stops.
#[derive(Default)]
pub struct Cache {
    pub(crate) held: Mutex<Option<Box<dyn Any + Send>>>,
    pub(crate) beside: Option<Beside>,
}

impl Cache {
    /// A cache of a run that shares with others. What was asked for before now is not used: it may be older than
    /// the run.
    #[must_use]
    pub fn beside(shared: Arc<Shared>) -> Self {
        Self { held: Mutex::default(), beside: Some(Beside::new(shared)) }
    }
}

/// A platform. Every method reads; nothing is written to a store.
#[async_trait]
pub trait Source: Send + Sync {
    /// The word in keys, commands and routes, as `acme`.
    fn name(&self) -> &'static str;

    /// The name people know, as `Acme`.
    fn title(&self) -> &'static str;

    /// Where production is, without a slash at the end.
    fn default_api_url(&self) -> &'static str;

    /// What the destination's own integration for this platform goes by there, where that is published
    /// (activecampaign.md section 2).
    fn destination_service(&self) -> Option<&'static str>;

    /// Every code this source can answer with.
    fn codes(&self) -> &'static [CodeText];

    /// Which of its fields goes where, ids first. What mapping does not do is not in it, and nothing else is sent.
    fn fields(&self) -> &'static [FieldLine];

    /// The codes that only another authorisation of the store mends; the first one says that it was taken back.
    fn token_codes(&self) -> &'static [&'static str] {
        &[]
    }

    /// How merchants sign in there; none where stores are connected by a token alone.
    fn sign_in(&self) -> Option<&dyn SignIn> {
        None
    }

    /// Proves the token, its scopes, and tells the store with its locations.
    async fn identify(&self, http: &dyn Http, api_url: &str, token: &Secret) -> Result<Store, SourceError>;

    /// Checks that everything the streams need may be read, before anything is set up.
    async fn check_scopes(&self, http: &dyn Http, access: &Access) -> Result<(), SourceError>;

    /// The first instant at which the location sold anything, or none if it never did.
    async fn first_order(&self, http: &dyn Http, access: &Access) -> Result<Option<Timestamp>, SourceError>;

    /// Counts a window's orders in at most `max_calls` calls.
    async fn count_orders(
        &self,
        http: &dyn Http,
        access: &Access,
        window: Window,
        max_calls: u32,
    ) -> Result<Count, SourceError>;

    /// Reads one page of orders with all their parts. `token` is of the page before, in the same invocation.
    async fn read_orders(
        &self,
        http: &dyn Http,
        access: &Access,
        window: Window,
        token: Option<PageToken>,
        cache: &Cache,
    ) -> Result<Page<Order>, SourceError>;

    /// Reads orders by id as they are now. Ids that do not resolve, or are of another location, are left out of
    /// the answer.
    async fn fetch_orders(
        &self,
        http: &dyn Http,
        access: &Access,
        ids: &[String],
        cache: &Cache,
    ) -> Result<Page<Order>, SourceError>;

    /// Reads one page of the store's customers. A window by [`Field::Updated`] is in no order: its
    /// records count only once the whole window was read.
    async fn read_customers(
        &self,
        http: &dyn Http,
        access: &Access,
        window: Window,
        token: Option<PageToken>,
    ) -> Result<Page<Customer>, SourceError>;

    /// Reads customers by id as they are now. Ids that do not resolve are left out of the answer.
    async fn fetch_customers(
        &self,
        http: &dyn Http,
        access: &Access,
        ids: &[String],
    ) -> Result<Vec<Observed<Customer>>, SourceError>;

    /// Reads products by their variants' ids. Ids that do not resolve are left out of the answer.
    async fn fetch_products(
        &self,
        http: &dyn Http,
        access: &Access,
        ids: &[String],
    ) -> Result<Vec<Product>, SourceError>;

    /// Counts the store's customers in one call.
    async fn count_customers(&self, http: &dyn Http, access: &Access) -> Result<u64, SourceError>;

    /// Which of these ids are ids of payments at this store: another tool may have sent orders by them. A call
    /// for each, so few are asked for.
    async fn known_payments(
        &self,
        http: &dyn Http,
        access: &Access,
        ids: &[String],
    ) -> Result<Vec<String>, SourceError>;

    /// What it tells by itself when something changes; none where it tells nothing.
    fn webhooks(&self) -> Option<&dyn Webhooks> {
        None
    }
}
