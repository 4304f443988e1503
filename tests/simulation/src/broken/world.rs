//! One schedule of a design: an order or two at three versions, a message at each change, one process per message.

use std::sync::Arc;

use jiff::SignedDuration;
use tillsync_engine::memory::MemoryStore;
use tillsync_engine::ports::{Delivery, Lane};

use super::Design;
use super::steps::{Order, Seen, Told};
use crate::executor::{Process, Sim, Stop, later};
use crate::faults::Faults;
use crate::plan::{beginning, people};
use crate::ports::{Line, WallClock};
use crate::queue::{Message, Taken};
use crate::rng::Rng;
use crate::shop::{BASE, Sale};
use crate::state::{Happening, Outside};
use crate::world::Played;

/// A process is stopped after this time.
const LIVES: SignedDuration = SignedDuration::from_secs(60);
/// A message returns by itself after this time: six times as long.
const HIDDEN: SignedDuration = SignedDuration::from_secs(360);
/// Between two sweeps.
const SWEEP: SignedDuration = SignedDuration::from_mins(2);
/// Nothing goes wrong after this time.
const CALM: SignedDuration = SignedDuration::from_mins(5);
/// By then all messages have returned, all is swept, and all that was queued is applied.
const END: SignedDuration = SignedDuration::from_mins(25);
/// Longest time in the destination's queue, in seconds.
const QUEUED_FOR: i64 = 600;

struct World {
    outside: Outside,
    design: Design,
    /// When each order changes.
    changes: Vec<(SignedDuration, String)>,
    /// Messages that may yet be sent twice.
    twice: u32,
    processes: Process,
}

/// Plays the schedule of a seed.
pub(super) fn play(design: Design, seed: u64) -> Played {
    let mut rng = Rng::new(seed);
    let changes = changes(&mut rng);
    let rate = rng.pick(&[0, 300, 1_000, 2_500]).unwrap_or(0);
    let sim = Sim::new(beginning(), rng);
    let items = Arc::new(MemoryStore::new(Arc::new(WallClock(sim.clone()))));
    let outside = Outside::new(sim, items);
    {
        let mut state = outside.state();
        state.faults = Faults { falls: 2, losses: 2, pauses: 1, rate, ..Faults::default() };
        state.queued_for = QUEUED_FOR;
        for person in people() {
            state.shop.meet(person, beginning());
        }
        for (n, (at, _)) in changes.iter().enumerate() {
            outside.plan(&mut state, *at, Happening::Change(n));
        }
        outside.plan(&mut state, CALM, Happening::Calm);
        outside.plan(&mut state, END, Happening::End);
        if design.sweeps {
            outside.plan(&mut state, SWEEP, Happening::Tick);
        }
    }
    let mut world = World { outside, design, changes, twice: 2, processes: 0 };
    while world.step() {}
    world.end()
}

/// A sale and two refunds of each order: mostly close together, so that their messages meet.
fn changes(rng: &mut Rng) -> Vec<(SignedDuration, String)> {
    let mut changes = Vec::new();
    for n in 0..rng.between(1, 2) {
        let mut at = 0;
        for _ in 0..3 {
            at += match rng.below(10) {
                0..=5 => rng.between(20, 1_500),
                6..=8 => rng.between(1_500, 30_000),
                _ => rng.between(30_000, 120_000),
            };
            changes.push((SignedDuration::from_millis(at), format!("O{n}")));
        }
    }
    changes
}

impl World {
    /// One thing happens; false at the end.
    fn step(&mut self) -> bool {
        match self.outside.sim.run() {
            Stop::Idle => return false,
            Stop::Ended(..) => {}
            Stop::Fell(processes) => self.fell(&processes),
            Stop::World(number) => {
                let what = self.outside.state().happenings.remove(&number);
                match what {
                    Some(Happening::Arrive(number)) => self.outside.arrive(number),
                    Some(Happening::Apply(writes)) => self.outside.apply(writes),
                    Some(Happening::Due(message)) => self.due(message),
                    Some(Happening::Change(n)) => self.change(n),
                    Some(Happening::Tick) => self.sweep(),
                    Some(Happening::TimeUp(process)) if self.outside.sim.is_busy(process) => {
                        self.outside.sim.kill(process);
                    }
                    Some(Happening::Calm) => self.outside.state().faults.calm(),
                    Some(Happening::End) => return false,
                    _ => {}
                }
            }
        }
        true
    }

