//! A schedule as its seed makes it: the host, the store and what changes there, what goes wrong and until when.

use jiff::{SignedDuration, Timestamp};
use tillsync_engine::Timing;

use crate::faults::Faults;
use crate::rng::Rng;
use crate::shop::{BASE, Person, Sale};

/// Which host works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// One process with several workers; another one follows when it falls.
    Embedded,
    /// A process per message, stopped after so many seconds.
    Functions(i64),
}

/// What changes at the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something is sold: its number, whose, and how long before it is told of it was made.
    Sell(Sold),
    /// So much is given back; only the payment's time moves, or the order's too.
    Refund(String, i64, bool),
    /// A sale gets its customer.
    Attach(String, String),
    /// A sale is paid at last.
    Pay(String),
    /// A person says whether it takes e-mails.
    Consent(String, bool),
    /// The store refuses the token, or takes it again.
    Revoke(bool),
}

/// What somebody asks for by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A manual sync.
    Sync,
    /// What is parked is tried again.
    Retry,
    /// A comparison that repairs.
    Repair,
    /// The history is cancelled.
    Cancel,
    /// The connection is paused; the operator takes that back at the next look.
    Pause,
    /// The connection is ended; the operator begins it again at the next look.
    Disconnect,
}

/// A sale to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sold {
    /// Its id.
    pub id: String,
    /// Whose.
    pub person: Option<String>,
    /// How long before now it was made.
    pub age: SignedDuration,
    /// Whether it is paid.
    pub paid: bool,
    /// Minor units.
    pub total: i64,
}

/// A schedule.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which host.
    pub host: Host,
    /// Whether the whole history is asked for.
    pub backfill: bool,
    /// What is there, and what changes: when, after how long the index shows it, and what.
    pub changes: Vec<(SignedDuration, SignedDuration, Change)>,
    /// What somebody asks for, and when.
    pub actions: Vec<(SignedDuration, Action)>,
    /// People there are.
    pub people: Vec<Person>,
    /// Records of a page.
    pub page: usize,
    /// What goes wrong.
    pub faults: Faults,
    /// Until when.
    pub calm: SignedDuration,
    /// The end.
    pub end: SignedDuration,
    /// An order that is refused by name.
    pub refused: Option<String>,
    /// An order for which a batch is refused without a name.
    pub cursed: Option<String>,
    /// Longest wait in the destination's queue, in seconds.
    pub queued_for: i64,
    /// Writes its queue loses.
    pub lost_in_queue: u32,
    /// Whether moments to call are rows of the table, each a reading and a write; else they are in memory.
    pub shared_budget: bool,
    /// Between two polls.
    pub poll_every: SignedDuration,
    /// Between two beats of the schedule.
    pub tick: SignedDuration,
    /// Orders the history was counted to hold: from many on it is read in a window a year.
    pub counted: Option<u64>,
    /// Longest time from a change until the index shows it, in seconds.
    pub index_lag: i64,
    /// How far all our clocks are off.
    pub skew: SignedDuration,
    /// The store was signed in to, and its access tokens live so long; else a token was pasted, which lives on.
    pub tokens: Option<SignedDuration>,
    /// Waiting times of the engine; the world sets those of polls and messages.
    pub timing: Timing,
}

/// Minutes until nothing goes wrong any more. Some go on until what was queued is given up and written again.
const CALM_AFTER: [i64; 16] = [4, 4, 4, 4, 4, 4, 4, 4, 4, 6, 6, 6, 11, 11, 11, 26];
/// Between two beats of the schedule, mostly.
const TICK: SignedDuration = SignedDuration::from_mins(3);
/// Between two polls, in these schedules.
pub const POLL_EVERY: SignedDuration = SignedDuration::from_mins(2);
/// Longest time from a change until the index shows it, in seconds: as long as polls overlap.
pub const INDEX_LAG: i64 = 300;
/// After the last fault everything must be right within this time: the landing time, a queued write that is lost
/// (15 min) and written again and lost again, and two polls.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_mins(50);

