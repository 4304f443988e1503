//! What one process of the embedded host is, from its start to its sudden end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tillsync_embedded::{DataDir, FileVault, Owner, Sqlite};
use tillsync_engine::budget::LocalBudget;
use tillsync_engine::ports::{Clock, Lane};
use tillsync_engine::{Config, Engine, Timing, run};
use tillsync_host::SystemEntropy;
use tillsync_http::{Allow, Outgoing};
use tokio::task::JoinSet;

use crate::ahead::{Ahead, Calling};
use crate::handing::Handing;
use crate::harness::SOURCE;

/// Between two looks into an empty queue.
const IDLE: Duration = Duration::from_millis(25);
/// Workers of each lane, as the embedded host has them.
const WORKERS: [(Lane, usize); 2] = [(Lane::Live, 2), (Lane::History, 3)];
/// All of them.
pub(crate) const ALL_WORKERS: usize = 5;

/// What outlives a process.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) path: PathBuf,
    pub(crate) source_url: String,
    pub(crate) clock: Arc<Ahead>,
    pub(crate) timing: Timing,
    pub(crate) calls_per_second: u32,
}

/// A process that owns a data directory.
pub(crate) struct Host {
    pub(crate) engine: Arc<Engine>,
    pub(crate) queue: Arc<Handing>,
    workers: JoinSet<()>,
    _owner: Owner,
}

impl Host {
    /// Starts as the program does: what a former process had taken is free again, and its work queued anew.
    pub(crate) async fn start(ground: &Ground, nth: u32) -> Self {
        let dir = DataDir::open(ground.path.clone()).unwrap();
        let owner = Owner::try_take(&dir).unwrap().unwrap();
        let clock = Arc::clone(&ground.clock) as Arc<dyn Clock>;
        let sqlite = Arc::new(Sqlite::open(&dir, Arc::clone(&clock)).unwrap());
        let queue = Arc::new(Handing::new(Arc::clone(&sqlite)));
        let allow = Allow { hosts: Vec::new(), suffixes: Vec::new(), loopback: true };
        let config = Config {
            calls_per_second: ground.calls_per_second,
            instance: format!("flows-{nth}"),
            exclusive: true,
            api_urls: BTreeMap::from([(SOURCE.into(), ground.source_url.clone())]),
            applications: BTreeMap::new(),
            public_url: "http://127.0.0.1:8787".into(),
            timing: ground.timing,
        };
        let vault = Arc::new(FileVault::open(&dir).unwrap());
        let engine = Arc::new(Engine::new(
            (sqlite.clone(), queue.clone(), vault),
            (
                Arc::new(Calling(Outgoing::new(allow).unwrap(), Arc::clone(&ground.clock))),
                Arc::new(LocalBudget::default()),
            ),
            (clock, Arc::new(SystemEntropy)),
            config,
        ));
        sqlite.free_leases(&owner).await.unwrap();
        run::requeue(&engine).await.unwrap();
        let mut workers = JoinSet::new();
        for (lane, count) in WORKERS {
            for _ in 0..count {
                workers.spawn(work(Arc::clone(&engine), Arc::clone(&ground.clock), lane));
            }
        }
        Self { engine, queue, workers, _owner: owner }
    }

    /// Ends wherever its workers are: nothing is finished or handed back.
    pub(crate) async fn fall(mut self) {
        self.workers.shutdown().await;
    }
}

/// One worker, as the embedded host runs it.
async fn work(engine: Arc<Engine>, clock: Arc<Ahead>, lane: Lane) {
    loop {
        let taken = engine.queue.receive(lane, 1, engine.config.timing.visibility).await.unwrap();
        if taken.is_empty() {
            clock.idle.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(IDLE).await;
            clock.idle.fetch_sub(1, Ordering::SeqCst);
        }
        for delivery in taken {
            run::handle(&engine, &delivery).await.unwrap();
        }
    }
}
