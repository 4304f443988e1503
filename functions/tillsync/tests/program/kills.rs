//! SIGKILL, again and again: what is killed at any moment of its work loses nothing and doubles nothing.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tillsync_sandbox::Options;

use crate::harness::{Program, shop};

const ORDERS: usize = 5_000;
const KILLS: u64 = 20;
/// The last of them, when three quarters are out: the rest of the orders, the people, the reading back.
const BY_TIME: u64 = 4;
/// Calls with orders that a kill may cost: those under way, one that is not full, one to write what did not arrive.
const WRITES_BY_A_KILL: u64 = 3 + 1 + 1;
/// Calls of any kind that a kill may cost: besides these a page is read once more, on both sides.
const CALLS_BY_A_KILL: u64 = 40;
/// A program that is left in peace is done by then.
const PATIENCE: Duration = Duration::from_secs(200);
/// Names the moments of an earlier run, to see them again.
const SEED: &str = "KILLS_SEED";

/// A small generator of numbers: the same seed is the same moments.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let given = std::env::var(SEED).ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| jiff::Timestamp::now().as_millisecond().unsigned_abs());
        println!("{SEED}={seed}");
        Self(seed)
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % end
    }
}

/// What came of an import.
struct Came {
    program: Program,
    streams: Value,
    writes: u64,
    calls: u64,
}

impl Came {
    /// Of a program whose history has just ended with this answer.
    fn of(program: Program, answer: &Value) -> Self {
        assert_eq!(answer["run"]["state"], "complete", "{answer}");
        program.arrived();
        let (streams, stats) = (answer["run"]["streams"].clone(), program.world.stats());
        let calls = |platform: &str| stats[platform]["calls"].as_u64().unwrap();
        let calls = calls(program.source) + calls("activecampaign");
        let writes = stats["activecampaign"]["classes"]["order_writes"].as_u64().unwrap();
        assert_eq!(stats["refused"], json!([]));
        Self { program, streams, writes, calls }
    }
}

fn connected(options: &Options) -> Program {
    let program = Program::new(options.clone());
    // Small pages, so that what a kill has read again is little of it.
    let pages = format!("{}_page_max", program.source);
    program.world.set(&json!({pages: 250})).unwrap();
    program.connect();
    program.world.reset_stats();
    program
}

/// Orders the account has taken, there or on their way.
fn taken(program: &Program) -> u64 {
    let account = &program.world.stats()["activecampaign"]["account"];
    account["orders"].as_u64().unwrap() + account["pending"].as_u64().unwrap()
}

fn killed(program: Program, moments: &mut Moments) -> Came {
    let eligible = program.world.expected()["locations"][program.location()]["eligible"].as_u64().unwrap();
    let slice = eligible * 3 / 4 / (KILLS - BY_TIME);
    let mut action = "start";
    for kill in 0..KILLS {
        let kept = program.spawn(&["backfill", action, "shop", "--wait", "--json"]);
        action = "resume";
        let (through, wait) = match kill {
            kill if kill < KILLS - BY_TIME => (kill * slice + moments.below(slice), moments.below(400)),
            // What a kill left noted and unsent is written at the very end, so by orders these would come too late. What
            // is left takes longer than all of them together, at the pace the account and the store allow.
            _ => (0, 1_000 + moments.below(4_000)),
        };
        let began = Instant::now();
        while taken(&program) < through {
            assert!(began.elapsed() < PATIENCE, "kill {kill}: {through} orders never arrive");
            thread::sleep(Duration::from_millis(50));
        }
        thread::sleep(Duration::from_millis(wait));
        let ran = kept.kill();
        assert_eq!(ran.status, -1, "kill {kill} at {through} orders came too late: {ran:?}");
        println!("kill {kill:2}: {through} orders let through, and {wait} ms: {} taken", taken(&program));
    }
    let resumed = program.ask(&["backfill", "resume", "shop", "--wait"]).with(0);
    Came::of(program, &resumed)
}

/// Of every stream, every record observed is accounted for, and nothing needs anybody.
fn agrees(streams: &Value) {
    for (stream, tally) in streams.as_object().unwrap() {
        let sum = |member: &str| -> u64 {
            let reasons = tally[member].as_object().unwrap();
            reasons.values().map(|n| n.as_u64().unwrap()).sum()
        };
        let number = |member: &str| tally[member].as_u64().unwrap();
        let (skipped, parked) = (sum("skipped"), sum("parked"));
        let rest = number("synced") + number("unchanged") + skipped + parked + number("pending");
        assert_eq!((number("observed"), parked), (rest, 0), "{stream}: {tally}");
    }
}

#[test]
fn a_backfill_of_5000_orders_killed_at_20_moments_sends_each_order_once() {
    let mut moments = Moments::new();
    let mut options = shop(ORDERS);
    (options.customers, options.now_ms) = (900, Some(jiff::Timestamp::now().as_millisecond()));
    let (left_alone, came) = thread::scope(|scope| {
        let left_alone = scope.spawn(|| {
            let program = connected(&options);
            let answer = program.ask(&["backfill", "start", "shop", "--wait"]).with(0);
            Came::of(program, &answer)
        });
        let came = killed(connected(&options), &mut moments);
        (left_alone.join().unwrap(), came)
    });
    println!("calls with orders: {} left alone, {} killed {KILLS} times", left_alone.writes, came.writes);
    println!("calls in all: {} left alone, {} killed {KILLS} times", left_alone.calls, came.calls);
    assert!(came.writes <= left_alone.writes + KILLS * WRITES_BY_A_KILL, "{} calls", came.writes);
    assert!(came.calls <= left_alone.calls + KILLS * CALLS_BY_A_KILL, "{} calls", came.calls);

    agrees(&came.streams);
    agrees(&left_alone.streams);
    assert_eq!(came.streams["orders"]["observed"], ORDERS);
    assert_eq!(came.streams["orders"], left_alone.streams["orders"]);
    let (left, right) = (left_alone.program.world.dump(), came.program.world.dump());
    for kind in ["connections", "orders", "customers", "products"] {
        assert_eq!(left[kind], right[kind], "{kind}");
    }
    let addresses = |dump: &Value| -> Vec<Value> {
        dump["contacts"].as_array().unwrap().iter().map(|contact| contact["email"].clone()).collect()
    };
    assert_eq!(addresses(&left), addresses(&right));
    let purchases = |came: &Came| came.program.world.purchases()["purchases"].as_array().map(Vec::len);
    assert_eq!(purchases(&left_alone), purchases(&came), "nothing starts twice");
}
