//! What the simulator must catch: designs that are known to be wrong, and the engine with one of its rules taken away.
//! Beside them stands what it must not catch: the right design in the same world.
//!
//! The designs are those of the project's note on reliability. They are handlers of a few lines over the ports, the
//! store, the destination and the faults that the engine meets, judged by the promise about orders that the engine
//! is judged by.

mod fenced;
mod rules;
mod steps;
mod unfenced;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::checker::PROMISES;
use crate::ports::Line;
use rules::Rule;
use steps::{Order, Told};

/// How a design works on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    ReadWriteRecord,
    DedupeWrite,
    ClaimWrite,
    FetchWrite,
    LeaseFetchWrite,
    SkipIfDone,
    SkipIfClosed,
    TrustTheQueue,
}

impl Work {
    async fn handle(self, order: &Order, told: &Told) -> Option<()> {
        match self {
            Self::ReadWriteRecord => unfenced::read_write_record(order, told).await,
            Self::DedupeWrite => unfenced::dedupe_write(order, told).await,
            Self::ClaimWrite => unfenced::claim_write(order, told).await,
            Self::FetchWrite => unfenced::fetch_write(order, told).await,
            Self::LeaseFetchWrite => unfenced::lease_fetch_write(order, told).await,
            Self::SkipIfDone => fenced::skip_if_done(order, told).await,
            Self::SkipIfClosed => fenced::skip_if_closed(order, told).await,
            Self::TrustTheQueue => fenced::trust_the_queue(order, told).await,
        }
    }

    async fn sweep(self, line: Line) -> Option<()> {
        fenced::sweep(line, self == Self::TrustTheQueue).await
    }
}

/// A design.
#[derive(Clone, Copy, Debug)]
struct Design {
    work: Work,
    /// Whether attempts that were left open are resolved after a time.
    sweeps: bool,
    /// Whether a message that failed never returns before its time is up.
    waits: bool,
}

impl Design {
    const fn new(work: Work) -> Self {
        Self { work, sweeps: false, waits: false }
    }

    const fn swept(work: Work) -> Self {
        Self { work, sweeps: true, waits: false }
    }

    /// The right one.
    const fn patient() -> Self {
        Self { work: Work::SkipIfClosed, sweeps: true, waits: true }
    }
}

/// What plays a seed.
#[derive(Clone, Copy)]
enum Subject {
    /// A design.
    Design(Design),
    /// The engine without a rule.
    Without(Rule),
}

/// What is to be caught or not, and in how many schedules.
struct Case {
    name: &'static str,
    subject: Subject,
    is_wrong: bool,
    seeds: u64,
}

impl Case {
    const fn wrong(name: &'static str, design: Design, seeds: u64) -> Self {
        Self { name, subject: Subject::Design(design), is_wrong: true, seeds }
    }

    const fn right(name: &'static str, design: Design, seeds: u64) -> Self {
        Self { name, subject: Subject::Design(design), is_wrong: false, seeds }
    }

    const fn without(name: &'static str, rule: Rule, seeds: u64) -> Self {
        Self { name, subject: Subject::Without(rule), is_wrong: true, seeds }
    }
}

/// Budgets are at least five times what it takes on the average, so that other choices of a seed change nothing.
const CASES: &[Case] = &[
    Case::wrong("read version, write, record version", Design::new(Work::ReadWriteRecord), 200),
    Case::wrong("dedupe key first, then write", Design::new(Work::DedupeWrite), 200),
    Case::wrong("conditional version claim, then write", Design::new(Work::ClaimWrite), 200),
    Case::wrong("fetch latest, write, no fence", Design::new(Work::FetchWrite), 500),
    Case::wrong("lease + fetch latest, the lease can expire", Design::new(Work::LeaseFetchWrite), 2_000),
    Case::wrong("intent + compare, skip on recorded version", Design::new(Work::SkipIfDone), 500),
    Case::wrong("intent + compare, skip if no intent is open", Design::new(Work::SkipIfClosed), 5_000),
    Case::wrong("the same + sweeper, trusts the queued answer", Design::swept(Work::TrustTheQueue), 200),
    Case::right("the same + sweeper, redelivery after the landing time", Design::patient(), 5_000),
    Case::right("the same + sweeper, redelivery at any time", Design::swept(Work::SkipIfClosed), 5_000),
    Case::without("the engine, writing again before the landing time", rules::LANDING, 3_000),
    Case::without("the engine, not waiting for what is queued", rules::LOST_AFTER, 1_000),
    Case::without("the engine, polls without overlap", rules::OVERLAP, 500),
    Case::without("the engine, polls without lag", rules::LAG, 500),
    Case::without("the engine, polls without overlap and lag", rules::OVERLAP_AND_LAG, 500),
];

/// What came of looking for what is wrong with one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub name: &'static str,
    /// Whether something is wrong with it, and so must be found.
    pub is_wrong: bool,
    /// Schedules it may take.
    pub budget: u64,
    /// Schedules it took; none where all of them went well.
    pub took: Option<u64>,
    /// What the checker said.
    pub said: String,
}

impl Outcome {
    /// True where the simulator said what it should.
    #[must_use]
    pub fn is_as_it_should_be(&self) -> bool {
        self.took.is_some() == self.is_wrong
    }
}

/// Looks for what is wrong with each of them, two at a time.
#[must_use]
pub fn report() -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = CASES.get(n) else { return outcomes };
            outcomes.push((n, hunt(case)));
        }
    };
    let mut outcomes = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut outcomes = work();
        // A thread that panicked leaves its cases out, and the table shows it.
        outcomes.extend(other.join().unwrap_or_default());
        outcomes
    });
    outcomes.sort_by_key(|(n, _)| *n);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn hunt(case: &Case) -> Outcome {
    let found = (0..case.seeds).find_map(|seed| Some((seed + 1, case.subject.fails(seed)?)));
    let (took, said) = found.map_or((None, String::new()), |(took, said)| (Some(took), said));
    Outcome { name: case.name, is_wrong: case.is_wrong, budget: case.seeds, took, said }
}

impl Subject {
    /// What the checker says of the schedule of a seed, if anything.
    fn fails(self, seed: u64) -> Option<String> {
        match self {
            Self::Design(design) => {
                let history = world::play(design, seed).history;
                // The rest of the promises are about the ledger and the calls of the engine.
                let (promise, check) = PROMISES.iter().find(|(promise, _)| promise.starts_with("I1 "))?;
                Some(format!("{promise}: {}", check(&history).first()?))
            }
            Self::Without(rule) => rule.misses(seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CASES, Subject, report, world};

    #[test]
    fn what_is_wrong_is_caught_and_what_is_right_is_not() {
        let outcomes = report();
        assert_eq!(outcomes.len(), CASES.len());
        for outcome in outcomes {
            assert!(outcome.is_as_it_should_be(), "{outcome:?}");
        }
    }

    #[test]
    fn a_seed_takes_the_same_steps_twice() {
        for case in CASES {
            let Subject::Design(design) = case.subject else { continue };
            for seed in 0..20 {
                let (once, again) = (world::play(design, seed), world::play(design, seed));
                assert!(once.trace.1 > 10, "{}: seed {seed} does nothing", case.name);
                assert_eq!(once.trace, again.trace, "{}: seed {seed}", case.name);
            }
        }
    }
}
