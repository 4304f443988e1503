//! The engine of a process, with what the stack's secret gives it. A process lives for hours, and the operator changes
//! the secret meanwhile: where what was read does not do, it is read anew.

use std::sync::{Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tillsync_engine::{Engine, Fault};

use crate::vault::StackCredentials;

/// The secret is not read anew sooner: whoever sends forgeries from the internet causes no more calls than that.
const EVERY: SignedDuration = SignedDuration::from_mins(1);

/// So old may be what queues are worked off with, since nobody sees there that something is missing.
const AT_WORK: SignedDuration = SignedDuration::from_hours(1);

/// The engine as it is now.
pub(crate) struct Current {
    engine: RwLock<Engine>,
    /// None for a process that may read no secret.
    credentials: Option<StackCredentials>,
    read: Mutex<Timestamp>,
}

impl Current {
    /// Of an engine whose secret was read right now.
    pub(crate) fn new(engine: Engine, credentials: Option<StackCredentials>) -> Self {
        let read = Mutex::new(engine.now());
        Self { engine: RwLock::new(engine), credentials, read }
    }

    /// A clone, which shares everything but the configuration.
    pub(crate) fn engine(&self) -> Engine {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the secret anew. False where it was read within the last minute, or cannot be read: then all is as it was.
    pub(crate) async fn look_again(&self) -> bool {
        self.look_after(EVERY).await
    }

    /// The same, where it was read more than an hour ago.
    pub(crate) async fn look_now_and_then(&self) -> bool {
        self.look_after(AT_WORK).await
    }

    async fn look_after(&self, every: SignedDuration) -> bool {
        let Some(credentials) = &self.credentials else { return false };
        if !self.is_time(every) {
            return false;
        }
        match credentials.given().await {
            Ok(given) => {
                let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
                given.put(&mut engine.config);
                true
            }
            Err(Fault { code, detail, .. }) => {
                tracing::warn!(code, detail, "the secret could not be read anew");
                false
            }
        }
    }

    /// Whether so long went by since the last time; then it begins anew.
    fn is_time(&self, every: SignedDuration) -> bool {
        let now = self.engine().now();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock may be put back.
        if (SignedDuration::ZERO..every).contains(&now.duration_since(*read)) {
            return false;
        }
        *read = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use aws_sdk_secretsmanager::Client;
    use tillsync_emulators::{Moto, create_secret, sdk};
    use tillsync_engine::budget::LocalBudget;
    use tillsync_engine::intake::Hooks;
    use tillsync_engine::memory::{ManualClock, MemoryQueue, MemoryStore, MemoryVault, SeededEntropy};
    use tillsync_engine::{Config, Engine, Timing};
    use tillsync_host::Settings;
    use tillsync_http::Outgoing;

    use super::Current;
    use crate::vault::StackCredentials;

    fn engine(clock: &Arc<ManualClock>) -> Engine {
        let settings = Settings::read(|_| None).unwrap();
        let config = Config {
            calls_per_second: 4,
            instance: "one".into(),
            exclusive: false,
            api_urls: settings.api_urls.clone(),
            applications: settings.applications.clone(),
            public_url: String::new(),
            hooks: Hooks::default(),
            timing: Timing::default(),
        };
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let queue = Arc::new(MemoryQueue::new(clock.clone()));
        Engine::new(
            (store, queue, Arc::new(MemoryVault::new())),
            (Arc::new(Outgoing::new(settings.allow()).unwrap()), Arc::new(LocalBudget::default())),
            (clock.clone(), Arc::new(SeededEntropy::new(7))),
            config,
        )
    }

    #[tokio::test]
    async fn what_the_operator_gives_is_read_anew_once_a_minute() {
        const DATA: &str = r#""TILLSYNC_DATA_KEY":"0123456789abcdefghijklmnopqrstuvwxyzABCDEFG""#;
        let moto = Moto::start().await;
        let client = Client::new(&sdk(moto.url()).await);
        let id = create_secret(&client, "stack", &format!("{{{DATA}}}")).await;
        let source = tillsync_mapping::sources::all()[0].name();
        let name = source.to_uppercase();
        let change = async |word: &str| {
            let text = format!(
                r#"{{{DATA},"TILLSYNC_{name}_APPLICATION_ID":"{word}","TILLSYNC_{name}_APPLICATION_SECRET":"{word}",
                    "TILLSYNC_{name}_WEBHOOK_KEY":"{word}"}}"#
            );
            client.put_secret_value().secret_id(&id).secret_string(text).send().await.unwrap();
        };
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let credentials = StackCredentials::new(client.clone(), id.clone());
        let current = Current::new(engine(&clock), Some(credentials));
        let seen = || {
            let config = current.engine().config;
            let key = config.hooks.keys.get(source).and_then(|keys| keys.first().cloned());
            let application = config.applications.get(source).map(|one| one.secret.expose().to_owned());
            assert_eq!(key.map(|key| key.expose().to_owned()), application);
            application
        };
        change("first").await;
        assert!(!current.look_again().await, "it was read at the start");
        assert_eq!(seen(), None);
        clock.advance(Duration::from_secs(60));
        assert!(current.look_again().await);
        assert_eq!(seen().as_deref(), Some("first"));
        // However many are not proved, and whatever is changed meanwhile.
        change("second").await;
        for _ in 0..118 {
            clock.advance(Duration::from_millis(500));
            assert!(!current.look_again().await);
        }
        assert_eq!(seen().as_deref(), Some("first"));
        clock.advance(Duration::from_secs(1));
        assert!(current.look_again().await);
        assert_eq!(seen().as_deref(), Some("second"));
        // What is of no use changes nothing, and is not asked for more often either.
        client.put_secret_value().secret_id(&id).secret_string("canary").send().await.unwrap();
        clock.advance(Duration::from_secs(60));
        assert!(!current.look_again().await);
        change("third").await;
        assert!(!current.look_again().await, "it was tried this minute");
        assert_eq!(seen().as_deref(), Some("second"));
        clock.advance(Duration::from_secs(3_540));
        assert!(!current.look_now_and_then().await);
        clock.advance(Duration::from_secs(60));
        assert!(current.look_now_and_then().await);
        assert_eq!(seen().as_deref(), Some("third"));
        assert!(!Current::new(engine(&clock), None).look_again().await, "who may read no secret reads none");
    }
}
