//! Imports of a history by the real program, in a process of its own, against the stand-ins here. What passes is
//! kept, and the floor does the same again without the program's logic.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tillsync_sandbox::{Options, Running};
use tokio::runtime::Runtime;

use crate::figures::{Calls, Figures, Import};
use crate::floor::Floor;
use crate::process::{Used, peak, times, until_end};
use crate::wire_between::{self, Between, lock};

/// How long the program is watched while it has nothing to do.
const IDLE: Duration = Duration::from_secs(20);
/// Of ten orders, so many people.
const PEOPLE_IN_TEN: usize = 4;

/// Measures imports of so many orders, and writes the figures.
pub(crate) fn run(program: &Path, to: &Path, sizes: &[&str]) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let mut imports = Vec::new();
    let mut idle = 0.0;
    for size in sizes {
        let orders = size.parse().map_err(|_| format!("{size} is no number of orders"))?;
        eprintln!("bench: an import of {orders} orders");
        let stage = Stage::new(&runtime, program, orders)?;
        imports.push(stage.import(&runtime)?);
        idle = stage.idle()?;
    }
    Figures { imports, idle_cpu_a_minute: idle * 60.0 }.save(to)
}

struct Stage<'a> {
    program: &'a Path,
    folder: tempfile::TempDir,
    running: Running,
    kept: Between,
    source_url: String,
    account_url: String,
    orders: usize,
}

impl<'a> Stage<'a> {
    fn new(runtime: &Runtime, program: &'a Path, orders: usize) -> Result<Self, String> {
        let customers = (orders * PEOPLE_IN_TEN / 10).max(1);
        let options = Options { orders, customers, locations: 1, ..Options::default() };
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let kept = Between::default();
        let (running, source_url, account_url) = runtime.block_on(async {
            let running = tillsync_sandbox::start(options).await.map_err(|error| error.to_string())?;
            let source = wire_between::start(&running.square_url, Arc::clone(&kept)).await?;
            let account = wire_between::start(&running.activecampaign_url, Arc::clone(&kept)).await?;
            Ok::<_, String>((running, source, account))
        })?;
        Ok(Self { program, folder, running, kept, source_url, account_url, orders })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(words).arg("--data").arg(self.folder.path().join("data")).env_clear();
        command.envs([
            ("TILLSYNC_ALLOW_LOOPBACK", "true"),
            ("TILLSYNC_SQUARE_API_URL", &self.source_url),
            ("TILLSYNC_SOURCE_TOKEN", &self.running.square_token),
            ("TILLSYNC_DESTINATION_KEY", &self.running.activecampaign_key),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn used(&self, words: &[&str]) -> Result<Used, String> {
        let began = Instant::now();
        let mut child = self.command(words).spawn().map_err(|error| error.to_string())?;
        let used = until_end(&mut child, began)?;
        if used.status == 0 { Ok(used) } else { Err(format!("{words:?} ended with {}", used.status)) }
    }

    fn import(&self, runtime: &Runtime) -> Result<Import, String> {
        let told = self.running.describe();
        let places = told["locations"].as_array().into_iter().flatten();
        let place =
            places.filter(|place| place["status"] == "ACTIVE").filter_map(|place| place["id"].as_str());
        let location = place.take(1).collect::<String>();
        let to = self.account_url.as_str();
        self.used(&[
            "connect",
            "square",
            "--name",
            "shop",
            "--location",
            &location,
            "--destination-url",
            to,
        ])?;
        lock(&self.kept).since = Some(Instant::now());
        let used = self.used(&["backfill", "start", "shop", "--wait"])?;
        lock(&self.kept).since = None;
        let stats = self.running.world().stats();
        if stats["violations"].as_array().is_none_or(|all| !all.is_empty()) {
            return Err(format!("the platforms saw what must not be: {}", stats["violations"]));
        }
        let (received, sent) = lock(&self.kept).bytes();
        let floor = self.floor(runtime)?;
        let sent_orders = stats["activecampaign"]["account"]["orders"].as_u64().unwrap_or(0);
        Ok(Import {
            orders: self.orders as u64,
            sent_orders,
            calls: calls(&stats),
            cpu_seconds: used.cpu_seconds,
            peak_kib: used.peak_kib,
            wall_seconds: used.wall_seconds,
            received,
            sent,
            phases: lock(&self.kept).phases(),
            floor,
        })
    }

    /// The same again, without the program.
    fn floor(&self, runtime: &Runtime) -> Result<Floor, String> {
        let text = serde_json::to_vec(&lock(&self.kept).questions).map_err(|error| error.to_string())?;
        let path = self.folder.path().join("questions.json");
        std::fs::write(path, text).map_err(|error| error.to_string())?;
        let url = runtime.block_on(wire_between::start("", Arc::clone(&self.kept)))?;
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let output = Command::new(own)
            .arg("floor")
            .arg(self.folder.path())
            .arg(url)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| error.to_string())?;
        serde_json::from_slice(&output.stdout).map_err(|error| format!("the floor: {error}"))
    }

    /// CPU seconds in a second while nothing is to be done.
    fn idle(&self) -> Result<f64, String> {
        let words = ["serve", "--listen", "127.0.0.1:0"];
        let mut child = self.command(&words).spawn().map_err(|error| error.to_string())?;
        let id = child.id().to_string();
        // Its start, and the poll that is due at once.
        std::thread::sleep(IDLE / 4);
        let before = times(&id)?.1;
        std::thread::sleep(IDLE);
        let after = times(&id)?.1;
        let held = peak(&id);
        // It may have ended by itself; then it held nothing.
        let _ = child.kill();
        let _ = child.wait();
        if held == 0 {
            return Err("serve ended by itself".to_owned());
        }
        Ok((after - before) as f64 / crate::process::TICKS / IDLE.as_secs_f64())
    }
}

fn calls(stats: &Value) -> Calls {
    let classes = &stats["activecampaign"]["classes"];
    let of = |names: &[&str]| names.iter().filter_map(|name| classes[*name].as_u64()).sum();
    Calls {
        source: stats["square"]["calls"].as_u64().unwrap_or(0),
        writes: of(&["order_writes", "product_writes"]),
        read_back: of(&["readback", "import_info"]),
        imports: of(&["imports"]),
    }
}
