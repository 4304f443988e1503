//! What the account queued is applied late, and not in the order it came.

use jiff::SignedDuration;
use serde_json::json;
use tillsync_engine::Timing;
use tillsync_engine::run::{BackfillRequest, start_backfill};
use tillsync_engine::state::Day;
use tillsync_sandbox::{Changes, Options, Settings};

use crate::check;
use crate::compare::{all_as_told, wrong};
use crate::harness::{Flow, fast, quick, shop};

/// A shop whose account applies queued orders so many milliseconds later.
async fn applied_after(async_delay_ms: (i64, i64), lost_after: SignedDuration) -> Flow {
    let settings = Settings { async_delay_ms, ..quick() };
    Flow::with(Options { settings, ..shop(400) }, Timing { lost_after, ..fast() }, 40).await
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_wait_for_a_queued_history_that_is_applied_late_and_out_of_order() {
    let flow = applied_after((100, 4_000), SignedDuration::from_secs(20)).await;
    let connection = flow.connect_first().await;
    let run = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap().run;
    flow.until(|stats| stats["activecampaign"]["account"]["pending"].as_u64() >= Some(100)).await;
    let eligible = check::shop(&flow.world, &connection)["eligible"].as_u64();
    // All the time while they are applied, the store changes and polls read what changed.
    for _ in 0..4 {
        flow.world.change(&Changes { changed_sales: 12, refunds: 6, ..Changes::default() });
        flow.complete(&flow.poll(&connection).await).await;
    }
    let state = flow.ended(&run).await;
    flow.complete(&state).await;
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    assert_eq!(check::shop(&flow.world, &connection)["eligible"].as_u64(), eligible);
    let wrong = wrong(&flow, &connection, &[]);
    assert!(wrong.is_empty(), "{wrong:#?}");
    check::explained(&flow, &connection, &[]).await;
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_applied_after_it_was_given_up_for_lost_is_there_once() {
    let flow = applied_after((20_000, 21_000), SignedDuration::from_secs(3)).await;
    let connection = flow.connect_first().await;
    let state = flow.backfill(&connection).await;
    flow.complete(&state).await;
    check::arrived(&flow.world, &connection);
    let (held, purchases) = (check::held(&flow.world, &connection), check::purchases(&flow.world));
    assert!(flow.world.stats()["activecampaign"]["account"]["pending"].as_u64() > Some(0), "not applied yet");
    flow.until(|stats| stats["activecampaign"]["account"]["pending"] == 0).await;
    assert_eq!(check::held(&flow.world, &connection), held);
    assert_eq!(check::purchases(&flow.world), purchases, "late ones start nothing");
    all_as_told(&flow, &connection);
    let (state, days) = flow.reconcile(&connection, false).await;
    flow.complete(&state).await;
    assert_eq!(days.iter().flat_map(Day::differences).count(), 0);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(flow.world.stats()["violations"], json!([]));
}
