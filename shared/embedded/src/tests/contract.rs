use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use tillsync_engine::contract::{self, Subject, Time};
use tillsync_engine::memory::ManualClock;
use tillsync_engine::ports::{Queue, Store, Vault};

use super::{manual, place};
use crate::{DirVault, Sqlite};

/// Time that keeps the directory of what lives in it.
struct Housed {
    clock: Arc<ManualClock>,
    _temp: TempDir,
}

#[async_trait]
impl Time for Housed {
    fn now(&self) -> jiff::Timestamp {
        Time::now(&*self.clock)
    }

    async fn pass(&self, by: std::time::Duration) {
        self.clock.pass(by).await;
    }

    fn is_virtual(&self) -> bool {
        true
    }
}

fn sqlite() -> (Arc<Sqlite>, Arc<dyn Time>) {
    let (place, clock) = (place(), manual());
    let sqlite = Sqlite::open(&place.dir, clock.clone()).unwrap();
    (Arc::new(sqlite), Arc::new(Housed { clock, _temp: place._temp }))
}

async fn store() -> Subject<dyn Store> {
    let (port, time) = sqlite();
    Subject { port, time }
}

async fn queue() -> Subject<dyn Queue> {
    let (port, time) = sqlite();
    Subject { port, time }
}

async fn vault() -> Subject<dyn Vault> {
    let place = place();
    let clock = manual();
    let sqlite = Arc::new(Sqlite::open(&place.dir, clock.clone()).unwrap());
    let port = Arc::new(DirVault::open(&place.dir, sqlite, None).unwrap());
    Subject { port, time: Arc::new(Housed { clock, _temp: place._temp }) }
}

#[tokio::test]
async fn sqlite_store_keeps_the_contract() {
    contract::store(store).await;
}

#[tokio::test]
async fn sqlite_queue_keeps_the_contract() {
    contract::queue(queue).await;
    contract::fair_queue(queue).await;
}

#[tokio::test]
async fn dir_vault_keeps_the_contract() {
    contract::vault(vault).await;
}
