mod contract;
mod lost;
mod refused;
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use tillsync_emulators::{Asked, Dynoxide, Fate, Proxy, create_table, dynoxide, sdk};
use tillsync_engine::memory::ManualClock;
use tillsync_engine::ports::{Condition, Item, Key, Write};

use crate::DynamoStore;

const TABLE: &str = "items";

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::now()))
}

/// A store in a table of its own.
async fn store_at(url: &str, clock: Arc<ManualClock>) -> DynamoStore {
    static TABLES: AtomicUsize = AtomicUsize::new(0);
    let client = Client::new(&sdk(url).await);
    let table = format!("{TABLE}-{}", TABLES.fetch_add(1, Ordering::Relaxed));
    create_table(&client, &table).await;
    DynamoStore::new(client, table, clock)
}

/// A store whose requests go through a proxy.
struct Under {
    store: DynamoStore,
    /// The same table, past the proxy.
    direct: Client,
    proxy: Proxy,
    _place: Dynoxide,
}

async fn through(fate: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Under {
    let place = dynoxide().await;
    let direct = Client::new(&sdk(place.url()).await);
    create_table(&direct, TABLE).await;
    let proxy = Proxy::start(place.url(), fate).await;
    let client = Client::new(&sdk(proxy.url()).await);
    let store = DynamoStore::new(client, TABLE.to_owned(), clock());
    Under { store, direct, proxy, _place: place }
}

fn item(sk: &str, body: &str) -> Item {
    Item { key: Key::new("P", sk), rev: 0, tag: String::new(), body: body.to_owned(), expires: None }
}

fn create(sk: &str, body: &str) -> Write {
    Write::Put { item: item(sk, body), when: Condition::Absent }
}
