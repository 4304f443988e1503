//! What Square tells by itself (square.md section 7): the signature, then references.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use crate::http::Http;
use crate::model::Secret;
use crate::source::{
    Access, Field, Notice, Received, Refused, SourceError, Subscription, Verified, Webhooks, What,
    is_reference,
};

use super::api::{Api, ORDERS_RETRIEVE};
use super::assemble::sales;
use super::subscription;
use super::touched;
use super::wire::{List, Text, filled};

/// The header that is checked (square.md section 7.2); the older one, by SHA-1, is not looked at.
const SIGNATURE: &str = "x-square-hmacsha256-signature";
/// References of one event that are taken; a merge names a few.
const MAX_REFERENCES: usize = 100;

/// What is asked for (square.md section 7.5).
const EVENTS: &[&str] = &[
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "oauth.authorization.revoked",
    "order.created",
    "order.fulfillment.updated",
    "order.updated",
    "payment.created",
    "payment.updated",
    "refund.created",
    "refund.updated",
];

/// Square's webhooks.
pub(crate) struct Hooks;

/// True where the header is the signature of address and body by this key (square.md section 7.3). The body is not
/// looked into, and the comparison takes the same time wherever it differs.
fn is_signed(key: &Secret, received: &Received<'_>) -> bool {
    let Some(header) = received.header(SIGNATURE) else { return false };
    if key.is_empty() || received.url.is_empty() || received.raw.is_empty() {
        return false;
    }
    // Strict: 44 letters of the standard alphabet with their padding, or nothing.
    let Ok(signature) = STANDARD.decode(header) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()) else { return false };
    mac.update(received.url.as_bytes());
    mac.update(received.raw);
    mac.verify_slice(&signature).is_ok()
}

/// The envelope. `object` is looked into only where its type is known.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    merchant_id: Option<Text<'a>>,
    #[serde(borrow)]
    location_id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    event_id: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
}

/// The objects by the member they come under; only references are declared, so nothing else can be kept.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    payment: Option<Sold<'a>>,
    #[serde(borrow)]
    refund: Option<Sold<'a>>,
    #[serde(borrow)]
    order_created: Option<Sold<'a>>,
    #[serde(borrow)]
    order_updated: Option<Sold<'a>>,
    #[serde(borrow)]
    order_fulfillment_updated: Option<Sold<'a>>,
    #[serde(borrow)]
    customer: Option<Profile<'a>>,
    #[serde(borrow)]
    event_context: Option<Context<'a>>,
}

#[derive(Deserialize)]
struct Sold<'a> {
    #[serde(borrow)]
    order_id: Option<Text<'a>>,
    #[serde(borrow)]
    location_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Profile<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    event_context: Option<Context<'a>>,
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow)]
    merge: Option<Merge<'a>>,
}

#[derive(Deserialize)]
struct Merge<'a> {
    #[serde(borrow, default)]
    from_customer_ids: List<Text<'a>>,
    #[serde(borrow)]
    to_customer_id: Option<Text<'a>>,
}

fn reference(text: &Option<Text<'_>>) -> Option<String> {
    filled(text).filter(|text| is_reference(text)).map(str::to_owned)
}