    /// A sale, or something given back; a message says so, or two, and they may overtake each other.
    fn change(&mut self, n: usize) {
        let Some((_, id)) = self.changes.get(n) else { return };
        let now = self.outside.sim.now();
        let mut state = self.outside.state();
        let sale = match state.shop.sale(id).cloned() {
            Some(sale) => Sale { refunded: sale.refunded + 100, updated: now, paid_updated: now, ..sale },
            None => sold(id, now),
        };
        state.shop.sell(sale.clone(), now);
        let seen = Seen { version: now.as_microsecond(), left: sale.total - sale.refunded };
        self.outside.sim.note("change", id);
        let twice = self.twice > 0 && self.outside.sim.draw(|rng| rng.percent(40));
        self.twice -= u32::from(twice);
        for _ in 0..=u32::from(twice) {
            let wait = self.outside.sim.draw(|rng| match rng.below(20) {
                0..=10 => rng.between(5, 300),
                11..=17 => rng.between(300, 5_000),
                _ => rng.between(5_000, 90_000),
            });
            let (number, wait) = (state.number(), SignedDuration::from_millis(wait));
            let (lane, visible) = (Lane::Live, later(now, wait));
            let message = Message { lane, body: seen.told(id), visible, attempts: 0, takes: 0, holder: None };
            state.queue.all.insert(number, message);
            self.outside.plan(&mut state, wait, Happening::Due(number));
        }
    }

    /// A process begins, and is stopped in time.
    fn process(&mut self) -> Line {
        self.processes += 1;
        let process = self.processes;
        self.outside.plan(&mut self.outside.state(), LIVES, Happening::TimeUp(process));
        Line { outside: self.outside.clone(), process, skew: SignedDuration::ZERO }
    }

    /// A message may be taken.
    fn due(&mut self, number: u64) {
        let now = self.outside.sim.now();
        if self.outside.state().queue.all.get(&number).is_none_or(|one| one.visible > now) {
            return;
        }
        let line = self.process();
        let process = line.process;
        let Taken::Yours(delivery) =
            self.outside.state().queue.take(number, process, now, later(now, HIDDEN))
        else {
            return;
        };
        self.outside.sim.note("take", &delivery.body);
        self.outside.plan(&mut self.outside.state(), HIDDEN, Happening::Due(number));
        let (design, outside) = (self.design, self.outside.clone());
        self.outside.sim.spawn(
            process,
            Box::pin(async move {
                if handle(design, line, delivery).await.is_none() {
                    hand_back(&outside, &[process], design.waits);
                }
            }),
        );
    }

    fn fell(&mut self, processes: &[Process]) {
        hand_back(&self.outside, processes, self.design.waits);
    }

    fn sweep(&mut self) {
        let (line, work) = (self.process(), self.design.work);
        self.outside.sim.spawn(
            line.process,
            Box::pin(async move {
                // What fails now is done by the next one.
                let _ = work.sweep(line).await;
            }),
        );
        self.outside.plan(&mut self.outside.state(), SWEEP, Happening::Tick);
    }

    fn end(self) -> Played {
        let mut state = self.outside.state();
        let mut history = std::mem::take(&mut state.seen);
        history.sales = state.shop.sales().cloned().collect();
        history.people = state.shop.people().cloned().collect();
        history.landed = std::mem::take(&mut state.account.landed);
        let there = state.account.orders.iter().map(|(id, order)| {
            let status = order["normalizedStatus"].as_str().unwrap_or_default().to_owned();
            (id.clone(), (order["finalAmount"].to_string(), status))
        });
        history.there = there.collect();
        history.connected = beginning();
        history.end = self.outside.sim.now();
        drop(state);
        let sim = &self.outside.sim;
        Played { history, trace: sim.hash(), lines: sim.trace_lines(), moments: 0, simulated: 0 }
    }
}

/// Works on a message, where there is one in it.
async fn handle(design: Design, line: Line, delivery: Delivery) -> Option<()> {
    let (id, seen) = Seen::heard(&delivery.body)?;
    design.work.handle(&Order { line, id }, &Told { seen, delivery }).await
}

/// What somebody could not do returns: soon, as from a host that sees its workers fall, or when its time is up.
fn hand_back(outside: &Outside, of: &[Process], waits: bool) {
    let mut state = outside.state();
    let now = outside.sim.now();
    let held = |message: &Message| message.holder.is_some_and(|holder| of.contains(&holder));
    let back: Vec<u64> = state.queue.all.iter().filter(|(_, one)| held(one)).map(|(id, _)| *id).collect();
    for number in back {
        let soon = outside.sim.draw(|rng| rng.percent(50).then(|| rng.between(1, 40)));
        let Some(wait) = soon.filter(|_| !waits).map(SignedDuration::from_secs) else { continue };
        if let Some(message) = state.queue.all.get_mut(&number) {
            (message.holder, message.visible) = (None, later(now, wait));
        }
        outside.plan(&mut state, wait, Happening::Due(number));
    }
}

/// A sale that is paid, by somebody with an address.
fn sold(id: &str, now: jiff::Timestamp) -> Sale {
    let (id, person) = (id.to_owned(), Some("P0".to_owned()));
    Sale {
        id,
        person,
        created: now,
        updated: now,
        paid_updated: now,
        total: BASE,
        refunded: 0,
        paid: true,
        attached: false,
    }
}
