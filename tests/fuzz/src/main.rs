//! Runs the targets: each over its corpus, then over new inputs, and says how many that were.
//!
//! An input that fails is written to `found/` in this folder; once it is mended it belongs into the target's corpus.

#![allow(clippy::print_stdout, reason = "it says what it did")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tillsync_fuzz::mutate::{Seed, mutate};
use tillsync_fuzz::random::Random;
use tillsync_fuzz::{Target, corpus, targets};

/// Inputs for each target of weight 1, unless told otherwise: some 45 s of one processor in all.
const INPUTS: u64 = 3_000;
/// The seed of every run that is not told another: a run in CI can be had again anywhere.
const SEED: u64 = 1;
/// An input that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(60);

/// What is asked for on the command line.
struct Asked {
    inputs: u64,
    seed: u64,
    target: Option<String>,
}

fn main() -> ExitCode {
    let asked = match asked() {
        Ok(asked) => asked,
        Err(usage) => {
            println!("{usage}");
            return ExitCode::from(2);
        }
    };
    let wanted = |target: &Target| asked.target.as_ref().is_none_or(|name| *name == target.name);
    let chosen: Vec<Target> = targets::all().into_iter().filter(wanted).collect();
    let (mut passed, mut failed, mut inputs) = (0, 0, 0);
    let started = Instant::now();
    for target in chosen {
        let begun = Instant::now();
        match fuzz(target, &asked) {
            Ok((seeds, made)) => {
                passed += 1;
                inputs += seeds + made;
                println!("{:20} {seeds:4} of the corpus, {made:7} new, {:.1?}", target.name, begun.elapsed());
            }
            Err(found) => {
                failed += 1;
                println!("{:20} FAILED: {found}", target.name);
            }
        }
    }
    println!("{inputs} inputs in {:.0?}, seed {}", started.elapsed(), asked.seed);
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn asked() -> Result<Asked, String> {
    const USAGE: &str = "tillsync-fuzz [--inputs N] [--seed N] [TARGET]";
    let mut asked = Asked { inputs: INPUTS, seed: SEED, target: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.parse().ok()).ok_or(USAGE);
        match word.as_str() {
            "--inputs" => asked.inputs = number()?,
            "--seed" => asked.seed = number()?,
            name if targets::all().iter().any(|target| target.name == name) => {
                asked.target = Some(name.to_owned());
            }
            _ => {
                let names: Vec<_> = targets::all().iter().map(|target| target.name).collect();
                return Err(format!("{USAGE}; targets: {}", names.join(", ")));
            }
        }
    }
    Ok(asked)
}

/// Gives a target its inputs on a thread of its own; the first that fails ends it.
fn fuzz(target: Target, asked: &Asked) -> Result<(u64, u64), String> {
    let (tell, told) = channel();
    let (inputs, seed) = (asked.inputs.saturating_mul(target.weight), asked.seed);
    let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        let corpus = corpus::of(&target);
        for (name, seed) in &corpus {
            if tell.send(seed.bytes().to_vec()).is_err() || !holds(target, seed.bytes()) {
                return Err(name.clone());
            }
        }
        let seeds: Vec<Seed> = corpus.into_iter().map(|(_, seed)| seed).collect();
        // Each target has numbers of its own: one more input for one changes nothing for the others.
        let mut random =
            Random::new(seed.wrapping_add(target.name.bytes().map(u64::from).sum::<u64>() << 32));
        for _ in 0..inputs {
            let input = mutate(&mut random, &seeds);
            if tell.send(input.clone()).is_err() || !holds(target, &input) {
                return Err(kept(target, &input));
            }
        }
        Ok((seeds.len() as u64, inputs))
    });
    let worker = worker.map_err(|error| error.to_string())?;
    watch(target, &told)?;
    worker.join().unwrap_or_else(|_| Err("the target cannot run".to_owned()))
}

/// Waits for the worker's end, as long as it goes on from input to input.
fn watch(target: Target, told: &Receiver<Vec<u8>>) -> Result<(), String> {
    let mut last = Vec::new();
    loop {
        match told.recv_timeout(LONGEST) {
            Ok(input) => last = input,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => return Err(format!("it hangs on {}", kept(target, &last))),
        }
    }
}

/// The panic's own message says what does not hold.
fn holds(target: Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

/// Writes an input down; where it lies.
fn kept(target: Target, input: &[u8]) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/found");
    let name = input.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let path = format!("{folder}/{}-{name:016x}", target.name);
    match std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, input)) {
        Ok(()) => path,
        Err(error) => format!("an input that cannot be written down: {error}"),
    }
}
