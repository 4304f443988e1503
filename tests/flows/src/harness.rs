//! A shop, an account, and the engine between them with its workers, as the embedded host builds it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tillsync_engine::connect::{self, ConnectRequest, DraftOutcome, Summary};
use tillsync_engine::intake::Hooks;
use tillsync_engine::ports::Clock;
use tillsync_engine::run::{self, BackfillRequest, Progress, progress, start_backfill, start_poll};
use tillsync_engine::state::{Comparison, Connection, Day, Run};
use tillsync_engine::{Engine, Timing, connections};
use tillsync_mapping::model::Secret;
use tillsync_sandbox::{FaultRule, Options, Running, Settings, World};

use crate::ahead::Ahead;
use crate::check;
use crate::handing::Handing;
use crate::host::{ALL_WORKERS, Ground, Host};

/// The source the stand-in shop is of.
pub(crate) const SOURCE: &str = "square";
/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(150);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// Everything one test works with.
pub(crate) struct Flow {
    pub(crate) running: Running,
    pub(crate) world: Arc<World>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) queue: Arc<Handing>,
    pub(crate) clock: Arc<Ahead>,
    ground: Ground,
    starts: u32,
    host: Option<Host>,
    folder: TempDir,
}

/// Waiting times for flows that are not about them.
pub(crate) fn fast() -> Timing {
    Timing {
        landing: SignedDuration::from_secs(1),
        lost_after: SignedDuration::from_secs(3),
        lag: SignedDuration::from_secs(0),
        read_back_after: SignedDuration::from_secs(0),
        // The program keeps a message as long as it works on it. Here the clock may be put forward meanwhile.
        visibility: Duration::from_secs(24 * 3_600),
        ..Timing::default()
    }
}

/// The stand-ins' side of [`fast`]: as strict, only quicker.
pub(crate) fn quick() -> Settings {
    Settings {
        index_lag_ms: 0,
        activecampaign_per_second: 50,
        async_delay_ms: (20, 250),
        v3_delay_ms: 100,
        import_delay_ms: 100,
        rewrite_window_ms: 1_000,
        ..Settings::default()
    }
}

/// A shop of so many orders at one location.
pub(crate) fn shop(orders: usize) -> Options {
    Options { orders, customers: 60, locations: 1, settings: quick(), ..Options::default() }
}

impl Flow {
    /// Shop, account and workers, all quick.
    pub(crate) async fn start(options: Options) -> Self {
        Self::with(options, fast(), 40).await
    }

    /// The same at a pace of the test's choice.
    pub(crate) async fn with(options: Options, timing: Timing, calls_per_second: u32) -> Self {
        Self::hooked(options, (timing, calls_per_second), Hooks::default(), "http://127.0.0.1:8787").await
    }

