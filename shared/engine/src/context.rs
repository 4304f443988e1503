//! The engine and what one piece of work needs of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::activecampaign::Account;
use tillsync_mapping::http::Http;
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::{Access, Application, Cache, Merged, Shared, Source};
use tillsync_mapping::sources;
use ulid::Ulid;

use crate::budget::{Budget, Purse};
use crate::fault::Fault;
use crate::fence::Fence;
use crate::intake::Hooks;
use crate::merged::Noted;
use crate::meter::Meter;
use crate::paced::{End, Paced};
use crate::ports::{Clock, Entropy, Lane, Queue, Store, Vault};
use crate::state::{Connection, Run, RunKind};
use crate::tokens::{Authorisation, Tokens};

/// Everything tillsync does, over the ports of a host. A clone shares them.
#[derive(Clone)]
pub struct Engine {
    /// Durable items.
    pub store: Arc<dyn Store>,
    /// Durable queues.
    pub queue: Arc<dyn Queue>,
    /// Secrets.
    pub vault: Arc<dyn Vault>,
    /// Outgoing calls.
    pub http: Arc<dyn Http>,
    /// How fast they may be.
    pub budget: Arc<dyn Budget>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// What the operator and the host decide.
    pub config: Config,
    /// What happened, in numbers.
    pub meter: Arc<Meter>,
    /// When this process is stopped, where that is known: nothing begins that cannot end by then.
    deadline: Option<Timestamp>,
    /// The same for calls.
    end: Option<Arc<End>>,
    /// What sources keep between pages, by run.
    caches: Arc<Mutex<Caches>>,
    /// Tokens that were refused, by owner.
    refused: Arc<Mutex<BTreeMap<String, (Secret, Timestamp)>>>,
}

/// What sources keep, while runs are at work.
#[derive(Default)]
struct Caches {
    of_runs: BTreeMap<String, Arc<Cache>>,
    /// What the histories of a store share, by store.
    of_stores: BTreeMap<String, Weak<Shared>>,
}

/// A call may take so long, its timeout and the writing down included (shared/http: 15 s).
const ONE_CALL: SignedDuration = SignedDuration::from_secs(20);
/// A refused token is noted so long: between the refusal and what is made of it lie seconds.
const NOTED_FOR: SignedDuration = SignedDuration::from_mins(5);
/// Runs whose caches are kept: a process that lives on while others end the runs it began must not grow.
const MAX_CACHES: usize = 16;

/// What the operator and the host decide.
#[derive(Clone, Debug)]
pub struct Config {
    /// Calls in a second to a destination.
    pub calls_per_second: u32,
    /// Names this process: leases of another one are dead where only one may work.
    pub instance: String,
    /// Whether this process is the only one that works (the embedded host).
    pub exclusive: bool,
    /// Where the platforms are, by source; production where nothing is said.
    pub api_urls: BTreeMap<String, String>,
    /// The operator's applications, by source; merchants sign in where there is one.
    pub applications: BTreeMap<String, Application>,
    /// Address shown at the destination as the place where connections are managed.
    pub public_url: String,
    /// What the operator gives for webhooks.
    pub hooks: Hooks,
    /// Waiting times.
    pub timing: Timing,
}

/// Waiting times (rules.md sections 4, 5 and 8).
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// No record is written again within this time of its last write; by then a lost request has landed.
    pub landing: SignedDuration,
    /// A queued record that is not there by then is written again.
    pub lost_after: SignedDuration,
    /// Poll windows end this long before now: the source's index is behind.
    pub lag: SignedDuration,
    /// Poll windows begin this long before the watermark.
    pub overlap: SignedDuration,
    /// From one poll to the next.
    pub poll_every: SignedDuration,
    /// How long a worker may be silent about a message.
    pub visibility: Duration,
    /// From the last queued write to the first reading back.
    pub read_back_after: SignedDuration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            landing: SignedDuration::from_secs(60),
            lost_after: SignedDuration::from_mins(15),
            lag: SignedDuration::from_secs(120),
            overlap: SignedDuration::from_mins(5),
            poll_every: SignedDuration::from_mins(30),
            visibility: Duration::from_secs(120),
            read_back_after: SignedDuration::from_secs(3),
        }
    }
}

