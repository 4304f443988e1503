use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Budget, LocalBudget, Purse, SharedBudget};
use crate::memory::{ManualClock, MemoryStore};
use crate::ports::Lane;
use crate::testing::beginning;

/// The budget over rows, each of whose changes may meet another's.
fn shared() -> Arc<dyn Budget> {
    Arc::new(SharedBudget::new(Arc::new(MemoryStore::new(Arc::new(ManualClock::new(beginning()))))))
}

/// Runs each case on either budget.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        mod local {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    super::$case(std::sync::Arc::new(super::LocalBudget::default())).await;
                }
            )+
        }
        mod shared {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    super::$case(super::shared()).await;
                }
            )+
        }
    };
}

cases!(
    calls_are_spread_at_the_purses_pace,
    accounts_and_stores_do_not_share_a_purse,
    concurrent_workers_never_exceed_the_rate,
    a_pause_stops_everybody,
    a_pause_before_the_first_call_holds_too,
    history_yields_to_live_work,
    a_store_is_called_slower_after_a_refusal_and_faster_again,
    refusals_without_end_slow_a_store_down_to_one_call_in_two_seconds,
    the_destinations_pace_does_not_change_by_refusals,
);

fn after(milliseconds: i64) -> Timestamp {
    beginning() + SignedDuration::from_millis(milliseconds)
}

/// The moments given out, in milliseconds from the beginning.
async fn moments(budget: &dyn Budget, purse: &Purse, lane: Lane, now: i64, count: usize) -> Vec<i64> {
    let mut moments = Vec::new();
    for _ in 0..count {
        let at = budget.reserve(purse, lane, after(now), None).await.unwrap();
        moments.push(i64::try_from(at.duration_since(beginning()).as_millis()).unwrap());
    }
    moments
}

async fn calls_are_spread_at_the_purses_pace(budget: Arc<dyn Budget>) {
    let destination = Purse::destination("acme", 4);
    assert_eq!(moments(&*budget, &destination, Lane::Live, 0, 4).await, [0, 250, 500, 750]);
    // A pause of one's own saves nothing up.
    assert_eq!(moments(&*budget, &destination, Lane::Live, 9_000, 3).await, [9_000, 9_250, 9_500]);
    let imports = Purse::imports("acme");
    assert_eq!(moments(&*budget, &imports, Lane::Live, 0, 3).await, [0, 666, 1_333]);
}

async fn accounts_and_stores_do_not_share_a_purse(budget: Arc<dyn Budget>) {
    for purse in [
        Purse::destination("acme", 4),
        Purse::destination("other", 4),
        Purse::imports("acme"),
        Purse::store("acme", "M1"),
        Purse::store("acme", "M2"),
    ] {
        assert_eq!(moments(&*budget, &purse, Lane::Live, 0, 1).await, [0], "{}", purse.key);
    }
}

#[tokio::test]
async fn no_rate_of_nothing_divides_by_zero() {
    assert_eq!(Purse::destination("acme", 0).interval, Duration::from_secs(1));
}

async fn concurrent_workers_never_exceed_the_rate(budget: Arc<dyn Budget>) {
    let purse = Purse::destination("acme", 4);
    let workers = (0..40).map(|n| {
        let (budget, purse) = (budget.clone(), purse.clone());
        let lane = if n % 3 == 0 { Lane::Live } else { Lane::History };
        tokio::spawn(async move { moments(&*budget, &purse, lane, n * 7, 25).await })
    });
    let mut all: Vec<i64> =
        join_all(workers).await.into_iter().flat_map(|moments| moments.unwrap()).collect();
    all.sort_unstable();
    assert_eq!(all.len(), 1_000);
    for pair in all.windows(2) {
        assert!(pair[1] - pair[0] >= 250, "{pair:?}");
    }
}

