//! Many schedules at once, their progress, and what came of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tillsync_simulation::checker::{Violation, judge};
use tillsync_simulation::crashes::{Found, Scene};
use tillsync_simulation::plan::Plan;
use tillsync_simulation::rng::Rng;
use tillsync_simulation::world::{Played, play};

/// Seeds told of one broken promise.
const TOLD: usize = 5;
/// Every so many seeds one is played twice: its trace must be the same.
const TWICE: u64 = 200;
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(15);

/// Prints a line.
pub(crate) fn say(line: &str) {
    // Nobody reads any more: then there is nothing to say.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// How often a promise was broken, by which seeds, and how the first time.
type Broken = (u64, Vec<u64>, String);

#[derive(Default)]
struct Score {
    wrong: Mutex<BTreeMap<&'static str, Broken>>,
    played: AtomicU64,
    bad: AtomicU64,
    steps: AtomicU64,
    /// Milliseconds of virtual time.
    simulated: AtomicU64,
}

/// Plays schedules on every processor; true when nothing was wrong.
pub(crate) fn run(from: u64, count: u64) -> bool {
    let score = Score::default();
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return;
            }
            one(&score, from.wrapping_add(n), n.is_multiple_of(TWICE));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
        scope.spawn(|| progress((&score.played, &score.bad), count, began));
    });
    tell(&score, count, began)
}

fn played(seed: u64) -> Played {
    let mut rng = Rng::new(seed);
    let plan = Plan::of(&mut rng);
    play(plan, rng, false)
}

/// Plays and judges a seed: what is broken, its steps and its virtual time. A panic is a fault like any other.
fn judged(seed: u64, twice: bool) -> (Vec<Violation>, u64, u64) {
    let work = || {
        let first = played(seed);
        let mut violations = judge(&first.history);
        if twice && played(seed).trace != first.trace {
            let promise = "I40 the same seed takes the same steps";
            violations.push(Violation { promise, detail: String::new() });
        }
        (violations, first.trace.1, first.simulated)
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| (vec![panicked()], 0, 0))
}

fn panicked() -> Violation {
    Violation { promise: "nothing panics", detail: "a panic, told above".to_owned() }
}

fn one(score: &Score, seed: u64, twice: bool) {
    let (violations, steps, simulated) = judged(seed, twice);
    score.steps.fetch_add(steps, Ordering::Relaxed);
    score.simulated.fetch_add(simulated, Ordering::Relaxed);
    score.bad.fetch_add(u64::from(!violations.is_empty()), Ordering::Relaxed);
    for violation in violations {
        let mut wrong = score.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = wrong.entry(violation.promise).or_insert((0, Vec::new(), violation.detail));
        entry.0 += 1;
        if entry.1.len() < TOLD && !entry.1.contains(&seed) {
            entry.1.push(seed);
            // At once, and again at the end: a long run may be stopped before.
            eprintln!("wrong: seed {seed}: {}", violation.promise);
        }
    }
    score.played.fetch_add(1, Ordering::Relaxed);
}

/// Says how far it is, on standard error, until everything is done.
fn progress((done, bad): (&AtomicU64, &AtomicU64), all: u64, began: Instant) {
    let mut told = Instant::now();
    loop {
        let so_far = done.load(Ordering::Relaxed);
        if so_far >= all {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
        if told.elapsed() >= PROGRESS && so_far > 0 {
            told = Instant::now();
            let seconds = began.elapsed().as_secs();
            let left = u128::from(seconds) * u128::from(all - so_far) / u128::from(so_far);
            let bad = bad.load(Ordering::Relaxed);
            eprintln!(
                "{so_far} of {all} schedules, {bad} wrong, about {left} s left: the processor sets the pace"
            );
        }
    }
}

fn tell(score: &Score, count: u64, began: Instant) -> bool {
    let wrong = score.wrong.lock().unwrap_or_else(PoisonError::into_inner);
    for (promise, (n, seeds, detail)) in wrong.iter() {
        say(&format!("{n} times: {promise}, as {detail}"));
        for seed in seeds {
            say(&format!("    cargo run --profile simulation -p tillsync-simulation -- replay {seed}"));
        }
    }
    let (bad, steps) = (score.bad.load(Ordering::Relaxed), score.steps.load(Ordering::Relaxed));
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    let simulated = score.simulated.load(Ordering::Relaxed);
    say(&format!(
        "{count} schedules in {} s, {} a second, {steps} effects, time {} times as fast; every {TWICE}th was played twice",
        millis / 1_000,
        count.saturating_mul(1_000) / millis,
        simulated / millis
    ));
    say(&format!("{} passed, {bad} failed", count - bad));
    bad == 0
}

/// Whether every wrong design was caught, and no right one; told in a table.
pub(crate) fn self_test() -> bool {
    let all = tillsync_simulation::broken::report();
    let mut bad = 0;
    for one in &all {
        let sound = one.is_as_it_should_be();
        bad += u64::from(!sound);
        let word = if sound { "ok" } else { "NOT AS IT SHOULD BE" };
        let took = one.took.map_or_else(|| "not caught".to_owned(), |took| format!("caught by seed {took}"));
        say(&format!("{word}: {}: {took} of {} {}", one.name, one.budget, one.said));
    }
    say(&format!("{} passed, {bad} failed", all.len() as u64 - bad));
    bad == 0
}

/// Enumerates crash points of scenes, shared among the processors; true when nothing was wrong.
pub(crate) fn crashes(scenes: &[Scene], enumerate: impl Fn(Scene, (u64, u64)) -> Found + Sync) -> bool {
    let shares = available_parallelism().map_or(2, usize::from) as u64;
    let (mut tried, mut bad) = (0, 0);
    for scene in scenes {
        let began = Instant::now();
        let parts = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..shares)
                .map(|share| {
                    scope.spawn({
                        let enumerate = &enumerate;
                        move || enumerate(*scene, (share, shares))
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_default()).collect::<Vec<_>>()
        });
        let singles: u64 = parts.iter().map(|part| part.singles).sum();
        let pairs: u64 = parts.iter().map(|part| part.pairs).sum();
        let wrong: Vec<_> = parts.iter().flat_map(|part| &part.wrong).collect();
        for (moments, violation) in wrong.iter().take(TOLD) {
            say(&format!("fell at {moments:?}: {}: {}", violation.promise, violation.detail));
            let at = moments.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
            let name = scene.name;
            say(&format!(
                "    cargo run --profile simulation -p tillsync-simulation -- crashes --scene {name:?} --replay {at}"
            ));
        }
        let seconds = began.elapsed().as_secs();
        say(&format!("{}: {singles} moments, {pairs} pairs, {} wrong, {seconds} s", scene.name, wrong.len()));
        tried += singles + pairs;
        let mut cases: Vec<_> = wrong.iter().map(|(moments, _)| moments).collect();
        cases.dedup();
        bad += cases.len() as u64;
        // A worker that panicked has tried nothing.
        let undisturbed = scene.play(Vec::new(), false).moments;
        bad += undisturbed.saturating_sub(singles);
    }
    say(&format!("{} passed, {bad} failed", tried.saturating_sub(bad)));
    bad == 0
}
