//! What every test begins with: an engine over given ports, a connection, a run.

use std::sync::Arc;

use jiff::SignedDuration;
use tillsync_mapping::model::{Currency, Location};

use super::{DAY, Net, REMOTE, Trip, ago, beginning, net};
use crate::budget::LocalBudget;
use crate::memory::{ManualClock, MemoryQueue, MemoryStore, SeededEntropy};
use crate::ports::{Clock, Vault};
use crate::state::{Connection, ConnectionState, Phase, Run, RunKind, RunState, Settings};
use crate::sums::Calls;
use crate::{Config, Engine, Timing};

type Ports<'a> = (&'a Arc<ManualClock>, &'a Arc<MemoryStore>, &'a Arc<MemoryQueue>, &'a Arc<dyn Vault>);

pub(super) fn build(
    (clock, store, queue, vault): Ports<'_>,
    (net, trip): (&Arc<Net>, &Arc<Trip>),
    instance: &str,
) -> Engine {
    let config = Config {
        calls_per_second: 4,
        instance: instance.to_owned(),
        exclusive: true,
        api_urls: [(super::source_name().to_owned(), net::SHOP.to_owned())].into(),
        applications: std::collections::BTreeMap::new(),
        public_url: "https://tillsync.example".to_owned(),
        hooks: crate::intake::Hooks::default(),
        timing: Timing::default(),
    };
    let seed = u64::from(instance.bytes().fold(0_u32, |sum, byte| sum * 31 + u32::from(byte)));
    let clock: Arc<dyn Clock> = clock.clone();
    Engine::new(
        (trip.store(store.clone()), trip.queue(queue.clone()), vault.clone()),
        (trip.http(net.clone()), Arc::new(LocalBudget::default())),
        (clock, Arc::new(SeededEntropy::new(seed))),
        config,
    )
}

/// A connection of the shop's location to the account.
pub(crate) fn connection(id: &str, location: &str) -> Connection {
    Connection {
        id: id.to_owned(),
        name: "Rue Haute".to_owned(),
        source: super::source_name().to_owned(),
        api_url: net::SHOP.to_owned(),
        store: "M1".to_owned(),
        location: Location {
            id: location.to_owned(),
            name: "Rue Haute".to_owned(),
            currency: Currency::parse("EUR").unwrap(),
            timezone: "Europe/Paris".to_owned(),
            language: None,
            active: true,
        },
        destination_url: net::ACCOUNT.to_owned(),
        destination: "acme".to_owned(),
        remote: Some(REMOTE),
        state: ConnectionState::Active,
        epoch: 0,
        active_sync: true,
        problem: None,
        settings: Settings::default(),
        public_url: "https://tillsync.example".to_owned(),
        created: ago(DAY),
        adopted: None,
        rechecked: Some(beginning()),
        counted: None,
        last_sync: None,
        next_sync: Some(beginning() + SignedDuration::from_mins(30)),
    }
}

/// A run that nobody planned, to deliver for.
pub(crate) fn run(kind: RunKind, id: &str) -> Run {
    Run {
        id: id.to_owned(),
        connection: "C1".to_owned(),
        epoch: 0,
        kind,
        state: RunState::Running,
        phase: Phase::Windows,
        started: beginning(),
        finished: None,
        open_windows: 1,
        windows: 1,
        expected: None,
        from: None,
        to: None,
        limit: None,
        comparison: None,
        copies: None,
        force: false,
        full: true,
        problem: None,
        streams: None,
        calls: Calls::default(),
        total: None,
        looked_after: None,
        settle_tries: 0,
        put_offs: 0,
        left: 0,
    }
}
