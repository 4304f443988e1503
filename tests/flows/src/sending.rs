//! The queue does not take what is to be done next.

use jiff::SignedDuration;
use tillsync_engine::Timing;
use tillsync_engine::connections::newest_run;
use tillsync_engine::run::{self, BackfillRequest, start_backfill, start_poll};
use tillsync_engine::state::{Connection, RunKind};
use tillsync_sandbox::Changes;

use crate::check;
use crate::harness::{Flow, fast, shop};

/// Sends of a history: its plan, its windows, the people, the settling. Of a poll: its windows, the settling.
const HISTORY: u32 = 4;
const POLL: u32 = 2;

async fn flow(orders: usize) -> Flow {
    let timing = Timing { lost_after: SignedDuration::from_hours(24), ..fast() };
    Flow::with(shop(orders), timing, 40).await
}

/// The queue refuses what comes next, and the watermark stays; then it is well again, and a tick finds what it
/// refused, as it does every hour.
async fn goes_on(flow: &Flow, kind: RunKind, connection: &Connection) {
    let before = check::watermark(flow, connection).await;
    while flow.queue.refused() == 0 {
        flow.quiet().await;
    }
    assert_eq!(check::watermark(flow, connection).await, before, "the watermark stays");
    flow.queue.open();
    run::sweep(&flow.engine, true).await.unwrap();
    let run = newest_run(&flow.engine, &connection.id, kind).await.unwrap();
    flow.complete(&flow.ended_ahead(&run, SignedDuration::from_secs(5)).await).await;
    assert!(check::watermark(flow, connection).await > before);
    check::arrived(&flow.world, connection);
    check::explained(flow, connection, &[]).await;
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_whose_next_message_is_not_taken_goes_on_and_sends_nothing_twice() {
    for sends in 0..HISTORY {
        let flow = flow(120).await;
        let connection = flow.connect_first().await;
        flow.queue.shut_after(sends);
        let started = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await;
        assert_eq!(started.is_err(), sends == 0, "whoever starts it is told");
        goes_on(&flow, RunKind::Historical, &connection).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_whose_next_message_is_not_taken_keeps_its_watermark_until_it_is_done() {
    for sends in 0..POLL {
        let flow = flow(0).await;
        let connection = flow.connect_first().await;
        flow.world.change(&Changes { new_sales: 4, age_seconds: 120, ..Changes::default() });
        flow.queue.shut_after(sends);
        // Told or not: the run is there, and its work is not queued.
        let _ = start_poll(&flow.engine, &connection.id).await;
        goes_on(&flow, RunKind::Poll, &connection).await;
        assert_eq!((check::order_writes(&flow.world), check::purchases(&flow.world)), (1, 4));
    }
}
