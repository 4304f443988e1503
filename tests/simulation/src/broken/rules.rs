//! The engine with one rule taken away: its waiting times are settings of its own, so nothing of it is changed.

use jiff::SignedDuration;
use tillsync_engine::Timing;

use crate::checker::{Violation, judge};
use crate::faults::Faults;
use crate::plan::{Change, Host, Plan, Sold};
use crate::rng::Rng;
use crate::shop::BASE;
use crate::world::play;

/// A rule of the engine's.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// Takes it away.
    without: fn(&mut Timing),
    /// Makes schedules in which it matters often; the engine as it is meets the same ones.
    scene: fn(&mut Plan, &mut Rng),
}

const NONE: SignedDuration = SignedDuration::ZERO;

/// Nothing is written again before an earlier write has landed.
pub(super) const LANDING: Rule =
    Rule { without: |timing| timing.landing = NONE, scene: changed_while_written };
/// Nothing is written again before what is queued was applied.
pub(super) const LOST_AFTER: Rule = Rule { without: |timing| timing.lost_after = NONE, scene: slow_queue };
/// Polls begin before their watermark.
pub(super) const OVERLAP: Rule = Rule { without: |timing| timing.overlap = NONE, scene: anything };
/// Polls end before now.
pub(super) const LAG: Rule = Rule { without: |timing| timing.lag = NONE, scene: slow_index };
/// Both.
pub(super) const OVERLAP_AND_LAG: Rule =
    Rule { without: |timing| (timing.overlap, timing.lag) = (NONE, NONE), scene: anything };

impl Rule {
    /// What the checker says where the rule is missing, unless it says something where it is kept, too.
    pub(super) fn misses(self, seed: u64) -> Option<String> {
        let Violation { promise, detail } = self.judged(seed, self.without).into_iter().next()?;
        self.judged(seed, |_| {}).is_empty().then(|| format!("{promise}: {detail}"))
    }

    fn judged(self, seed: u64, change: fn(&mut Timing)) -> Vec<Violation> {
        let mut rng = Rng::new(seed);
        let mut plan = Plan::of(&mut rng);
        (self.scene)(&mut plan, &mut rng);
        change(&mut plan.timing);
        judge(&play(plan, rng, false).history)
    }
}

/// As the seed made it.
fn anything(_: &mut Plan, _: &mut Rng) {}

/// The history goes through the destination's queue, which takes its time.
fn slow_queue(plan: &mut Plan, _: &mut Rng) {
    (plan.backfill, plan.queued_for) = (true, 840);
}

/// Changes are shown late, at the latest when overlap and lag together just cover them. What is sold was made up to
/// 40 s before the store is told of it.
fn slow_index(plan: &mut Plan, rng: &mut Rng) {
    let covered = Timing::default().overlap + Timing::default().lag;
    for (at, lag, _) in &mut plan.changes {
        if *at > NONE {
            *lag = covered - SignedDuration::from_secs(rng.between(40, 110));
        }
    }
    plan.index_lag = covered.as_secs();
}

/// Three sales, and of each something is given back about when it is first written. Only the payment's time moves
/// then, so a window that is read again still holds the sale, and finds it changed. What is lost returns at once.
fn changed_while_written(plan: &mut Plan, rng: &mut Rng) {
    plan.host = Host::Embedded;
    plan.backfill = false;
    (plan.refused, plan.cursed) = (None, None);
    plan.calm = SignedDuration::from_mins(6);
    plan.end = plan.calm + SignedDuration::from_mins(50);
    plan.faults = Faults { falls: 2, losses: 2, rate: 1_500, ..Faults::default() };
    plan.changes.clear();
    let ids = ["O0", "O1", "O2"].map(str::to_owned);
    for (id, total) in ids.iter().zip(BASE..) {
        let (id, person, age) = (id.clone(), Some("P0".to_owned()), NONE);
        let sale = Change::Sell(Sold { id, person, age, paid: true, total });
        plan.changes.push((SignedDuration::from_secs(5), NONE, sale));
    }
    for id in ids {
        let at = SignedDuration::from_secs(rng.between(125, 330));
        plan.changes.push((at, NONE, Change::Refund(id, 100, false)));
    }
}
