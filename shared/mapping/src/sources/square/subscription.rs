//! The application's webhook subscription (square.md section 7.1). It belongs to the application and not to a seller:
//! only the personal access token of the application's owner may see or change it.

use serde::Deserialize;
use serde_json::json;

use crate::model::Secret;
use crate::source::{SourceError, Subscription};

use super::api::{
    Api, Call, SQUARE_VERSION, SUBSCRIPTIONS_CREATE, SUBSCRIPTIONS_GET, SUBSCRIPTIONS_LIST,
    SUBSCRIPTIONS_UPDATE, decode, segment,
};
use super::errors::{endless, unreadable};
use super::pages::cursor_of;
use super::wire::{List, Text, filled};

const PATH: &str = "/v2/webhooks/subscriptions";
/// By which people know it in the developer console.
const NAME: &str = "tillsync";
/// An idempotency key has so many letters at the most (square.md section 7.1).
const MAX_ONCE: usize = 45;
/// Pages of subscriptions that are read; an application has a few.
const MOST_PAGES: usize = 20;

#[derive(Deserialize)]
struct ListAnswer<'a> {
    #[serde(borrow, default)]
    subscriptions: List<Entry<'a>>,
    #[serde(borrow)]
    cursor: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct OneAnswer<'a> {
    #[serde(borrow)]
    subscription: Option<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    enabled: Option<bool>,
    #[serde(borrow, default)]
    event_types: List<Text<'a>>,
    #[serde(borrow)]
    notification_url: Option<Text<'a>>,
    #[serde(borrow)]
    signature_key: Option<Text<'a>>,
}

fn known(entry: &Entry<'_>) -> Option<Subscription> {
    Some(Subscription {
        id: filled(&entry.id)?.to_owned(),
        url: filled(&entry.notification_url).unwrap_or_default().to_owned(),
        events: entry.event_types.iter().map(|event| event.to_string()).collect(),
        enabled: entry.enabled != Some(false),
    })
}

pub(crate) async fn list(api: &Api<'_>) -> Result<Vec<Subscription>, SourceError> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let more = cursor.as_deref().map_or(String::new(), |cursor| format!("&cursor={}", segment(cursor)));
        let path = format!("{PATH}?include_disabled=true&limit=100{more}");
        let body = api.get(SUBSCRIPTIONS_LIST, &path).await?;
        let answer: ListAnswer<'_> = decode(SUBSCRIPTIONS_LIST, &body)?;
        all.extend(answer.subscriptions.iter().filter_map(known));
        cursor = cursor_of(&answer.cursor);
        if cursor.is_none() {
            return Ok(all);
        }
    }
    Err(endless(SUBSCRIPTIONS_LIST.operation))
}

pub(crate) async fn create(
    api: &Api<'_>,
    events: &[&str],
    url: &str,
    once: &str,
) -> Result<Subscription, SourceError> {
    let once: String = once.chars().take(MAX_ONCE).collect();
    let subscription = json!({
        "name": NAME, "event_types": events, "notification_url": url, "api_version": SQUARE_VERSION,
    });
    let body = json!({"idempotency_key": once, "subscription": subscription});
    one(SUBSCRIPTIONS_CREATE, &api.post(SUBSCRIPTIONS_CREATE, PATH, &body).await?)
}

pub(crate) async fn update(
    api: &Api<'_>,
    events: &[&str],
    id: &str,
    url: &str,
) -> Result<Subscription, SourceError> {
    let subscription = json!({"enabled": true, "event_types": events, "notification_url": url});
    let path = format!("{PATH}/{}", segment(id));
    let body = json!({"subscription": subscription});
    one(SUBSCRIPTIONS_UPDATE, &api.put(SUBSCRIPTIONS_UPDATE, &path, &body).await?)
}

fn one(call: Call, body: &[u8]) -> Result<Subscription, SourceError> {
    let answer: OneAnswer<'_> = decode(call, body)?;
    let known = answer.subscription.as_ref().and_then(known);
    known.ok_or_else(|| unreadable(call.operation, "without a subscription"))
}

/// Only the answer for one subscription holds its key.
pub(crate) async fn key(api: &Api<'_>, id: &str) -> Result<Option<Secret>, SourceError> {
    let body = api.get(SUBSCRIPTIONS_GET, &format!("{PATH}/{}", segment(id))).await?;
    let answer: OneAnswer<'_> = decode(SUBSCRIPTIONS_GET, &body)?;
    let key = answer.subscription.as_ref().and_then(|entry| filled(&entry.signature_key));
    Ok(key.map(Secret::new))
}
