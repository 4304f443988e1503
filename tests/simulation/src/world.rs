//! One schedule, from its plan to its history.

mod changes;
mod ending;
mod given;
mod operator;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tillsync_engine::budget::{Budget, LocalBudget, SharedBudget};
use tillsync_engine::memory::MemoryStore;
use tillsync_engine::ports::{Condition, Lane, Store, Vault, Write};
use tillsync_engine::run::{handle, requeue, sweep};
use tillsync_engine::{Config, Engine, Timing};
use tillsync_mapping::model::{Currency, Secret};
use tillsync_mapping::source::Application;

use given::{authorise, connection, now, stored};
use operator::{ask, look_after};

use crate::executor::{Process, Sim, Stop, later};
use crate::history::{Fact, History};
use crate::plan::{Change, Host, Plan, beginning};
use crate::ports::{Line, WallClock, shared};
use crate::queue::Taken;
use crate::rng::Rng;
use crate::state::{Happening, Outside};
use crate::tokens::APPLICATION;

/// Where the store answers.
pub const SHOP: &str = "https://shop.test";
/// Where the destination answers.
pub const ACCOUNT: &str = "https://acme.api-us1.com/api/3";
/// The connection there is.
pub const CONNECTION: &str = "C1";
/// When it was made, from the beginning.
const CONNECTED: SignedDuration = SignedDuration::from_mins(-1);
/// Between two looks of the operator.
const OPERATOR: SignedDuration = SignedDuration::from_mins(4);
/// Polls end so long before now.
const LAG: SignedDuration = SignedDuration::from_mins(2);
/// Between two looks whether everything is done.
const LOOK: SignedDuration = SignedDuration::from_secs(20);
/// Messages of a lane in work at once.
const AT_ONCE: usize = 2;
/// Events after which a schedule is stuck.
const MAX_EVENTS: u32 = 2_000_000;

/// One schedule at work.
pub struct World {
    outside: Outside,
    plan: Plan,
    /// Of all processes where many work.
    budget: Arc<dyn Budget>,
    /// The process of the embedded host, while it lives.
    alone: Option<(Process, Arc<Engine>)>,
    /// Processes of messages in work, with their lane and the task.
    at_work: Vec<(Process, Lane, u64)>,
    processes: Process,
    ticks: u64,
}

/// What came of a schedule.
pub struct Played {
    /// What happened.
    pub history: History,
    /// The hash of its steps, and how many they were.
    pub trace: (u64, u64),
    /// Its steps as text, where they were asked for.
    pub lines: Vec<String>,
    /// Moments at which a process could have ended, before the calm.
    pub moments: u64,
    /// Milliseconds of virtual time it took.
    pub simulated: u64,
}

/// Plays a plan.
#[must_use]
pub fn play(plan: Plan, rng: Rng, keep: bool) -> Played {
    let sim = Sim::new(beginning(), rng);
    if keep {
        sim.keep_trace();
    }
    let items = Arc::new(MemoryStore::new(Arc::new(WallClock(sim.clone()))));
    let mut world = World {
        outside: Outside::new(sim, items),
        plan,
        budget: Arc::new(LocalBudget::default()),
        alone: None,
        at_work: Vec::new(),
        processes: 0,
        ticks: 0,
    };
    world.begin();
    let mut events = 0;
    while world.step() && events < MAX_EVENTS {
        events += 1;
    }
    world.end()
}

impl World {
    fn begin(&mut self) {
        let outside = self.outside.clone();
        now(async {
            let Ok(currency) = Currency::parse("EUR") else { return };
            let connection = connection(currency, self.plan.counted, self.plan.skew);
            for item in stored(&connection) {
                let write = Write::Put { item, when: Condition::Absent };
                let _ = outside.items.write_each(vec![write]).await;
            }
            let vault = &outside.vault;
            let _ = vault
                .put(&connection.store_owner(), &authorise(&outside, self.plan.tokens, self.plan.skew))
                .await;
            let _ = vault.put(&connection.destination_owner(), &Secret::new("key")).await;
        });
        let mut state = outside.state();
        state.faults = self.plan.faults.clone();
        state.shop.page = self.plan.page;
        state.queued_for = self.plan.queued_for;
        state.lost_in_queue = self.plan.lost_in_queue;
        state.account.refused.extend(self.plan.refused.clone());
        state.account.cursed.extend(self.plan.cursed.clone());
        for person in self.plan.people.clone() {
            state.shop.meet(person, beginning());
        }
        for (n, (at, _, _)) in self.plan.changes.iter().enumerate() {
            outside.plan(&mut state, *at, Happening::Change(n));
        }
        for (n, (at, _)) in self.plan.actions.iter().enumerate() {
            outside.plan(&mut state, *at, Happening::Act(n));
        }
        let first_tick = outside.sim.draw(|rng| SignedDuration::from_secs(rng.between(1, 200)));
        outside.plan(&mut state, first_tick, Happening::Tick);
        outside.plan(&mut state, SignedDuration::from_secs(2), Happening::Operator);
        outside.plan(&mut state, self.plan.calm, Happening::Calm);
        outside.plan(&mut state, self.plan.end, Happening::End);
        drop(state);
        if self.plan.host == Host::Embedded {
            self.restart();
        }
    }

