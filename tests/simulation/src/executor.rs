//! One thread, one heap of events, virtual time. What is ready runs in the order it became ready; when nothing is,
//! the next event comes. The same choices give the same steps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use jiff::{SignedDuration, Timestamp};

use crate::rng::Rng;
use crate::trace::Trace;

/// What a task is.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
/// A process: what dies together.
pub type Process = u32;

/// What happens at a time, besides tasks that wake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A sleeper wakes.
    Wake(u64),
    /// Something the world does: its own number for it.
    World(u64),
}

/// The executor. A clone is the same one.
#[derive(Clone)]
pub struct Sim {
    inner: Arc<Mutex<Inner>>,
    ready: Arc<Mutex<VecDeque<u64>>>,
}

struct Inner {
    now: Timestamp,
    rng: Rng,
    trace: Trace,
    seq: u64,
    heap: BinaryHeap<Reverse<(Timestamp, u64, Event)>>,
    sleepers: BTreeMap<u64, Waker>,
    tasks: BTreeMap<u64, Slot>,
    /// Processes that ended in the middle of a step.
    fallen: Vec<Process>,
    steps: u64,
}

struct Slot {
    process: Process,
    task: Option<Task>,
    waker: Waker,
}

struct TaskWaker {
    id: u64,
    ready: Arc<Mutex<VecDeque<u64>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        lock(&self.ready).push_back(self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the executor stopped for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The world's turn.
    World(u64),
    /// A task has ended; its number and process.
    Ended(u64, Process),
    /// These processes have ended, with all their tasks.
    Fell(Vec<Process>),
    /// Nothing is left to happen.
    Idle,
}

impl Sim {
    /// An executor at a time, with its choices.
    #[must_use]
    pub fn new(now: Timestamp, rng: Rng) -> Self {
        let inner = Inner {
            now,
            rng,
            trace: Trace::default(),
            seq: 0,
            heap: BinaryHeap::new(),
            sleepers: BTreeMap::new(),
            tasks: BTreeMap::new(),
            fallen: Vec::new(),
            steps: 0,
        };
        Self { inner: Arc::new(Mutex::new(inner)), ready: Arc::default() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        lock(&self.inner).now
    }

    /// Draws a choice.
    pub fn draw<T>(&self, choice: impl FnOnce(&mut Rng) -> T) -> T {
        choice(&mut lock(&self.inner).rng)
    }

    /// Notes a step in the trace.
    pub fn note(&self, what: &str, about: &str) {
        let mut inner = lock(&self.inner);
        let now = inner.now;
        inner.steps += 1;
        inner.trace.note(now, what, about);
    }

    /// The hash of all steps so far, and how many they are.
    #[must_use]
    pub fn hash(&self) -> (u64, u64) {
        let inner = lock(&self.inner);
        (inner.trace.hash(), inner.steps)
    }

    /// Keeps the steps as text from here on, or gives those kept.
    pub fn keep_trace(&self) {
        lock(&self.inner).trace.keep();
    }

    /// The steps kept.
    #[must_use]
    pub fn trace_lines(&self) -> Vec<String> {
        lock(&self.inner).trace.lines()
    }

    /// Plans something of the world's after a while.
    pub fn plan(&self, after: SignedDuration, what: u64) {
        let mut inner = lock(&self.inner);
        let at = later(inner.now, after);
        inner.push(at, Event::World(what));
    }

    /// Starts a task of a process; its number.
    pub fn spawn(&self, process: Process, task: Task) -> u64 {
        let mut inner = lock(&self.inner);
        inner.seq += 1;
        let id = inner.seq;
        let waker = Waker::from(Arc::new(TaskWaker { id, ready: Arc::clone(&self.ready) }));
        inner.tasks.insert(id, Slot { process, task: Some(task), waker });
        drop(inner);
        lock(&self.ready).push_back(id);
        id
    }

    /// Sleeps.
    pub async fn sleep(&self, time: SignedDuration) {
        let at = later(self.now(), time);
        Sleep { sim: self, at, planned: None }.await;
    }

    /// Ends a process at once: called from one of its tasks, it never returns.
    pub async fn fall(&self, process: Process) {
        lock(&self.inner).fallen.push(process);
        std::future::pending::<()>().await;
    }

    /// Ends a process from outside.
    pub fn kill(&self, process: Process) {
        lock(&self.inner).fallen.push(process);
    }

    /// Runs until something is the world's to see.
    pub fn run(&self) -> Stop {
        loop {
            if let Some(fallen) = self.bury() {
                return Stop::Fell(fallen);
            }
            let next = lock(&self.ready).pop_front();
            if let Some(id) = next {
                if let Some(process) = self.poll(id) {
                    return Stop::Ended(id, process);
                }
                continue;
            }
            let mut inner = lock(&self.inner);
            let Some(Reverse((at, _, event))) = inner.heap.pop() else { return Stop::Idle };
            inner.now = inner.now.max(at);
            match event {
                Event::World(what) => return Stop::World(what),
                Event::Wake(sleeper) => {
                    let waker = inner.sleepers.remove(&sleeper);
                    drop(inner);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                }
            }
        }
    }

    /// Polls a task; its process where it ended.
    fn poll(&self, id: u64) -> Option<Process> {
        let (mut task, waker) = {
            let mut inner = lock(&self.inner);
            let slot = inner.tasks.get_mut(&id)?;
            (slot.task.take()?, slot.waker.clone())
        };
        let ended = task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut inner = lock(&self.inner);
        if ended {
            return inner.tasks.remove(&id).map(|slot| slot.process);
        }
        if let Some(slot) = inner.tasks.get_mut(&id) {
            slot.task = Some(task);
        }
        None
    }

    /// Drops the tasks of processes that fell.
    fn bury(&self) -> Option<Vec<Process>> {
        let mut inner = lock(&self.inner);
        if inner.fallen.is_empty() {
            return None;
        }
        let fallen = std::mem::take(&mut inner.fallen);
        let dead: Vec<u64> = inner
            .tasks
            .iter()
            .filter(|(_, slot)| fallen.contains(&slot.process))
            .map(|(id, _)| *id)
            .collect();
        let slots: Vec<_> = dead.iter().filter_map(|id| inner.tasks.remove(id)).collect();
        drop(inner);
        drop(slots);
        Some(fallen)
    }

    /// True while a task of a process is at work.
    #[must_use]
    pub fn is_busy(&self, process: Process) -> bool {
        lock(&self.inner).tasks.values().any(|slot| slot.process == process)
    }
}

impl Inner {
    fn push(&mut self, at: Timestamp, event: Event) {
        self.seq += 1;
        let seq = self.seq;
        self.heap.push(Reverse((at, seq, event)));
    }
}

struct Sleep<'a> {
    sim: &'a Sim,
    at: Timestamp,
    planned: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = lock(&self.sim.inner);
        let id = match self.planned {
            Some(id) => {
                if inner.now >= self.at {
                    return Poll::Ready(());
                }
                id
            }
            // Even a sleep of no time lets others go first.
            None => {
                inner.seq += 1;
                let id = inner.seq;
                inner.heap.push(Reverse((self.at, id, Event::Wake(id))));
                id
            }
        };
        inner.sleepers.insert(id, context.waker().clone());
        drop(inner);
        self.planned = Some(id);
        Poll::Pending
    }
}

/// The instant this long after another.
#[must_use]
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}
