//! `simulate`: plays schedules, enumerates crash points, replays a seed.

mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use tillsync_simulation::crashes::SCENES;
use tillsync_simulation::plan::Plan;
use tillsync_simulation::rng::Rng;
use tillsync_simulation::world::{Played, play};
use tillsync_simulation::{checker, crashes};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plays the engine under hostile schedules.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Plays schedules, from one seed on.
    Run {
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many.
        #[arg(long, default_value_t = 200_000)]
        schedules: u64,
    },
    /// Plays one seed and prints every step and what is wrong.
    Replay {
        /// The seed.
        seed: u64,
    },
    /// Plays designs that are known to be wrong: each must be caught, and the right one must not.
    SelfTest,
    /// Ends the process at every moment of every scene, one by one; with --pairs, twice.
    Crashes {
        /// Every pair too.
        #[arg(long)]
        pairs: bool,
        /// Scenes whose name holds this.
        #[arg(long, default_value = "")]
        scene: String,
        /// Prints the steps of one case: the moments at which the process ends.
        #[arg(long, num_args = 0..=2)]
        replay: Option<Vec<u64>>,
    },
}

fn main() -> ExitCode {
    let sound = match Options::parse().what {
        What::Run { from, schedules } => report::run(from, schedules),
        What::SelfTest => report::self_test(),
        What::Replay { seed } => {
            let mut rng = Rng::new(seed);
            let plan = Plan::of(&mut rng);
            report::say(&format!("{plan:#?}"));
            tell(&play(plan, rng, true))
        }
        What::Crashes { pairs, scene, replay } => {
            let all: Vec<_> = SCENES.into_iter().filter(|one| one.name.contains(&scene)).collect();
            match (all.as_slice(), replay) {
                ([one], Some(moments)) => tell(&one.play(moments, true)),
                ([], _) | (_, Some(_)) => {
                    let names = SCENES.map(|one| format!("{:?}", one.name)).join(", ");
                    eprintln!("--scene {scene:?} must name one of {names}, or a part of one");
                    return ExitCode::from(2);
                }
                (all, None) => report::crashes(all, |scene, share| crashes::enumerate(scene, pairs, share)),
            }
        }
    };
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells one schedule, step by step.
fn tell(played: &Played) -> bool {
    for line in &played.lines {
        report::say(line);
    }
    let wrong = checker::judge(&played.history);
    for one in &wrong {
        report::say(&format!("{}: {}", one.promise, one.detail));
    }
    let (hash, steps) = played.trace;
    report::say(&format!(
        "{steps} steps, {} moments, trace {hash:016x}, {} wrong",
        played.moments,
        wrong.len()
    ));
    wrong.is_empty()
}
