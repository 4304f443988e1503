//! Giving an authorisation up: the platform said that it is of no use any more.

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::model::Secret;

use super::platform::granted_at;
use super::row::change;
use super::{Authorisation, owner};
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::ports::{Condition, Lane, Written};
use crate::state::{Connection, ConnectionState, Problem, update};

/// Tries to write what others write too.
const MAX_TRIES: u32 = 10;
/// Two clocks are not compared closer than this.
const CLOSE: SignedDuration = SignedDuration::from_mins(1);

/// Stops the authorisation whose token is `used`, and every connection that works by it. One that was obtained since
/// stays as it is; then this is false.
///
/// # Errors
/// Of the vault and the store.
pub(super) async fn stop(
    engine: &Engine,
    of: (&str, &str),
    used: &Secret,
    fault: &Fault,
) -> Result<bool, Fault> {
    let owner = owner(of.0, of.1);
    let problem = Problem { code: fault.code.to_owned(), detail: fault.detail.clone(), since: engine.now() };
    let mut is_stopped = false;
    for _ in 0..MAX_TRIES {
        let Some(held) = engine.vault.held(&owner).await? else { break };
        let mut authorisation = Authorisation::read(&held.secret)?;
        if authorisation.access.expose() != used.expose() {
            return Ok(false);
        }
        if authorisation.stopped.is_none() {
            authorisation.stopped = Some(problem.clone());
            let sealed = authorisation.sealed()?;
            if engine.vault.put_if(&owner, &sealed, Condition::Rev(held.rev)).await? == Written::Conflict {
                continue;
            }
        }
        is_stopped = true;
        break;
    }
    if !is_stopped {
        return Ok(false);
    }
    let now = engine.now();
    change(engine, of, |row| (row.stopped, row.asked) = (true, Some(now))).await?;
    for one in super::wake::connections(engine, of).await? {
        update(&*engine.store, &Connection::key(&one.id), |connection: &mut Connection| {
            if connection.state == ConnectionState::Active {
                connection.state = ConnectionState::NeedsReconnect;
                connection.problem = Some(problem.clone());
            }
        })
        .await?;
    }
    let (code, detail) = (fault.code, &fault.detail);
    tracing::warn!(source = of.0, store = of.1, code, detail, "an authorisation is of no use any more");
    Ok(true)
}

/// What a run was told at last about a token that somebody's call was refused with: where only another authorisation mends
/// it, every connection of the store is told, and not this one alone.
/// False where a newer one is stored by now: then this one needs nobody either.
///
/// # Errors
/// Of the vault and the store.
pub(crate) async fn refused_at_last(engine: &Engine, id: &str, fault: &Fault) -> Result<bool, Fault> {
    if fault.kind != Kind::Reconnect {
        return Ok(true);
    }
    let connection = crate::run::connection(&*engine.store, id).await?.value;
    let Ok(source) = engine.source(&connection.source) else { return Ok(true) };
    if !source.token_codes().contains(&fault.code) {
        return Ok(true);
    }
    match engine.take_refused(&connection.store_owner()) {
        Some(used) => stop(engine, (&connection.source, &connection.store), &used, fault).await,
        None => Ok(true),
    }
}

/// The platform tells, unasked, that the merchant took the authorisation back at `at`. An authorisation obtained later
/// stays; where the two times are too close for two clocks, the platform is asked. Of a pasted token, which may be another one than was taken back, it is asked too.
///
/// # Errors
/// Of the vault and the store.
pub async fn revoked(engine: &Engine, source: &str, store: &str, at: Timestamp) -> Result<(), Fault> {
    let platform = engine.source(source)?;
    let Some(held) = engine.vault.held(&owner(source, store)).await? else { return Ok(()) };
    let authorisation = Authorisation::read(&held.secret)?;
    if authorisation.stopped.is_some() {
        return Ok(());
    }
    let after = authorisation.obtained.map_or(CLOSE, |obtained| at.duration_since(obtained));
    if after <= -CLOSE {
        return Ok(());
    }
    if after < CLOSE || !authorisation.granted {
        let http = engine.plain_source_http(source, store, Lane::Live);
        let api_url = granted_at(engine, platform, (source, store), &authorisation).await?;
        let told = platform.identify(&http, &api_url, &authorisation.access).await;
        match told.map_err(Fault::from) {
            Ok(_) => return Ok(()),
            // Whoever calls next is told.
            Err(fault) if fault.kind != Kind::Reconnect => return Ok(()),
            Err(_) => {}
        }
    }
    let code = platform.token_codes().first().copied().unwrap_or("config.missing");
    let fault = Fault::reconnect(code, format!("the authorisation was taken back at {at}"));
    stop(engine, (source, store), &authorisation.access, &fault).await.map(|_| ())
}