    /// The same with what the operator gives for webhooks, and where they are sent to.
    pub(crate) async fn hooked(
        options: Options,
        (timing, calls_per_second): (Timing, u32),
        hooks: Hooks,
        public_url: &str,
    ) -> Self {
        let running = tillsync_sandbox::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Ahead::default());
        let ground = Ground {
            path: folder.path().join("data"),
            source_url: running.square_url.clone(),
            clock: Arc::clone(&clock),
            timing,
            hooks,
            public_url: public_url.to_owned(),
            calls_per_second,
        };
        let host = Host::start(&ground, 1).await;
        let (engine, queue) = (Arc::clone(&host.engine), Arc::clone(&host.queue));
        let world = running.world();
        Self { running, world, engine, queue, clock, ground, starts: 1, host: Some(host), folder }
    }

    /// Ends the process wherever it is. Nobody works until [`Self::rise`].
    pub(crate) async fn fall(&mut self) {
        self.host.take().unwrap().fall().await;
    }

    /// Starts the next process on what the last one left.
    pub(crate) async fn rise(&mut self) {
        self.starts += 1;
        let host = Host::start(&self.ground, self.starts).await;
        (self.engine, self.queue) = (Arc::clone(&host.engine), Arc::clone(&host.queue));
        self.host = Some(host);
    }

    /// The ids of the open locations.
    pub(crate) fn locations(&self) -> Vec<String> {
        let all = self.world.locations();
        let open = all.as_array().unwrap().iter().filter(|place| place["status"] == "ACTIVE");
        open.map(|place| place["id"].as_str().unwrap().to_owned()).collect()
    }

    /// A request to connect a location.
    pub(crate) fn request(&self, location: &str, history: &str) -> ConnectRequest {
        ConnectRequest {
            source: SOURCE.into(),
            name: format!("Shop {location}"),
            location: location.into(),
            destination_url: self.running.activecampaign_url.clone(),
            history: history.into(),
            connection_type: None,
        }
    }

    /// What comes of connecting.
    pub(crate) async fn outcome(&self, request: ConnectRequest) -> DraftOutcome {
        let (token, key) = (self.running.square_token.clone(), self.running.activecampaign_key.clone());
        self.outcome_with(request, &token, &key).await
    }

    /// The same with another token and key.
    pub(crate) async fn outcome_with(&self, request: ConnectRequest, token: &str, key: &str) -> DraftOutcome {
        let secrets = (&Secret::new(token), &Secret::new(key));
        let draft = connect::begin(&self.engine, request, secrets).await.unwrap();
        connect::finish_draft(&self.engine, &draft).await.unwrap()
    }

    /// Connects a location, or fails the test.
    pub(crate) async fn summary(&self, location: &str, history: &str) -> Summary {
        match self.outcome(self.request(location, history)).await {
            DraftOutcome::Connected(summary) => summary,
            other => panic!("{other:?}"),
        }
    }

    /// Connects a location with all of its history.
    pub(crate) async fn connect(&self, location: &str) -> Connection {
        let summary = self.summary(location, "all").await;
        self.connection(&summary.connection).await
    }

    /// Connects the first location with all of its history.
    pub(crate) async fn connect_first(&self) -> Connection {
        self.connect(&self.locations()[0]).await
    }

    /// A connection as it stands now.
    pub(crate) async fn connection(&self, id: &str) -> Connection {
        connections::find(&self.engine, id).await.unwrap()
    }

    /// Sends the history and waits until the run ended.
    pub(crate) async fn backfill(&self, connection: &Connection) -> Progress {
        let started =
            start_backfill(&self.engine, &connection.id, &BackfillRequest::default()).await.unwrap();
        self.ended(&started.run).await
    }

    /// Sends a history of a kind and waits until the run ended.
    pub(crate) async fn history(&self, connection: &Connection, request: &BackfillRequest) -> Progress {
        let started = start_backfill(&self.engine, &connection.id, request).await.unwrap();
        self.ended(&started.run).await
    }

    /// A manual sync, to its end.
    pub(crate) async fn sync(&self, connection: &Connection) -> Progress {
        let started = run::start_sync(&self.engine, &connection.id).await.unwrap();
        self.ended(&started.run).await
    }

    /// Tries again what is parked, to its end.
    pub(crate) async fn retry(&self, connection: &Connection) -> Progress {
        let started = run::start_retry(&self.engine, &connection.id, None).await.unwrap();
        self.ended(&started.run).await
    }

    /// Compares both sides, and mends what can be mended where that is asked for.
    pub(crate) async fn reconcile(&self, connection: &Connection, repair: bool) -> (Progress, Vec<Day>) {
        let asked = Comparison { repair, ..Comparison::default() };
        let started = run::start_reconcile(&self.engine, &connection.id, asked).await.unwrap();
        let ended = self.ended(&started.run).await;
        let days = run::days(&self.engine, &started.run.id).await.unwrap();
        (ended, days)
    }

    /// Puts the data directory back to how it was kept by [`Self::keep`]. Nobody may be at work.
    pub(crate) fn put_back(&self) {
        copy(&self.folder.path().join("kept"), &self.ground.path);
    }

    /// Keeps the data directory as it is, as a backup does. Nobody may be at work.
    pub(crate) fn keep(&self) {
        copy(&self.ground.path, &self.folder.path().join("kept"));
    }

    /// Lets the landing time of what was written pass.
    pub(crate) async fn landed(&self) {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }

    /// Goes on with an unfinished history and waits until the run ended.
    pub(crate) async fn resume(&self, connection: &Connection) -> Progress {
        let started = run::resume(&self.engine, &connection.id).await.unwrap();
        self.ended(&started.run).await
    }

    /// Polls and waits until the run ended.
    pub(crate) async fn poll(&self, connection: &Connection) -> Progress {
        // Ends of windows are exclusive in most of the shop's searches.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let started = start_poll(&self.engine, &connection.id).await.unwrap();
        self.ended(&started.run).await
    }

    /// The run ended complete, with nothing parked and nothing on its way ([`check::complete`]).
    pub(crate) async fn complete(&self, state: &Progress) {
        check::complete(&self.world, &self.connection(&state.run.connection).await, state);
    }

    /// A run once it ended.
    pub(crate) async fn ended(&self, run: &Run) -> Progress {
        let began = Instant::now();
        loop {
            let state = progress(&self.engine, &run.connection, &run.id).await.unwrap();
            if state.run.ended() {
                return state;
            }
            assert!(began.elapsed() < PATIENCE, "the run hangs: {state:#?}\n{:#}", self.world.stats());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The same with the engine's clock put forward, so much at the most, whenever everybody waits for it.
    pub(crate) async fn ended_ahead(&self, run: &Run, step: SignedDuration) -> Progress {
        let began = Instant::now();
        loop {
            let state = progress(&self.engine, &run.connection, &run.id).await.unwrap();
            if state.run.ended() {
                return state;
            }
            assert!(began.elapsed() < PATIENCE, "the run hangs: {state:#?}\n{:#}", self.world.stats());
            self.quiet().await;
            self.clock.advance(self.clock.next_waking().map_or(step, |waking| waking.min(step)));
        }
    }

    /// Lets so much of the engine's time pass: whoever wakes up in it does what he has to.
    pub(crate) async fn pass(&self, time: SignedDuration, step: SignedDuration) {
        let until = self.clock.now() + time;
        loop {
            self.quiet().await;
            let left = until.duration_since(self.clock.now());
            if !left.is_positive() {
                return;
            }
            // A message becomes due without anybody asleep.
            let step = left.min(step);
            self.clock.advance(self.clock.next_waking().map_or(step, |waking| waking.min(step)));
        }
    }

    /// Waits until every worker waits for the clock.
    pub(crate) async fn quiet(&self) {
        let mut looks = 0;
        while looks < 4 {
            looks = if self.clock.is_waited_for(ALL_WORKERS) { looks + 1 } else { 0 };
            tokio::time::sleep(LOOK / 3).await;
        }
    }

    /// Waits until something holds of the stand-ins' counts.
    pub(crate) async fn until(&self, holds: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        while !holds(&self.world.stats()) {
            assert!(began.elapsed() < PATIENCE, "it never comes: {:#}", self.world.stats());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Arms a fault.
    pub(crate) fn fault(&self, platform: &str, operation: &str, (skip, times): (u32, u32), fault: Value) {
        let rule = json!({"platform": platform, "operation": operation, "skip": skip, "times": times, "fault": fault});
        self.world.add_faults(vec![serde_json::from_value::<FaultRule>(rule).unwrap()]);
    }
}

/// Makes one folder as another is, file by file.
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
