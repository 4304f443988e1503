//! A shop of several locations over the stack: all their histories, and polls beside them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tillsync_sandbox::Changes;

use crate::check;
use crate::stack::{FUNCTIONS, Setup, Stack};

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(480);
/// Between two ticks.
const BEAT: Duration = Duration::from_secs(2);

/// The stack of a shop of several locations, each connected.
pub(crate) struct Chain {
    pub(crate) stack: Stack,
    /// Names, locations and ids of the connections.
    connections: Vec<(String, String, String)>,
}

impl Chain {
    /// Connects every open location.
    pub(crate) async fn open(setup: Setup) -> Self {
        let stack = setup.start().await;
        let locations = stack.world.locations();
        let open = locations.as_array().unwrap().iter().filter(|place| place["status"] == "ACTIVE");
        let mut connections = Vec::new();
        for (place, n) in open.zip(1..) {
            let (name, location) = (format!("Shop {n}"), place["id"].as_str().unwrap().to_owned());
            let made = stack.connect_as(&name, &location).await;
            connections.push((name, location, made["connection"].as_str().unwrap().to_owned()));
        }
        Self { stack, connections }
    }

    /// Starts every history.
    pub(crate) async fn start_all(&self) {
        for (name, ..) in &self.connections {
            self.stack.ask_of(name, "start").await;
        }
    }

    /// Sells at a location and lets the schedule tick, again and again; what is killed comes to nothing.
    pub(crate) async fn keep_polling(&self) {
        for (_, location, id) in self.connections.iter().cycle() {
            let changes = Changes {
                new_sales: 1,
                age_seconds: 150,
                location: Some(location.clone()),
                ..Changes::default()
            };
            self.stack.world.change(&changes);
            self.stack.make_due(id).await;
            let event = json!({"action": "tick"});
            self.stack
                .function("scheduled_poll")
                .invoke(&event, self.stack.template.timeout("scheduled_poll"))
                .await;
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Every location is polled once more.
    pub(crate) async fn poll_all(&self) {
        for (.., id) in &self.connections {
            self.stack.make_due(id).await;
        }
        self.stack.tick().await;
        self.quiet().await;
    }

    /// Waits until nothing is queued and nothing is under way.
    pub(crate) async fn quiet(&self) {
        let began = Instant::now();
        while !self.stack.is_quiet().await {
            if began.elapsed() > PATIENCE {
                panic!("it never ends:\n{}", self.told().await);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn runs(&self, name: &str) -> Vec<Value> {
        self.stack.ask_of(name, "runs").await["runs"].as_array().unwrap().clone()
    }

    /// Goes on with what nobody works on any more, as the runbook says: a history by `resume`, a poll by the next
    /// one. Returns how many there were.
    pub(crate) async fn help(&self) -> u64 {
        let mut helped = 0;
        for (name, _, id) in &self.connections {
            let is_left = |run: &&Value| {
                run["finished"].is_null() || (run["kind"] == "historical" && run["state"] == "incomplete")
            };
            for run in self.runs(name).await.iter().filter(is_left) {
                helped += 1;
                println!("nobody works on {run}");
                match run["kind"].as_str() {
                    Some("historical") => drop(self.stack.ask_of(name, "resume").await),
                    _ => self.stack.make_due(id).await,
                }
            }
        }
        self.stack.tick().await;
        self.quiet().await;
        helped
    }

    /// The figures of a run.
    pub(crate) fn figures(&self) -> Value {
        let stats = self.stack.world.stats();
        let of = |name: &str| self.stack.endpoint(name).calls().len();
        json!({
            "square": stats["square"]["calls"], "activecampaign": stats["activecampaign"]["calls"],
            "order_writes": check::order_writes(&self.stack),
            "unchanged_rewrites": stats["counts"]["unchanged_rewrite"].as_u64().unwrap_or(0),
            "aws": FUNCTIONS.iter().map(|name| of(name)).sum::<usize>(),
            "invocations": FUNCTIONS.map(|name| json!([name, self.stack.function(name).invocations().len()])),
        })
    }

    /// All there is to say of what went wrong.
    pub(crate) async fn told(&self) -> String {
        let mut text = String::new();
        for (name, ..) in &self.connections {
            for run in self.runs(name).await {
                text.push_str(&format!("{name}: {run}\n"));
            }
        }
        text + &FUNCTIONS.map(|name| self.stack.function(name).log.events()).concat().join("\n")
    }

    /// Every order once and to the cent, every sum agrees, every run says what it came to.
    pub(crate) async fn check(&self) {
        for (name, location, _) in &self.connections {
            check::arrived_of(&self.stack, location);
            let runs = self.runs(name).await;
            for run in &runs {
                check::complete_of(&self.stack, location, run);
            }
            assert_eq!(runs.iter().filter(|run| run["kind"] == "historical").count(), 1, "{runs:#?}");
        }
        let expected = self.stack.world.expected_orders(None);
        for order in expected.as_array().unwrap().iter().filter(|order| order["eligible"] == true) {
            let held = self.stack.world.order(order["id"].as_str().unwrap());
            assert_eq!(held["records"].as_array().unwrap().len(), 1, "{held:#}");
        }
        check::no_rule_broken(&self.stack);
        let counts = self.stack.world.stats()["counts"].clone();
        for kind in ["creation_source_changed", "blanked_contact_field"] {
            assert_eq!(counts[kind].as_u64().unwrap_or(0), 0, "{kind}");
        }
        check::discreet(&self.stack).await;
    }
}
