//! The whole: a shop and an account, emulators, five functions with the variables the template gives them, and the
//! mappings of the two queues.

mod table;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tillsync_emulators::{Dynoxide, Moto, Queues, create_queues, create_secret, create_table, dynoxide, sdk};
use tillsync_sandbox::{FaultRule, Options, Running, Settings, World};

use crate::endpoint::{Endpoint, Upstream};
use crate::function::Function;
use crate::mapping::{self, Mapping};
use crate::rows;
use crate::runtime::Answer;
use crate::sqs::Sqs;
use crate::template::Template;

/// The functions, by the names of their bootstraps.
pub(crate) const FUNCTIONS: [&str; 6] =
    ["scheduled_poll", "live_sync", "backfill", "console", "oauth_callback", "webhook_intake"];
/// The table.
pub(crate) const TABLE: &str = "stack";
/// Of the data key's form, and of no use.
pub(crate) const DATA_KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
/// What webhooks are signed with.
pub(crate) const WEBHOOK_KEY: &str = "canary-signature-key-0001";
/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// How a stack is made.
pub(crate) struct Setup {
    pub(crate) shop: Options,
    /// How long a message that was taken stays away; as the template says, if nothing is said.
    pub(crate) visibility: Option<Duration>,
    /// Time of an invocation by a queue; as the template says, if nothing is said.
    pub(crate) timeout: Option<Duration>,
    /// Fields of the secret changed, or left out.
    pub(crate) secret: Vec<(&'static str, Option<String>)>,
    /// Whether the queues are worked off.
    pub(crate) mapped: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self::of(120)
    }
}

impl Setup {
    /// A shop of so many orders at one location.
    pub(crate) fn of(orders: usize) -> Self {
        // The platforms' real limits; only what is waited for is shorter.
        let settings = Settings {
            index_lag_ms: 0,
            async_delay_ms: (20, 250),
            v3_delay_ms: 100,
            import_delay_ms: 100,
            ..Settings::default()
        };
        let shop = Options { orders, customers: 60, locations: 1, settings, ..Options::default() };
        Self { shop, visibility: None, timeout: None, secret: Vec::new(), mapped: true }
    }

    pub(crate) async fn start(self) -> Stack {
        Stack::start(self).await
    }
}

/// Everything one test works with.
pub(crate) struct Stack {
    pub(crate) running: Running,
    pub(crate) world: Arc<World>,
    pub(crate) queues: Queues,
    pub(crate) sqs: Sqs,
    pub(crate) template: Template,
    pub(crate) mappings: BTreeMap<&'static str, Mapping>,
    functions: BTreeMap<&'static str, Arc<Function>>,
    variables: BTreeMap<&'static str, BTreeMap<String, String>>,
    endpoints: BTreeMap<&'static str, Endpoint>,
    dynamodb: aws_sdk_dynamodb::Client,
    timeout: Option<Duration>,
    _emulators: (Dynoxide, Moto),
}

