//! One function: its bootstrap, its environment variables, its processes, and what every invocation took.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Notify;

use crate::log::Log;
use crate::runtime::{Answer, Environment};

/// Where the emulators believe to be.
pub(crate) const REGION: &str = "us-east-1";
/// The account of the emulators.
pub(crate) const ACCOUNT: &str = "123456789012";

/// One invocation, as the service would bill it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invocation {
    /// From the event to the answer.
    pub(crate) took: Duration,
    /// The start of its process, where it needed a fresh one.
    pub(crate) init: Option<Duration>,
    /// Most memory of the process so far.
    pub(crate) peak_kib: u64,
}

/// A function.
pub(crate) struct Function {
    pub(crate) name: String,
    exe: PathBuf,
    env: Vec<(String, String)>,
    idle: Mutex<Vec<Environment>>,
    folder: TempDir,
    count: AtomicU64,
    /// Those under way, by number: whoever is notified is killed.
    under_way: Mutex<BTreeMap<u64, Arc<Notify>>>,
    pub(crate) log: Log,
    invocations: Mutex<Vec<Invocation>>,
}

impl Function {
    pub(crate) fn new(name: &str, exe: PathBuf, env: Vec<(String, String)>) -> Self {
        Self {
            name: name.to_owned(),
            exe,
            env,
            idle: Mutex::default(),
            folder: tempfile::tempdir().unwrap(),
            count: AtomicU64::new(0),
            under_way: Mutex::default(),
            log: Log::default(),
            invocations: Mutex::default(),
        }
    }

    /// The built bootstrap of that name, which lies beside the folder of the tests.
    pub(crate) fn bootstrap(name: &str) -> PathBuf {
        let package = match name {
            "console" => "tillsync-console-function".to_owned(),
            _ => format!("tillsync-{}", name.replace('_', "-")),
        };
        let tests = std::env::current_exe().unwrap();
        let exe = tests.ancestors().nth(2).unwrap().join(name);
        assert!(exe.is_file(), "the bootstrap is not built: cargo build -p {package}");
        exe
    }

    /// Invokes it with an event and this much time.
    pub(crate) async fn invoke(&self, event: &Value, remaining: Duration) -> Answer {
        self.invoke_told(event, (remaining, remaining)).await
    }

    /// The same, where the service tells another time than it grants.
    pub(crate) async fn invoke_told(&self, event: &Value, (told, remaining): (Duration, Duration)) -> Answer {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let id = format!("8476a536-e9f4-11e8-9739-{number:012x}");
        let idle = self.idle.lock().unwrap().pop();
        let (mut environment, init) = match idle {
            Some(environment) => (environment, None),
            None => match Environment::start(&mut self.command(), &self.arn(), &self.log).await {
                Ok(environment) => {
                    let init = environment.init;
                    (environment, Some(init))
                }
                Err(answer) => return answer,
            },
        };
        let began = Instant::now();
        let body = event.to_string().into_bytes();
        let kill = Arc::new(Notify::new());
        self.under_way.lock().unwrap().insert(number, Arc::clone(&kill));
        let (answer, alive) = environment.invoke((&id, &body), (told, remaining), kill.notified()).await;
        self.under_way.lock().unwrap().remove(&number);
        let invocation = Invocation { took: began.elapsed(), init, peak_kib: environment.peak_kib() };
        self.invocations.lock().unwrap().push(invocation);
        if alive {
            self.idle.lock().unwrap().push(environment);
        }
        answer
    }

    /// Kills what is under way, long before its deadline.
    pub(crate) fn kill(&self) {
        self.under_way.lock().unwrap().values().for_each(|kill| kill.notify_one());
    }

    /// Kills one of those under way, whichever `pick` falls on; false where there is none.
    pub(crate) fn kill_one(&self, pick: u64) -> bool {
        let mut under_way = self.under_way.lock().unwrap();
        let place = pick.checked_rem(u64::try_from(under_way.len()).unwrap());
        let number = place.and_then(|place| under_way.keys().nth(place.try_into().unwrap()).copied());
        // Out of the list, so that nobody kills it twice.
        number.and_then(|number| under_way.remove(&number)).inspect(|kill| kill.notify_one()).is_some()
    }

    /// What was invoked so far.
    pub(crate) fn invocations(&self) -> Vec<Invocation> {
        self.invocations.lock().unwrap().clone()
    }

    /// Files it left in its working folder, where nothing is to be written.
    pub(crate) fn left_behind(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }

    fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.name)
    }

    /// The process with the environment the service gives to an OS-only runtime.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.exe);
        let name = self.name.as_str();
        command.env_clear().current_dir(self.folder.path());
        command.envs([
            ("_HANDLER", "bootstrap"),
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/stack"),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0123456789abcdef"),
            ("AWS_REGION", REGION),
            ("AWS_SECRET_ACCESS_KEY", "example"),
            ("AWS_SESSION_TOKEN", "example"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
            ("TZ", ":UTC"),
        ]);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}
