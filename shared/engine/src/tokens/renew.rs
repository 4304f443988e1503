//! Renewing. The old refresh token stays stored until the new one is: whoever ends between the two has lost nothing,
//! and another one goes on when the lease is over.

use std::time::Duration;

use jiff::SignedDuration;
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::{Grant, Next, SourceError};

use super::give_back::{Given, give_back, is_used};
use super::platform::{granted_at, same_platform};
use super::row::{Keeping, change, row};
use super::stop::stop;
use super::wake::wake;
use super::{Authorisation, codes, owner};
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::message::Work;
use crate::ports::{Condition, Held, Lane, Written};
use crate::state::{Connection, Problem};

/// A renewal is one worker's for so long: one call with its waiting, and the writing down.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// Tries to store an answer: it may be the only copy of what the platform takes from now on.
const MAX_STORES: u32 = 5;
/// Between them.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Why a renewal is asked for.
#[derive(Clone, Copy)]
pub(super) enum Why<'a> {
    /// Its time has come.
    Due,
    /// The platform does not take this token any more.
    Refused(&'a Secret),
    /// Somebody asks, or a day went by: also where it was stopped, since a wrong secret of the application is answered
    /// like an authorisation that was taken back.
    Asked,
}

/// What came of it.
pub(super) enum Renewed {
    /// The vault holds a newer token, or one that needs nothing yet.
    Fresh,
    /// Another worker is at it.
    Taken,
    /// The platform does not take the authorisation any more: it is stopped.
    Stopped,
    /// Not now: the same may work later.
    Later(Fault),
    /// Not before somebody mends a setting.
    Unable(Fault),
}

/// Queues what is due to be looked after. Reads no secret and calls nobody. Answers with what connections work by.
///
/// # Errors
/// Of the store and the queue.
pub(crate) async fn sweep(engine: &Engine, connections: &[Connection]) -> Result<Vec<Keeping>, Fault> {
    let (now, mut all) = (engine.now(), super::row::all(engine).await?);
    let live = |one: &Keeping| {
        connections.iter().any(|it| !it.is_over() && it.source == one.source && it.store == one.store)
    };
    for one in all.iter().filter(|one| one.is_due(now) || (one.is_left_over(now) && !live(one))) {
        let work = Work::Renew { source: one.source.clone(), store: one.store.clone() };
        engine.send(Lane::Live, &owner(&one.source, &one.store), &[work]).await?;
    }
    all.retain(live);
    Ok(all)
}

/// Looks after the authorisation of a store: renews it when that is due, wakes its connections where they wait for it.
/// What fails is written on its row, and tried again by a later tick.
///
/// # Errors
/// Of the store and the vault.
pub async fn renew(engine: &Engine, source: &str, store: &str) -> Result<(), Fault> {
    let Some(held) = engine.vault.held(&owner(source, store)).await? else {
        // It was taken back, with its last connection.
        let row = row(engine, source, store).await?;
        if row.rev > 0 {
            engine.store.transact(vec![row.delete()]).await?;
        }
        return Ok(());
    };
    let authorisation = Authorisation::read(&held.secret)?;
    let row = row(engine, source, store).await?.value;
    if row.waking.is_some() {
        // Whoever kept the new authorisation may have ended before it woke anybody.
        let now = engine.now();
        change(engine, (source, store), |row| {
            row.take(&authorisation);
            row.waking = row.waking.filter(|_| row.is_waking(now));
        })
        .await?;
        if authorisation.stopped.is_none() {
            wake(engine, source, store, row.waking).await?;
        }
    }
    if row.is_left_over(engine.now()) && !is_used(engine, (source, store)).await? {
        // Whoever ended its last connection ended before it came to this, or the platform was away.
        let given = give_back(engine, (source, store), false).await?;
        if matches!(given, Given::Later | Given::Unable) {
            let now = engine.now();
            change(engine, (source, store), |row| {
                row.failed = Some((now, row.failed.map_or(1, |(_, times)| times.saturating_add(1))));
            })
            .await?;
        }
        return Ok(());
    }
    let is_due = row.renews_at().is_some_and(|at| at <= engine.now()) && !row.is_paused(engine.now());
    if is_due {
        renew_now(engine, (source, store), Why::Due).await?;
    } else if row.is_asked_again(engine.now()) {
        change(engine, (source, store), |row| row.asked = Some(engine.now())).await?;
        renew_now(engine, (source, store), Why::Asked).await?;
    }
    Ok(())
}

