//! What everybody may know of a store's authorisation: how old it is and who renews it, and nothing secret. The tick
//! looks at these rows alone, since where it runs it may read no secret.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Authorisation;
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::{Key, Written};
use crate::state::{Problem, Row, Tagged, list, load};

/// At this age an authorisation is renewed: a day is left to try again before the seven that platforms
/// ask for.
pub(crate) const RENEW_AFTER: SignedDuration = SignedDuration::from_hours(6 * 24);
/// At this age somebody is told.
pub(crate) const TOO_OLD: SignedDuration = SignedDuration::from_hours(8 * 24);
/// After a renewal that failed, the next one waits, longer each time.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// So long after it was authorised again, a run may still end for the token that was.
const WAKING: SignedDuration = SignedDuration::from_mins(30);
/// Whoever signs in has so long to connect something.
const LEFT_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A stopped authorisation is tried again so often.
const ASKED_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Tries to change a row that others change too.
const MAX_TRIES: u32 = 50;

/// How the authorisation of a store is kept alive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeping {
    /// The source.
    pub source: String,
    /// The store's id there.
    pub store: String,
    /// Whether it is of a sign-in: a pasted token cannot be renewed.
    pub granted: bool,
    /// When the token in use was obtained.
    pub obtained: Option<Timestamp>,
    /// When it runs out.
    pub expires: Option<Timestamp>,
    /// Whether the platform has said that it is of no use any more.
    pub stopped: bool,
    /// Who renews it, and until when that is believed.
    pub lease: Option<(String, Timestamp)>,
    /// When it was last tried to renew it in vain, and how often in a row.
    pub failed: Option<(Timestamp, u32)>,
    /// Why that failed.
    pub problem: Option<Problem>,
    /// Since when its connections are to be woken.
    pub waking: Option<Timestamp>,
    /// When a stopped one was stopped, or last tried again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// Drafts that were signed in for this store, oldest first; who is open still needs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drafts: Vec<String>,
}

impl Tagged for Keeping {}

impl Keeping {
    /// The partition of all.
    pub(crate) const PARTITION: &'static str = "INDEX#TOKEN";

    /// Where it lives.
    #[must_use]
    pub fn key(source: &str, store: &str) -> Key {
        Key::new(Self::PARTITION, format!("{source}#{store}"))
    }

    /// Takes over what is stored in the vault.
    pub(super) fn take(&mut self, authorisation: &Authorisation) {
        (self.granted, self.obtained) = (authorisation.granted, authorisation.obtained);
        (self.expires, self.stopped) = (authorisation.expires, authorisation.stopped.is_some());
    }

    /// When it is to be renewed: after six days, or after half of its life where that is shorter.
    #[must_use]
    pub fn renews_at(&self) -> Option<Timestamp> {
        let obtained = self.obtained.filter(|_| self.granted && !self.stopped)?;
        let life = self.expires.map_or(RENEW_AFTER, |expires| expires.duration_since(obtained));
        let half = life.checked_div(2).unwrap_or(RENEW_AFTER).max(SignedDuration::ZERO);
        obtained.checked_add(half.min(RENEW_AFTER)).ok()
    }

    /// Whether renewing it failed so short a time ago that it is not tried again yet.
    #[must_use]
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.failed.is_some_and(|(at, times)| {
            let longer = 1_i32 << times.saturating_sub(1).min(8);
            now.duration_since(at) < FIRST_PAUSE.saturating_mul(longer).min(LONGEST_PAUSE)
        })
    }

    /// Whether somebody should look after it now.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let renew = self.renews_at().is_some_and(|at| at <= now);
        (renew || self.waking.is_some() || self.is_asked_again(now)) && !self.is_paused(now)
    }

    /// Whether it has been there for so long that it is given back where nobody needs it.
    pub(super) fn is_left_over(&self, now: Timestamp) -> bool {
        let old = self.obtained.is_some_and(|at| now.duration_since(at) >= LEFT_AFTER);
        self.granted && !self.stopped && old && !self.is_paused(now)
    }

    /// Whether it was stopped and is to be tried once more: once a day.
    #[must_use]
    pub fn is_asked_again(&self, now: Timestamp) -> bool {
        let long = self.asked.is_none_or(|at| now.duration_since(at) >= ASKED_EVERY);
        self.granted && self.stopped && long
    }

    /// Whether its connections may still have to be woken.
    pub(super) fn is_waking(&self, now: Timestamp) -> bool {
        self.waking.is_some_and(|since| now.duration_since(since) < WAKING)
    }

    /// Since when it is older than it may become without a renewal; none where it is not.
    #[must_use]
    pub fn too_old_since(&self, now: Timestamp) -> Option<Timestamp> {
        let obtained = self.obtained.filter(|_| self.granted && !self.stopped)?;
        obtained.checked_add(TOO_OLD).ok().filter(|since| *since <= now)
    }
}

/// Every row there is.
///
/// # Errors
/// Of the store.
pub async fn all(engine: &Engine) -> Result<Vec<Keeping>, Fault> {
    let rows: Vec<Row<Keeping>> = list(&*engine.store, Keeping::PARTITION, "").await?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

/// The row of a store; a new one where there is none.
pub(super) async fn row(engine: &Engine, source: &str, store: &str) -> Result<Row<Keeping>, Fault> {
    let key = Keeping::key(source, store);
    Ok(load(&*engine.store, key.clone()).await?.unwrap_or_else(|| {
        let value = Keeping { source: source.to_owned(), store: store.to_owned(), ..Keeping::default() };
        Row::new(key, value)
    }))
}

/// Changes the row of a store, made where there is none.
pub(super) async fn change(
    engine: &Engine,
    (source, store): (&str, &str),
    change: impl Fn(&mut Keeping),
) -> Result<Keeping, Fault> {
    for _ in 0..MAX_TRIES {
        let mut row = row(engine, source, store).await?;
        change(&mut row.value);
        if engine.store.transact(vec![row.put()?]).await? == Written::Done {
            return Ok(row.value);
        }
    }
    Err(Fault::retry("data.unavailable", "the row of a store's token is changed by others all the time"))
}
