//! The ports of one process: every effect takes time, may fail, may come late, and may be the last.

mod http;
mod queue;
mod store;
mod vault;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tillsync_engine::ports::{Clock, Entropy, PortError};

use crate::executor::{Process, Sim, later};
use crate::faults::{Fate, Kind};
use crate::history::Fact;
use crate::state::Outside;

/// How long a process stands still, in milliseconds: longer than a short lease.
const PAUSE: (i64, i64) = (2_000, 45_000);

/// One process's way to the outside.
#[derive(Clone)]
pub struct Line {
    /// The outside.
    pub outside: Outside,
    /// Who.
    pub process: Process,
    /// How far its clock is off.
    pub skew: SignedDuration,
}

impl Line {
    async fn fate(&self, kind: Kind, what: &'static str, about: &str) -> Fate {
        let sim = &self.outside.sim;
        let fate = {
            let mut state = self.outside.state();
            sim.draw(|rng| state.faults.fate(kind, rng))
        };
        sim.note(what, about);
        if fate != Fate::Fine {
            sim.note("fate", &format!("{fate:?} of {}", self.process));
        }
        if fate == Fate::Paused {
            let stands = sim.draw(|rng| rng.between(PAUSE.0, PAUSE.1));
            sim.sleep(SignedDuration::from_millis(stands)).await;
            return Fate::Fine;
        }
        fate
    }

    async fn fall(&self) {
        self.outside.saw(&mut self.outside.state(), Fact::Fell(self.process));
        self.outside.sim.fall(self.process).await;
    }

    async fn takes(&self, from_micros: i64, to_micros: i64) {
        let micros = self.outside.sim.draw(|rng| rng.between(from_micros, to_micros));
        self.outside.sim.sleep(SignedDuration::from_micros(micros)).await;
    }

    /// Notes what was seen.
    fn saw(&self, facts: Vec<Fact>) {
        if facts.is_empty() {
            return;
        }
        let mut state = self.outside.state();
        for fact in facts {
            self.outside.saw(&mut state, fact);
        }
    }

    /// Reading a durable item.
    async fn reads(&self, what: &'static str, about: &str) -> Result<(), PortError> {
        let fate = self.fate(Kind::Read, what, about).await;
        self.takes(500, 6_000).await;
        match fate {
            Fate::FallBefore | Fate::FallAfter => self.fall().await,
            Fate::Refused => return Err(trouble("store")),
            _ => {}
        }
        Ok(())
    }
}

fn trouble(what: &'static str) -> PortError {
    PortError { what, detail: "not now".to_owned() }
}

fn span(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::ZERO)
}

#[async_trait]
impl Clock for Line {
    fn now(&self) -> Timestamp {
        later(self.outside.sim.now(), self.skew)
    }

    async fn sleep(&self, duration: Duration) {
        self.outside.sim.sleep(span(duration)).await;
    }
}

impl Entropy for Line {
    fn bits(&self) -> u64 {
        self.outside.sim.draw(crate::rng::Rng::bits)
    }
}

/// The time at which rows expire: everybody's.
pub struct WallClock(pub Sim);

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(span(duration)).await;
    }
}

/// The ports of one process, shared.
#[must_use]
pub fn shared(line: &Line) -> Arc<Line> {
    Arc::new(line.clone())
}
