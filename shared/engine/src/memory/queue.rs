//! Queues in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::clock::after;
use super::lock;
use crate::ports::{Clock, Dead, Delivery, Lane, MAX_ATTEMPTS, MAX_DELAY, PortError, Queue};

/// Queues that are gone with their process. Groups take turns: the one served longest ago comes first and each
/// gets one message in a round, so no backlog starves another group.
pub struct MemoryQueue {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    next_id: u64,
    messages: BTreeMap<u64, Message>,
    dead: Vec<(Lane, Dead)>,
    /// When each group was last served; counts receives.
    turns: BTreeMap<(Lane, String), u64>,
    receives: u64,
}

struct Message {
    lane: Lane,
    group: String,
    body: String,
    visible_at: Timestamp,
    attempts: u32,
    /// Counts takings and handings back; with the id it is the receipt.
    takes: u64,
}

impl MemoryQueue {
    /// Empty queues; `clock` decides which messages are due.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Mutex::new(State::default()), clock }
    }

    /// The bodies waiting or in work, in the order they were sent: for a test to look at.
    #[must_use]
    pub fn dump(&self, lane: Lane) -> Vec<String> {
        let state = lock(&self.state);
        state
            .messages
            .values()
            .filter(|message| message.lane == lane)
            .map(|message| message.body.clone())
            .collect()
    }

    /// Works on the message a receipt names, if it still names one.
    fn settle(&self, delivery: &Delivery, work: impl FnOnce(&mut Message)) {
        let mut state = lock(&self.state);
        if let Some(id) = named(&state, &delivery.receipt)
            && let Some(message) = state.messages.get_mut(&id)
        {
            work(message);
        }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(
        &self,
        lane: Lane,
        group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError> {
        let visible_at = after(self.clock.now(), delay.min(MAX_DELAY));
        let mut state = lock(&self.state);
        for body in bodies {
            let id = state.next_id;
            state.next_id += 1;
            let message = Message { lane, group: group.to_owned(), body, visible_at, attempts: 0, takes: 0 };
            state.messages.insert(id, message);
        }
        Ok(())
    }

    async fn receive(
        &self,
        lane: Lane,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, PortError> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        state.bury(lane, now);
        let dealt = state.deal(lane, max, now);
        let mut taken = Vec::new();
        for id in dealt {
            let Some(message) = state.messages.get_mut(&id) else {
                continue;
            };
            message.attempts += 1;
            message.takes += 1;
            message.visible_at = after(now, visibility);
            taken.push(Delivery {
                lane,
                receipt: format!("{id}-{}", message.takes),
                body: message.body.clone(),
                attempts: message.attempts,
            });
        }
        Ok(taken)
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), PortError> {
        let visible_at = after(self.clock.now(), visibility);
        self.settle(delivery, |message| message.visible_at = visible_at);
        Ok(())
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), PortError> {
        let mut state = lock(&self.state);
        if let Some(id) = named(&state, &delivery.receipt) {
            state.messages.remove(&id);
        }
        Ok(())
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        let visible_at = after(self.clock.now(), delay.min(MAX_DELAY));
        self.settle(delivery, |message| {
            message.takes += 1;
            message.visible_at = visible_at;
        });
        Ok(())
    }

    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        let visible_at = after(self.clock.now(), delay.min(MAX_DELAY));
        self.settle(delivery, |message| {
            message.takes += 1;
            message.visible_at = visible_at;
            message.attempts = message.attempts.saturating_sub(1);
        });
        Ok(())
    }

    async fn depth(&self, lane: Lane) -> Result<u64, PortError> {
        let count = lock(&self.state).messages.values().filter(|message| message.lane == lane).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn dead(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError> {
        let state = lock(&self.state);
        let letters = state.dead.iter().filter(|(of, _)| *of == lane).map(|(_, letter)| letter.clone());
        Ok(letters.take(limit).collect())
    }
}

impl State {
    /// Moves what was taken too often to the dead letters.
    fn bury(&mut self, lane: Lane, now: Timestamp) {
        let spent = |_: &u64, message: &mut Message| {
            message.lane == lane && message.visible_at <= now && message.attempts >= MAX_ATTEMPTS
        };
        for (_, message) in self.messages.extract_if(.., spent) {
            self.dead.push((lane, Dead { body: message.body, attempts: message.attempts }));
        }
    }

    /// The ids of at most `max` messages that are due, group by turns.
    fn deal(&mut self, lane: Lane, max: usize, now: Timestamp) -> Vec<u64> {
        let mut due: BTreeMap<&str, Vec<(Timestamp, u64)>> = BTreeMap::new();
        for (id, message) in &self.messages {
            if message.lane == lane && message.visible_at <= now {
                due.entry(&message.group).or_default().push((message.visible_at, *id));
            }
        }
        let mut hands: Vec<_> = due
            .into_iter()
            .map(|(group, mut messages)| {
                messages.sort_unstable();
                let turn = (lane, group.to_owned());
                (self.turns.get(&turn).copied().unwrap_or(0), messages.first().copied(), turn, messages)
            })
            .collect();
        hands.sort_unstable();
        hands.truncate(max);
        self.receives += 1;
        let mut rounds = VecDeque::new();
        for (_, _, turn, messages) in hands {
            self.turns.insert(turn, self.receives);
            rounds.push_back(messages.into_iter());
        }
        let mut dealt = Vec::new();
        while dealt.len() < max {
            let Some(mut hand) = rounds.pop_front() else { break };
            if let Some((_, id)) = hand.next() {
                dealt.push(id);
                rounds.push_back(hand);
            }
        }
        dealt
    }
}

/// The message a receipt names, unless it was taken again or handed back.
fn named(state: &State, receipt: &str) -> Option<u64> {
    let (id, takes) = receipt.split_once('-')?;
    let (id, takes) = (id.parse().ok()?, takes.parse::<u64>().ok()?);
    (state.messages.get(&id)?.takes == takes).then_some(id)
}