    /// One thing happens; false at the end.
    fn step(&mut self) -> bool {
        match self.outside.sim.run() {
            Stop::Idle => return false,
            Stop::Ended(task, _) => self.at_work.retain(|(_, _, id)| *id != task),
            Stop::Fell(processes) => self.fell(&processes),
            Stop::World(number) => {
                let what = self.outside.state().happenings.remove(&number);
                return what.is_none_or(|what| self.happen(what));
            }
        }
        true
    }

    fn happen(&mut self, what: Happening) -> bool {
        match what {
            Happening::Arrive(number) => self.outside.arrive(number),
            Happening::Apply(writes) => self.outside.apply(writes),
            Happening::Due(message) => self.due(message),
            Happening::Change(n) => self.change(n),
            Happening::Act(n) => self.act(n),
            Happening::Tick => self.tick(),
            Happening::Operator => self.operate(),
            Happening::TimeUp(process) => {
                if self.outside.sim.is_busy(process) {
                    self.outside.saw(&mut self.outside.state(), Fact::TimeUp(process));
                    self.outside.sim.kill(process);
                }
            }
            Happening::Restart => self.restart(),
            Happening::Calm => {
                let mut state = self.outside.state();
                state.faults.calm();
                if std::mem::take(&mut state.shop.revoked) {
                    self.outside.saw(&mut state, Fact::Revoked(false));
                }
                let shown = self.shown().duration_since(self.outside.sim.now());
                self.outside.plan(&mut state, shown, Happening::Tick);
                self.outside.plan(&mut state, shown + LOOK, Happening::Look);
            }
            Happening::Look if self.is_quiet() => return false,
            Happening::Look => {
                self.outside.plan(&mut self.outside.state(), LOOK, Happening::Look);
            }
            Happening::End => return false,
        }
        true
    }

    fn fell(&mut self, processes: &[Process]) {
        self.at_work.retain(|(process, _, _)| !processes.contains(process));
        if self.alone.as_ref().is_some_and(|(process, _)| processes.contains(process)) {
            self.alone = None;
            let after = self.outside.sim.draw(|rng| SignedDuration::from_millis(rng.between(300, 40_000)));
            self.outside.plan(&mut self.outside.state(), after, Happening::Restart);
        }
    }

    /// Another process takes over the data: dead leases are free at once, and what was lost is queued anew.
    fn restart(&mut self) {
        let (process, engine) = self.process();
        let engine = Arc::new(engine);
        {
            let mut state = self.outside.state();
            let now = self.outside.sim.now();
            let held: Vec<u64> =
                state.queue.all.iter().filter(|(_, one)| one.holder.is_some()).map(|(id, _)| *id).collect();
            for id in held {
                if let Some(message) = state.queue.all.get_mut(&id) {
                    (message.holder, message.visible) = (None, now);
                }
                self.outside.plan(&mut state, SignedDuration::from_millis(5), Happening::Due(id));
            }
        }
        self.alone = Some((process, Arc::clone(&engine)));
        let first = self.ticks > 0;
        self.outside.sim.spawn(
            process,
            Box::pin(async move {
                if first {
                    // What fails here is made good by the next beat.
                    let _ = requeue(&engine).await;
                }
            }),
        );
    }

    /// A new process and its engine.
    fn process(&mut self) -> (Process, Engine) {
        self.processes += 1;
        let process = self.processes;
        let line = shared(&Line { outside: self.outside.clone(), process, skew: self.plan.skew });
        let budget: Arc<dyn Budget> = match self.plan.host {
            Host::Embedded => Arc::new(LocalBudget::default()),
            Host::Functions(_) if self.plan.shared_budget => Arc::new(SharedBudget::new(line.clone())),
            Host::Functions(_) => Arc::clone(&self.budget),
        };
        let visibility = match self.plan.host {
            Host::Embedded => Duration::from_secs(120),
            Host::Functions(seconds) => Duration::from_secs(u64::try_from(seconds).unwrap_or(180) * 6),
        };
        let application = Application { id: APPLICATION.0.to_owned(), secret: Secret::new(APPLICATION.1) };
        let config = Config {
            calls_per_second: 4,
            instance: format!("i{process}"),
            exclusive: self.plan.host == Host::Embedded,
            api_urls: [("square".to_owned(), SHOP.to_owned())].into(),
            applications: [("square".to_owned(), application)].into(),
            public_url: "https://tillsync.example".to_owned(),
            hooks: tillsync_engine::intake::Hooks::default(),
            timing: Timing { poll_every: self.plan.poll_every, visibility, ..self.plan.timing },
        };
        // A pasted token is read only, and its reading fails no differently than others.
        let vault: Arc<dyn Vault> =
            if self.plan.tokens.is_some() { line.clone() } else { self.outside.vault.clone() };
        let engine = Engine::new(
            (line.clone(), line.clone(), vault),
            (line.clone(), budget),
            (line.clone(), line),
            config,
        );
        (process, engine)
    }

