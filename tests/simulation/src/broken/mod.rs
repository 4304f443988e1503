//! What the simulator must catch: designs that are known to be wrong, and the engine with one of its rules taken away.
//! Beside them stands what it must not catch: the right design in the same world.
//!
//! The designs are those of the project's note on reliability. They are handlers of a few lines over the ports, the
//! store, the destination and the faults that the engine meets, judged by the promise about orders that the engine
//! is judged by.

mod fenced;
mod steps;
mod unfenced;
mod world;

use jiff::SignedDuration;
use tillsync_engine::Timing;

use crate::checker::{PROMISES, Violation, judge};
use crate::plan::Plan;
use crate::ports::Line;
use crate::rng::Rng;
use crate::world::Played;
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
}

/// What plays a seed.
#[derive(Clone, Copy)]
enum Subject {
    /// A design.
    Design(Design),
    /// The engine, with other waiting times.
    Engine(fn(&mut Timing)),
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

    const fn engine(name: &'static str, change: fn(&mut Timing), seeds: u64) -> Self {
        Self { name, subject: Subject::Engine(change), is_wrong: true, seeds }
    }
}

/// Budgets are at least five times what it took when they were set.
const CASES: &[Case] = &[
    Case::wrong("read version, write, record version", Design::new(Work::ReadWriteRecord), 1_000),
    Case::wrong("dedupe key first, then write", Design::new(Work::DedupeWrite), 1_000),
    Case::wrong("conditional version claim, then write", Design::new(Work::ClaimWrite), 1_000),
    Case::wrong("fetch latest, write, no fence", Design::new(Work::FetchWrite), 5_000),
    Case::wrong("lease + fetch latest, the lease can expire", Design::new(Work::LeaseFetchWrite), 20_000),
    Case::wrong("intent + compare, skip on recorded version", Design::new(Work::SkipIfDone), 20_000),
    Case::wrong("intent + compare, skip if no intent is open, no sweeper", Design::new(Work::SkipIfClosed), 20_000),
    Case::wrong("the right one, but trusts the queued answer", Design::swept(Work::TrustTheQueue), 1_000),
    Case::right(
        "intent + compare, skip if no intent is open, sweeper, late redelivery",
        Design { waits: true, ..Design::swept(Work::SkipIfClosed) },
        20_000,
    ),
    Case::right(
        "intent + compare, skip if no intent is open, sweeper, early redelivery",
        Design::swept(Work::SkipIfClosed),
        20_000,
    ),
    Case::engine("the engine without landing time", |timing| timing.landing = SignedDuration::ZERO, 2_000),
    Case::engine("the engine not waiting for the queue", |timing| timing.lost_after = SignedDuration::ZERO, 2_000),
    Case::engine(
        "the engine without overlap and lag",
        |timing| (timing.overlap, timing.lag) = (SignedDuration::ZERO, SignedDuration::ZERO),
        2_000,
    ),
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
    let (even, odd): (Vec<_>, Vec<_>) = CASES.iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let hunt = |cases: Vec<(usize, &Case)>| {
        cases.into_iter().map(|(n, case)| (n, hunt(case))).collect::<Vec<_>>()
    };
    let mut outcomes = std::thread::scope(|scope| {
        let even = scope.spawn(|| hunt(even));
        let mut outcomes = hunt(odd);
        // A thread that panicked leaves its cases out, and the table shows it.
        outcomes.extend(even.join().unwrap_or_default());
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
            Self::Engine(change) => {
                let Violation { promise, detail } = judge(&played(change, seed).history).into_iter().next()?;
                // It must be the missing rule that does it.
                let unchanged = judge(&played(|_| {}, seed).history);
                unchanged.is_empty().then(|| format!("{promise}: {detail}"))
            }
        }
    }
}

fn played(change: fn(&mut Timing), seed: u64) -> Played {
    let mut rng = Rng::new(seed);
    let mut plan = Plan::of(&mut rng);
    change(&mut plan.timing);
    crate::world::play(plan, rng, false)
}

#[cfg(test)]
mod tests {
    use super::{CASES, Subject, report, world};

    #[test]
    fn what_is_wrong_is_caught_and_what_is_right_is_not() {
        let outcomes = report();
        assert_eq!(outcomes.len(), CASES.len());
        println!("{outcomes:#?}");
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
