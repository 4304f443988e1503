//! What any implementation of a port must pass: the ones in memory, over SQLite, on AWS. A promise of [`crate::ports`]
//! is a check here, named after it; a broken one panics, and the last name on standard error tells which.
//!
//! A caller gives a closure that makes the implementation anew for every check, empty, with the time it lives in.

#![allow(clippy::panic, clippy::expect_used, reason = "this is test code that other crates' tests call")]

mod queue;
mod queue_taking;
mod store;
mod store_expiry;
mod store_load;
mod store_reading;
mod vault;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::memory::ManualClock;
use crate::ports::{Clock, Queue, Store, Vault};

/// The time an implementation under test lives in.
#[async_trait]
pub trait Time: Send + Sync {
    /// Now, as the implementation sees it.
    fn now(&self) -> Timestamp;
    /// Lets this much time go by.
    async fn pass(&self, by: Duration);
    /// Whether an hour costs nothing. Checks that need minutes are left out where it does.
    fn is_virtual(&self) -> bool;
}

#[async_trait]
impl Time for ManualClock {
    fn now(&self) -> Timestamp {
        Clock::now(self)
    }

    async fn pass(&self, by: Duration) {
        self.advance(by);
    }

    fn is_virtual(&self) -> bool {
        true
    }
}

/// An implementation and its time.
pub struct Subject<P: ?Sized> {
    /// What is under test.
    pub port: Arc<P>,
    /// The time it lives in.
    pub time: Arc<dyn Time>,
}

/// A check by its name, for a caller that runs them side by side, or leaves one out and says why.
pub struct Check<P: ?Sized> {
    /// Where it stands and what it claims, as `queue::a_delay_hides`.
    pub name: &'static str,
    run: for<'a> fn(&'a Subject<P>) -> BoxFuture<'a, ()>,
}

impl<P: ?Sized> Check<P> {
    /// Holds it against a subject, empty and used for nothing else.
    pub async fn run(&self, under: &Subject<P>) {
        eprintln!("contract: {}", self.name);
        (self.run)(under).await;
    }
}

macro_rules! checks {
    ($($area:ident::$check:ident),+ $(,)?) => {
        vec![$(Check {
            name: concat!(stringify!($area), "::", stringify!($check)),
            run: |under| Box::pin($area::$check(under)),
        }),+]
    };
}

/// Runs each check on a subject of its own.
macro_rules! run {
    ($make:ident, $($area:ident::$check:ident),+ $(,)?) => {
        $(
            eprintln!("contract: {}::{}", stringify!($area), stringify!($check));
            $area::$check(&$make().await).await;
        )+
    };
}

/// Every promise of a [`Store`].
pub async fn store<F: Future<Output = Subject<dyn Store>>>(make: impl Fn() -> F) {
    run!(
        make,
        store::absent_creates_once,
        store::a_revision_is_needed_and_counted,
        store::deletion_needs_the_revision,
        store::a_check_changes_nothing,
        store::each_write_stands_alone,
        store::a_transaction_is_all_or_nothing,
        store::slips_are_refused_whole,
        store::nothing_asked_is_nothing_done,
        store_reading::many_come_in_the_order_asked,
        store_reading::pages_follow_each_other,
        store_reading::order_is_that_of_bytes,
        store_reading::prefixes_are_literal,
        store_reading::partitions_are_apart,
        store_reading::tags_are_counted,
        store_reading::text_comes_back_as_it_went,
        store_expiry::nothing_reads_what_expired,
        store_expiry::no_condition_finds_what_expired,
        store_load::a_thousand_at_once,
        store_load::racing_increments_lose_nothing,
        store_load::one_of_many_creations_wins,
        store_load::racing_transactions_keep_the_sum,
    );
}

/// Every promise of a [`Queue`].
pub async fn queue<F: Future<Output = Subject<dyn Queue>>>(make: impl Fn() -> F) {
    for check in queue_checks().iter().chain(&exact_queue_checks()) {
        check.run(&make().await).await;
    }
}

/// What [`queue`] checks and any queue promises, SQS included.
#[must_use]
pub fn queue_checks() -> Vec<Check<dyn Queue>> {
    checks![
        queue::what_is_sent_is_received,
        queue::nothing_sent_is_nothing_received,
        queue::a_delay_hides,
        queue::a_long_delay_is_cut,
        queue::lanes_are_apart,
        queue::at_most_max_are_taken,
        queue::a_thousand_at_once,
        queue_taking::taken_is_hidden_then_returns,
        queue_taking::acknowledged_is_gone,
        queue_taking::a_late_acknowledgement_counts,
        queue_taking::extending_hides_longer,
        queue_taking::releasing_counts,
        queue_taking::deferring_does_not_count,
        queue_taking::taken_too_often_is_dead,
    ]
}

/// What [`queue`] checks and SQS does as a rule, without a promise: it counts approximately, may hand out a message
/// twice, and an older receipt of a standard queue "might succeed".
#[must_use]
pub fn exact_queue_checks() -> Vec<Check<dyn Queue>> {
    checks![
        queue::depth_counts_waiting_and_taken,
        queue::never_two_holders,
        queue_taking::an_old_receipt_does_nothing,
    ]
}

/// What our own queues promise beyond the port: groups take turns. SQS does the same by and by, but not to the
/// message, so it is no part of [`queue`].
pub async fn fair_queue<F: Future<Output = Subject<dyn Queue>>>(make: impl Fn() -> F) {
    run!(make, queue::a_backlog_starves_nobody, queue::small_receives_take_turns);
}

/// Every promise of a [`Vault`].
pub async fn vault<F: Future<Output = Subject<dyn Vault>>>(make: impl Fn() -> F) {
    run!(
        make,
        vault::kept_replaced_forgotten,
        vault::owners_are_apart,
        vault::racing_owners_lose_nothing,
        vault::nothing_prints_a_secret,
        vault::changed_only_as_it_was_read,
        vault::forgotten_only_as_it_was_read,
        vault::a_revision_never_comes_again,
        vault::of_two_changes_one_is_done,
    );
}

/// Lets other tasks run.
async fn let_others_run() {
    let mut looked = false;
    poll_fn(|context| {
        if looked {
            return Poll::Ready(());
        }
        looked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
