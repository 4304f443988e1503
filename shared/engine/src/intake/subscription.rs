//! What is known of a source's subscription, and seeing to it where the operator gave the token for it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::{Subscription, Webhooks};

use super::place;
use crate::context::Engine;
use crate::fault::Fault;
use crate::message::Work;
use crate::ports::{Key, Lane, Written};
use crate::state::{Connection, ConnectionState, Problem, Row, Tagged, load};

use super::codes::{LOST, SUBSCRIPTION};

/// How often it is noted that something came: a row per message would cost more than the message.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Signature keys that are kept: the one of now and the one before.
const KEYS: usize = 2;
/// Tries to write a row that others write too.
const MAX_TRIES: u32 = 10;

/// What is known of the webhooks of a source, or of one of its stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooked {
    /// When the last message came.
    #[serde(default)]
    pub last: Option<Timestamp>,
    /// When the subscription was looked at.
    #[serde(default)]
    pub looked: Option<Timestamp>,
    /// The platform's id of the subscription, where it is seen to.
    #[serde(default)]
    pub subscription: Option<String>,
    /// The address we gave it: by another one it is somebody else's by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What is wrong.
    #[serde(default)]
    pub problem: Option<Problem>,
}

impl Tagged for Hooked {}

fn key_of_source(source: &str) -> Key {
    Key::new(format!("HOOKS#{source}"), "META")
}

fn key_of_store(source: &str, store: &str) -> Key {
    Key::new(format!("HOOKS#{source}"), format!("STORE#{store}"))
}

/// What is known of a source's webhooks.
///
/// # Errors
/// Of the store.
pub async fn hooked(engine: &Engine, source: &str) -> Result<Hooked, Fault> {
    let row: Option<Row<Hooked>> = load(&*engine.store, key_of_source(source)).await?;
    Ok(row.map_or_else(Hooked::default, |row| row.value))
}

/// What is known of the webhooks of one store.
///
/// # Errors
/// Of the store.
pub async fn hooked_store(engine: &Engine, source: &str, store: &str) -> Result<Hooked, Fault> {
    let row: Option<Row<Hooked>> = load(&*engine.store, key_of_store(source, store)).await?;
    Ok(row.map_or_else(Hooked::default, |row| row.value))
}

/// Changes what is known; false where `change` says that it is as it should be.
async fn know(engine: &Engine, key: Key, change: impl Fn(&mut Hooked) -> bool) -> Result<bool, Fault> {
    for _ in 0..MAX_TRIES {
        let mut row: Row<Hooked> = load(&*engine.store, key.clone())
            .await?
            .unwrap_or_else(|| Row::new(key.clone(), Hooked::default()));
        if !change(&mut row.value) {
            return Ok(false);
        }
        if engine.store.transact(vec![row.put()?]).await? == Written::Done {
            return Ok(true);
        }
    }
    Err(Fault::retry("data.unavailable", "what is known of webhooks is written by others all the time"))
}

/// Notes that a message of a store came: then nothing is lost.
pub(crate) async fn note_notice(
    engine: &Engine,
    (source, store): (&str, &str),
    at: Timestamp,
) -> Result<(), Fault> {
    know(engine, key_of_store(source, store), |known| {
        let fresh = known.last.is_some_and(|last| at.duration_since(last) < NOTED_EVERY);
        if fresh && known.problem.is_none() {
            return false;
        }
        known.last = known.last.max(Some(at));
        known.problem = None;
        true
    })
    .await?;
    Ok(())
}

/// Notes that a poll found changes of `since` and later that nothing had told of. Only where something is to be
/// expected: a message came before, or the subscription is seen to.
pub(crate) async fn note_silence(engine: &Engine, owner: &Connection, since: Timestamp) -> Result<(), Fault> {
    let seen_to = hooked(engine, &owner.source).await?.subscription.is_some();
    let now = engine.now();
    let noted = know(engine, key_of_store(&owner.source, &owner.store), |known| {
        let expected = known.last.is_some() || seen_to;
        if !expected || known.problem.is_some() || known.last.is_some_and(|last| last >= since) {
            return false;
        }
        let detail = match known.last {
            Some(last) => format!("a poll found changes, and the last webhook came at {last}"),
            None => "a poll found changes, and no webhook has come yet".to_owned(),
        };
        known.problem = Some(Problem { code: LOST.to_owned(), detail, since: now });
        true
    })
    .await?;
    if noted {
        tracing::warn!(connection = owner.id, code = LOST, "webhooks do not come");
    }
    Ok(())
}

fn key_owner(source: &str) -> String {
    format!("HOOKKEY#{source}")
}

/// The keys the platform told, newest first.
pub(super) async fn told_keys(engine: &Engine, source: &str) -> Result<Vec<Secret>, Fault> {
    let told = engine.vault.get(&key_owner(source)).await?;
    Ok(told.map_or_else(Vec::new, |told| told.expose().split(',').map(Secret::new).collect()))
}

/// Keeps a key, and the one before it: what is under way was signed with that.
async fn keep_key(engine: &Engine, source: &str, key: &Secret) -> Result<(), Fault> {
    let told = told_keys(engine, source).await?;
    if told.first().is_some_and(|first| first.expose() == key.expose()) {
        return Ok(());
    }
    let others = told.iter().filter(|other| other.expose() != key.expose());
    let all: Vec<&str> = std::iter::once(key).chain(others).take(KEYS).map(Secret::expose).collect();
    Ok(engine.vault.put(&key_owner(source), &Secret::new(&all.join(","))).await?)
}