impl Stack {
    async fn start(setup: Setup) -> Self {
        let template = Template::read();
        let running = tillsync_sandbox::start(setup.shop.clone()).await.unwrap();
        let (dynoxide, moto) = (dynoxide().await, Moto::start().await);
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk(dynoxide.url()).await);
        let config = sdk(moto.url()).await;
        create_table(&dynamodb, TABLE).await;
        let visibility = setup.visibility.unwrap_or_else(|| template.visibility("HistoryQueue"));
        let queues = create_queues(&aws_sdk_sqs::Client::new(&config), TABLE, visibility).await;
        let secrets = aws_sdk_secretsmanager::Client::new(&config);
        let secret = create_secret(&secrets, TABLE, &secret_text(&running, &setup).to_string()).await;
        let values = values(&running, &queues, &secret);
        let (mut functions, mut endpoints, mut all) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for name in FUNCTIONS {
            let upstream = Upstream {
                dynamodb: dynoxide.url().to_owned(),
                sqs: moto.url().to_owned(),
                secrets: moto.url().to_owned(),
            };
            let hidden = [&running.square_token, &running.activecampaign_key, DATA_KEY, WEBHOOK_KEY];
            let hidden = hidden.map(|secret: &str| secret.to_owned()).to_vec();
            let endpoint = Endpoint::start(upstream, hidden).await;
            let mut env = variables(&template, name, &values);
            env.insert("AWS_ENDPOINT_URL".into(), endpoint.url.clone());
            functions.insert(name, Arc::new(made(name, &env)));
            endpoints.insert(name, endpoint);
            all.insert(name, env);
        }
        let mut stack = Self {
            world: running.world(),
            running,
            queues,
            sqs: Sqs::new(moto.url()),
            template,
            mappings: BTreeMap::new(),
            functions,
            variables: all,
            endpoints,
            dynamodb,
            timeout: setup.timeout,
            _emulators: (dynoxide, moto),
        };
        if setup.mapped {
            stack.map();
        }
        stack
    }

    /// Starts working off the queues.
    pub(crate) fn map(&mut self) {
        for (name, queue) in
            [("live_sync", self.queues.live.clone()), ("backfill", self.queues.history.clone())]
        {
            let (batch, concurrency) = self.template.mapping(name);
            let timeout = self.timeout.unwrap_or_else(|| self.template.timeout(name));
            let settings = mapping::Settings { queue, batch, concurrency, timeout };
            self.mappings.insert(name, Mapping::start(self.function(name), &self.sqs, &settings));
        }
    }

    pub(crate) fn function(&self, name: &str) -> &Arc<Function> {
        &self.functions[name]
    }

    /// The same function with another value of a variable, or without it.
    pub(crate) fn changed(&self, name: &'static str, variable: &str, value: Option<&str>) -> Function {
        let mut env = self.variables[name].clone();
        match value {
            Some(value) => env.insert(variable.to_owned(), value.to_owned()),
            None => env.remove(variable),
        };
        made(name, &env)
    }

    pub(crate) fn endpoint(&self, name: &str) -> &Endpoint {
        &self.endpoints[name]
    }

    /// Sends an operator's event.
    pub(crate) async fn operator(&self, event: Value) -> Answer {
        let answer = self.function("backfill").invoke(&event, self.template.timeout("backfill")).await;
        // The session in infra/README.md is made so.
        if std::env::var_os("SHOW").is_some() {
            println!("> {event}");
            match &answer {
                Answer::Ok(json) => println!("{json:#}\n"),
                other => println!("{other:?}\n"),
            }
        }
        answer
    }

    /// The scheduler's event.
    pub(crate) async fn tick(&self) -> Value {
        let timeout = self.template.timeout("scheduled_poll");
        self.function("scheduled_poll").invoke(&json!({"action": "tick"}), timeout).await.ok()
    }

    /// The id of the open location.
    pub(crate) fn location(&self) -> String {
        let all = self.world.locations();
        let open = all.as_array().unwrap().iter().find(|place| place["status"] == "ACTIVE").unwrap();
        open["id"].as_str().unwrap().to_owned()
    }

    /// Connects the location, and gives the answer.
    pub(crate) async fn connect(&self) -> Value {
        self.connect_as("Shop", &self.location()).await
    }

    /// Connects a location under a name, and gives the answer.
    pub(crate) async fn connect_as(&self, name: &str, location: &str) -> Value {
        let event = json!({
            "action": "connect", "source": "square", "name": name, "location": location,
            "destination_url": self.running.activecampaign_url, "history": "all",
        });
        self.operator(event).await.ok()
    }

    /// Asks for something about the connection.
    pub(crate) async fn ask(&self, action: &str) -> Value {
        self.ask_of("Shop", action).await
    }

    /// Asks for something about the connection of that name.
    pub(crate) async fn ask_of(&self, connection: &str, action: &str) -> Value {
        self.operator(json!({"action": action, "connection": connection})).await.ok()
    }

    /// The history once it ended.
    pub(crate) async fn ended(&self) -> Value {
        self.until(async || {
            let run = self.ask("status").await["run"].clone();
            is_over(&run).then_some(run)
        })
        .await
    }

    /// The newest poll once it ended.
    pub(crate) async fn poll_ended(&self) -> Value {
        self.until(async || {
            let runs = self.ask("runs").await["runs"].clone();
            let run = runs.as_array().unwrap().iter().find(|run| run["kind"] == "poll")?.clone();
            is_over(&run).then_some(run)
        })
        .await
    }

    /// Waits until something is there.
    pub(crate) async fn until<T>(&self, look: impl AsyncFn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if began.elapsed() > PATIENCE {
                let said = FUNCTIONS.map(|name| self.function(name).log.events()).concat();
                let (stats, runs) = (self.world.stats(), self.runs().await);
                panic!("it never comes: {stats:#}\n{runs}\n{}", said.join("\n"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until both queues are empty and nothing is under way.
    pub(crate) async fn quiet(&self) {
        self.until(async || self.is_quiet().await.then_some(())).await;
    }

    /// True while both queues are empty and nothing is under way.
    pub(crate) async fn is_quiet(&self) -> bool {
        let depth = self.sqs.depth(&self.queues.live).await + self.sqs.depth(&self.queues.history).await;
        depth == 0 && !self.mappings.values().any(Mapping::is_busy)
    }

    /// Arms a fault of a platform.
    pub(crate) fn fault(&self, platform: &str, operation: &str, (skip, times): (u32, u32), fault: Value) {
        let rule = json!({"platform": platform, "operation": operation, "skip": skip, "times": times, "fault": fault});
        self.world.add_faults(vec![serde_json::from_value::<FaultRule>(rule).unwrap()]);
    }

    /// Every run with its windows and flights, for people.
    pub(crate) async fn runs(&self) -> String {
        let mut text = String::new();
        for run in self.ask("runs").await["runs"].as_array().unwrap() {
            text.push_str(&format!("{run}\n"));
            for (sk, row) in self.rows(&format!("RUN#{}", run["id"].as_str().unwrap())).await {
                text.push_str(&format!("  {sk} {row}\n"));
            }
        }
        text
    }

    /// The rows of a partition.
    pub(crate) async fn rows(&self, partition: &str) -> Vec<(String, Value)> {
        let query = self.dynamodb.query().table_name(TABLE).key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()));
        let items = query.send().await.unwrap().items.unwrap_or_default();
        items.iter().map(|item| (item["sk"].as_s().unwrap().clone(), rows::body(&item["body"]))).collect()
    }
}

fn made(name: &str, env: &BTreeMap<String, String>) -> Function {
    let env = env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Function::new(name, Function::bootstrap(name), env)
}

fn is_over(run: &Value) -> bool {
    // A run that was cancelled still settles what it has sent.
    run["finished"].is_string()
}

fn secret_text(running: &Running, setup: &Setup) -> Value {
    let mut secret = json!({
        "TILLSYNC_DATA_KEY": DATA_KEY,
        "TILLSYNC_SQUARE_WEBHOOK_KEY": WEBHOOK_KEY,
        "TILLSYNC_SOURCE_TOKEN": running.square_token,
        "TILLSYNC_DESTINATION_KEY": running.activecampaign_key,
    });
    for (name, value) in &setup.secret {
        match value {
            Some(value) => secret[*name] = value.as_str().into(),
            None => drop(secret.as_object_mut().unwrap().remove(*name)),
        }
    }
    secret
}

/// Every variable the template may give to a function, with its value here.
fn values(running: &Running, queues: &Queues, secret: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("TILLSYNC_TABLE", TABLE.to_owned()),
        ("TILLSYNC_LIVE_QUEUE_URL", queues.live.clone()),
        ("TILLSYNC_HISTORY_QUEUE_URL", queues.history.clone()),
        ("TILLSYNC_LIVE_DEAD_URL", queues.live_dead.clone()),
        ("TILLSYNC_HISTORY_DEAD_URL", queues.history_dead.clone()),
        ("TILLSYNC_SECRET", secret.to_owned()),
        ("TILLSYNC_INSTALL", "stack".into()),
        ("TILLSYNC_STAGE", "test".into()),
        ("TILLSYNC_PUBLIC_URL", "https://example.com".into()),
        ("TILLSYNC_LOG", "info".into()),
        ("TILLSYNC_CALLS_PER_SECOND", "4".into()),
        ("TILLSYNC_POLL_MINUTES", "30".into()),
        ("TILLSYNC_SQUARE_API_URL", running.square_url.clone()),
        ("TILLSYNC_DESTINATION_HOSTS", String::new()),
    ])
}

/// What the template gives to a function, and what only tests do.
fn variables(template: &Template, name: &str, values: &BTreeMap<&str, String>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([
        ("TILLSYNC_ALLOW_LOOPBACK".to_owned(), "true".to_owned()),
        // What is killed between its note and its call is waited for so long.
        ("TILLSYNC_QUEUE_SECONDS".to_owned(), "60".to_owned()),
    ]);
    for variable in template.variables(name) {
        let value = values.get(variable.as_str());
        let value = value.unwrap_or_else(|| panic!("{name}: nobody knows the variable {variable}"));
        env.insert(variable, value.clone());
    }
    env
}