/// Tries a stopped authorisation once more, since somebody asks; where it works again, its connections are woken. True
/// where it does.
///
/// # Errors
/// Of the store and the vault.
pub(crate) async fn ask_again(engine: &Engine, source: &str, store: &str) -> Result<bool, Fault> {
    let Some(held) = engine.vault.held(&owner(source, store)).await? else { return Ok(false) };
    if Authorisation::read(&held.secret)?.stopped.is_none() {
        return Ok(false);
    }
    Ok(matches!(renew_now(engine, (source, store), Why::Asked).await?, Renewed::Fresh))
}

/// Renews under the lease.
pub(super) async fn renew_now(engine: &Engine, of: (&str, &str), why: Why<'_>) -> Result<Renewed, Fault> {
    let (now, config) = (engine.now(), &engine.config);
    let mut row = row(engine, of.0, of.1).await?;
    let held = row.value.lease.as_ref().is_some_and(|(holder, until)| {
        let dead = config.exclusive && *holder != config.instance;
        *until > now && !dead
    });
    if held {
        return Ok(Renewed::Taken);
    }
    if row.value.is_paused(now) && !matches!(why, Why::Asked) {
        let problem = row.value.problem.clone();
        let detail = problem.map_or_else(String::new, |problem| problem.detail);
        return Ok(Renewed::Later(Fault::retry(codes::NOT_RENEWED, detail)));
    }
    row.value.lease = Some((config.instance.clone(), engine.lease(LEASE)));
    if engine.store.transact(vec![row.put()?]).await? == Written::Conflict {
        return Ok(Renewed::Taken);
    }
    let renewed = under_lease(engine, of, why).await;
    let fault = match &renewed {
        Ok(Renewed::Later(fault) | Renewed::Unable(fault)) | Err(fault) => Some(fault.clone()),
        Ok(_) => None,
    };
    if let Some(fault) = &fault {
        let (code, detail) = (fault.code, &fault.detail);
        tracing::warn!(source = of.0, store = of.1, code, detail, "an authorisation could not be renewed");
    }
    let stored = engine.vault.held(&owner(of.0, of.1)).await;
    let stored = stored.ok().flatten().and_then(|held| Authorisation::read(&held.secret).ok());
    let now = engine.now();
    change(engine, of, |row| {
        row.lease = None;
        if let Some(stored) = &stored {
            row.take(stored);
        }
        row.failed =
            fault.as_ref().map(|_| (now, row.failed.map_or(1, |(_, times)| times.saturating_add(1))));
        row.problem = fault.as_ref().map(|fault| Problem {
            code: fault.code.to_owned(),
            detail: fault.detail.clone(),
            since: row.problem.as_ref().map_or(now, |problem| problem.since),
        });
    })
    .await?;
    renewed
}

