//! The only way the engine calls out: within the budget, patient with refusals, counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::http::{Effect, Http, HttpError, Request, Response};

use crate::budget::{Budget, Purse};
use crate::fence::Fence;
use crate::meter::{Meter, Metric};
use crate::ports::{Clock, Entropy, Lane};
use crate::tokens::{Tokens, Verdict};

/// Refusals for load that one call sits out before it gives up.
const MAX_REFUSALS: u32 = 6;
/// Failures of a read that one call sits out before it gives up.
const MAX_FAILURES: u32 = 3;
/// A longer pause is not sat out: the work is handed back to its queue.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(40);
/// So late, a moment to call is missed.
const MISSED: SignedDuration = SignedDuration::from_millis(100);
/// Moments missed in a row before a call is made all the same.
const MAX_MISSED: u32 = 20;
/// What platforms answer to a token that they do not take.
const UNAUTHORISED: u16 = 401;
/// Refusals of a token that one call looks into: an old one, one that has run out, and the newest.
const MAX_RENEWALS: u32 = 3;
/// The pause after a refusal that names none.
const DEFAULT_PAUSE: SignedDuration = SignedDuration::from_secs(2);
/// No pause is believed beyond a day.
const MAX_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// Clocks that differ by more than this are not right, one of them at least.
pub(crate) const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(1);

/// The end of a process, as far as calls are concerned.
#[derive(Debug)]
pub struct End {
    /// The last moment at which a call may start.
    pub last_start: Timestamp,
    /// The first moment somebody else may call, where it came too late for this process.
    late: Mutex<Option<Timestamp>>,
}

impl End {
    /// An end; no call starts after `last_start`.
    #[must_use]
    pub fn new(last_start: Timestamp) -> Self {
        Self { last_start, late: Mutex::default() }
    }

    /// When the call that came too late may be made.
    #[must_use]
    pub fn late(&self) -> Option<Timestamp> {
        *self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_too_late(&self, at: Timestamp) -> bool {
        let is_late = at > self.last_start;
        if is_late {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            *late = (*late).max(Some(at));
        }
        is_late
    }
}

/// Calls one platform for one piece of work.
pub struct Paced<'a> {
    /// Who really sends.
    pub http: &'a dyn Http,
    /// Where moments come from.
    pub budget: &'a dyn Budget,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Jitter.
    pub entropy: &'a dyn Entropy,
    /// What calls are paid from.
    pub purse: Purse,
    /// What bulk imports are paid from, where they are counted apart.
    pub imports: Option<Purse>,
    /// Which work it is for.
    pub lane: Lane,
    /// No call starts later than this: it could not end before its process is stopped. A moment that came too late
    /// is noted for whoever goes on.
    pub end: Option<&'a End>,
    /// Whose tokens the calls are made with, where they are stored.
    pub(crate) tokens: Option<Tokens<'a>>,
    /// Whose writes they are, where somebody may end that.
    pub(crate) fence: Option<Fence<'a>>,
    /// Where refusals for load are counted.
    pub meter: Option<&'a Meter>,
    calls: AtomicU64,
    /// The first answered call that told the time: when it went out, by our clock and by theirs.
    first: Mutex<Option<(Timestamp, Timestamp)>>,
}

impl<'a> Paced<'a> {
    /// A caller with nothing counted yet.
    #[must_use]
    pub fn new(
        http: &'a dyn Http,
        budget: &'a dyn Budget,
        (clock, entropy): (&'a dyn Clock, &'a dyn Entropy),
        purse: Purse,
        lane: Lane,
    ) -> Self {
        Self {
            http,
            budget,
            clock,
            entropy,
            purse,
            imports: None,
            lane,
            end: None,
            tokens: None,
            fence: None,
            meter: None,
            calls: AtomicU64::new(0),
            first: Mutex::default(),
        }
    }

