//! A one-time link, and the session it makes.

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::model::Secret;

use super::rows::{LINK, Link, SESSION, Session, link_key, session_key};
use super::{digest, random};
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::Written;
use crate::state::{Row, load};

/// A browser that came by a link.
#[derive(Clone, Debug)]
pub struct Entered {
    /// What it is to show from now on, as a cookie.
    pub session: Secret,
    /// How long that is taken.
    pub lasts: SignedDuration,
    /// The path to go on to.
    pub next: String,
}

pub(super) fn after(engine: &Engine, time: SignedDuration) -> Timestamp {
    engine.now().saturating_add(time).unwrap_or(engine.now())
}

/// A link that works once, within 15 minutes, and leads to `next`, a path of ours. It is as good as a password.
///
/// # Errors
/// Of the store, or where the system gives no random numbers.
pub async fn invite(engine: &Engine, next: &str) -> Result<Secret, Fault> {
    let token = random(engine)?;
    let link = Link { next: next.to_owned(), until: after(engine, LINK) };
    let digest = digest(token.expose()).ok_or_else(no_randomness)?;
    engine.store.transact(vec![Row::new(link_key(&digest), link).put()?]).await?;
    Ok(Secret::new(&format!("{}/enter/{}", engine.config.public_url.trim_end_matches('/'), token.expose())))
}

/// Uses a link up and begins a session.
///
/// # Errors
/// `sign_in.link_unknown`, or of the store.
pub async fn enter(engine: &Engine, token: &Secret) -> Result<Entered, Fault> {
    let unknown = || {
        Fault::usage(
            "sign_in.link_unknown",
            "the link is not known here, was used, or its 15 minutes are over",
        )
    };
    let digest_of_link = digest(token.expose()).ok_or_else(unknown)?;
    let row: Row<Link> = load(&*engine.store, link_key(&digest_of_link)).await?.ok_or_else(unknown)?;
    let session = random(engine)?;
    let digest_of_session = digest(session.expose()).ok_or_else(no_randomness)?;
    let kept = Row::new(session_key(&digest_of_session), Session { until: after(engine, SESSION) });
    // One of two browsers with the same link gets a session.
    match engine.store.transact(vec![row.delete(), kept.put()?]).await? {
        Written::Done => Ok(Entered { session, lasts: SESSION, next: row.value.next }),
        Written::Conflict => Err(unknown()),
    }
}

/// Whether a browser has a session that lasts.
///
/// # Errors
/// Of the store.
pub async fn is_session(engine: &Engine, session: &Secret) -> Result<bool, Fault> {
    Ok(session_digest(engine, session).await?.is_some())
}

/// The digest of a session that lasts.
pub(super) async fn session_digest(engine: &Engine, session: &Secret) -> Result<Option<String>, Fault> {
    let Some(digest) = digest(session.expose()) else { return Ok(None) };
    let row: Option<Row<Session>> = load(&*engine.store, session_key(&digest)).await?;
    Ok(row.map(|_| digest))
}

pub(super) fn no_randomness() -> Fault {
    Fault::retry("data.unavailable", "the system gives no random numbers")
}