async fn under_lease(engine: &Engine, of: (&str, &str), why: Why<'_>) -> Result<Renewed, Fault> {
    let Some(held) = engine.vault.held(&owner(of.0, of.1)).await? else { return Ok(Renewed::Stopped) };
    let before = Authorisation::read(&held.secret)?;
    let mut seen = Keeping::default();
    seen.take(&before);
    let fresh = match why {
        // Another worker was faster, or ended before it could say so.
        Why::Due => seen.renews_at().is_none_or(|at| at > engine.now()),
        Why::Refused(used) => before.access.expose() != used.expose(),
        Why::Asked => before.stopped.is_none(),
    };
    if before.stopped.is_some() && !(matches!(why, Why::Asked) && before.refresh.is_some()) {
        return Ok(Renewed::Stopped);
    }
    let Some(refresh) = before.refresh.as_ref().filter(|_| before.granted && !fresh) else {
        return Ok(Renewed::Fresh);
    };
    let source = engine.source(of.0)?;
    let Some(sign_in) = source.sign_in() else { return Ok(Renewed::Fresh) };
    let Some(application) = engine.config.applications.get(of.0) else {
        let name = format!("TILLSYNC_{}_APPLICATION_ID", of.0.to_uppercase());
        let detail = format!("{name} and its secret: without them no token is renewed");
        return Ok(Renewed::Unable(Fault::usage("config.missing", detail)));
    };
    let api_url = match same_platform(engine, source, of, &before).await {
        Err(fault) if fault.kind == Kind::Usage => return Ok(Renewed::Unable(fault)),
        api_url => api_url?,
    };
    let http = engine.plain_source_http(of.0, of.1, Lane::Live);
    let answer = sign_in.refresh(&http, &api_url, application, refresh).await;
    match answer {
        Ok(grant) if grant.store != of.1 => {
            let detail = "the platform answered with the token of another store; it was not stored";
            Ok(Renewed::Unable(Fault::reject(codes::OTHER_STORE, detail)))
        }
        Ok(grant) => {
            store(engine, of, (&held, &before), &grant).await?;
            wake(engine, of.0, of.1, None).await?;
            Ok(Renewed::Fresh)
        }
        Err(error) if error.next == Next::Reconnect => denied(engine, of, (&before, why), error).await,
        Err(error) if error.next == Next::Reject => Ok(Renewed::Unable(error.into())),
        Err(error) => Ok(Renewed::Later(error.into())),
    }
}

/// The refresh token was refused. While the token in use still works, that is believed of nobody: proxies have been seen
/// to answer so. Also where a reading was refused before: an hour in which everything is answered so is no end. What was
/// given up already has nobody to be asked about.
async fn denied(
    engine: &Engine,
    of: (&str, &str),
    (before, why): (&Authorisation, Why<'_>),
    error: SourceError,
) -> Result<Renewed, Fault> {
    let fault = Fault::from(error);
    if !matches!(why, Why::Asked) {
        let source = engine.source(of.0)?;
        let http = engine.plain_source_http(of.0, of.1, Lane::Live);
        let api_url = granted_at(engine, source, of, before).await?;
        let told = source.identify(&http, &api_url, &before.access).await.map_err(Fault::from);
        match told {
            Err(refused) if refused.kind == Kind::Reconnect => {}
            Ok(_) | Err(_) => {
                let detail = format!("{}; the token in use still works", fault.detail);
                return Ok(Renewed::Later(Fault { detail, kind: Kind::Retry, ..fault }));
            }
        }
    }
    stop(engine, of, &before.access, &fault).await?;
    Ok(Renewed::Stopped)
}

/// Stores an answer in the place of what it was asked with. Where somebody authorised anew meanwhile, theirs stands; where
/// only the sealing changed, ours does.
async fn store(
    engine: &Engine,
    of: (&str, &str),
    (held, before): (&Held, &Authorisation),
    grant: &Grant,
) -> Result<(), Fault> {
    let owner = owner(of.0, of.1);
    let after = before.renewed(grant, engine.now()).sealed()?;
    let (mut rev, mut lost) = (held.rev, None);
    for _ in 0..MAX_STORES {
        match engine.vault.put_if(&owner, &after, Condition::Rev(rev)).await {
            Ok(Written::Done) => return Ok(()),
            Ok(Written::Conflict) => {
                let Some(now) = engine.vault.held(&owner).await? else { return Ok(()) };
                let there = Authorisation::read(&now.secret)?;
                if there.access.expose() != before.access.expose() || there.stopped != before.stopped {
                    return Ok(());
                }
                rev = now.rev;
            }
            Err(error) => {
                lost = Some(error);
                engine.clock.sleep(STORE_PAUSE).await;
            }
        }
    }
    Err(lost.map_or_else(
        || Fault::retry("data.unavailable", "a token is changed by others all the time"),
        Fault::from,
    ))
}