/// The moment at which every schedule begins.
#[must_use]
pub fn beginning() -> Timestamp {
    Timestamp::from_second(1_777_888_800).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(rng: &mut Rng) -> Self {
        let host = if rng.percent(50) {
            Host::Embedded
        } else {
            Host::Functions(rng.pick(&[60, 120, 180]).unwrap_or(180))
        };
        let backfill = rng.percent(60);
        // Most are short: what goes wrong does so within a few steps.
        let calm = SignedDuration::from_mins(rng.pick(&CALM_AFTER).unwrap_or(4));
        let mut plan = Self {
            host,
            backfill,
            changes: Vec::new(),
            actions: Vec::new(),
            people: people(),
            page: rng.pick(&[1, 2, 3, 3, 100, 100]).unwrap_or(3),
            faults: faults(rng),
            calm,
            end: calm + SETTLES_WITHIN,
            refused: None,
            cursed: None,
            queued_for: rng.pick(&[5, 5, 5, 60, 60, 840]).unwrap_or(60),
            lost_in_queue: u32::from(rng.percent(20)),
            index_lag: if calm.as_secs() < 300 { 30 } else { INDEX_LAG },
            skew: skew(rng),
            shared_budget: rng.percent(25),
            poll_every: POLL_EVERY,
            tick: TICK,
            // More than one window holds: cut into years.
            counted: rng.percent(25).then_some(30_000),
            tokens: tokens(rng.aside()),
            timing: Timing::default(),
        };
        if rng.percent(20) {
            // Closer than the landing time: what was just written is met again.
            (plan.tick, plan.poll_every) = (SignedDuration::from_secs(25), SignedDuration::from_secs(20));
        }
        plan.sell_before(rng);
        plan.go_on(rng);
        if rng.percent(8) {
            plan.refused = Some("O0".to_owned());
        } else if rng.percent(5) {
            plan.cursed = Some("O0".to_owned());
        }
        if rng.percent(25) {
            let all = [Action::Sync, Action::Retry, Action::Repair, Action::Cancel, Action::Pause];
            let at = SignedDuration::from_secs(rng.between(3, calm.as_secs()));
            plan.actions.extend(rng.pick(&all).map(|action| (at, action)));
        }
        if rng.percent(10) {
            // At any moment: before a history, in the middle of it, while something is on its way.
            let at = SignedDuration::from_millis(rng.between(3_000, calm.as_secs() * 1_000));
            plan.actions.push((at, Action::Disconnect));
        }
        if rng.percent(4) {
            let at = SignedDuration::from_secs(rng.between(5, calm.as_secs() - 60));
            plan.changes.push((at, SignedDuration::ZERO, Change::Revoke(true)));
        }
        plan
    }

    /// What is there at the beginning.
    fn sell_before(&mut self, rng: &mut Rng) {
        let count = if self.backfill { rng.between(1, 5) } else { rng.between(0, 2) };
        for n in 0..count {
            let hours = rng.pick(&[1, 3, 20, 23, 25, 72, 2_000]).unwrap_or(72);
            // Whole minutes, so that some are of the same instant.
            let age = SignedDuration::from_hours(hours) + SignedDuration::from_mins(rng.between(0, 3));
            let sold = self.sold(n, age, rng);
            self.changes.push((SignedDuration::ZERO, SignedDuration::ZERO, Change::Sell(sold)));
        }
    }

    fn sold(&self, n: i64, age: SignedDuration, rng: &mut Rng) -> Sold {
        let whose = rng.below(20);
        let person = match whose {
            0 => None,
            1 => Some("P9".to_owned()),
            _ => Some(format!("P{}", whose % 3)),
        };
        Sold { id: format!("O{n}"), person, age, paid: !rng.percent(8), total: BASE + n }
    }

    /// What happens while everything is at work.
    fn go_on(&mut self, rng: &mut Rng) {
        let before = self.changes.len();
        let last = self.calm.as_secs() - 60;
        let mut next = i64::try_from(before).unwrap_or(0);
        for _ in 0..rng.between(1, 4) {
            // Some at the same second.
            let at = match self.changes.last().filter(|(at, _, _)| at.is_positive() && rng.percent(35)) {
                // Soon after another: what was written just then may not have landed.
                Some((before, _, _)) => (before.as_secs() + rng.between(1, 50)).min(last),
                None => rng.between(5, last) / 10 * 10,
            };
            let at = SignedDuration::from_secs(at);
            let lag =
                SignedDuration::from_secs(if rng.percent(70) { 0 } else { rng.between(1, self.index_lag) });
            let known: Vec<String> = (0..next).map(|n| format!("O{n}")).collect();
            let place = usize::try_from(rng.below(known.len() as u64)).unwrap_or(0);
            let one = known.get(place).cloned();
            let change = match (rng.below(10), one) {
                (0..=2, _) | (_, None) => {
                    let sold = self.sold(next, SignedDuration::from_secs(rng.between(0, 40)), rng);
                    next += 1;
                    Change::Sell(sold)
                }
                (3..=6, Some(id)) => {
                    let back = if rng.percent(40) { BASE * 2 } else { rng.between(1, 400) };
                    Change::Refund(id, back, rng.percent(60))
                }
                (7, Some(id)) => Change::Attach(id, format!("P{}", rng.below(3))),
                (8, Some(id)) => Change::Pay(id),
                (_, Some(_)) => Change::Consent(format!("P{}", rng.below(3)), rng.percent(70)),
            };
            self.changes.push((at, lag, change));
        }
        self.changes.sort_by_key(|(at, _, _)| *at);
    }
}

