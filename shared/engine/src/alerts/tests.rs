//! What happens at a connection, minute by minute, and what a receiver is told of it.

mod floods;
mod timelines;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;
use serde_json::Value;

use super::{Alerts, Receiver};
use crate::ports::Store;
use crate::state::{Connection, ConnectionState, Problem, Row, Run, RunKind, RunState, load};
use crate::sums::{Streams, Tally};
use crate::testing::{World, beginning, run};

/// One that keeps what it takes.
#[derive(Default)]
struct Ear {
    deaf: Mutex<bool>,
    heard: Mutex<Vec<Value>>,
    asked: Mutex<usize>,
}

#[async_trait]
impl Receiver for Ear {
    fn name(&self) -> &'static str {
        "ear"
    }

    async fn tell(&self, document: String) -> bool {
        *self.asked.lock().unwrap() += 1;
        let deaf = *self.deaf.lock().unwrap();
        if !deaf {
            self.heard.lock().unwrap().push(serde_json::from_str(&document).unwrap());
        }
        !deaf
    }
}

/// Another one.
#[derive(Default)]
struct Other(Ear);

#[async_trait]
impl Receiver for Other {
    fn name(&self) -> &'static str {
        "other"
    }

    async fn tell(&self, document: String) -> bool {
        self.0.tell(document).await
    }
}

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The connection stops for a reason.
    Stops(ConnectionState, &'static str),
    /// Somebody stops it on purpose.
    Paused,
    /// It works again.
    Works,
    /// Everything was read just now.
    Read,
    /// A run ends: its id, and how.
    Ends(RunKind, &'static str, RunState),
    /// A run ends complete, with so many parked, of them so many by an earlier one.
    Parks(&'static str, u64, u64),
    /// A history is taken up again.
    Resumed(&'static str),
    /// The connection is removed from the list.
    Deleted,
    /// The receiver fails from now on, or no longer.
    Deaf(bool),
}

/// A world with an ear.
struct Stage {
    world: World,
    ear: Arc<Ear>,
    alerts: Alerts,
    minute: i64,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let ear = Arc::new(Ear::default());
        let alerts = Alerts::new(Arc::new(world.engine.clone()), vec![ear.clone()]);
        let stage = Self { world, ear, alerts, minute: 0 };
        stage.happens("C1", Event::Read).await;
        stage
    }

    /// Ticks every minute until then.
    async fn until(&mut self, minute: i64) {
        while self.minute < minute {
            self.minute += 1;
            self.world.clock.set(beginning() + SignedDuration::from_mins(self.minute));
            self.alerts.tick().await.unwrap();
        }
    }

    async fn connection(&self, id: &str) -> Connection {
        let row: Option<Row<Connection>> = load(&*self.world.store, Connection::key(id)).await.unwrap();
        row.unwrap().value
    }

    async fn happens(&self, id: &str, event: Event) {
        let mut owner = self.connection(id).await;
        let now = self.world.engine.now();
        match event {
            Event::Stops(state, code) => {
                let problem = Problem { code: code.to_owned(), detail: "refused".to_owned(), since: now };
                (owner.state, owner.problem) = (state, Some(problem));
            }
            Event::Paused => (owner.state, owner.problem) = (ConnectionState::Paused, None),
            Event::Works => {
                (owner.state, owner.problem, owner.last_sync) = (ConnectionState::Active, None, Some(now));
            }
            Event::Read => owner.last_sync = Some(now),
            Event::Deleted => owner.state = ConnectionState::Deleted,
            Event::Ends(kind, run, state) => return self.run(id, kind, run, Some(state), (0, 0)).await,
            Event::Parks(run, parked, earlier) => {
                let complete = Some(RunState::Complete);
                return self.run(id, RunKind::Poll, run, complete, (parked, earlier)).await;
            }
            Event::Resumed(run) => return self.run(id, RunKind::Historical, run, None, (0, 0)).await,
            Event::Deaf(deaf) => *self.ear.deaf.lock().unwrap() = deaf,
        }
        self.world.save(&owner).await;
    }

    async fn run(&self, id: &str, kind: RunKind, name: &str, ended: Option<RunState>, parked: (u64, u64)) {
        let now = self.world.engine.now();
        let mut run = run(kind, name);
        (run.connection, run.started) = (id.to_owned(), now);
        (run.state, run.finished) = (ended.unwrap_or(RunState::Running), ended.map(|_| now));
        run.problem = ended.filter(|state| *state == RunState::Incomplete).map(|_| Problem {
            code: "destination.unavailable".to_owned(),
            detail: "no answer".to_owned(),
            since: now,
        });
        let reasons = (parked.0 > 0).then(|| ("destination.lost".to_owned(), parked.0));
        let orders = Tally {
            observed: parked.0,
            parked: reasons.into_iter().collect(),
            parked_earlier: parked.1,
            ..Tally::default()
        };
        run.streams = ended.map(|_| Streams { orders, ..Streams::default() });
        let key = Run::key(id, name);
        let old: Option<Row<Run>> = load(&*self.world.store, key.clone()).await.unwrap();
        let row = Row { key, rev: old.map_or(0, |row| row.rev), value: run };
        self.world.store.transact(vec![row.put().unwrap()]).await.unwrap();
    }

    /// What was heard, as `minute kind state`.
    fn heard(&self) -> Vec<String> {
        let heard = self.ear.heard.lock().unwrap();
        heard.iter().map(line).collect()
    }
}

fn line(document: &Value) -> String {
    let at: jiff::Timestamp = document["at"].as_str().unwrap().parse().unwrap();
    let minute = at.duration_since(beginning()).as_mins();
    let state = document["state"].as_str().map_or_else(|| document["count"].to_string(), str::to_owned);
    format!("{minute} {} {state}", document["kind"].as_str().unwrap())
}
