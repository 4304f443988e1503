//! Every moment at which a process can end, one by one and in pairs: before an effect, after it, and, for what a
//! platform is told, with the request landing late.

use jiff::SignedDuration;

use crate::checker::{Violation, judge};
use crate::faults::Faults;
use crate::plan::{Change, Host, Plan, Sold};
use crate::rng::Rng;
use crate::world::{Played, play};

/// What is at work when the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// Which host.
    pub host: Host,
    /// What happens.
    plot: Plot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plot {
    /// A poll that finds a new sale, a refund, an opt-out and nothing else.
    Poll,
    /// A history and the people: a window a year, where several processes work.
    History,
    /// A poll that finds its access token run out.
    Renewal,
    /// A batch that is refused because of one order, which it does not name.
    Poison,
}

const FUNCTIONS: Host = Host::Functions(60);

/// Every scene.
pub const SCENES: [Scene; 8] = [
    Scene { name: "a poll, one process", host: Host::Embedded, plot: Plot::Poll },
    Scene { name: "a poll, functions", host: FUNCTIONS, plot: Plot::Poll },
    Scene { name: "a history, one process", host: Host::Embedded, plot: Plot::History },
    Scene { name: "a history of three windows, functions", host: FUNCTIONS, plot: Plot::History },
    Scene { name: "a renewal in a poll, one process", host: Host::Embedded, plot: Plot::Renewal },
    Scene { name: "a renewal in a poll, functions", host: FUNCTIONS, plot: Plot::Renewal },
    Scene { name: "a batch with a poisoned order, one process", host: Host::Embedded, plot: Plot::Poison },
    Scene { name: "a batch with a poisoned order, functions", host: FUNCTIONS, plot: Plot::Poison },
];

impl Scene {
    fn plan(self, exactly: Vec<u64>) -> Plan {
        let mut plan = Plan::of(&mut Rng::new(1));
        let minutes = SignedDuration::from_mins;
        plan.host = self.host;
        plan.backfill = !matches!(self.plot, Plot::Poll | Plot::Renewal);
        plan.tokens = (self.plot == Plot::Renewal).then_some(SignedDuration::from_secs(100));
        // Cut into years, as far as several processes work.
        plan.counted = (self.plot == Plot::History).then_some(30_000);
        plan.page = 2;
        plan.shared_budget = true;
        plan.faults = Faults { exactly: Some(exactly), ..Faults::default() };
        // Long enough for a message to come back, and for the work to be done anew.
        // What may be queued at the destination is given up after a quarter of an hour.
        plan.calm = match (self.plot, self.host) {
            (Plot::Poll | Plot::Renewal, Host::Embedded) => minutes(9),
            (Plot::Poll | Plot::Renewal, _) => minutes(16),
            _ => minutes(36),
        };
        plan.end = plan.calm + minutes(70);
        // One poll in the time looked at.
        plan.tick = minutes(3);
        plan.poll_every = minutes(30);
        (plan.refused, plan.cursed) = (None, (self.plot == Plot::Poison).then(|| "O1".to_owned()));
        (plan.queued_for, plan.lost_in_queue, plan.index_lag) = (4, 0, 0);
        (plan.actions, plan.skew) = (Vec::new(), SignedDuration::ZERO);
        plan.changes = self.changes();
        plan
    }

    fn changes(self) -> Vec<(SignedDuration, SignedDuration, Change)> {
        let hours = SignedDuration::from_hours;
        let sell = |n: i64, age: SignedDuration| {
            let person = Some(format!("P{}", n % 3));
            Change::Sell(Sold { id: format!("O{n}"), person, age, paid: true, total: 1_000 + n })
        };
        let first = SignedDuration::ZERO;
        let all = match self.plot {
            Plot::Poll | Plot::Renewal => vec![
                (first, sell(0, hours(50))),
                (SignedDuration::from_secs(1), sell(1, SignedDuration::from_secs(9))),
                (SignedDuration::from_secs(1), Change::Refund("O0".to_owned(), 300, false)),
                (SignedDuration::from_secs(1), Change::Consent("P1".to_owned(), true)),
            ],
            Plot::History => vec![
                (first, sell(0, hours(15_000))),
                (first, sell(1, hours(6_000))),
                (first, sell(2, hours(2_000))),
                (first, sell(3, hours(2))),
            ],
            Plot::Poison => {
                vec![(first, sell(0, hours(3))), (first, sell(1, hours(4))), (first, sell(2, hours(5)))]
            }
        };
        all.into_iter().map(|(at, change)| (at, first, change)).collect()
    }

    /// Plays it with the process ending at these moments.
    #[must_use]
    pub fn play(self, exactly: Vec<u64>, keep: bool) -> Played {
        play(self.plan(exactly), Rng::new(7), keep)
    }
}

/// What was found of a scene.
#[derive(Debug, Default)]
pub struct Found {
    /// Moments of the undisturbed scene, each tried.
    pub singles: u64,
    /// Pairs tried.
    pub pairs: u64,
    /// Moments at which something was wrong after it.
    pub wrong: Vec<(Vec<u64>, Violation)>,
}

/// Tries every moment; with `pairs`, after each also every one that follows. `share` of `shares`: the part of one
/// worker.
#[must_use]
pub fn enumerate(scene: Scene, pairs: bool, (share, shares): (u64, u64)) -> Found {
    let mut found = Found::default();
    let undisturbed = scene.play(Vec::new(), false);
    if share == 0 {
        note(&mut found, Vec::new(), &undisturbed);
    }
    for first in (0..undisturbed.moments).filter(|first| first % shares == share) {
        let played = scene.play(vec![first], false);
        found.singles += 1;
        note(&mut found, vec![first], &played);
        if !pairs {
            continue;
        }
        for second in first + 1..played.moments {
            found.pairs += 1;
            note(&mut found, vec![first, second], &scene.play(vec![first, second], false));
        }
    }
    found
}

fn note(found: &mut Found, moments: Vec<u64>, played: &Played) {
    for violation in judge(&played.history) {
        found.wrong.push((moments.clone(), violation));
    }
}