impl Engine {
    /// An engine over the ports of a host.
    #[must_use]
    pub fn new(
        (store, queue, vault): (Arc<dyn Store>, Arc<dyn Queue>, Arc<dyn Vault>),
        (http, budget): (Arc<dyn Http>, Arc<dyn Budget>),
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
        config: Config,
    ) -> Self {
        let (meter, caches, refused) = (Arc::default(), Arc::default(), Arc::default());
        Self {
            store,
            queue,
            vault,
            http,
            budget,
            clock,
            entropy,
            config,
            meter,
            deadline: None,
            end: None,
            caches,
            refused,
        }
    }

    /// The same engine for one piece of work of a process that is stopped at `deadline`.
    #[must_use]
    pub fn until(&self, deadline: Timestamp) -> Self {
        let end = deadline.checked_sub(ONE_CALL).ok().map(|last_start| Arc::new(End::new(last_start)));
        Self { deadline: Some(deadline), end, ..self.clone() }
    }

    /// How long it is until a call may be made that was too late for this process: waiting is no failure.
    pub(crate) fn is_called_back_in(&self) -> Option<SignedDuration> {
        let late = self.end.as_ref()?.late()?;
        Some(late.duration_since(self.now()).max(SignedDuration::ZERO))
    }

    /// True when so much time is not left, with one call on top of it.
    #[must_use]
    pub fn is_short_of(&self, time: SignedDuration) -> bool {
        let needed = time.saturating_add(ONE_CALL);
        self.deadline.is_some_and(|deadline| deadline.duration_since(self.now()) < needed)
    }

    /// Until when a worker may hold what it works on: it cannot live longer than its process.
    pub(crate) fn lease(&self, longest: SignedDuration) -> Timestamp {
        let until = self.now().saturating_add(longest).unwrap_or(self.now());
        self.deadline.map_or(until, |deadline| until.min(deadline))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id that sorts by time.
    #[must_use]
    pub fn new_id(&self) -> String {
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        let random = (u128::from(self.entropy.bits()) << 64) | u128::from(self.entropy.bits());
        Ulid::from_parts(millis, random).to_string()
    }

    /// The source of a connection.
    ///
    /// # Errors
    /// `source.unknown`.
    pub fn source(&self, name: &str) -> Result<&'static dyn Source, Fault> {
        sources::named(name).ok_or_else(|| {
            let known: Vec<_> = sources::all().iter().map(|source| source.name()).collect();
            let hint = crate::nearest::hint(name, known.iter().copied());
            Fault::usage("source.unknown", format!("no source {name:?}; there is {}{hint}", known.join(", ")))
        })
    }

    /// Where a source's API is.
    #[must_use]
    pub fn api_url(&self, source: &dyn Source) -> String {
        let configured = self.config.api_urls.get(source.name());
        configured.map_or_else(|| source.default_api_url().to_owned(), Clone::clone)
    }

    /// How to read a connection's store.
    ///
    /// # Errors
    /// `config.missing` when its token is not in the vault.
    pub async fn access(&self, connection: &Connection) -> Result<Access, Fault> {
        let stored = self.secret(&connection.store_owner(), "store's token", connection).await?;
        let authorisation = Authorisation::read(&stored)?;
        if let Some(stopped) = authorisation.stopped {
            self.note_refused(&connection.store_owner(), &authorisation.access);
            let code = crate::explained(&stopped.code).map_or("config.missing", |text| text.code);
            return Err(Fault::reconnect(code, stopped.detail));
        }
        let token = authorisation.access;
        Ok(Access {
            api_url: connection.api_url.clone(),
            token,
            store: connection.store.clone(),
            location: connection.location.clone(),
            options: connection.settings.reading(),
            merged: Merged::default(),
        })
    }

    /// The same for reading orders: with what is known of merged profiles.
    ///
    /// # Errors
    /// As [`Self::access`], or of the store.
    pub(crate) async fn access_to_orders(&self, connection: &Connection) -> Result<Access, Fault> {
        let noted = Noted { store: Arc::clone(&self.store), people: connection.people_partition() };
        Ok(Access { merged: Merged::noted_by(Arc::new(noted)), ..self.access(connection).await? })
    }