proptest! {
    #[test]
    fn no_second_sees_more_calls_than_allowed(
        steps in prop::collection::vec((0_i64..400, any::<bool>(), prop::option::weighted(0.05, 0_i64..5_000)), 1..200),
        rate in 1_u32..=5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let both: [Arc<dyn Budget>; 2] = [Arc::new(LocalBudget::default()), shared()];
        for budget in both {
        let purse = Purse::destination("acme", rate);
        let (mut now, mut given, mut shut) = (0, Vec::new(), 0);
        for (step, live, pause) in steps.clone() {
            now += step;
            if let Some(pause) = pause {
                shut = shut.max(now + pause);
                runtime.block_on(budget.pause(&purse, after(now + pause))).unwrap();
            }
            let lane = if live { Lane::Live } else { Lane::History };
            let at = runtime.block_on(moments(&*budget, &purse, lane, now, 1))[0];
            prop_assert!(at >= now && at >= shut, "{at} {now} {shut}");
            given.push(at);
        }
        for (n, first) in given.iter().enumerate() {
            let within = given[n..].iter().take_while(|at| **at - first < 999).count();
            prop_assert!(within <= rate as usize, "{within} calls from {first}");
        }
        }
    }
}

async fn a_pause_stops_everybody(budget: Arc<dyn Budget>) {
    let purse = Purse::destination("acme", 4);
    moments(&*budget, &purse, Lane::Live, 0, 1).await;
    budget.pause(&purse, after(5_000)).await.unwrap();
    assert_eq!(moments(&*budget, &purse, Lane::Live, 100, 1).await, [5_000]);
    assert!(moments(&*budget, &purse, Lane::History, 100, 1).await[0] >= 5_250);
    // A shorter pause asked for later does not open it.
    budget.pause(&purse, after(1_000)).await.unwrap();
    assert!(moments(&*budget, &purse, Lane::Live, 100, 1).await[0] >= 5_500);
}

async fn a_pause_before_the_first_call_holds_too(budget: Arc<dyn Budget>) {
    let purse = Purse::store("acme", "M1");
    budget.pause(&purse, after(3_000)).await.unwrap();
    assert_eq!(moments(&*budget, &purse, Lane::Live, 0, 1).await, [3_000]);
}

async fn history_yields_to_live_work(budget: Arc<dyn Budget>) {
    let purse = Purse::destination("acme", 4);
    assert_eq!(moments(&*budget, &purse, Lane::History, 0, 2).await, [0, 250], "alone it goes at full pace");
    assert_eq!(moments(&*budget, &purse, Lane::Live, 0, 1).await, [500]);
    assert_eq!(
        moments(&*budget, &purse, Lane::History, 0, 1).await,
        [1_000],
        "a moment is left free for live work"
    );
    assert_eq!(moments(&*budget, &purse, Lane::History, 0, 2).await, [1_250, 1_500], "and then it goes on");
}

async fn a_store_is_called_slower_after_a_refusal_and_faster_again(budget: Arc<dyn Budget>) {
    let purse = Purse::store("acme", "M1");
    let gap = |moments: &[i64]| moments[1] - moments[0];
    assert_eq!(gap(&moments(&*budget, &purse, Lane::Live, 0, 2).await), 125);
    budget.pause(&purse, after(1_000)).await.unwrap();
    let slower = gap(&moments(&*budget, &purse, Lane::Live, 1_000, 2).await);
    assert!((240..=250).contains(&slower), "{slower}");
    let mut last = slower;
    for _ in 0..20 {
        let gap = gap(&moments(&*budget, &purse, Lane::Live, 1_000, 2).await);
        assert!((125..=last).contains(&gap), "{gap} after {last}");
        last = gap;
    }
    moments(&*budget, &purse, Lane::Live, 1_000, 300).await;
    assert_eq!(gap(&moments(&*budget, &purse, Lane::Live, 1_000, 2).await), 125);
}

async fn refusals_without_end_slow_a_store_down_to_one_call_in_two_seconds(budget: Arc<dyn Budget>) {
    let purse = Purse::store("acme", "M1");
    for _ in 0..20 {
        budget.pause(&purse, beginning()).await.unwrap();
    }
    let moments = moments(&*budget, &purse, Lane::Live, 0, 2).await;
    assert_eq!(moments[1] - moments[0], 2_000);
}

async fn the_destinations_pace_does_not_change_by_refusals(budget: Arc<dyn Budget>) {
    let purse = Purse::destination("acme", 4);
    for _ in 0..5 {
        budget.pause(&purse, beginning()).await.unwrap();
    }
    assert_eq!(moments(&*budget, &purse, Lane::Live, 0, 3).await, [0, 250, 500]);
}
