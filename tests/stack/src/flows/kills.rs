//! Processes that are killed at random moments of a history, of polls and of ticks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::chain::{Chain, PATIENCE};
use crate::stack::{Setup, Stack};

/// Processes killed.
const KILLS: usize = 20;
/// Locations, each with its history.
const LOCATIONS: usize = 6;
/// Orders of all locations.
const ORDERS: usize = 2_000;
/// Time of an invocation: a page and what must be left for it, and a little more.
const TIMEOUT: Duration = Duration::from_secs(45);
/// Longer than an invocation, as the template has it; not six times as long, since every kill waits for it.
const VISIBILITY: Duration = Duration::from_secs(48);
/// What replays the kills of an earlier run.
const SEED: &str = "KILL_SEED";

/// Where processes are killed: how many of twenty about, after how many calls at most since the one before, and
/// so many milliseconds at most after that.
const VICTIMS: [(&str, u64, u64, u64); 3] =
    [("backfill", 14, 150, 1_500), ("live_sync", 4, 40, 300), ("scheduled_poll", 2, 8, 0)];

/// SplitMix64.
struct Chance(u64);

impl Chance {
    /// One of `0..end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A moment, and which of the processes at work then.
#[derive(Debug)]
struct Kill {
    calls: u64,
    after: Duration,
    pick: u64,
}

/// The kills of each function.
fn drawn(seed: u64) -> [(&'static str, Vec<Kill>); 3] {
    let mut chance = Chance(seed);
    let mut drawn = VICTIMS.map(|(name, ..)| (name, Vec::new()));
    for n in 0..KILLS {
        // Each function is killed at least once.
        let ticket = chance.below(VICTIMS.iter().map(|(_, share, ..)| share).sum());
        let place = if n < VICTIMS.len() { n } else { holder(ticket) };
        let (_, _, calls, millis) = VICTIMS[place];
        let (calls, after) = (1 + chance.below(calls), Duration::from_millis(chance.below(millis + 1)));
        drawn[place].1.push(Kill { calls, after, pick: chance.below(1_000) });
    }
    drawn
}

/// The function a ticket falls on.
fn holder(ticket: u64) -> usize {
    let mut sum = 0;
    let sums = VICTIMS.map(|(_, share, ..)| {
        sum += share;
        sum
    });
    sums.iter().position(|end| ticket < *end).unwrap()
}

fn setup() -> Setup {
    let mut setup = Setup::of(ORDERS);
    (setup.shop.locations, setup.shop.customers) = (LOCATIONS, 200);
    setup.shop.settings.square_page_max = Some(200);
    setup
}

/// Kills processes of one function, each at its moment.
async fn kill_all(stack: &Stack, (name, kills): &(&'static str, Vec<Kill>)) {
    let (function, endpoint) = (stack.function(name), stack.endpoint(name));
    for kill in kills {
        endpoint.more(kill.calls).await;
        tokio::time::sleep(kill.after).await;
        while !function.kill_one(kill.pick) {
            endpoint.more(1).await;
        }
    }
}

/// The same history, undisturbed.
async fn undisturbed() -> Value {
    let shop = Chain::open(setup()).await;
    shop.start_all().await;
    shop.quiet().await;
    let figures = shop.figures();
    shop.check().await;
    figures
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_at_random_moments_lose_and_double_nothing() {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = std::env::var(SEED).map_or_else(|_| clock(), |seed| seed.parse().unwrap());
    println!("{SEED}={seed} kills the same again");
    let kills = drawn(seed);
    let began = Instant::now();
    let (plain, (shop, helped, killed)) = tokio::join!(undisturbed(), async {
        let short = Setup { timeout: Some(TIMEOUT), visibility: Some(VISIBILITY), ..setup() };
        let shop = Chain::open(short).await;
        shop.start_all().await;
        let kill = async |of: usize| kill_all(&shop.stack, &kills[of]).await;
        let polled = async {
            tokio::select! {
                _ = async { tokio::join!(kill(1), kill(2)) } => {}
                () = shop.keep_polling() => {}
            }
        };
        let all = async { tokio::join!(kill(0), polled) };
        let done = tokio::time::timeout(PATIENCE, all).await;
        assert!(done.is_ok(), "there was not enough to kill:\n{}", shop.told().await);
        let killed = began.elapsed().as_secs();
        shop.quiet().await;
        let mut helped = 0;
        for _ in 0..4 {
            match shop.help().await {
                0 => break,
                more => helped += more,
            }
        }
        shop.poll_all().await;
        (shop, helped, killed)
    });
    for (name, kills) in &kills {
        println!("killed {} of {name}", kills.len());
    }
    let mut dead = 0;
    for queue in [&shop.stack.queues.live_dead, &shop.stack.queues.history_dead] {
        dead += shop.stack.sqs.depth(queue).await;
    }
    println!("undisturbed {plain}");
    println!("disturbed {}", shop.figures());
    let seconds = began.elapsed().as_secs();
    println!(
        "dead letters {dead}, runs nobody worked on {helped}; killed in {killed} s, done in {seconds} s"
    );
    shop.check().await;
}
