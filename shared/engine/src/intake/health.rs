//! How the webhooks of a connection are, for whoever asks and for alerts.

use super::codes::BY_HAND;
use super::{address, hooked, hooked_store, subscription};
use crate::context::Engine;
use crate::doctor::Check;
use crate::fault::Fault;
use crate::state::{Connection, Problem};

/// What is wrong with the webhooks of a connection's store or source.
pub(crate) async fn trouble(engine: &Engine, one: &Connection) -> Result<Option<Problem>, Fault> {
    if let Some(problem) = hooked(engine, &one.source).await?.problem {
        return Ok(Some(problem));
    }
    Ok(hooked_store(engine, &one.source, &one.store).await?.problem)
}

/// The line of a connection's webhooks; none for a source that sends none.
pub(crate) async fn check(engine: &Engine, one: &Connection) -> Result<Option<Check>, Fault> {
    const WHAT: &str = "webhooks";
    let Some(hooks) = engine.source(&one.source)?.webhooks() else { return Ok(None) };
    let given = engine.config.hooks.keys.get(&one.source).is_some_and(|keys| !keys.is_empty());
    let told = !subscription::told_keys(engine, &one.source).await?.is_empty();
    let seen_to = engine.config.hooks.owners.contains_key(&one.source);
    let is_public = engine.config.public_url.starts_with("https://");
    if !is_public && !given && !told {
        return Ok(Some(Check::ok(WHAT, "none, as there is no public https address: changes come by polls")));
    }
    if let Some(problem) = trouble(engine, one).await? {
        return Ok(Some(Check::warn(WHAT, problem.detail).with(&problem.code)));
    }
    let url = address(engine, &one.source).await?;
    if !given && !told {
        let Some(url) = url else {
            return Ok(Some(Check::ok(WHAT, "none yet: their address is made when `serve` starts")));
        };
        if seen_to {
            return Ok(Some(Check::ok(WHAT, format!("the subscription to {url} is made at the next poll"))));
        }
        let setting = format!("TILLSYNC_{}_WEBHOOK_KEY", one.source.to_uppercase());
        let events = hooks.events().join(", ");
        let detail = format!(
            "changes come by polls alone. Create a webhook subscription to {url} for the events {events}; then give its \
             signature key as {setting}"
        );
        return Ok(Some(Check::warn(WHAT, detail).with(BY_HAND)));
    }
    let last = hooked_store(engine, &one.source, &one.store).await?.last;
    Ok(Some(Check::ok(
        WHAT,
        match last {
            Some(last) => format!("the last came at {last}"),
            None => "none has come yet".to_owned(),
        },
    )))
}
