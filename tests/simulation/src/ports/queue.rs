//! The queue, as one process reaches it.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tillsync_engine::ports::{Dead, Delivery, Lane, MAX_DELAY, PortError, Queue};

use super::{Line, span, trouble};
use crate::executor::later;
use crate::faults::{Fate, Kind};
use crate::queue::Message;
use crate::state::{Happening, word};

#[async_trait]
impl Queue for Line {
    async fn send(
        &self,
        lane: Lane,
        _group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError> {
        let fate = self.fate(Kind::Send, "send", bodies.first().map_or("", String::as_str)).await;
        self.takes(1_000, 12_000).await;
        match fate {
            Fate::FallBefore => self.fall().await,
            Fate::Refused => return Err(trouble("queue")),
            _ => {}
        }
        let copies = if fate == Fate::Twice { 2 } else { 1 };
        for body in bodies {
            for _ in 0..copies {
                self.enqueue(lane, body.clone(), span(delay));
            }
        }
        match fate {
            Fate::FallAfter => self.fall().await,
            Fate::Lost => return Err(trouble("queue")),
            _ => {}
        }
        Ok(())
    }

    async fn receive(
        &self,
        _lane: Lane,
        _max: usize,
        _visibility: Duration,
    ) -> Result<Vec<Delivery>, PortError> {
        // Messages are handed to processes, as an event source does: nobody asks for them.
        Err(PortError { what: "queue", detail: "messages are handed out here".to_owned() })
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), PortError> {
        self.settle("extend", delivery, |message, now| {
            message.visible = later(now, span(visibility));
            Some(span(visibility))
        })
        .await
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), PortError> {
        self.settle("ack", delivery, |_, _| None).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.settle("release", delivery, |message, now| back(message, now, delay)).await
    }

    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.settle("defer", delivery, |message, now| {
            message.attempts = message.attempts.saturating_sub(1);
            back(message, now, delay)
        })
        .await
    }

    async fn depth(&self, lane: Lane) -> Result<u64, PortError> {
        let state = self.outside.state();
        Ok(state.queue.all.values().filter(|message| message.lane == lane).count() as u64)
    }

    async fn dead(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError> {
        let state = self.outside.state();
        let of = state.queue.dead.iter().filter(|(of, _)| *of == lane);
        Ok(of.map(|(_, dead)| dead.clone()).take(limit).collect())
    }
}

fn back(message: &mut Message, now: Timestamp, delay: Duration) -> Option<SignedDuration> {
    let delay = span(delay.min(MAX_DELAY));
    message.takes += 1;
    message.visible = later(now, delay);
    message.holder = None;
    Some(delay)
}

impl Line {
    fn enqueue(&self, lane: Lane, body: String, delay: SignedDuration) {
        let sim = &self.outside.sim;
        let mut state = self.outside.state();
        let number = state.number();
        // Standard queues keep no order: now and then one comes much later than those behind it.
        let jitter =
            sim.draw(|rng| if rng.percent(4) { rng.between(0, 30_000) } else { rng.between(1, 400) });
        let wait = delay + SignedDuration::from_millis(jitter);
        let visible = later(sim.now(), wait);
        sim.note("enqueue", word(lane));
        let message = Message { lane, body, visible, attempts: 0, takes: 0, holder: None };
        state.queue.all.insert(number, message);
        self.outside.plan(&mut state, wait, Happening::Due(number));
    }

    /// Changes a message, or is done with it where there is no time to return.
    async fn settle(
        &self,
        what: &'static str,
        delivery: &Delivery,
        change: impl FnOnce(&mut Message, Timestamp) -> Option<SignedDuration> + Send,
    ) -> Result<(), PortError> {
        let fate = self.fate(Kind::Settle, what, &delivery.receipt).await;
        self.takes(1_000, 8_000).await;
        match fate {
            Fate::FallBefore => self.fall().await,
            Fate::Refused => return Err(trouble("queue")),
            _ => {}
        }
        {
            let mut state = self.outside.state();
            let now = self.outside.sim.now();
            if let Some(number) = state.queue.named(&delivery.receipt)
                && let Some(message) = state.queue.all.get_mut(&number)
            {
                match change(message, now) {
                    Some(wait) => self.outside.plan(&mut state, wait, Happening::Due(number)),
                    None => drop(state.queue.all.remove(&number)),
                }
            }
        }
        if fate == Fate::FallAfter {
            self.fall().await;
        }
        Ok(())
    }
}
