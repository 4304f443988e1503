//! Going on once a store is authorised again: its connections work, polls are due at once, histories go on where they
//! stopped.

use jiff::Timestamp;

use crate::connections::{all, newest_run};
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::run::resume;
use crate::state::{Connection, ConnectionState, RunKind, RunState, update};

/// The connections of a store.
pub(super) async fn connections(engine: &Engine, of: (&str, &str)) -> Result<Vec<Connection>, Fault> {
    let mut all = all(engine).await?;
    all.retain(|one| (one.source.as_str(), one.store.as_str()) == of);
    Ok(all)
}

/// Whether only another authorisation mends this.
fn is_of_token(engine: &Engine, source: &str, code: &str) -> bool {
    code == "config.missing" || engine.source(source).is_ok_and(|source| source.token_codes().contains(&code))
}

/// Wakes the connections of a store that wait for its token. Those that were woken since `woken` are looked at again: a
/// worker may have ended a run for the token that was.
pub(super) async fn wake(
    engine: &Engine,
    source: &str,
    store: &str,
    woken: Option<Timestamp>,
) -> Result<(), Fault> {
    for one in connections(engine, (source, store)).await? {
        let waits = |one: &Connection| {
            let problem = one.problem.as_ref().filter(|_| one.state == ConnectionState::NeedsReconnect);
            problem.filter(|problem| is_of_token(engine, source, &problem.code)).map(|problem| problem.since)
        };
        let since = waits(&one);
        if since.is_some() {
            let now = engine.now();
            update(&*engine.store, &Connection::key(&one.id), |connection: &mut Connection| {
                if waits(connection).is_some() {
                    connection.state = ConnectionState::Active;
                    connection.problem = None;
                    connection.next_sync = Some(now);
                }
            })
            .await?;
        }
        if let Some(since) = since.or(woken) {
            go_on(engine, &one, since).await?;
        }
    }
    Ok(())
}

/// Takes an unfinished history up again, where it ended for the token's sake after `since`.
async fn go_on(engine: &Engine, one: &Connection, since: Timestamp) -> Result<(), Fault> {
    let newest = match newest_run(engine, &one.id, RunKind::Historical).await {
        Err(fault) if fault.kind == Kind::Usage => return Ok(()),
        newest => newest?,
    };
    let ended = newest.finished.is_some_and(|finished| finished >= since);
    let of_token = newest.problem.as_ref().is_some_and(|problem| {
        problem.code == "connection.inactive" || is_of_token(engine, &one.source, &problem.code)
    });
    if newest.state != RunState::Incomplete || newest.limit.is_some() || !ended || !of_token {
        return Ok(());
    }
    match resume(engine, &one.id).await {
        // Paused meanwhile, or another history was started: that is for whoever did it.
        Err(fault) if fault.kind != Kind::Retry => Ok(()),
        resumed => resumed.map(|_| ()),
    }
}
