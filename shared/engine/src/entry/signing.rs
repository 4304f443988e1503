//! Signing in by events: one answers with a link, one connects what somebody signed in for.

use serde_json::{Value, json};

use super::connecting::finished;
use super::event::{ConnectSigned, SignIn};
use super::operator::Credentials;
use crate::connect;
use crate::context::Engine;
use crate::fault::Fault;
use crate::{connections, sign_in as signing};

/// Minutes a link works.
const MINUTES: u32 = 15;

pub(super) async fn sign_in(engine: &Engine, what: &SignIn) -> Result<Value, Fault> {
    let invalid = |detail: &str| Err(Fault::usage("event.invalid", detail));
    let (source, query, named) = match (&what.source, &what.connection, &what.draft) {
        (_, Some(connection), None) => {
            let found = connections::find(engine, connection).await?;
            (found.source.clone(), format!("connection={}", found.id), json!({"connection": found.id}))
        }
        (_, None, Some(draft)) => {
            let source = connect::going_on(engine, draft).await?.request.source;
            (source, format!("draft={draft}"), json!({"draft": draft}))
        }
        (Some(source), None, None) => {
            let draft = connect::open(engine, source).await?;
            (source.clone(), format!("draft={draft}"), json!({"draft": draft}))
        }
        (_, Some(_), Some(_)) => return invalid("sign_in: give a connection or a draft"),
        (None, None, None) => return invalid("sign_in: give a source, a connection or a draft"),
    };
    connect::application(engine, engine.source(&source)?)?;
    let link = signing::invite(engine, &format!("/oauth/{source}/start?{query}")).await?;
    let mut answer = json!({
        "ok": true, "link": link.expose(), "minutes": MINUTES,
        "help": "Open the link in a browser and allow access. It works once, and is as good as a password until then.",
    });
    if let (Some(answer), Some(named)) = (answer.as_object_mut(), named.as_object()) {
        answer.extend(named.clone());
    }
    if let Some(draft) = answer["draft"].as_str().map(str::to_owned) {
        answer["next"] = json!({"action": "connect_oauth", "draft": draft});
    }
    Ok(answer)
}

pub(super) async fn connect(
    engine: &Engine,
    what: &ConnectSigned,
    credentials: &dyn Credentials,
) -> Result<Value, Fault> {
    let key = credentials.destination_key().await?;
    if [&what.name, &what.destination_url, &what.draft].iter().any(|text| text.trim() == key.expose()) {
        return Err(Fault::usage("event.secret", "a member of the event is the key itself"));
    }
    let draft = what.draft.as_str();
    // Without a location the refusal lists those there are.
    connect::choose_location(engine, draft, what.location.as_deref().unwrap_or_default()).await?;
    let kind = what.connection_type.as_deref();
    connect::choose_destination(engine, draft, (&what.destination_url, &key), kind).await?;
    connect::match_ids(engine, draft, what.customer_id.as_deref()).await?;
    let history = what.history.as_deref().unwrap_or("all");
    let polled = what.active_sync.unwrap_or(true);
    connect::choose_name(engine, draft, (&what.name, history), polled).await?;
    finished(engine, draft, what.start).await
}
