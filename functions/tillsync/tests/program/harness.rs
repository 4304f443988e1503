//! A shop, an account, a data directory, and the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tillsync_mapping::sources;
use tillsync_sandbox::{Options, Running, World};
use tokio::runtime::Runtime;

/// Nothing the program does here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(240);

/// The program in a surrounding of its own.
pub(crate) struct Program {
    pub(crate) running: Running,
    pub(crate) world: Arc<World>,
    pub(crate) source: &'static str,
    pub(crate) data: TempDir,
    settings: Vec<(String, String)>,
    _runtime: Runtime,
}

/// What one call of it came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The one JSON document on standard output.
    pub(crate) fn json(&self) -> Value {
        let document = serde_json::from_str(&self.out);
        document.unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The document of a call that ended with this status.
    pub(crate) fn with(&self, status: i32) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// The code of a call that failed with this status.
    pub(crate) fn code(&self, status: i32) -> String {
        let document = self.with(status);
        assert_eq!(document["ok"], false, "{document}");
        document["error"]["code"].as_str().unwrap().to_owned()
    }
}

/// A shop of so many orders at one location.
pub(crate) fn shop(orders: usize) -> Options {
    Options { orders, customers: 60, locations: 1, ..Options::default() }
}

impl Program {
    pub(crate) fn new(options: Options) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let running = runtime.block_on(tillsync_sandbox::start(options)).unwrap();
        let source = sources::all()[0].name();
        let told = running.describe();
        let text = |name: String| told[name.as_str()].as_str().unwrap().to_owned();
        let data = tempfile::tempdir().unwrap();
        let settings = [
            ("TILLSYNC_ALLOW_LOOPBACK".to_owned(), "true".to_owned()),
            // What is killed between its note and its call, or has no reply, is waited for so long.
            ("TILLSYNC_QUEUE_SECONDS".to_owned(), "60".to_owned()),
            (format!("TILLSYNC_{}_API_URL", source.to_uppercase()), text(format!("{source}_url"))),
            ("TILLSYNC_SOURCE_TOKEN".to_owned(), text(format!("{source}_token"))),
            ("TILLSYNC_ERASE_EMAIL".to_owned(), "nobody.at.all@example.org".to_owned()),
            ("TILLSYNC_DESTINATION_KEY".to_owned(), text("activecampaign_key".to_owned())),
        ];
        let world = running.world();
        Self { world, running, source, data, settings: settings.to_vec(), _runtime: runtime }
    }

    /// Sets a variable for the calls to come, or takes it away.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tillsync"));
        command.args(args).arg("--data").arg(self.data.path().join("data"));
        command.env_clear().envs(self.settings.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it and leaves it running.
    pub(crate) fn spawn(&self, args: &[&str]) -> Kept {
        Kept(Some(self.command(args).spawn().unwrap()))
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.spawn(args).ended()
    }

    /// Runs it to its end, answering in JSON, with this on its standard input.
    pub(crate) fn told(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self.command(args).arg("--json").stdin(Stdio::piped()).spawn().unwrap();
        // It may end without having read anything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Kept(Some(child)).ended()
    }

    /// Runs it to its end, answering in JSON.
    pub(crate) fn ask(&self, args: &[&str]) -> Ran {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ran = self.run(&args);
        assert_eq!(ran.out.lines().count(), 1, "one document, and nothing else: {ran:?}");
        assert!(ran.json()["ok"].is_boolean(), "{ran:?}");
        ran
    }

    /// The id of the first open location.
    pub(crate) fn location(&self) -> String {
        let places = self.world.locations();
        let open = places.as_array().unwrap().iter().find(|place| place["status"] == "ACTIVE");
        open.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Tries to connect the first location as `shop`.
    pub(crate) fn try_connect(&self) -> Ran {
        let (location, account) = (self.location(), self.running.activecampaign_url.clone());
        let what = ["--name", "shop", "--location", &location, "--destination-url", &account];
        let args: Vec<&str> = ["connect", self.source].into_iter().chain(what).collect();
        self.ask(&args)
    }

    /// Connects the first location as `shop`.
    pub(crate) fn connect(&self) -> Value {
        self.try_connect().with(0)
    }

    /// An eligible order in the middle of the history.
    pub(crate) fn middle(&self) -> String {
        let orders = self.world.expected_orders(Some(&self.location()));
        let mut orders: Vec<&Value> =
            orders.as_array().unwrap().iter().filter(|order| order["eligible"] == true).collect();
        orders.sort_by_key(|order| order["date_ms"].as_i64());
        orders[orders.len() / 2]["id"].as_str().unwrap().to_owned()
    }

    /// Every eligible order is at the account, to the cent.
    pub(crate) fn arrived(&self) {
        let shop = &self.world.expected()["locations"][self.location()];
        let stats = self.world.stats();
        let held = stats["activecampaign"]["account"]["connections"].as_object().unwrap();
        let held = held.values().next().unwrap();
        let currency = shop["currency"].as_str().unwrap();
        assert_eq!(
            (&held["orders"], &held["money_minor"][currency]),
            (&shop["eligible"], &shop["money_minor"])
        );
        assert_eq!(stats["violations"], json!([]));
    }
}

/// A running program, which does not outlive its test.
pub(crate) struct Kept(Option<Child>);

impl Kept {
    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Ran {
        let child = self.0.take().unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let status = output.status.code().unwrap_or(-1);
        Ran { status, out: text(output.stdout), err: text(output.stderr) }
    }

    /// The link it prints for a browser, once it waits for one.
    pub(crate) fn link(&mut self) -> String {
        let child = self.0.as_mut().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut lines = said.by_ref().lines().map(|line| line.unwrap());
        let link = lines.find(|line| line.starts_with("http")).expect("it prints a link");
        assert!(lines.any(|line| line.starts_with("Waiting")), "it waits");
        child.stderr = Some(said.into_inner());
        link
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(mut self) -> Ran {
        self.0.as_mut().unwrap().kill().unwrap();
        self.ended()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until something holds.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "it never comes: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port that nobody has at this moment.
pub(crate) fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