pub(crate) fn read(body: &[u8]) -> Option<Notice> {
    let event: Event<'_> = serde_json::from_slice(body).ok()?;
    let kind = filled(&event.kind)?;
    // Some examples come without a zone (square.md section 7.6).
    let at = filled(&event.created_at)
        .and_then(|at| at.parse::<Timestamp>().or_else(|_| format!("{at}Z").parse()).ok());
    let notice = |location, what| {
        Some(Notice {
            store: reference(&event.merchant_id)?,
            location,
            event: reference(&event.event_id)?,
            at,
            what,
        })
    };
    if !EVENTS.contains(&kind) {
        // Nothing is known of what it holds, and nobody asked for it.
        let store = reference(&event.merchant_id).unwrap_or_default();
        let event = reference(&event.event_id).unwrap_or_default();
        return Some(Notice { store, location: None, event, at, what: What::Nothing });
    }
    if kind == "oauth.authorization.revoked" {
        return notice(None, What::Revoked);
    }
    let data = event.data.as_ref()?;
    let object: Object<'_> = serde_json::from_str(data.object?.get()).ok()?;
    if kind.starts_with("customer.") {
        return notice(None, people(data, &object)?);
    }
    let sold = match kind.split_once('.')?.0 {
        "payment" => object.payment,
        "refund" => object.refund,
        _ => object.order_created.or(object.order_updated).or(object.order_fulfillment_updated),
    }?;
    let location = reference(&sold.location_id).or_else(|| reference(&event.location_id));
    let orders = vec![reference(&sold.order_id)?];
    // A refund names the order that gives back, at whichever location; the sale may be of another.
    if kind.starts_with("refund.") {
        return notice(None, What::Returns(orders));
    }
    notice(location, What::Orders(orders))
}

/// A profile, or several that became one (square.md section 5.3).
fn people(data: &Data<'_>, object: &Object<'_>) -> Option<What> {
    let profile = object.customer.as_ref();
    let context = object.event_context.as_ref().or_else(|| profile?.event_context.as_ref());
    if let Some(merge) = context.and_then(|context| context.merge.as_ref()) {
        let new = reference(&merge.to_customer_id)?;
        let from = merge.from_customer_ids.iter().take(MAX_REFERENCES);
        let old: Vec<String> =
            from.filter(|id| is_reference(id) && ***id != *new).map(|id| id.to_string()).collect();
        return (!old.is_empty()).then_some(What::Merged { old, new });
    }
    let id = reference(&data.id).or_else(|| reference(&profile?.id))?;
    Some(What::People(vec![id]))
}

#[async_trait]
impl Webhooks for Hooks {
    fn events(&self) -> &'static [&'static str] {
        EVENTS
    }

    fn verify<'a>(&self, key: &Secret, received: &Received<'a>) -> Result<Verified<'a>, Refused> {
        if is_signed(key, received) { Ok(Verified::of(received.raw)) } else { Err(Refused) }
    }

    fn read(&self, body: &Verified<'_>) -> Option<Notice> {
        read(body.body())
    }

    async fn sales_of(
        &self,
        http: &dyn Http,
        access: &Access,
        returns: &[String],
    ) -> Result<Vec<String>, SourceError> {
        let bodies = touched::retrieve(&Api::of(http, access), returns).await?;
        let mut found = touched::Hints::new();
        for body in &bodies {
            let sold = sales(ORDERS_RETRIEVE, body, Field::Updated, Timestamp::UNIX_EPOCH)?.0;
            touched::sources(&sold, &mut found);
            // A refund on its own names no other sale: then the order may be the sale itself.
            found.extend(sold.iter().map(|sale| (sale.id().to_owned(), sale.at)));
        }
        Ok(found.into_keys().collect())
    }

    async fn subscriptions(
        &self,
        http: &dyn Http,
        api_url: &str,
        token: &Secret,
    ) -> Result<Vec<Subscription>, SourceError> {
        subscription::list(&Api::new(http, api_url, token)).await
    }

    async fn subscribe(
        &self,
        http: &dyn Http,
        api_url: &str,
        token: &Secret,
        (url, once): (&str, &str),
    ) -> Result<Subscription, SourceError> {
        subscription::create(&Api::new(http, api_url, token), EVENTS, url, once).await
    }

    async fn repair(
        &self,
        http: &dyn Http,
        api_url: &str,
        token: &Secret,
        (id, url): (&str, &str),
    ) -> Result<Subscription, SourceError> {
        subscription::update(&Api::new(http, api_url, token), EVENTS, id, url).await
    }

    async fn signature_key(
        &self,
        http: &dyn Http,
        api_url: &str,
        token: &Secret,
        id: &str,
    ) -> Result<Option<Secret>, SourceError> {
        subscription::key(&Api::new(http, api_url, token), id).await
    }
}
