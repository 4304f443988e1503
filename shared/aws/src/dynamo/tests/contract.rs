use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tillsync_emulators::{DynamoLocal, Dynoxide, dynoxide};
use tillsync_engine::contract::{self, Subject, Time};
use tillsync_engine::memory::ManualClock;
use tillsync_engine::ports::Store;

use super::{clock, store_at};

/// Time that keeps the stand-in of what lives in it.
struct Housed {
    clock: Arc<ManualClock>,
    _place: Dynoxide,
}

#[async_trait]
impl Time for Housed {
    fn now(&self) -> Timestamp {
        Time::now(&*self.clock)
    }

    async fn pass(&self, by: Duration) {
        self.clock.pass(by).await;
    }

    fn is_virtual(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn dynamo_store_keeps_the_contract_on_dynoxide() {
    contract::store(async || {
        let (place, clock) = (dynoxide().await, clock());
        let store = store_at(place.url(), clock.clone()).await;
        Subject { port: Arc::new(store) as Arc<dyn Store>, time: Arc::new(Housed { clock, _place: place }) }
    })
    .await;
}

#[tokio::test]
async fn dynamo_store_keeps_the_contract_on_dynamodb_local() {
    let place = DynamoLocal::start().await;
    contract::store(async || {
        let clock = clock();
        let store = store_at(place.url(), clock.clone()).await;
        Subject { port: Arc::new(store) as Arc<dyn Store>, time: clock }
    })
    .await;
}
