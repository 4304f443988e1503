//! Plays schedules by the thousand.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tillsync_simulation::checker::judge;
use tillsync_simulation::plan::Plan;
use tillsync_simulation::rng::Rng;
use tillsync_simulation::world::play;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let args: Vec<u64> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let (from, count) = (args.first().copied().unwrap_or(0), args.get(1).copied().unwrap_or(1));
    let keep = count == 1;
    let began = std::time::Instant::now();
    let wrong = Mutex::new(BTreeMap::<&str, (u64, Vec<u64>, String)>::new());
    let (next, bad, steps) = (AtomicU64::new(from), AtomicU64::new(0), AtomicU64::new(0));
    let one = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= from + count {
            break;
        }
        let mut rng = Rng::new(seed);
        let plan = Plan::of(&mut rng);
        if keep {
            println!("{plan:#?}");
        }
        let played = play(plan, rng, keep);
        for line in &played.lines {
            println!("{line}");
        }
        steps.fetch_add(played.trace.1, Ordering::Relaxed);
        let violations = judge(&played.history);
        bad.fetch_add(u64::from(!violations.is_empty()), Ordering::Relaxed);
        for one in violations {
            if keep {
                println!("{}: {}", one.promise, one.detail);
            }
            let mut wrong = wrong.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let entry = wrong.entry(one.promise).or_insert((0, Vec::new(), one.detail.clone()));
            entry.0 += 1;
            if entry.1.len() < 8 && entry.1.last() != Some(&seed) {
                entry.1.push(seed);
            }
        }
        if keep {
            println!("hash {:x} steps {}", played.trace.0, played.trace.1);
        }
    };
    std::thread::scope(|scope| {
        let threads = if keep { 1 } else { 2 };
        for _ in 0..threads {
            scope.spawn(one);
        }
    });
    for (promise, (n, seeds, detail)) in wrong.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        println!("{n:6}  {promise}: seeds {seeds:?}: {detail}");
    }
    let millis = began.elapsed().as_millis();
    let (bad, steps) = (bad.into_inner(), steps.into_inner());
    println!("{count} schedules, {bad} wrong, {steps} steps, {millis} ms");
}
