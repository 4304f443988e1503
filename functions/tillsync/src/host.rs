//! The embedded host: the engine over one data directory, and the workers of the process that owns it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use etcetera::BaseStrategy;
use tillsync_embedded::{DataDir, DirVault, Owner, Sqlite};
use tillsync_engine::budget::LocalBudget;
use tillsync_engine::doctor::Check;
use tillsync_engine::ports::{Delivery, Entropy, Lane};
use tillsync_engine::{Config as EngineConfig, Engine, Fault, Timing, run};
use tillsync_host::{Settings, SystemClock, SystemEntropy};
use tillsync_http::Outgoing;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::answer::Trouble;

/// Workers of live work and of history: together at most the five calls in flight a store allows
/// (rules.md section 5), as each makes one call to it at a time.
const LIVE_WORKERS: usize = 2;
const HISTORY_WORKERS: usize = 3;
/// Between two looks into an empty queue.
const IDLE: Duration = Duration::from_millis(300);
/// So often the directory is asked for before somebody else is believed to keep it: ten seconds.
const TRIES: u32 = 33;
/// After a failure of the data store.
const PAUSE: Duration = Duration::from_secs(2);

/// The engine over a data directory.
pub(crate) struct Host {
    pub(crate) engine: Arc<Engine>,
    dir: DataDir,
    sqlite: Arc<Sqlite>,
    owner: Option<Owner>,
    workers: Option<Workers>,
}

struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Host {
    /// Opens a data directory.
    pub(crate) fn open(data: Option<PathBuf>, config: &Settings) -> Result<Self, Trouble> {
        if config.loopback {
            tracing::warn!("TILLSYNC_ALLOW_LOOPBACK opens 127.0.0.1: for tests and the demo only");
        }
        let dir = DataDir::open(data.map_or_else(default_dir, Ok)?)?;
        let clock = Arc::new(SystemClock);
        let entropy = Arc::new(SystemEntropy);
        let sqlite = Arc::new(Sqlite::open(&dir, clock.clone())?);
        let vault = Arc::new(DirVault::open(&dir, sqlite.clone(), config.data_key.clone())?);
        let http = Outgoing::new(config.allow()).map_err(|error| {
            let detail = format!("TILLSYNC_DESTINATION_HOSTS, or the address of a source: {error}");
            Trouble::usage("config.invalid", detail)
        })?;
        let settings = EngineConfig {
            calls_per_second: config.calls_per_second,
            instance: format!("{:016x}", entropy.bits()),
            exclusive: true,
            api_urls: config.api_urls.clone(),
            applications: config.applications.clone(),
            public_url: config.public_url.clone(),
            hooks: config.hooks.clone(),
            timing: Timing {
                poll_every: config.poll_every,
                lost_after: config.queued_for,
                ..Timing::default()
            },
        };
        let engine = Engine::new(
            (sqlite.clone(), sqlite.clone(), vault),
            (Arc::new(http), Arc::new(LocalBudget::default())),
            (clock, entropy),
            settings,
        );
        Ok(Self { engine: Arc::new(engine), dir, sqlite, owner: None, workers: None })
    }

    /// As [`Host::own`], and waits a little: a command that looks at the directory has it for a moment.
    pub(crate) async fn own_soon(&mut self) -> Result<bool, Trouble> {
        for _ in 0..TRIES {
            if self.own().await? {
                return Ok(true);
            }
            tokio::time::sleep(IDLE).await;
        }
        Ok(false)
    }

    /// Owns the directory from here on, if nobody else does; then this process does the work.
    pub(crate) async fn own(&mut self) -> Result<bool, Trouble> {
        if self.owner.is_none() {
            self.owner = Owner::try_take(&self.dir)?;
            if let Some(owner) = &self.owner {
                self.sqlite.free_leases(owner).await?;
                // What the owner before was about to queue when it ended.
                run::requeue(&self.engine).await?;
            }
        }
        Ok(self.owner.is_some())
    }

    /// An engine for looking at the platforms and changing nothing. Where another process works on the directory, it
    /// calls as seldom as leaves that one its share: of the five calls a second an account has, that one takes four.
    /// The proof of being alone is to be kept meanwhile.
    pub(crate) fn beside(&self) -> Result<(Arc<Engine>, Option<Owner>), Trouble> {
        let alone = Owner::try_take(&self.dir)?;
        let mut engine = Engine::clone(&self.engine);
        if alone.is_none() {
            engine.config.calls_per_second = 1;
            // What others hold is held by somebody who lives.
            engine.config.exclusive = false;
        }
        Ok((Arc::new(engine), alone))
    }

    /// Whether a process works on the directory.
    pub(crate) fn is_served(&self) -> Result<bool, Trouble> {
        Ok(self.owner.is_some() || Owner::try_take(&self.dir)?.is_none())
    }

    /// How the data directory is.
    pub(crate) async fn check_data(&self) -> Vec<Check> {
        let path = self.dir.path().display();
        let directory = match self.dir.is_private() {
            Ok(true) => Check::ok("data", format!("{path}, for its owner alone")),
            Ok(false) => Check::warn("data", format!("{path} can be read by others: chmod 700 {path}")),
            Err(error) => Check::fail("data", error.code(), error.to_string()),
        };
        let database = match self.sqlite.check().await {
            Ok(()) => {
                let bytes = std::fs::metadata(self.dir.database()).map_or(0, |file| file.len());
                let (version, mib) = (Sqlite::version(), bytes / (1024 * 1024));
                Check::ok("database", format!("sound, version {version}, {mib} MiB"))
            }
            Err(error) => Check::fail("database", error.code(), error.to_string()),
        };
        vec![directory, database]
    }

    /// Leaves nothing in the files of what was emptied.
    pub(crate) async fn scrub(&self) -> Result<(), Trouble> {
        let done = self.sqlite.scrub().await;
        done.map_err(|error| Trouble::failed(error.code(), error.to_string()))
    }

    /// Browsers reach this installation there. Before the workers start.
    pub(crate) fn reached_at(&mut self, public_url: String) {
        Arc::make_mut(&mut self.engine).config.public_url = public_url;
    }

    /// Who owns the directory, for a message.
    pub(crate) fn owner_text(&self) -> String {
        Owner::describe(&self.dir)
    }

    /// Starts the workers, if this process owns the directory. History is left alone unless asked for.
    pub(crate) async fn work(&mut self, history: bool) -> Result<bool, Trouble> {
        if !self.own().await? {
            return Ok(false);
        }
        if self.workers.is_none() {
            let (stop, stopped) = watch::channel(false);
            let mut tasks = JoinSet::new();
            let count = if history { HISTORY_WORKERS } else { 0 };
            let lanes = [Lane::Live].into_iter().cycle().take(LIVE_WORKERS);
            for lane in lanes.chain([Lane::History].into_iter().cycle().take(count)) {
                tasks.spawn(worker(Arc::clone(&self.engine), lane, stopped.clone()));
            }
            self.workers = Some(Workers { stop, tasks });
        }
        Ok(true)
    }

    /// Lets the workers finish the message in hand, for a while.
    pub(crate) async fn stop(&mut self) {
        let Some(mut workers) = self.workers.take() else { return };
        // Nobody listens when every worker has ended: that is what is wanted.
        let _ = workers.stop.send(true);
        let all = async { while workers.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(3), all).await.is_err() {
            tracing::info!("stopping in the middle of a message; it is taken up again at the next start");
        }
    }
}

