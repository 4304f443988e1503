//! What a function builds once, before its first event: clients, connections, the engine over them.

use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use tillsync_engine::budget::SharedBudget;
use tillsync_engine::intake::Hooks;
use tillsync_engine::ports::{Entropy, Key, Lane, Queue, Store, Vault};
use tillsync_engine::{Config, Engine, Fault, Timing};
use tillsync_host::{Settings, SystemClock, SystemEntropy};
use tillsync_http::Outgoing;

use crate::current::Current;
use crate::lambda::{self, Reporter};
use crate::settings::required;
use crate::vault::{NoVault, StackCredentials, StackVault};
use crate::{BatchQueue, DynamoStore, LaneUrls, Lanes, SqsQueue};

/// How long the services of AWS may take: they answer in milliseconds, or something is wrong.
const CONNECT: Duration = Duration::from_secs(2);
const ONE_TRY: Duration = Duration::from_secs(5);
const ALL_TRIES: Duration = Duration::from_secs(12);

/// Everything a function works with.
pub struct App {
    /// The engine over DynamoDB and SQS.
    current: Current,
    /// The queues, for what the engine need not know.
    pub queue: Arc<SqsQueue>,
    /// Where the token and the key of a new connection come from.
    pub credentials: StackCredentials,
    pub(crate) store: Arc<DynamoStore>,
    pub(crate) reporter: Reporter,
}

/// Whether a function calls platforms, and so needs their secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// It reads and writes at platforms.
    Platforms,
    /// It takes messages from the internet: it needs the keys they are signed with, and calls no platform.
    Intake,
    /// It only plans: it may not even read a secret.
    Nobody,
    /// It only looks at the queues: whoever can be called from the internet may do least.
    Queues,
}

impl App {
    /// Builds it all. The connections to the table and to the secret are opened here: a first call costs more than
    /// all the rest of the start (aws.md section 1).
    ///
    /// # Errors
    /// `config.missing`, `config.invalid`: names the variable, or the field of the secret.
    pub async fn start(function: &'static str, calls: Calls) -> Result<Self, Fault> {
        lambda::start_log();
        let settings = Settings::from_env()?;
        let sdk = sdk().await;
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let dynamo = aws_sdk_dynamodb::Client::new(&sdk);
        let store = Arc::new(DynamoStore::new(dynamo, required("TILLSYNC_TABLE")?, clock.clone()));
        let queue = Arc::new(SqsQueue::new(aws_sdk_sqs::Client::new(&sdk), lanes()?));
        let install = required("TILLSYNC_INSTALL")?;
        let reporter = Reporter::new(function, &required("TILLSYNC_STAGE")?);
        let table = Arc::clone(&store);
        let warm = async move {
            // Opens the connection; what it answers does not matter, and an error shows again with the first event.
            let _ = table.get(&Key::new("START", "META")).await;
        };
        let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
        let credentials = StackCredentials::new(secrets, required_if(calls, "TILLSYNC_SECRET")?);
        let mut given = None;
        let vault: Arc<dyn Vault> = match calls {
            Calls::Platforms | Calls::Intake => {
                let vault = StackVault::open(credentials.clone(), store.clone(), install);
                let (vault, ()) = tokio::join!(vault, warm);
                let (vault, read) = vault?;
                given = Some(read);
                Arc::new(vault)
            }
            Calls::Nobody => {
                warm.await;
                Arc::new(NoVault)
            }
            Calls::Queues => {
                // As above.
                let _ = queue.depth(Lane::Live).await;
                Arc::new(NoVault)
            }
        };
        let http = Outgoing::new(settings.allow()).map_err(|error| {
            let detail = format!("TILLSYNC_DESTINATION_HOSTS, or the address of a source: {error}");
            Fault::usage("config.invalid", detail)
        })?;
        let mut config = config(&settings, &*entropy);
        let readable = given.is_some().then(|| credentials.clone());
        if let Some(given) = given {
            given.put(&mut config);
        }
        let engine = Engine::new(
            (store.clone(), Arc::new(BatchQueue::new(queue.clone())), vault),
            (Arc::new(http), Arc::new(SharedBudget::new(store.clone()))),
            (clock, entropy),
            config,
        );
        Ok(Self { current: Current::new(engine, readable), queue, credentials, store, reporter })
    }

    /// The engine as it is configured now. An invocation works with a clone that knows its end.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.current.engine()
    }

    /// Reads what the operator gives in the stack's secret anew, for what does not work with what was read before: an
    /// application that is missing, a signature that is not proved. At most once a minute; false where nothing was read.
    pub async fn look_again(&self) -> bool {
        self.current.look_again().await
    }

    /// The same once an hour, for work that says to nobody what is missing.
    pub(crate) async fn look_now_and_then(&self) {
        self.current.look_now_and_then().await;
    }

    /// Prints what was counted since this was called last, for a function whose events are requests.
    pub fn report(&self) {
        self.reporter.report("", &self.engine().meter, &self.store.take_used());
    }
}

/// One configuration for all clients. The version of the behaviour is fixed: it changes with us, not under us.
async fn sdk() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ONE_TRY)
        .operation_timeout(ALL_TRIES)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts).load().await
}

fn required_if(calls: Calls, name: &str) -> Result<String, Fault> {
    match calls {
        Calls::Platforms | Calls::Intake => required(name),
        Calls::Nobody | Calls::Queues => Ok(String::new()),
    }
}

fn lanes() -> Result<Lanes, Fault> {
    let lane = |url: &str, dead: &str| -> Result<LaneUrls, Fault> {
        Ok(LaneUrls { url: required(url)?, dead: required(dead)? })
    };
    Ok(Lanes {
        live: lane("TILLSYNC_LIVE_QUEUE_URL", "TILLSYNC_LIVE_DEAD_URL")?,
        history: lane("TILLSYNC_HISTORY_QUEUE_URL", "TILLSYNC_HISTORY_DEAD_URL")?,
    })
}

fn config(settings: &Settings, entropy: &dyn Entropy) -> Config {
    Config {
        calls_per_second: settings.calls_per_second,
        instance: format!("{:016x}", entropy.bits()),
        exclusive: false,
        api_urls: settings.api_urls.clone(),
        applications: settings.applications.clone(),
        public_url: settings.public_url.clone(),
        hooks: Hooks::default(),
        timing: Timing {
            poll_every: settings.poll_every,
            lost_after: settings.queued_for,
            ..Timing::default()
        },
    }
}