    /// A process for one piece of work: a new one that is stopped in time, or the one there is.
    fn worker(&mut self) -> Option<(Process, Arc<Engine>)> {
        match self.plan.host {
            Host::Embedded => self.alone.clone(),
            Host::Functions(seconds) => {
                let (process, engine) = self.process();
                let time = SignedDuration::from_secs(seconds);
                let end = later(engine.now(), time);
                self.outside.plan(&mut self.outside.state(), time, Happening::TimeUp(process));
                Some((process, Arc::new(engine.until(end))))
            }
        }
    }

    /// A message may be taken: by a worker that is free.
    fn due(&mut self, number: u64) {
        let Some(lane) = self.outside.state().queue.all.get(&number).map(|message| message.lane) else {
            return;
        };
        let busy = self.at_work.iter().filter(|(_, of, _)| *of == lane).count();
        let gone = self.plan.host == Host::Embedded && self.alone.is_none();
        if busy >= AT_ONCE || gone {
            let after = self.outside.sim.draw(|rng| SignedDuration::from_millis(rng.between(100, 2_000)));
            self.outside.plan(&mut self.outside.state(), after, Happening::Due(number));
            return;
        }
        let now = self.outside.sim.now();
        let visible = self.outside.state().queue.all.get(&number).is_some_and(|one| one.visible <= now);
        if !visible {
            return;
        }
        let Some((process, engine)) = self.worker() else { return };
        // The embedded host keeps what it works on; SQS gives it back after six times the function's time.
        let again = match self.plan.host {
            Host::Embedded => SignedDuration::from_hours(24),
            Host::Functions(seconds) => SignedDuration::from_secs(seconds * 6),
        };
        let taken = self.outside.state().queue.take(number, process, now, later(now, again));
        match taken {
            Taken::Yours(delivery) => {
                self.outside.sim.note("take", &delivery.body);
                self.outside.plan(&mut self.outside.state(), again, Happening::Due(number));
                let outside = self.outside.clone();
                let task = Box::pin(async move {
                    // What could not be acknowledged returns.
                    if handle(&engine, &delivery).await.is_err() {
                        give_back(&outside, &delivery.receipt);
                    }
                });
                let id = self.outside.sim.spawn(process, task);
                self.at_work.push((process, lane, id));
            }
            Taken::Dead(body) => self.outside.sim.note("dead", &body),
            Taken::Nothing => {}
        }
    }

    fn tick(&mut self) {
        self.ticks += 1;
        let again =
            self.ticks.is_multiple_of(if self.plan.tick < SignedDuration::from_mins(1) { 20 } else { 3 });
        if let Some((process, engine)) = self.worker() {
            let task = Box::pin(async move {
                // What fails now is done by the next beat.
                let _ = sweep(&engine, again).await;
            });
            self.outside.sim.spawn(process, task);
        }
        // Between the last fault and the time when everything is shown, a poll would find nothing new.
        let now = self.outside.sim.now();
        let calm = later(beginning(), self.plan.calm);
        if later(now, self.plan.tick) < calm || now >= self.shown() {
            self.outside.plan(&mut self.outside.state(), self.plan.tick, Happening::Tick);
        }
    }

    /// The operator asks for the history, goes on with one that did not complete, and mends the connection.
    fn operate(&mut self) {
        let wants = self.plan.backfill;
        if let Some((process, engine)) = self.worker() {
            let outside = self.outside.clone();
            let task = Box::pin(async move {
                let _ = look_after(&engine, &outside, wants).await;
            });
            self.outside.sim.spawn(process, task);
        }
        self.outside.plan(&mut self.outside.state(), OPERATOR, Happening::Operator);
    }

    /// Somebody asks for something; what is refused or fails is not asked for again.
    fn act(&mut self, n: usize) {
        let Some((_, action)) = self.plan.actions.get(n).copied() else { return };
        let Some((process, engine)) = self.worker() else { return };
        let task = Box::pin(async move {
            ask(&engine, action).await;
        });
        self.outside.sim.note("act", &format!("{action:?}"));
        self.outside.sim.spawn(process, task);
    }

    fn change(&mut self, n: usize) {
        let Some((_, lag, change)) = self.plan.changes.get(n).cloned() else { return };
        let mut state = self.outside.state();
        let now = self.outside.sim.now();
        let shown = later(now, lag);
        self.outside.sim.note("change", &format!("{change:?}"));
        if let Change::Revoke(revoked) = change {
            self.outside.saw(&mut state, Fact::Revoked(revoked));
        }
        changes::apply(&mut state, change, (now, shown));
    }
}

/// Returns a message whose worker could not say what became of it.
fn give_back(outside: &Outside, receipt: &str) {
    let mut state = outside.state();
    let now = outside.sim.now();
    let wait = SignedDuration::from_secs(120);
    if let Some(number) = state.queue.named(receipt) {
        if let Some(message) = state.queue.all.get_mut(&number) {
            (message.holder, message.visible) = (None, later(now, wait));
        }
        outside.plan(&mut state, wait, Happening::Due(number));
    }
}
