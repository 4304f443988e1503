//! A platform is away for six hours and comes back. The hours are the engine's: its clock is put forward, a minute
//! or more at a time, whenever everybody waits for it; the stand-ins stay in the present.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tillsync_engine::Timing;
use tillsync_engine::connections::newest_run;
use tillsync_engine::ports::Clock;
use tillsync_engine::run::{self, BackfillRequest, start_backfill, start_poll};
use tillsync_engine::state::{Connection, RunKind, RunState};
use tillsync_sandbox::{Changes, Options};

use crate::check;
use crate::compare::all_as_told;
use crate::harness::{Flow, fast, shop};

const OUTAGE: SignedDuration = SignedDuration::from_hours(6);
/// More calls than anybody makes.
const ALWAYS: (u32, u32) = (0, 1_000_000);

/// Nothing that is under way is given up for the clock's sake while that runs ahead, and so does the pace. Once the
/// outage is over nothing is waited for any more.
async fn with_limits(orders: usize) -> Flow {
    let mut options: Options = shop(orders);
    (options.settings.activecampaign_per_second, options.settings.square_per_second) = (10_000, 10_000);
    let timing = Timing { lost_after: SignedDuration::from_hours(5), ..fast() };
    Flow::with(options, timing, 4).await
}

fn away(flow: &Flow, platform: &str, fault: Value) {
    flow.fault(platform, "*", ALWAYS, fault);
}

/// It is back, with the limits of every day.
async fn back(flow: &Flow) {
    flow.quiet().await;
    flow.world.clear_faults();
    flow.world.set(&json!({"activecampaign_per_second": 5, "square_per_second": 10})).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    flow.world.reset_stats();
}

/// Everything is there and explained, and the account never had to refuse for speed since it came back.
async fn drained(flow: &Flow, connection: &Connection) {
    check::arrived(&flow.world, connection);
    all_as_told(flow, connection);
    check::explained(flow, connection, &[]).await;
    assert_eq!(flow.world.stats()["activecampaign"]["throttled"], 0, "drained at its rate");
    check::clean(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_away_for_six_hours_in_a_history_ends_it_incomplete_and_a_resume_loses_nothing() {
    let flow = with_limits(700).await;
    let connection = flow.connect_first().await;
    let run = start_backfill(&flow.engine, &connection.id, &BackfillRequest::default()).await.unwrap().run;
    flow.until(|stats| stats["activecampaign"]["classes"]["order_writes"].as_u64() >= Some(2)).await;
    let began = flow.clock.now();
    away(&flow, "activecampaign", json!({"kind": "unavailable"}));
    let state = flow.ended_ahead(&run, SignedDuration::from_secs(60)).await;
    check::incomplete(&state, "destination.unavailable");
    assert!(state.streams.orders.pending > 0, "what may have arrived is not called anything else");
    let lasted = flow.clock.now().duration_since(began);
    assert!(lasted > SignedDuration::from_mins(50) && lasted < OUTAGE, "given up after {lasted:?}");
    flow.clock.advance(OUTAGE - lasted);
    back(&flow).await;
    let state = flow.resume(&connection).await;
    flow.complete(&state).await;
    assert_eq!(json!(state.streams.orders.observed), check::shop(&flow.world, &connection)["orders"]);
    drained(&flow, &connection).await;
}

/// Polls go on all the time, in vain, while new sales wait.
async fn polls_while(platform: &'static str, code: &str) {
    let flow = with_limits(150).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.landed().await;
    let (began, purchases) = (flow.clock.now(), check::purchases(&flow.world));
    let watermark = check::watermark(&flow, &connection).await;
    let last_sync = flow.connection(&connection.id).await.last_sync;
    away(&flow, platform, json!({"kind": "unavailable"}));
    flow.world.change(&Changes { new_sales: 5, refunds: 3, ..Changes::default() });
    let mut polls = BTreeSet::new();
    while flow.clock.now().duration_since(began) < OUTAGE {
        run::sweep(&flow.engine, false).await.unwrap();
        flow.quiet().await;
        match newest_run(&flow.engine, &connection.id, RunKind::Poll).await {
            Ok(poll) if polls.insert(poll.id.clone()) => {
                check::incomplete(&flow.ended_ahead(&poll, SignedDuration::from_secs(60)).await, code);
            }
            _ => flow.clock.advance(SignedDuration::from_mins(5)),
        }
    }
    // What may have arrived is looked for, for an hour, before a poll gives up.
    assert!(polls.len() >= 3, "{} polls in six hours", polls.len());
    assert_eq!(check::watermark(&flow, &connection).await, watermark, "the watermark stays");
    assert_eq!(flow.connection(&connection.id).await.last_sync, last_sync, "nothing is called fresh");
    back(&flow).await;
    flow.complete(&flow.poll(&connection).await).await;
    assert_eq!(check::purchases(&flow.world), purchases + 5, "every sale starts what it is to start, once");
    drained(&flow, &connection).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_away_for_six_hours_of_polls_loses_nothing() {
    polls_while("activecampaign", "destination.unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_away_for_six_hours_of_polls_loses_nothing() {
    polls_while("square", "square.unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_six_hours_is_kept_by_everybody_and_nothing_old_is_written_after_it() {
    let flow = with_limits(0).await;
    let connection = flow.connect_first().await;
    flow.world.change(&Changes { new_sales: 5, age_seconds: 120, ..Changes::default() });
    let began = flow.clock.now();
    let fault = json!({"kind": "unavailable", "retry_after": OUTAGE.as_secs()});
    flow.fault("activecampaign", "bulkUpsertOrders", (0, 1), fault);
    let mut run = start_poll(&flow.engine, &connection.id).await.unwrap().run;
    flow.until(|stats| stats["activecampaign"]["faults"] == 1).await;
    // What is sold in the meantime changes, too.
    let touched = flow.world.change(&Changes { changed_sales: 8, ..Changes::default() });
    let calls = || flow.world.stats()["activecampaign"]["calls"].as_u64().unwrap();
    let before = calls();
    while flow.clock.now().duration_since(began) < OUTAGE - SignedDuration::from_mins(10) {
        flow.pass(SignedDuration::from_mins(5), SignedDuration::from_mins(5)).await;
        assert_eq!(calls(), before, "called too early");
        let waking = flow.clock.next_waking();
        assert!(waking.is_none_or(|waking| waking.as_secs() < 60), "somebody sleeps on it for {waking:?}");
        let state = run::progress(&flow.engine, &connection.id, &run.id).await.unwrap();
        if state.run.ended() {
            check::incomplete(&state, "destination.throttled");
            run = start_poll(&flow.engine, &connection.id).await.unwrap().run;
        }
    }
    flow.pass(SignedDuration::from_mins(15), SignedDuration::from_mins(1)).await;
    let mut state = flow.ended_ahead(&run, SignedDuration::from_secs(30)).await;
    if state.run.state == RunState::Incomplete {
        // It gave up right before the end.
        check::incomplete(&state, "destination.throttled");
        run = start_poll(&flow.engine, &connection.id).await.unwrap().run;
        state = flow.ended_ahead(&run, SignedDuration::from_secs(30)).await;
    }
    flow.complete(&state).await;
    back(&flow).await;
    for id in touched["changed_sales"].as_array().unwrap() {
        let written = flow.world.order(id.as_str().unwrap())["records"][0]["written"].clone();
        assert_eq!(written, 1, "{id}: what was read hours ago is not written");
    }
    assert_eq!(check::purchases(&flow.world), 5);
    drained(&flow, &connection).await;
}
