//! The application's webhook subscriptions (square.md section 7.1).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Context;
use super::error::Fail;
use crate::clock;
use crate::events::TYPES;
use crate::http::Reply;
use crate::rng::Rng;

/// The personal access token of the application's owner.
pub const SQUARE_PERSONAL_TOKEN: &str = "standin-personal-token-00000000000000000000000000000000000000";

/// One subscription.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) name: Value,
    pub(crate) enabled: bool,
    pub(crate) events: Vec<String>,
    pub(crate) url: String,
    pub(crate) version: Value,
    pub(crate) key: String,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    all: Vec<Subscription>,
    /// What was asked for under a key, and which came of it.
    once: BTreeMap<String, (String, String)>,
    rng: Rng,
}

impl Subscription {
    /// As it is listed; only the answer for one holds its key.
    fn json(&self, with_key: bool) -> Value {
        // Not RFC 3339, whatever the description says.
        let time = |at: i64| clock::rfc3339_short(at).replace('T', " ").replace('Z', " +0000 UTC");
        let mut json = json!({
            "id": self.id, "name": self.name, "enabled": self.enabled, "event_types": self.events,
            "notification_url": self.url, "api_version": self.version, "created_at": time(self.created),
            "updated_at": time(self.updated),
        });
        if with_key {
            json["signature_key"] = json!(self.key);
        }
        json
    }
}

impl Subscriptions {
    pub(crate) fn new(seed: u64) -> Self {
        Self { all: Vec::new(), once: BTreeMap::new(), rng: Rng::new(seed ^ 0x5B5C) }
    }

    /// Who is to be told of an event.
    pub(crate) fn of(&self, kind: &str) -> impl Iterator<Item = &Subscription> {
        self.all.iter().filter(move |one| one.enabled && one.events.iter().any(|event| event == kind))
    }

    pub(crate) fn json(&self) -> Value {
        self.all.iter().map(|one| one.json(true)).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
    }

    /// As somebody makes or changes one in the developer console.
    pub(crate) fn by_hand(&mut self, asked: &Value) -> Result<Value, String> {
        if let Some(id) = asked["id"].as_str() {
            let one = self.all.iter_mut().find(|one| one.id == id).ok_or("no such subscription")?;
            lay(one, asked);
            return Ok(one.json(true));
        }
        let url = asked["url"].as_str().ok_or("url is missing")?;
        let events = asked["events"].as_array().ok_or("events are missing")?;
        let events = events.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(self.make(json!("by hand"), events, url.to_owned(), Value::Null).json(true))
    }

    fn make(&mut self, name: Value, events: Vec<String>, url: String, version: Value) -> &Subscription {
        let id = format!("wbhk_{:016x}{:016x}", self.rng.next(), self.rng.next());
        let key = self.rng.id("", 22);
        let now = clock::now();
        let (created, updated, enabled) = (now, now, true);
        let at = self.all.len();
        self.all.push(Subscription { id, name, enabled, events, url, version, key, created, updated });
        &self.all[at]
    }

    fn find(&mut self, id: &str) -> Result<&mut Subscription, Fail> {
        self.all.iter_mut().find(|one| one.id == id).ok_or_else(|| Fail::not_found(id))
    }
}

