//! Sending the browser to the source.

use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Source;

use super::enter::{after, no_randomness, session_digest};
use super::rows::{Begun, STATE, state_key};
use super::{digest, random};
use crate::connect;
use crate::connections;
use crate::context::Engine;
use crate::fault::Fault;
use crate::state::{ConnectionState, Row};

/// What a sign-in is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Something new: a draft is made for it.
    New,
    /// A draft that waits for it.
    Draft(String),
    /// A connection, by id, that is to be authorised again.
    Connection(String),
}

/// Letters of an id, ours or a name.
const LONGEST_ID: usize = 64;

impl Intent {
    /// What the query of a start asks for: nothing, `draft=ID` or `connection=ID`.
    ///
    /// # Errors
    /// `sign_in.malformed`, `sign_in.too_long`.
    pub fn read(query: &str) -> Result<Self, Fault> {
        let (name, id) = match query.split_once('=') {
            None if query.is_empty() => return Ok(Self::New),
            None => (query, ""),
            Some(pair) => pair,
        };
        if id.len() > LONGEST_ID {
            return Err(Fault::usage("sign_in.too_long", "the address is longer than an id needs"));
        }
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match name {
            "draft" if is_id => Ok(Self::Draft(id.to_owned())),
            "connection" if is_id => Ok(Self::Connection(id.to_owned())),
            _ => Err(Fault::usage(
                "sign_in.malformed",
                "a start takes draft=ID or connection=ID, and one of them",
            )),
        }
    }
}

/// The address the source sends browsers to: registered there by the letter.
#[must_use]
pub fn redirect(engine: &Engine, source: &dyn Source) -> String {
    format!("{}/oauth/{}/callback", engine.config.public_url.trim_end_matches('/'), source.name())
}

/// Begins a sign-in; the address at the source to send the browser to.
///
/// # Errors
/// `sign_in.session_missing`, `sign_in.not_supported`, `config.missing` where the application is not set,
/// `source.unknown`, `connection.unknown`, `draft.unknown`, `draft.finished`, `connection.over`
/// for a deleted connection.
pub async fn begin(
    engine: &Engine,
    session: Option<&Secret>,
    source: &str,
    intent: Intent,
) -> Result<String, Fault> {
    let session = match session {
        Some(session) => session_digest(engine, session).await?,
        None => None,
    };
    let session = session
        .ok_or_else(|| Fault::usage("sign_in.session_missing", "this browser came by no sign-in link"))?;
    let source = engine.source(source)?;
    let (sign_in, application) = connect::application(engine, source)?;
    let (connection, draft) = match intent {
        Intent::New => (None, Some(connect::open(engine, source.name()).await?)),
        Intent::Draft(id) => {
            connect::is_open(engine, &id, source.name()).await?;
            (None, Some(id))
        }
        Intent::Connection(id) => {
            let found = connections::find(engine, &id).await?;
            if found.source != source.name() {
                let detail = format!("{} is a connection of {}", found.name, found.source);
                return Err(Fault::usage("connection.unknown", detail));
            }
            if found.state == ConnectionState::Deleted {
                let detail = format!("{} is deleted: connect its location again", found.name);
                return Err(Fault::usage("connection.over", detail));
            }
            (Some((found.id, found.store)), None)
        }
    };
    let redirect = redirect(engine, source);
    let state = random(engine)?;
    let until = after(engine, STATE);
    let url = sign_in.authorize_url(&engine.api_url(source), application, state.expose(), &redirect);
    let begun =
        Begun { session, source: source.name().to_owned(), redirect, connection, draft, until, used: false };
    let digest = digest(state.expose()).ok_or_else(no_randomness)?;
    engine.store.transact(vec![Row::new(state_key(&digest), begun).put()?]).await?;
    Ok(url)
}
