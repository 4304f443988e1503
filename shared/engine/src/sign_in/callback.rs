//! The browser is back. Its state is used up before anything else is looked at, and a code is exchanged within the
//! request that brought it: it lives five minutes, so it is never queued or kept.

use tillsync_mapping::model::Secret;
use tillsync_mapping::source::{Grant, SignIn, Source};

use super::enter::session_digest;
use super::place::ended;
use super::query::{Query, Said, unknown};
use super::rows::{Begun, state_key};
use super::{digest, same};
use crate::connect;
use crate::connections;
use crate::context::Engine;
use crate::fault::Fault;
use crate::manage;
use crate::ports::{Lane, Written};
use crate::state::{ConnectionState, Row, load};
use crate::tokens;

/// A sign-in that worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The source's name as people know it.
    pub title: &'static str,
    /// The store that was authorised.
    pub store: String,
    /// The draft that goes on from here.
    pub draft: Option<String>,
    /// The connection that was authorised again.
    pub connection: Option<String>,
}

/// One that did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, and what to do.
    pub fault: Fault,
    /// The path that begins it again, for the browser that began it.
    pub again: Option<String>,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { fault, again: None }
    }
}

/// Ends a sign-in with what the browser brought back.
///
/// # Errors
/// Every code of `sign_in.`, those of the source's exchange, or of the store. Nothing was kept then, unless the
/// store was authorised and its connection alone cannot begin again.
pub async fn callback(
    engine: &Engine,
    source: &str,
    session: Option<&Secret>,
    query: &str,
) -> Result<Signed, Refusal> {
    let source = engine.source(source)?;
    let query = Query::parse(query)?;
    let begun = use_up(engine, query.state()?).await?;
    let session = match session {
        Some(session) => session_digest(engine, session).await?,
        None => None,
    };
    if !session.is_some_and(|session| same(&session, &begun.session)) {
        let detail = "this sign-in was begun in another browser, or its session is over";
        return Err(Fault::usage("sign_in.other_session", detail).into());
    }
    let result = authorise(engine, source, &begun, query).await;
    if let Some((connection, _)) = &begun.connection {
        ended(engine, connection, result.as_ref().err()).await?;
    }
    match result {
        Ok(store) => Ok(Signed {
            title: source.title(),
            store,
            connection: begun.connection.map(|(id, _)| id),
            draft: begun.draft,
        }),
        Err(fault) => {
            if let Some(draft) = &begun.draft {
                connect::refused(engine, draft, &fault).await?;
            }
            Err(Refusal { again: Some(again(&begun)), fault })
        }
    }
}

/// Takes the state out of the world: of all that bring it, one goes on.
async fn use_up(engine: &Engine, state: &str) -> Result<Begun, Fault> {
    let digest = digest(state).ok_or_else(unknown)?;
    let row: Option<Row<Begun>> = load(&*engine.store, state_key(&digest)).await?;
    let mut row = row.ok_or_else(unknown)?;
    let used = || Fault::usage("sign_in.state_used", "the browser came back with this sign-in before");
    if row.value.used {
        return Err(used());
    }
    row.value.used = true;
    match engine.store.transact(vec![row.put()?]).await? {
        Written::Done => Ok(row.value),
        Written::Conflict => Err(used()),
    }
}

/// The store that was authorised.
async fn authorise(
    engine: &Engine,
    source: &'static dyn Source,
    begun: &Begun,
    query: Query,
) -> Result<String, Fault> {
    if begun.source != source.name() {
        let detail = format!("this sign-in was begun at {}", begun.source);
        return Err(Fault::usage("sign_in.other_source", detail));
    }
    if begun.until <= engine.now() {
        return Err(Fault::usage("sign_in.expired", "this sign-in was begun more than 30 minutes ago"));
    }
    let title = source.title();
    let code = match query.said()? {
        Said::Code(code) => Secret::new(&code),
        Said::Denied => return Err(Fault::usage("sign_in.refused", format!("access was denied at {title}"))),
        Said::Failed(word) => {
            return Err(Fault::usage("sign_in.failed_there", format!("{title} answered with {word}")));
        }
    };
    let (sign_in, application) = connect::application(engine, source)?;
    let http = engine.plain_source_http(source.name(), "connecting", Lane::Live);
    let api_url = engine.api_url(source);
    let grant = sign_in.exchange(&http, &api_url, application, &code, &begun.redirect).await?;
    if let Some((connection, store)) = &begun.connection
        && *store != grant.store
    {
        let name =
            connections::find(engine, connection).await.map_or_else(|_| connection.clone(), |it| it.name);
        put_back(engine, source, sign_in, &grant).await?;
        let detail = format!("{name} is a connection of another store than the one that was authorised");
        return Err(Fault::usage("sign_in.other_store", detail));
    }
    if let Some(draft) = &begun.draft {
        connect::is_open(engine, draft, source.name()).await?;
        // Whoever ends the store's last connection at this moment leaves it what it needs.
        tokens::claim(engine, (source.name(), &grant.store), draft).await?;
    }
    tokens::keep(engine, source.name(), &grant).await?;
    if let Some((connection, _)) = &begun.connection {
        begin_again(engine, connection).await?;
    }
    if let Some(draft) = &begun.draft {
        connect::signed(engine, draft, &grant.store).await?;
    }
    Ok(grant.store)
}

/// Signing in for a connection that was disconnected begins it again: it was waiting for nothing else. Where its
/// destination does not take it now, the authorisation is kept, and `reconnect` begins it.
async fn begin_again(engine: &Engine, id: &str) -> Result<(), Fault> {
    let there = connections::find(engine, id).await?;
    if there.state == ConnectionState::Disconnected {
        manage::reconnect(engine, id).await.map_err(|fault| {
            let detail =
                format!("the store is authorised, but {} stays disconnected: {}", there.name, fault.detail);
            Fault { detail, ..fault }
        })?;
    }
    Ok(())
}

/// An authorisation nobody asked for is given back, unless its store is connected: that would end what works, since
/// giving back takes all tokens of the store.
async fn put_back(
    engine: &Engine,
    source: &dyn Source,
    sign_in: &dyn SignIn,
    grant: &Grant,
) -> Result<(), Fault> {
    let in_use = !connections::of_store(engine, (source.name(), &grant.store)).await?.is_empty();
    if in_use || engine.vault.get(&tokens::owner(source.name(), &grant.store)).await?.is_some() {
        return Ok(());
    }
    let Some(application) = engine.config.applications.get(source.name()) else { return Ok(()) };
    let http = engine.plain_source_http(source.name(), "connecting", Lane::Live);
    let api_url = engine.api_url(source);
    if let Err(error) = sign_in.revoke(&http, &api_url, application, &grant.access, &grant.store).await {
        // It is kept nowhere, so it is of no use to anybody; the seller sees it in the list of applications.
        tracing::warn!(code = error.code, "an authorisation that is not kept could not be given back");
    }
    Ok(())
}

/// Where the same is begun again.
fn again(begun: &Begun) -> String {
    let source = &begun.source;
    match (&begun.connection, &begun.draft) {
        (Some((connection, _)), _) => format!("/oauth/{source}/start?connection={connection}"),
        (None, Some(draft)) => format!("/oauth/{source}/start?draft={draft}"),
        (None, None) => format!("/oauth/{source}/start"),
    }
}
