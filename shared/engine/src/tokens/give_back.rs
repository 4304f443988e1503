//! Giving an authorisation back to the platform, once nobody needs it: no connection at work, and no draft that was
//! signed in for its store.

use tillsync_mapping::source::SignIn;

use super::platform::same_platform;
use super::row::{Keeping, change, row};
use super::{Authorisation, owner};
use crate::connect::going_on;
use crate::connections::every;
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::ports::{Lane, Written};
use crate::state::{Connection, ConnectionState, Problem, Row, update};

/// Drafts of a store that are remembered; an older one loses its claim.
const MOST_DRAFTS: usize = 50;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// There was none.
    Nothing,
    /// It was pasted, and is the operator's to end.
    Pasted,
    /// The platform could not be asked: a setting is missing, or another one than it was granted with.
    Unable,
    /// The platform did not take it now. It is kept.
    Later,
    /// Somebody authorised anew meanwhile: that one is kept.
    Newer,
    /// It is taken back and forgotten.
    Back,
}

/// Notes a draft that is being signed in for a store: while it is open, the store's authorisation is in use.
///
/// # Errors
/// Of the store.
pub(crate) async fn claim(engine: &Engine, of: (&str, &str), draft: &str) -> Result<(), Fault> {
    change(engine, of, |row| {
        row.drafts.retain(|one| one != draft);
        row.drafts.push(draft.to_owned());
        let over = row.drafts.len().saturating_sub(MOST_DRAFTS);
        row.drafts.drain(..over);
    })
    .await?;
    Ok(())
}

/// Whether a connection or an open draft needs the authorisation of a store.
///
/// # Errors
/// Of the store.
pub(crate) async fn is_used(engine: &Engine, of: (&str, &str)) -> Result<bool, Fault> {
    if !live(engine, of).await?.is_empty() {
        return Ok(true);
    }
    for draft in row(engine, of.0, of.1).await?.value.drafts {
        match going_on(engine, &draft).await {
            Ok(open) => {
                let store = open.steps.as_ref().and_then(|steps| steps.store.as_deref());
                if open.request.source == of.0 && store.is_none_or(|store| store == of.1) {
                    return Ok(true);
                }
            }
            Err(fault) if fault.kind == Kind::Usage => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(false)
}

async fn live(engine: &Engine, of: (&str, &str)) -> Result<Vec<Connection>, Fault> {
    let mut all = every(engine).await?;
    all.retain(|one| !one.is_over() && (one.source.as_str(), one.store.as_str()) == of);
    Ok(all)
}

/// Gives the authorisation of a store back, and forgets it. With `drop_it`, a pasted token is forgotten too. What could
/// not be given back is kept, since nobody could end it from here any more; the tick tries it again.
///
/// A question whose answer is lost may be carried out late, after somebody signed in anew. A platform that takes back all
/// tokens of a store then ends the new authorisation with the old one. That cannot be told from here: the next call is
/// refused, and its connections say `needs_reconnect`.
///
/// # Errors
/// Of the vault and the store.
pub(crate) async fn give_back(engine: &Engine, of: (&str, &str), drop_it: bool) -> Result<Given, Fault> {
    let seen = row(engine, of.0, of.1).await?;
    let Some(held) = engine.vault.held(&owner(of.0, of.1)).await? else { return Ok(Given::Nothing) };
    let given = ask(engine, of, &Authorisation::read(&held.secret)?).await?;
    let goes = match given {
        Given::Back => true,
        Given::Pasted => drop_it,
        _ => false,
    };
    if goes && !forget(engine, of, held.rev, seen).await? {
        return Ok(Given::Newer);
    }
    Ok(given)
}

async fn ask(engine: &Engine, of: (&str, &str), held: &Authorisation) -> Result<Given, Fault> {
    if !held.granted {
        return Ok(Given::Pasted);
    }
    let source = engine.source(of.0)?;
    let application = engine.config.applications.get(of.0);
    let (Some(sign_in), Some(application)) = (source.sign_in(), application) else {
        return Ok(Given::Unable);
    };
    let sign_in: &dyn SignIn = sign_in;
    let api_url = match same_platform(engine, source, of, held).await {
        Err(fault) if fault.kind == Kind::Usage => return Ok(Given::Unable),
        api_url => api_url?,
    };
    // A refusal speaks of the application's secret here, and not of the store's token.
    let http = engine.plain_source_http(of.0, of.1, Lane::Live);
    let Err(error) = sign_in.revoke(&http, &api_url, application, &held.access, of.1).await else {
        return Ok(Given::Back);
    };
    tracing::warn!(
        source = of.0,
        store = of.1,
        code = error.code,
        "an authorisation could not be taken back"
    );
    Ok(Given::Later)
}

/// Forgets what was read, and nothing newer; false where something newer is there. Whoever connected the store meanwhile
/// found it stored: that connection is told, so that signing in wakes it.
async fn forget(engine: &Engine, of: (&str, &str), rev: u64, seen: Row<Keeping>) -> Result<bool, Fault> {
    if engine.vault.forget_if(&owner(of.0, of.1), rev).await? == Written::Conflict {
        return Ok(false);
    }
    if seen.rev > 0 {
        // One that somebody changes at this moment is removed by the next tick.
        engine.store.transact(vec![seen.delete()]).await?;
    }
    let problem = Problem {
        code: "config.missing".to_owned(),
        detail: "the store's authorisation was taken back while it was being connected; sign in again"
            .to_owned(),
        since: engine.now(),
    };
    for one in live(engine, of).await? {
        if engine.vault.held(&owner(of.0, of.1)).await?.is_some() {
            break;
        }
        update(&*engine.store, &Connection::key(&one.id), |connection: &mut Connection| {
            if connection.state == ConnectionState::Active {
                connection.state = ConnectionState::NeedsReconnect;
                connection.problem = Some(problem.clone());
            }
        })
        .await?;
    }
    Ok(true)
}
