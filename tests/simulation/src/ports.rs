//! The ports of one process: every effect takes time, may fail, may come late, and may be the last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tillsync_engine::ports::{
    Clock, Dead, Delivery, Entropy, Item, Key, Lane, MAX_BATCH, MAX_DELAY, PortError, Queue, Store, Write,
    Written, check_writes,
};
use tillsync_mapping::http::{Effect, Http, HttpError, Request, Response};

use crate::executor::{Process, later};
use crate::faults::{Fate, Kind};
use crate::history::Fact;
use crate::queue::Message;
use crate::state::{Happening, Outside, Transit, word};

/// After so long a client gives up on a reply (shared/http).
const TIMEOUT: SignedDuration = SignedDuration::from_secs(15);
/// A request takes effect within this time, whatever became of who sent it (rules.md section 8).
const LANDS_WITHIN: i64 = 59_000;
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

#[async_trait]
impl Store for Line {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        self.reads("get", &key.sk).await?;
        self.outside.items.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.reads("get_many", keys.first().map_or("", |key| &key.sk)).await?;
        self.outside.items.get_many(keys).await
    }

    async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        self.reads("query", prefix).await?;
        self.outside.items.query(pk, prefix, after, limit).await
    }

    async fn tally(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError> {
        self.reads("tally", prefix).await?;
        self.outside.items.tally(pk, prefix).await
    }

    async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        check_writes(&writes, MAX_BATCH)?;
        if self.outside.state().faults.exactly.is_none() {
            return self.write_some(writes).await;
        }
        // One after the other: a process may end between any two.
        let mut written = Vec::with_capacity(writes.len());
        for write in writes {
            written.append(&mut self.write_some(vec![write]).await?);
        }
        Ok(written)
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Written, PortError> {
        let fate =
            self.fate(Kind::Write, "transact", writes.first().map_or("", |write| &write.key().sk)).await;
        self.takes(1_000, 9_000).await;
        match fate {
            Fate::FallBefore => self.fall().await,
            Fate::Refused => return Err(trouble("store")),
            _ => {}
        }
        let marks = watermarks(&writes);
        let written = self.outside.items.transact(writes).await?;
        if written == Written::Done {
            self.saw(marks);
        }
        match fate {
            Fate::FallAfter => self.fall().await,
            Fate::Lost => return Err(trouble("store")),
            _ => {}
        }
        Ok(written)
    }
}

impl Line {
    /// Each by itself: of a call that fails, any part may have been done.
    async fn write_some(&self, mut writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let fate = self.fate(Kind::Write, "write", writes.first().map_or("", |write| &write.key().sk)).await;
        self.takes(1_000, 9_000).await;
        let all = writes.len() as u64;
        let done = match fate {
            Fate::FallBefore | Fate::Refused => self.outside.sim.draw(|rng| rng.below(all)),
            _ => all,
        };
        writes.truncate(usize::try_from(done).unwrap_or(0));
        let marks = watermarks(&writes);
        let written = self.outside.items.write_each(writes).await?;
        self.saw(marks);
        match fate {
            Fate::FallBefore | Fate::FallAfter => self.fall().await,
            Fate::Refused | Fate::Lost => return Err(trouble("store")),
            _ => {}
        }
        Ok(written)
    }

    fn saw(&self, facts: Vec<Fact>) {
        if facts.is_empty() {
            return;
        }
        let mut state = self.outside.state();
        for fact in facts {
            self.outside.saw(&mut state, fact);
        }
    }
}

/// The watermarks among writes.
fn watermarks(writes: &[Write]) -> Vec<Fact> {
    let mark = |write: &Write| {
        let Write::Put { item, .. } = write else { return None };
        item.key.sk.starts_with("CUR#").then_some(())?;
        let body: serde_json::Value = serde_json::from_str(&item.body).ok()?;
        let to = body["watermark"].as_str()?.parse().ok()?;
        Some(Fact::Watermark { key: format!("{}/{}", item.key.pk, item.key.sk), to })
    };
    writes.iter().filter_map(mark).collect()
}

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

fn span(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::ZERO)
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

