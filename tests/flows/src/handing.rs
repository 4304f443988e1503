//! The queue, which fails to take messages when a test says so.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tillsync_embedded::Sqlite;
use tillsync_engine::ports::{Dead, Delivery, Lane, PortError, Queue};

/// The database's queue behind a door that a test can shut.
pub(crate) struct Handing {
    inner: Arc<Sqlite>,
    /// Messages it still takes before the door is shut; none while it is open for good.
    takes: Mutex<Option<u32>>,
    refused: AtomicU32,
}

impl Handing {
    pub(crate) fn new(inner: Arc<Sqlite>) -> Self {
        Self { inner, takes: Mutex::default(), refused: AtomicU32::new(0) }
    }

    /// After so many sends it takes nothing.
    pub(crate) fn shut_after(&self, sends: u32) {
        *self.takes.lock().unwrap() = Some(sends);
    }

    /// It takes everything again.
    pub(crate) fn open(&self) {
        *self.takes.lock().unwrap() = None;
    }

    /// Sends that were refused.
    pub(crate) fn refused(&self) -> u32 {
        self.refused.load(Ordering::SeqCst)
    }

    fn is_shut(&self) -> bool {
        match self.takes.lock().unwrap().as_mut() {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }
}

#[async_trait]
impl Queue for Handing {
    async fn send(
        &self,
        lane: Lane,
        group: &str,
        bodies: Vec<String>,
        delay: Duration,
    ) -> Result<(), PortError> {
        if self.is_shut() {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(PortError { what: "queue", detail: "it takes nothing".into() });
        }
        self.inner.send(lane, group, bodies, delay).await
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
        self.inner.ack(delivery).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.inner.release(delivery, delay).await
    }

    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Result<(), PortError> {
        self.inner.defer(delivery, delay).await
    }

    async fn depth(&self, lane: Lane) -> Result<u64, PortError> {
        self.inner.depth(lane).await
    }

    async fn dead(&self, lane: Lane, limit: usize) -> Result<Vec<Dead>, PortError> {
        self.inner.dead(lane, limit).await
    }
}
