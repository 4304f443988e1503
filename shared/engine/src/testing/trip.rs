//! A tripwire in every effect: at the n-th one the process stands still, to be given up by the test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tillsync_mapping::http::{Http, HttpError, Request, Response};
use tokio::sync::Notify;

use crate::ports::{
    Dead, Delivery, Item, Key, Lane, MAX_BATCH, PortError, Queue, Store, Write, Written, check_writes,
};

/// Counts effects twice, before and after each, and stops at a count.
#[derive(Default)]
pub(crate) struct Trip {
    passed: AtomicU64,
    /// 0: never.
    at: AtomicU64,
    fallen: Notify,
}

impl Trip {
    /// Stops at the n-th pass from here on.
    pub(crate) fn arm(&self, n: u64) {
        self.passed.store(0, Ordering::SeqCst);
        self.at.store(n, Ordering::SeqCst);
    }

    pub(crate) fn disarm(&self) {
        self.at.store(0, Ordering::SeqCst);
    }

    /// Done when the wire was touched.
    pub(crate) async fn fallen(&self) {
        self.fallen.notified().await;
    }

    async fn pass(&self) {
        // Others get their turn at every effect, as they would anywhere.
        tokio::task::yield_now().await;
        let at = self.at.load(Ordering::SeqCst);
        // Whoever comes after the fall stands still as well: the process is dead.
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 >= at && at > 0 {
            self.fallen.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn store(self: &Arc<Self>, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Tripping { inner, trip: self.clone() })
    }

    pub(crate) fn queue(self: &Arc<Self>, inner: Arc<dyn Queue>) -> Arc<dyn Queue> {
        Arc::new(Tripping { inner, trip: self.clone() })
    }

    pub(crate) fn http(self: &Arc<Self>, inner: Arc<dyn Http>) -> Arc<dyn Http> {
        Arc::new(Tripping { inner, trip: self.clone() })
    }
}

struct Tripping<P: ?Sized> {
    trip: Arc<Trip>,
    inner: Arc<P>,
}

impl<P: ?Sized> Tripping<P> {
    async fn around<T>(&self, effect: impl Future<Output = T>) -> T {
        self.trip.pass().await;
        let answer = effect.await;
        self.trip.pass().await;
        answer
    }
}

#[async_trait]
impl Http for Tripping<dyn Http> {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.around(self.inner.send(request)).await
    }
}

#[async_trait]
impl Store for Tripping<dyn Store> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, PortError> {
        self.inner.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, PortError> {
        self.inner.get_many(keys).await
    }

    async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        self.inner.query(pk, prefix, after, limit).await
    }

    async fn tally(&self, pk: &str, prefix: &str) -> Result<BTreeMap<String, u64>, PortError> {
        self.inner.tally(pk, prefix).await
    }

    async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Written>, PortError> {
        // One after the other, as DynamoDB does: a process may end between any two.
        check_writes(&writes, MAX_BATCH)?;
        let mut written = Vec::with_capacity(writes.len());
        for write in writes {
            written.append(&mut self.around(self.inner.write_each(vec![write])).await?);
        }
        Ok(written)
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Written, PortError> {
        self.around(self.inner.transact(writes)).await
    }
}

#[async_trait]
impl Queue for Tripping<dyn Queue> {
    async fn send(
        &self,
        lane: Lane,
        group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError> {
        self.around(self.inner.send(lane, group, bodies, delay)).await
    }

    async fn receive(
        &self,
        lane: Lane,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, PortError> {
        self.inner.receive(lane, max, visibility).await
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), PortError> {
        self.inner.extend(delivery, visibility).await
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), PortError> {
        self.around(self.inner.ack(delivery)).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.inner.release(delivery, delay).await
    }

    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.around(self.inner.defer(delivery, delay)).await
    }

    async fn depth(&self, lane: Lane) -> Result<u64, PortError> {
        self.inner.depth(lane).await
    }

    async fn dead(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError> {
        self.inner.dead(lane, limit).await
    }
}