/// True where the subscription is to be looked at now: the one who asks is the one who looks.
pub(crate) async fn due(engine: &Engine, source: &str) -> Result<bool, Fault> {
    if !engine.config.hooks.owners.contains_key(source) {
        return Ok(false);
    }
    let now = engine.now();
    let every = engine.config.timing.poll_every;
    know(engine, key_of_source(source), |known| {
        // One that lies ahead was written by a clock that was wrong.
        let recent = known.looked.is_some_and(|at| at <= now && now.duration_since(at) < every);
        known.looked = Some(now);
        !recent
    })
    .await
}

/// Looks at the subscription of a source and puts it right. What was missed while it was not is read at once.
pub(crate) async fn look(engine: &Engine, source: &str) -> Result<(), Fault> {
    let Some(hooks) = engine.source(source)?.webhooks() else { return Ok(()) };
    let Some(token) = engine.config.hooks.owners.get(source) else { return Ok(()) };
    let Some(url) = place(engine, source).await? else { return Ok(()) };
    let seen = see_to(engine, (source, hooks), token, &url).await;
    let detail = match &seen {
        Ok(seen) => seen.lacks.clone(),
        Err(fault) => Some(format!("{}: {}", fault.code, fault.detail)),
    };
    if let Some(detail) = &detail {
        tracing::warn!(source, code = SUBSCRIPTION, detail, "the subscription is not as it should be");
    }
    let now = engine.now();
    know(engine, key_of_source(source), |known| {
        if let Ok(seen) = &seen {
            (known.subscription, known.url) = (Some(seen.id.clone()), Some(url.clone()));
        }
        let since = known.problem.as_ref().map_or(now, |before| before.since);
        known.problem = detail.clone().map(|detail| Problem { code: SUBSCRIPTION.to_owned(), detail, since });
        true
    })
    .await?;
    if seen.is_ok_and(|seen| seen.mended) { fill_gap(engine, source).await } else { Ok(()) }
}

struct Seen {
    /// The platform's id of the subscription.
    id: String,
    /// Whether something about it was not as it should be, and is by now.
    mended: bool,
    /// What it still lacks.
    lacks: Option<String>,
}

/// What a subscription lacks to be ours and whole. More events than are asked for harm nothing.
fn lacks(hooks: &dyn Webhooks, one: &Subscription, url: &str) -> Vec<String> {
    let mut all = Vec::new();
    if !one.enabled {
        all.push("it is stopped".to_owned());
    }
    if one.url != url {
        all.push("it has another address".to_owned());
    }
    let is_there = |event: &&str| one.events.iter().any(|there| there == event);
    let missing: Vec<&str> = hooks.events().iter().copied().filter(|event| !is_there(event)).collect();
    if !missing.is_empty() {
        all.push(format!("it does not tell of {}", missing.join(", ")));
    }
    all
}

async fn see_to(
    engine: &Engine,
    (source, hooks): (&str, &dyn Webhooks),
    token: &Secret,
    url: &str,
) -> Result<Seen, Fault> {
    let http = engine.source_http(source, "application", Lane::Live);
    let api_url = engine.api_url(engine.source(source)?);
    let known = hooked(engine, source).await?;
    let all = hooks.subscriptions(&http, &api_url, token).await?;
    // Ours is the one to our address: other programs of the application have their own. One to the address we had before
    // may be that of another installation, from which our data was copied: only where it is stopped does it serve nobody.
    let was_ours = |one: &&Subscription| {
        known.subscription.as_ref() == Some(&one.id) && known.url.as_ref() == Some(&one.url) && !one.enabled
    };
    let ours = all.iter().find(|one| one.url == url && one.enabled);
    let ours = ours.or_else(|| all.iter().find(|one| one.url == url));
    let ours = ours.or_else(|| all.iter().find(was_ours));
    let (subscription, before) = match ours {
        Some(one) => {
            let before = lacks(hooks, one, url);
            let now = match before.is_empty() {
                true => one.clone(),
                false => hooks.repair(&http, &api_url, token, (&one.id, url)).await?,
            };
            (now, Some(before))
        }
        None => {
            let once = engine.new_id();
            (hooks.subscribe(&http, &api_url, token, (url, &once)).await?, None)
        }
    };
    // Asked each time: whoever replaces it at the platform need tell nobody.
    if let Some(key) = hooks.signature_key(&http, &api_url, token, &subscription.id).await? {
        keep_key(engine, source, &key).await?;
    }
    let after = lacks(hooks, &subscription, url);
    // A repair that changed nothing has mended nothing, and another one would not either.
    let mended = before.is_none_or(|before| before != after);
    let lacks = (!after.is_empty())
        .then(|| format!("the subscription to {url} was asked for, and {}", after.join("; ")));
    Ok(Seen { id: subscription.id, mended, lacks })
}

/// Polls every connection of the source now: nothing told of what changed meanwhile.
async fn fill_gap(engine: &Engine, source: &str) -> Result<(), Fault> {
    for one in crate::connections::all(engine).await? {
        if one.source == source && one.state == ConnectionState::Active && one.active_sync {
            engine.send(Lane::Live, &one.id, &[Work::Poll { connection: one.id.clone() }]).await?;
        }
    }
    Ok(())
}
