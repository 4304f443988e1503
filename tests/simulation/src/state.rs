//! What is outside of every process: the store, the account, the queue, requests on their way, and what was seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use tillsync_engine::memory::{MemoryStore, MemoryVault};
use tillsync_engine::ports::Lane;
use tillsync_mapping::http::{Request, Response};

use crate::account::{Account, Answer, Write};
use crate::executor::{Process, Sim};
use crate::faults::Faults;
use crate::history::{Fact, History};
use crate::queue::Messages;
use crate::shop::Shop;

/// What the world does at a time.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A request arrives at the destination.
    Arrive(u64),
    /// What the destination queued is applied.
    Apply(Vec<Write>),
    /// A message may be taken.
    Due(u64),
    /// A change at the store, by its place in the plan.
    Change(usize),
    /// Somebody asks for something, by its place in the plan.
    Act(usize),
    /// The schedule's beat.
    Tick,
    /// The operator looks.
    Operator,
    /// The time of a process is up.
    TimeUp(Process),
    /// Another process begins.
    Restart,
    /// Nothing goes wrong from here on.
    Calm,
    /// Somebody looks whether everything is done.
    Look,
    /// The end.
    End,
}

/// A request on its way to the destination.
#[derive(Debug)]
pub struct Transit {
    /// The request; none once it arrived.
    pub request: Option<Request>,
    /// The reply, where somebody waits for it.
    pub reply: Option<Response>,
}

/// What is outside of every process. A clone is the same.
#[derive(Clone)]
pub struct Outside {
    /// Time and choices.
    pub sim: Sim,
    /// Durable items.
    pub items: Arc<MemoryStore>,
    /// Secrets.
    pub vault: Arc<MemoryVault>,
    state: Arc<Mutex<State>>,
}

/// What changes.
#[derive(Default)]
pub struct State {
    /// What goes wrong.
    pub faults: Faults,
    /// The store.
    pub shop: Shop,
    /// The destination.
    pub account: Account,
    /// The queue.
    pub queue: Messages,
    /// Requests on their way.
    pub transit: BTreeMap<u64, Transit>,
    /// What will happen.
    pub happenings: BTreeMap<u64, Happening>,
    /// What was seen.
    pub seen: History,
    next: u64,
    /// How long a queued write takes at the most, in seconds.
    pub queued_for: i64,
    /// Queued writes that are lost, in all.
    pub lost_in_queue: u32,
}

impl Outside {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(sim: Sim, items: Arc<MemoryStore>) -> Self {
        Self { sim, items, vault: Arc::default(), state: Arc::default() }
    }

    /// What changes, for as long as nobody else needs it.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans something.
    pub fn plan(&self, state: &mut State, after: SignedDuration, what: Happening) {
        let number = state.number();
        state.happenings.insert(number, what);
        self.sim.plan(after, number);
    }

    /// Notes what was seen.
    pub fn saw(&self, state: &mut State, fact: Fact) {
        state.seen.facts.push((self.sim.now(), fact));
    }

    /// A request arrives and is carried out.
    pub fn arrive(&self, number: u64) {
        let mut state = self.state();
        let now = self.sim.now();
        let Some(request) = state.transit.get_mut(&number).and_then(|transit| transit.request.take()) else {
            return;
        };
        let answer = if request.url.starts_with(crate::world::SHOP) {
            let (status, body) = state.shop.told(&request, now);
            if request.operation == "token.revoke" && status == 200 {
                self.saw(&mut state, Fact::TakenBack);
            }
            Answer { status, body, queued: Vec::new() }
        } else {
            state.account.answer(&request, now)
        };
        if !answer.queued.is_empty() {
            self.queue_writes(&mut state, answer.queued);
        }
        if let Some(transit) = state.transit.get_mut(&number) {
            let body = answer.body.into_bytes();
            transit.reply =
                Some(Response { status: answer.status, retry_after: None, date: Some(now), body });
        }
    }

    /// The destination's own queue: each order by itself, mostly soon, sometimes late, so not in their order.
    fn queue_writes(&self, state: &mut State, writes: Vec<Write>) {
        for write in writes {
            let longest = state.queued_for;
            let (lost, soon) = self.sim.draw(|rng| (rng.percent(5), rng.percent(70)));
            if lost && state.lost_in_queue > 0 {
                state.lost_in_queue -= 1;
                let order = write["storeOrderId"].as_str().unwrap_or_default().to_owned();
                self.saw(state, Fact::Vanished(order));
                continue;
            }
            let seconds = self.sim.draw(|rng| if soon { rng.between(0, 8) } else { rng.between(0, longest) });
            self.plan(state, SignedDuration::from_secs(seconds), Happening::Apply(vec![write]));
        }
    }

    /// What was queued takes effect.
    pub fn apply(&self, writes: Vec<Write>) {
        let now = self.sim.now();
        let mut state = self.state();
        for write in writes {
            state.account.apply(write, now, true);
        }
    }
}

impl State {
    /// A number nobody has.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// The word for a lane, in a trace.
#[must_use]
pub fn word(lane: Lane) -> &'static str {
    match lane {
        Lane::Live => "live",
        Lane::History => "history",
    }
}