fn lay(one: &mut Subscription, asked: &Value) {
    if let Some(enabled) = asked["enabled"].as_bool() {
        one.enabled = enabled;
    }
    if let Some(name) = asked["name"].as_str() {
        one.name = json!(name);
    }
    let url = asked["notification_url"].as_str().or(asked["url"].as_str());
    if let Some(url) = url {
        url.clone_into(&mut one.url);
    }
    let events = asked["event_types"].as_array().or(asked["events"].as_array());
    if let Some(events) = events {
        one.events = events.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    one.updated = clock::now();
}

/// Addresses are public and over TLS; this machine stands in for that.
fn checked(asked: &Value, whole: bool) -> Result<(), Fail> {
    let field = |name: &str| format!("subscription.{name}");
    let url = asked["notification_url"].as_str();
    let fine = |url: &str| url.starts_with("https://") || url.starts_with("http://127.0.0.1:");
    if url.map_or(whole, |url| !fine(url)) {
        return Err(Fail::bad("INVALID_VALUE", &field("notification_url"), "Give an https address."));
    }
    let events = asked["event_types"].as_array();
    let known = |event: &Value| event.as_str().is_some_and(|event| TYPES.contains(&event));
    if events.map_or(whole, |events| events.is_empty() || !events.iter().all(known)) {
        return Err(Fail::bad("INVALID_VALUE", &field("event_types"), "Unknown event type."));
    }
    Ok(())
}

pub(super) fn event_types() -> Reply {
    Reply::json(200, &json!({"event_types": TYPES}))
}

impl Context<'_> {
    pub(super) fn list_subscriptions(&self) -> Reply {
        let disabled = self.call.param("include_disabled") == Some("true");
        let all = self.state.subscriptions.all.iter().filter(|one| one.enabled || disabled);
        let all: Vec<Value> = all.map(|one| one.json(false)).collect();
        // Where there is none, the member is left out.
        Reply::json(200, &if all.is_empty() { json!({}) } else { json!({"subscriptions": all}) })
    }

    pub(super) fn create_subscription(&mut self) -> Result<Reply, Fail> {
        let asked = self.body["subscription"].clone();
        checked(&asked, true)?;
        let once = self.body["idempotency_key"].as_str().map(str::to_owned);
        let text = asked.to_string();
        let subscriptions = &mut self.state.subscriptions;
        if let Some((before, id)) = once.as_ref().and_then(|once| subscriptions.once.get(once)).cloned() {
            if before != text {
                let detail = "The idempotency key was used with another body.";
                return Err(Fail::bad("IDEMPOTENCY_KEY_REUSED", "idempotency_key", detail));
            }
            let one = subscriptions.find(&id)?;
            return Ok(Reply::json(200, &json!({"subscription": one.json(true)})));
        }
        let events = asked["event_types"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let withheld = &self.settings.webhook_withheld;
        let events =
            events.filter(|event| !withheld.iter().any(|one| one == event)).map(str::to_owned).collect();
        let url = asked["notification_url"].as_str().unwrap_or_default().to_owned();
        let one =
            subscriptions.make(asked["name"].clone(), events, url, asked["api_version"].clone()).clone();
        subscriptions.once.extend(once.map(|once| (once, (text, one.id.clone()))));
        Ok(Reply::json(200, &json!({"subscription": one.json(true)})))
    }

    pub(super) fn subscription(&mut self, id: &str) -> Result<Reply, Fail> {
        let one = self.state.subscriptions.find(id)?;
        Ok(Reply::json(200, &json!({"subscription": one.json(true)})))
    }

    pub(super) fn update_subscription(&mut self, id: &str) -> Result<Reply, Fail> {
        let asked = self.body["subscription"].clone();
        checked(&asked, false)?;
        let withheld = &self.settings.webhook_withheld;
        let one = self.state.subscriptions.find(id)?;
        lay(one, &asked);
        one.events.retain(|event| !withheld.contains(event));
        Ok(Reply::json(200, &json!({"subscription": one.json(false)})))
    }

    pub(super) fn delete_subscription(&mut self, id: &str) -> Result<Reply, Fail> {
        self.state.subscriptions.find(id)?;
        self.state.subscriptions.all.retain(|one| one.id != id);
        Ok(Reply::json(200, &json!({})))
    }

    pub(super) fn replace_signature_key(&mut self, id: &str) -> Result<Reply, Fail> {
        let key = self.state.subscriptions.rng.id("", 22);
        self.state.subscriptions.find(id)?.key.clone_from(&key);
        Ok(Reply::json(200, &json!({"signature_key": key})))
    }
}
