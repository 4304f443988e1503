//! What an operator changes about a connection by an event, and what only looks: find, preview, doctor.

use serde_json::{Value, json};

use super::event::{Doctor, Erase, Find, Moving, Of, Preview, Rename, SetOne};
use super::operator::Credentials;
use crate::context::Engine;
use crate::doctor::{Scope, examine};
use crate::erase::{self, erase};
use crate::fault::Fault;
use crate::intake::Addresses;
use crate::manage::Changed;
use crate::run::BackfillRequest;
use crate::{connections, find, manage, preview, shapes, tokens};

/// A change that takes nothing but the connection.
pub(super) async fn change(
    engine: &Engine,
    of: &Of,
    with: impl AsyncFn(&Engine, &str) -> Result<Changed, Fault>,
) -> Result<Value, Fault> {
    let connection = connections::find(engine, &of.connection).await?;
    let changed = with(engine, &connection.id).await?;
    Ok(shapes::changed(&changed, &Addresses::load(engine).await))
}

pub(super) async fn rename(engine: &Engine, what: &Rename) -> Result<Value, Fault> {
    let connection = connections::find(engine, &what.connection).await?;
    let changed = manage::rename(engine, &connection.id, &what.name).await?;
    Ok(shapes::changed(&changed, &Addresses::load(engine).await))
}

pub(super) async fn set(engine: &Engine, what: &SetOne) -> Result<Value, Fault> {
    let connection = connections::find(engine, &what.connection).await?;
    let value = match &what.value {
        Value::String(text) => text.clone(),
        // 24, say.
        other => other.to_string(),
    };
    let set = manage::set(engine, &connection.id, what.setting.trim(), value.trim()).await?;
    Ok(shapes::set(&set, &Addresses::load(engine).await))
}

pub(super) async fn move_destination(
    engine: &Engine,
    what: &Moving,
    credentials: &dyn Credentials,
) -> Result<Value, Fault> {
    let connection = connections::find(engine, &what.connection).await?;
    let key = credentials.destination_key().await?;
    let url = what.destination_url.as_deref();
    Ok(shapes::moved(&manage::set_destination(engine, &connection.id, url, key).await?))
}

pub(super) async fn forget(engine: &Engine, what: &Erase) -> Result<Value, Fault> {
    let scope = match (&what.connection, &what.store) {
        (Some(connection), None) => erase::Scope::Connection(connection.clone()),
        (None, Some(store)) => erase::Scope::Store(store.clone()),
        _ => return Err(Fault::usage("event.invalid", "erase: give either connection or store")),
    };
    Ok(shapes::erased(&erase(engine, &scope, &what.address).await?))
}

pub(super) async fn search(engine: &Engine, what: &Find) -> Result<Value, Fault> {
    let found = find::find(engine, &what.text).await?;
    let next = |hit: &find::Hit| json!({"action": "record", "connection": hit.connection, "stream": hit.stream, "id": hit.id});
    Ok(shapes::finds(&found, next))
}

pub(super) async fn look_ahead(engine: &Engine, what: &Preview) -> Result<Value, Fault> {
    let connection = connections::find(engine, &what.connection).await?;
    let request = BackfillRequest::default();
    let preview = preview::preview(engine, &connection.id, &request, what.order.as_deref()).await?;
    Ok(shapes::preview(&preview))
}

/// The queues are left to the alarms: this host's operators' function may not look at all of them.
pub(super) async fn doctor(engine: &Engine, what: &Doctor) -> Result<Value, Fault> {
    let scope = Scope { queues: false, platforms: !what.offline };
    let report = examine(engine, scope).await?;
    Ok(shapes::report(&report))
}

pub(super) async fn rotate_key(engine: &Engine) -> Result<Value, Fault> {
    Ok(shapes::resealed(&tokens::rotate(engine).await?))
}