async fn worker(engine: Arc<Engine>, lane: Lane, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let taken = engine.queue.receive(lane, 1, engine.config.timing.visibility).await;
        let pause = match taken {
            Ok(deliveries) if deliveries.is_empty() => IDLE,
            Ok(deliveries) => {
                let mut pause = Duration::ZERO;
                for delivery in deliveries {
                    // A task of its own: should it ever panic, the message returns and the worker lives.
                    match tokio::spawn(kept(Arc::clone(&engine), delivery)).await {
                        Ok(Ok(_)) => {}
                        Ok(Err(fault)) => {
                            let (code, detail) = (fault.code, fault.detail);
                            tracing::error!(code, detail, "a message could not be settled");
                            pause = PAUSE;
                        }
                        Err(_) => tracing::error!("a message ended its worker; it is taken up again"),
                    }
                }
                pause
            }
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read");
                PAUSE
            }
        };
        if !pause.is_zero() {
            // Either ends the pause.
            let _ = tokio::time::timeout(pause, stopped.changed()).await;
        }
    }
}

/// Works on a message, and keeps it from returning meanwhile.
async fn kept(engine: Arc<Engine>, delivery: Delivery) -> Result<run::Outcome, Fault> {
    let visibility = engine.config.timing.visibility;
    let heart = async {
        loop {
            tokio::time::sleep(visibility / 3).await;
            if let Err(error) = engine.queue.extend(&delivery, visibility).await {
                tracing::warn!(%error, "a message could not be kept");
            }
        }
    };
    tokio::select! {
        outcome = run::handle(&engine, &delivery) => outcome,
        () = heart => Ok(run::Outcome::Failed),
    }
}

fn default_dir() -> Result<PathBuf, Trouble> {
    let strategy = etcetera::choose_base_strategy().map_err(|error| {
        Trouble::usage("config.missing", format!("--data: no home directory is known ({error})"))
    })?;
    Ok(strategy.data_dir().join("tillsync"))
}
