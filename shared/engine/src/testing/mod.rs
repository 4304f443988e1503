//! A small world for the engine's own tests: the ports in memory, a shop and an account that answer as documented,
//! and a wire between them that counts, fails and breaks off as told.

mod account;
mod authority;
mod bill;
mod catalogue;
mod connected;
mod customers;
mod dealings;
mod given;
mod net;
mod records;
mod shop;
mod trip;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::model::{Customer, Observed, Order, Product, Secret};

pub(crate) use account::Account;
pub(crate) use bill::{Bill, Billed};
pub(crate) use connected::connection_there;
use given::build;
pub(crate) use given::{connection, run};
pub(crate) use net::{Net, Trouble};
pub(crate) use records::{order, person, product, ready, skipped};
pub(crate) use shop::Shop;
pub(crate) use trip::Trip;

use crate::Engine;
use crate::deliver::Delivering;
use crate::fault::Fault;
use crate::memory::{ManualClock, MemoryQueue, MemoryStore, MemoryVault};
use crate::ports::{Delivery, Lane, Queue, Store, Vault};
use crate::run::{Outcome, handle};
use crate::state::{Connection, Flight, LedgerRow, Row, Run, RunKind, Stream, list, load};
use crate::sums::Tally;

/// The moment at which every world begins.
pub(crate) fn beginning() -> Timestamp {
    "2026-05-04T10:00:00Z".parse().unwrap()
}

/// So many seconds before it.
pub(crate) fn ago(seconds: i64) -> Timestamp {
    beginning() - SignedDuration::from_secs(seconds)
}

pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 86_400;
/// `legacyConnectionId` of every world's connection.
pub(crate) const REMOTE: i64 = 7;

/// An engine with everything around it.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) net: Arc<Net>,
    pub(crate) trip: Arc<Trip>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) engine: Engine,
    pub(crate) connection: Connection,
}

impl World {
    /// One active connection, nothing sold yet.
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(beginning()));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let queue = Arc::new(MemoryQueue::new(clock.clone()));
        let vault: Arc<dyn Vault> = Arc::new(MemoryVault::new());
        let (net, trip) = (Arc::new(Net::new(clock.clone())), Arc::new(Trip::default()));
        let engine = build((&clock, &store, &queue, &vault), (&net, &trip), "one");
        let connection = connection("C1", "L1");
        let service = crate::connect::service(source_name());
        net.account().connections.push(connection_there(REMOTE, &service, "L1"));
        vault.put(&connection.store_owner(), &Secret::new("token")).await.unwrap();
        vault.put(&connection.destination_owner(), &Secret::new("key")).await.unwrap();
        let world = Self { clock, store, queue, net, trip, vault, engine, connection: connection.clone() };
        world.save(&connection).await;
        world
    }

    /// Stores a connection as connecting does.
    pub(crate) async fn save(&self, connection: &Connection) {
        let key = Connection::key(&connection.id);
        let old: Option<Row<Connection>> = load(&*self.store, key.clone()).await.unwrap();
        let row = Row { key, rev: old.as_ref().map_or(0, |row| row.rev), value: connection.clone() };
        let mut writes = vec![row.put().unwrap()];
        if old.is_none() {
            writes.push(Row::new(Connection::index_key(&connection.id), connection.clone()).put().unwrap());
            writes.push(crate::connections::index(connection).unwrap());
        }
        self.store.transact(writes).await.unwrap();
    }

    /// The process ends here, wherever it is; another one goes on with what is durable.
    pub(crate) fn restart(&mut self, instance: &str) {
        self.trip.disarm();
        let ports = (&self.clock, &self.store, &self.queue, &self.vault);
        self.engine = build(ports, (&self.net, &self.trip), instance);
    }

    /// Delivers orders for a run, as a page of a window does.
    pub(crate) async fn deliver(&self, run: &Run, records: Vec<Observed<Order>>) -> Result<Tally, Fault> {
        let http = self.engine.destination_http("acme", Lane::Live);
        let tally = Delivering::new(&self.engine, &self.connection, run, &http).await?.orders(records).await;
        if let Ok(tally) = &tally {
            assert!(tally.agrees(), "{tally:?}");
        }
        tally
    }

    /// Delivers people for a run.
    pub(crate) async fn import(&self, run: &Run, people: Vec<Observed<Customer>>) -> Result<Tally, Fault> {
        let http = self.engine.destination_http("acme", Lane::Live);
        let silent = run.kind == RunKind::Historical;
        Delivering::new(&self.engine, &self.connection, run, &http).await?.customers(people, silent).await
    }

    /// Delivers products for a run.
    pub(crate) async fn stock(&self, run: &Run, products: Vec<Product>) -> Result<Tally, Fault> {
        let http = self.engine.destination_http("acme", Lane::Live);
        Delivering::new(&self.engine, &self.connection, run, &http).await?.products(products).await
    }

    /// What the ledger holds of an order.
    pub(crate) async fn row(&self, id: &str) -> LedgerRow {
        self.find(Stream::Orders, id).await.unwrap().value
    }

    /// What the ledger holds of a record, if anything.
    pub(crate) async fn find(&self, stream: Stream, id: &str) -> Option<Row<LedgerRow>> {
        let partition = match stream {
            Stream::Customers => self.connection.people_partition(),
            _ => Connection::partition(&self.connection.id),
        };
        load(&*self.store, LedgerRow::key(&partition, stream.word(), id)).await.unwrap()
    }

    pub(crate) async fn flights(&self, run: &str) -> Vec<Flight> {
        let rows: Vec<Row<Flight>> = list(&*self.store, &Run::partition(run), "FLT#").await.unwrap();
        rows.into_iter().map(|row| row.value).collect()
    }

    pub(crate) async fn load_run(&self, id: &str) -> Run {
        self.engine.run(&self.connection.id, id).await.unwrap().value
    }

    /// Takes a message that is due.
    pub(crate) async fn take(&self) -> Option<Delivery> {
        let visibility = self.engine.config.timing.visibility;
        for lane in [Lane::Live, Lane::History] {
            if let Some(delivery) = self.queue.receive(lane, 1, visibility).await.unwrap().pop() {
                let personal = delivery.body.contains('@') || delivery.body.contains("P-");
                assert!(!personal && delivery.body.len() < 2_000, "{}", delivery.body);
                return Some(delivery);
            }
        }
        None
    }

    /// Works as a host does until nothing is queued any more.
    pub(crate) async fn work(&self) {
        for _ in 0..20_000 {
            match self.take().await {
                Some(delivery) => {
                    let outcome = handle(&self.engine, &delivery).await.unwrap();
                    assert_ne!(outcome, Outcome::Failed, "{}", delivery.body);
                }
                None if self.idle().await => return,
                None => self.clock.advance(Duration::from_secs(5)),
            }
        }
        panic!("the work does not end: {:?}", self.queue.dump(Lane::History));
    }

    /// True when no message waits or is in work.
    pub(crate) async fn idle(&self) -> bool {
        self.queue.depth(Lane::Live).await.unwrap() + self.queue.depth(Lane::History).await.unwrap() == 0
    }

    /// How many calls of an operation were made so far.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.net.count(operation)
    }
}

/// The source the scripted shop speaks for: the first there is.
pub(crate) fn source_name() -> &'static str {
    tillsync_mapping::sources::all()[0].name()
}