    /// How to write to a connection's destination.
    ///
    /// # Errors
    /// `config.missing` when its key is not in the vault.
    pub async fn account(&self, connection: &Connection) -> Result<Account, Fault> {
        let key = self.secret(&connection.destination_owner(), "destination's key", connection).await?;
        Ok(Account { base: connection.destination_url.clone(), key })
    }

    async fn secret(&self, owner: &str, what: &str, connection: &Connection) -> Result<Secret, Fault> {
        self.vault.get(owner).await?.ok_or_else(|| {
            let name = &connection.name;
            Fault::reconnect(
                "config.missing",
                format!("the {what} of {name} is not stored; connect it again"),
            )
        })
    }

    /// A caller of the source for one piece of work. A call that is refused for its token is made once more with the
    /// newest one of this store, which is renewed for that where it can be.
    #[must_use]
    pub fn source_http(&self, source: &str, store: &str, lane: Lane) -> Paced<'_> {
        let mut paced = self.plain_source_http(source, store, lane);
        paced.tokens = Some(Tokens::new(self, source, store));
        paced
    }

    /// The same for calls that are made with no stored token: a refusal stands.
    #[must_use]
    pub fn plain_source_http(&self, source: &str, store: &str, lane: Lane) -> Paced<'_> {
        self.paced(Purse::store(source, store), lane)
    }

    /// Notes the token of a store that was refused for good, for whoever hears what the platform says about it.
    pub(crate) fn note_refused(&self, owner: &str, token: &Secret) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(owner.to_owned(), (token.clone(), self.now()));
    }

    /// What was noted, once.
    pub(crate) fn take_refused(&self, owner: &str) -> Option<Secret> {
        let noted = self.refused.lock().unwrap_or_else(PoisonError::into_inner).remove(owner);
        let fresh = |at: Timestamp| self.now().duration_since(at) < NOTED_FOR;
        noted.filter(|(_, at)| fresh(*at)).map(|(token, _)| token)
    }

    /// A caller of the destination for one piece of work.
    #[must_use]
    pub fn destination_http(&self, destination: &str, lane: Lane) -> Paced<'_> {
        let mut paced = self.paced(Purse::destination(destination, self.config.calls_per_second), lane);
        paced.imports = Some(Purse::imports(destination));
        paced
    }

    /// The same for the records of a connection: no write leaves once the connection's epoch has moved from the one
    /// the work began in.
    #[must_use]
    pub(crate) fn fenced_http(&self, of: &Connection, epoch: u64, lane: Lane) -> Paced<'_> {
        let mut paced = self.destination_http(&of.destination, lane);
        paced.fence = Some(Fence::new(&*self.store, &of.id, epoch));
        paced
    }

    fn paced(&self, purse: Purse, lane: Lane) -> Paced<'_> {
        let mut paced = Paced::new(&*self.http, &*self.budget, (&*self.clock, &*self.entropy), purse, lane);
        paced.end = self.end.as_deref();
        paced.meter = Some(&self.meter);
        paced
    }

    /// What sources keep between the pages of a run. Histories of one store share people: its locations have the
    /// same buyers. Live work shares nothing, so as never to wait for a history.
    pub(crate) fn cache(&self, run: &Run, owner: &Connection) -> Arc<Cache> {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let Caches { of_runs, of_stores } = &mut *caches;
        if of_runs.len() >= MAX_CACHES && !of_runs.contains_key(&run.id) {
            of_runs.clear();
        }
        let cache = of_runs.entry(run.id.clone()).or_insert_with(|| {
            if run.kind != RunKind::Historical {
                return Arc::default();
            }
            of_stores.retain(|_, shared| shared.strong_count() > 0);
            let store = owner.store_owner();
            let shared = of_stores.get(&store).and_then(Weak::upgrade).unwrap_or_default();
            of_stores.insert(store, Arc::downgrade(&shared));
            Arc::new(Cache::beside(shared))
        });
        Arc::clone(cache)
    }

    /// Forgets what a run kept.
    pub(crate) fn forget_cache(&self, run: &str) {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner).of_runs.remove(run);
    }
}
