mod calls;
mod contract;
mod told;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_sqs::Client;
use tillsync_emulators::{Queues, create_queues, sdk};

use super::{LaneUrls, Lanes, SqsQueue};

/// Queues of their own, and the client that made them.
async fn queues_at(url: &str) -> (SqsQueue, Client, Queues) {
    static QUEUES: AtomicUsize = AtomicUsize::new(0);
    let client = Client::new(&sdk(url).await);
    let name = format!("test{}", QUEUES.fetch_add(1, Ordering::Relaxed));
    let queues = create_queues(&client, &name, Duration::from_secs(60)).await;
    (SqsQueue::new(client.clone(), lanes(&queues)), client, queues)
}

fn lanes(queues: &Queues) -> Lanes {
    let lane = |url: &str, dead: &str| LaneUrls { url: url.to_owned(), dead: dead.to_owned() };
    Lanes {
        live: lane(&queues.live, &queues.live_dead),
        history: lane(&queues.history, &queues.history_dead),
    }
}