#[async_trait]
impl Http for Line {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let destination = request.url.starts_with(crate::world::ACCOUNT);
        let (operation, process) = (request.operation, self.process);
        let kind = if request.effect == Effect::Write { Kind::Tell } else { Kind::Ask };
        let fate = self.fate(kind, operation, "").await;
        self.saw(vec![Fact::Called { destination, operation, process }]);
        if fate == Fate::FallBefore {
            self.fall().await;
        }
        match fate {
            Fate::Refused => {
                self.takes(1_000, 30_000).await;
                return Err(HttpError::NotSent);
            }
            Fate::Throttled => {
                self.takes(5_000, 80_000).await;
                let named = self.outside.sim.draw(|rng| rng.percent(60).then(|| rng.between(1, 90)));
                let retry_after = named.map(|seconds| seconds.to_string());
                return Ok(Response { status: 429, retry_after, date: None, body: b"{}".to_vec() });
            }
            Fate::Broken => {
                self.takes(5_000, 900_000).await;
                return Ok(answered(503, "{}", None));
            }
            Fate::Dropped => {
                self.outside.sim.sleep(TIMEOUT).await;
                return Err(HttpError::Unknown);
            }
            _ => {}
        }
        if kind == Kind::Ask {
            self.ask(request, destination, fate).await
        } else {
            self.tell(request, fate).await
        }
    }
}

fn answered(status: u16, body: &str, date: Option<Timestamp>) -> Response {
    Response { status, retry_after: None, date, body: body.as_bytes().to_vec() }
}

impl Line {
    async fn ask(&self, request: Request, destination: bool, fate: Fate) -> Result<Response, HttpError> {
        self.takes(10_000, 120_000).await;
        let response = {
            let now = self.outside.sim.now();
            let mut state = self.outside.state();
            if destination {
                let answer = state.account.answer(&request, now);
                answered(answer.status, &answer.body, Some(now))
            } else {
                let (status, body) = state.shop.answer(&request, now);
                answered(status, &body, Some(now))
            }
        };
        self.takes(1_000, 60_000).await;
        match fate {
            Fate::FallAfter => self.fall().await,
            Fate::Garbled => return Ok(garbled(&response, self.outside.sim.draw(|rng| rng.percent(50)))),
            _ => {}
        }
        Ok(response)
    }

    /// A write leaves for good: whatever becomes of the process, it arrives.
    async fn tell(&self, request: Request, fate: Fate) -> Result<Response, HttpError> {
        let late = matches!(fate, Fate::Late | Fate::FallLate);
        let on_the_way = self.outside.sim.draw(|rng| match late {
            // Biased to the end: what lands last is what does harm.
            true if rng.percent(60) => rng.between(LANDS_WITHIN - 6_000, LANDS_WITHIN),
            true => rng.between(1, LANDS_WITHIN),
            false => rng.between(20, 400),
        });
        let on_the_way = SignedDuration::from_millis(on_the_way);
        let number = {
            let mut state = self.outside.state();
            let number = state.number();
            state.transit.insert(number, Transit { request: Some(request), reply: None });
            self.outside.plan(&mut state, on_the_way, Happening::Arrive(number));
            number
        };
        if fate == Fate::FallLate {
            self.takes(1_000, 15_000_000).await;
            self.fall().await;
        }
        if matches!(fate, Fate::Late | Fate::Lost) {
            self.outside.sim.sleep(TIMEOUT).await;
            return Err(HttpError::Unknown);
        }
        self.outside.sim.sleep(on_the_way).await;
        self.takes(1_000, 60_000).await;
        let reply = self.outside.state().transit.remove(&number).and_then(|transit| transit.reply);
        let Some(reply) = reply else { return Err(HttpError::Unknown) };
        match fate {
            Fate::FallAfter => self.fall().await,
            Fate::BrokenDone => return Ok(answered(500, "{}", None)),
            Fate::Garbled => return Ok(garbled(&reply, self.outside.sim.draw(|rng| rng.percent(50)))),
            _ => {}
        }
        Ok(reply)
    }
}

/// A reply that cannot be understood: cut off, or a page for people.
fn garbled(response: &Response, cut: bool) -> Response {
    let mut response = response.clone();
    if cut {
        response.body.truncate(response.body.len() / 2);
    } else {
        response.body = b"<html><body>Bad gateway</body></html>".to_vec();
    }
    response
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
pub struct WallClock(pub crate::executor::Sim);

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