    /// Takes the calls counted since the last time.
    pub fn take_calls(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// What time it was on the other side when the first call that was answered went out, where it tells.
    #[must_use]
    pub fn began_there(&self) -> Option<Timestamp> {
        Some(self.first()?.1)
    }

    /// How far the clock of the other side is ahead of ours, where it tells.
    #[must_use]
    pub fn is_ahead_by(&self) -> Option<SignedDuration> {
        self.first().map(|(ours, theirs)| theirs.duration_since(ours))
    }

    fn first(&self) -> Option<(Timestamp, Timestamp)> {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the time of the other side: it answered at `date`, so it was asked as much earlier as that took.
    fn note_time(&self, asked: Timestamp, date: Timestamp) {
        let took = self.clock.now().duration_since(asked).max(SignedDuration::ZERO);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert((asked, date.saturating_sub(took).unwrap_or(date)));
    }

    /// Sends a request that may leave until `latest` only: who noted its intent promised so. None when its moment
    /// came later; nothing was sent then.
    pub(crate) async fn send_until(
        &self,
        request: Request,
        latest: Timestamp,
    ) -> Option<Result<Response, HttpError>> {
        let stale = AtomicBool::new(false);
        let answer = self.send_paced(request, Some((latest, &stale))).await;
        (!stale.load(Ordering::Relaxed)).then_some(answer)
    }

    async fn once(&self, request: Request, purse: &Purse, until: Until<'_>) -> Result<Response, HttpError> {
        self.wait_for_moment(purse).await?;
        if let Some(fence) = self.fence.as_ref().filter(|_| request.effect == Effect::Write) {
            // After the wait, which may have been long; nothing else is waited for from here on.
            fence.holds(self.clock).await?;
        }
        if let Some((_, stale)) = until.filter(|(latest, _)| self.clock.now() > *latest) {
            stale.store(true, Ordering::Relaxed);
            return Err(HttpError::NotSent);
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let operation = request.operation;
        let asked = self.clock.now();
        let answer = self.http.send(request).await;
        // Of answers that tell something: who refuses may be a machine on the way.
        if let Some(date) = answer.as_ref().ok().filter(|one| one.is_success()).and_then(|one| one.date) {
            self.note_time(asked, date);
        }
        match &answer {
            Ok(response) => {
                tracing::debug!(operation, status = response.status, bytes = response.body.len(), "called")
            }
            Err(error) => tracing::debug!(operation, %error, "called in vain"),
        }
        answer
    }

    /// Waits for a moment to call. A moment missed, as the machine was busy, is not made up for: others' follow
    /// at once, and together they would be too fast. A moment too far away, since the other side asked everybody for a
    /// long pause, is left to others: what was read by now would be old by then.
    async fn wait_for_moment(&self, purse: &Purse) -> Result<(), HttpError> {
        for _ in 0..MAX_MISSED {
            let now = self.clock.now();
            let longest = now.saturating_add(LONGEST_PAUSE).unwrap_or(now);
            let latest = self.end.map_or(longest, |end| end.last_start.min(longest));
            let at = self.budget.reserve(purse, self.lane, now, Some(latest)).await;
            let at = at.map_err(|_| HttpError::NotSent)?;
            if self.is_too_late(at) {
                return Err(HttpError::NotSent);
            }
            if at > longest {
                return Err(HttpError::Throttled);
            }
            if at <= now {
                break;
            }
            self.clock.sleep(unsigned(at.duration_since(now))).await;
            if self.clock.now().duration_since(at) < MISSED {
                break;
            }
        }
        Ok(())
    }

    fn is_too_late(&self, at: Timestamp) -> bool {
        self.end.is_some_and(|end| end.is_too_late(at))
    }

    /// Sits out a refusal; an error where it would take too long.
    async fn sit_out(&self, response: &Response, purse: &Purse) -> Result<(), HttpError> {
        if let Some(meter) = self.meter {
            meter.add(Metric::RateLimited, 1);
        }
        let now = self.clock.now();
        let pause = pause_asked(response.retry_after.as_deref(), now).unwrap_or(DEFAULT_PAUSE);
        let until = now.saturating_add(pause).unwrap_or(now);
        self.budget.pause(purse, until).await.map_err(|_| HttpError::NotSent)?;
        if self.is_too_late(until) {
            return Err(HttpError::Throttled);
        }
        if pause > LONGEST_PAUSE { Err(HttpError::Throttled) } else { Ok(()) }
    }

    async fn back_off(&self, failures: u32) {
        let base = 250_u64 << failures.min(6);
        let jitter = self.entropy.bits() % base;
        self.clock.sleep(Duration::from_millis(base + jitter)).await;
    }
}

/// Until when a request may leave, and whether its moment came later.
type Until<'a> = Option<(Timestamp, &'a AtomicBool)>;

#[async_trait]
impl Http for Paced<'_> {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.send_paced(request, None).await
    }
}

impl Paced<'_> {
    async fn send_paced(&self, request: Request, until: Until<'_>) -> Result<Response, HttpError> {
        let purse = match &self.imports {
            Some(imports) if request.operation == "contacts.import" => imports,
            _ => &self.purse,
        };
        let (mut refusals, mut failures, mut renewals) = (0, 0, 0);
        loop {
            let request = match &self.tokens {
                Some(tokens) => tokens.current(request.clone()),
                None => request.clone(),
            };
            let answer = self.once(request.clone(), purse, until).await;
            if until.is_some_and(|(_, stale)| stale.load(Ordering::Relaxed)) {
                return answer;
            }
            match &answer {
                Ok(response) if asks_to_slow_down(response) => {
                    refusals += 1;
                    self.sit_out(response, purse).await?;
                    if refusals > MAX_REFUSALS {
                        return Err(HttpError::Throttled);
                    }
                }
                Ok(response) if response.status == UNAUTHORISED && renewals < MAX_RENEWALS => {
                    let Some(tokens) = &self.tokens else { return answer };
                    renewals += 1;
                    match tokens.refused(&request).await {
                        Verdict::Again => continue,
                        Verdict::Believed => return answer,
                        // Whoever asked is to come back, and not to believe that it is over.
                        Verdict::Later => return Err(HttpError::Unknown),
                    }
                }
                Ok(response) if response.status >= 500 && request.effect == Effect::Read => failures += 1,
                Err(HttpError::Unknown) if request.effect == Effect::Read => failures += 1,
                Err(HttpError::NotSent) => failures += 1,
                _ => return answer,
            }
            if failures > MAX_FAILURES || self.is_too_late(self.clock.now()) {
                return answer;
            }
            if failures > 0 {
                self.back_off(failures).await;
            }
        }
    }
}

/// 429; or 503 with a time, which marks an account in maintenance and was not carried out
/// (activecampaign.md section 1.2).
fn asks_to_slow_down(response: &Response) -> bool {
    response.status == 429 || (response.status == 503 && response.retry_after.is_some())
}

/// The pause a `Retry-After` asks for: seconds or an HTTP date.
#[must_use]
pub fn pause_asked(retry_after: Option<&str>, now: Timestamp) -> Option<SignedDuration> {
    let text = retry_after?.trim();
    let pause = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(i64::from(seconds)),
        Err(_) => rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?.duration_since(now),
    };
    Some(pause.clamp(SignedDuration::from_millis(200), MAX_PAUSE))
}

/// A span of time that has not passed yet, for sleeping.
#[must_use]
pub(crate) fn unsigned(span: SignedDuration) -> Duration {
    Duration::try_from(span).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests;
