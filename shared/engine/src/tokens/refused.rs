//! A call whose token the platform does not take: the newest token is looked up, or asked for, and the call made once
//! more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tillsync_mapping::http::Request;
use tillsync_mapping::model::Secret;

use super::renew::{Renewed, Why, renew_now};
use super::{Authorisation, owner};
use crate::context::Engine;
use crate::fault::Fault;

/// Looks at what another worker is renewing, and the pause between two: together as long as a renewal may take.
const MAX_LOOKS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);
/// What one look may take.
const ONE_LOOK: SignedDuration = SignedDuration::from_secs(1);
/// A token so young is not renewed when it is refused, nor is the refusal believed: not every machine of the platform
/// knows it yet.
const YOUNG: SignedDuration = SignedDuration::from_mins(1);

/// The tokens of the calls to one store.
pub(crate) struct Tokens<'a> {
    engine: &'a Engine,
    source: String,
    store: String,
    /// The token that was refused, and the one to be used instead.
    newest: Mutex<Option<(Secret, Secret)>>,
}

/// What to do about a refused call.
pub(crate) enum Verdict {
    /// Make it again, with [`Tokens::current`].
    Again,
    /// The refusal is to be believed.
    Believed,
    /// Not now: nobody could tell.
    Later,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(engine: &'a Engine, source: &str, store: &str) -> Self {
        Self { engine, source: source.to_owned(), store: store.to_owned(), newest: Mutex::default() }
    }

    /// The request with the newest token in the place of the one it was made with.
    pub(crate) fn current(&self, mut request: Request) -> Request {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some((old, new)), Some((_, credential))) = (&*newest, &mut request.credential) {
            let (scheme, token) = parts(credential);
            if token == old.expose() {
                *credential = Secret::new(&format!("{scheme}{}", new.expose()));
            }
        }
        drop(newest);
        request
    }

    /// What to do about a request that was refused for its token.
    pub(crate) async fn refused(&self, request: &Request) -> Verdict {
        let Some((_, credential)) = &request.credential else { return Verdict::Believed };
        let used = Secret::new(parts(credential).1);
        match self.look_again(&used).await {
            Ok(verdict) => verdict,
            Err(fault) => {
                let (code, detail) = (fault.code, fault.detail);
                tracing::warn!(source = self.source, code, detail, "a refused token could not be looked up");
                Verdict::Later
            }
        }
    }

    async fn look_again(&self, used: &Secret) -> Result<Verdict, Fault> {
        let engine = self.engine;
        let owner = owner(&self.source, &self.store);
        let believed = || {
            engine.note_refused(&owner, used);
            Ok(Verdict::Believed)
        };
        for _ in 0..MAX_LOOKS {
            let Some(held) = engine.vault.held(&owner).await? else { return Ok(Verdict::Believed) };
            let stored = Authorisation::read(&held.secret)?;
            if stored.access.expose() != used.expose() {
                if stored.stopped.is_some() {
                    return Ok(Verdict::Believed);
                }
                let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
                // What a request was made with stays known: it is made so again for the next page.
                let old = newest.take().filter(|(_, new)| new.expose() == used.expose());
                *newest = Some((old.map_or_else(|| used.clone(), |(old, _)| old), stored.access));
                return Ok(Verdict::Again);
            }
            // One from the future tells nothing: a clock was put back.
            let age = stored.obtained.map(|at| engine.now().duration_since(at));
            let young = age.is_some_and(|age| (SignedDuration::ZERO..YOUNG).contains(&age));
            if !stored.granted || stored.stopped.is_some() {
                return believed();
            }
            if young || engine.is_short_of(ONE_LOOK) {
                return Ok(Verdict::Later);
            }
            if stored.refresh.is_none() {
                return believed();
            }
            match renew_now(engine, (&self.source, &self.store), Why::Refused(used)).await? {
                Renewed::Fresh => {}
                Renewed::Taken => engine.clock.sleep(PAUSE).await,
                Renewed::Stopped => return believed(),
                // It may be renewed once the setting is mended, so nothing is given up.
                Renewed::Unable(_) => return Ok(Verdict::Believed),
                Renewed::Later(_) => return Ok(Verdict::Later),
            }
        }
        Ok(Verdict::Later)
    }
}

/// What stands before a token in its header, and the token: tokens hold no blanks.
fn parts(credential: &Secret) -> (&str, &str) {
    let text = credential.expose();
    text.split_at(text.rfind(' ').map_or(0, |blank| blank + 1))
}