/// Most tokens are pasted; else they run out while everything is at work.
fn tokens(mut rng: Rng) -> Option<SignedDuration> {
    let seconds = rng.percent(15).then(|| rng.pick(&[100, 240, 600]).unwrap_or(240));
    seconds.map(SignedDuration::from_secs)
}

/// Mostly right; else up to ten minutes off.
fn skew(rng: &mut Rng) -> SignedDuration {
    let seconds = if rng.percent(88) { 0 } else { rng.pick(&[-600, -240, -20, 20, 240, 600]).unwrap_or(0) };
    SignedDuration::from_secs(seconds)
}

fn faults(rng: &mut Rng) -> Faults {
    let rate = rng.pick(&[0, 40, 100, 200, 400, 1_000]).unwrap_or(0);
    Faults {
        falls: u32::try_from(rng.below(5)).unwrap_or(0),
        losses: u32::try_from(rng.below(4)).unwrap_or(0),
        errors: u32::try_from(rng.below(4)).unwrap_or(0),
        doubles: u32::try_from(rng.below(4)).unwrap_or(0),
        rate,
        // Processes that stand still are how two of them come to one record.
        pauses: if rng.percent(15) { 2 } else { 0 },
        ..Faults::default()
    }
}

/// Three with an address, and one without.
pub(crate) fn people() -> Vec<Person> {
    let person = |id: &str, email: Option<&str>| {
        let at = beginning() - SignedDuration::from_hours(3_000);
        Person { id: id.to_owned(), email: email.map(str::to_owned), out: false, created: at, updated: at }
    };
    vec![
        person("P0", Some("p0@example.org")),
        person("P1", Some("p1@example.org")),
        person("P2", Some("p2@example.org")),
        person("P9", None),
    ]
}

impl Sold {
    /// The sale, told of at a moment.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Sale {
        let made = now.saturating_sub(self.age).unwrap_or(now);
        Sale {
            id: self.id.clone(),
            person: self.person.clone(),
            created: made,
            updated: made,
            paid_updated: made,
            total: self.total,
            refunded: 0,
            paid: self.paid,
            attached: false,
        }
    }
}
