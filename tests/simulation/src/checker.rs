//! Judges a history against the promises of the product. It shares no code with the engine: it reads what was seen
//! from outside, the destination, and the durable items as JSON.

mod ledger;
mod life;
mod pace;
mod right;
mod runs;
#[cfg(test)]
mod tests;
mod tokens;
mod writes;

use crate::history::History;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which, as the project's note on reliability numbers them.
    pub promise: &'static str,
    /// How.
    pub detail: String,
}

/// A promise.
pub type Promise = fn(&History) -> Vec<String>;

/// Every promise that is judged.
pub const PROMISES: &[(&str, Promise)] = &[
    ("I1 every order is there as it is at the source, or parked", right::orders_are_right),
    ("I1 every order is there for its buyer", right::buyers_are_right),
    ("I2 a stale write does not last", writes::stale_writes_are_mended),
    ("I4 what starts automations is decided once, by the order's date", writes::live_is_decided_once),
    ("I6 the sums agree", ledger::sums_agree),
    ("I6 rows are counted as what they are", ledger::rows_agree_with_what_is_counted),
    ("I6 a history counts each order once", ledger::histories_count_each_record_once),
    ("I6 every record has a known state", ledger::every_sale_is_accounted_for),
    ("I8 nothing is written twice for nothing", writes::no_write_without_a_reason),
    ("I10 watermarks go forward, and never ahead of time", runs::watermarks_go_forward),
    ("I14 a poisoned order hurts only itself", right::poison_is_parked),
    ("I15 the destination is not called too fast", pace::calls_are_spaced),
    ("I17 no process is stopped in the middle of its work", pace::nobody_runs_out_of_time),
    ("I18 every run ends", runs::every_run_ends),
    (
        "I20 nothing is written once a connection has ended and the landing time is over",
        life::nothing_after_the_end,
    ),
    ("I21 a connection that begins again is the one it was", life::the_same_after_the_beginning),
    ("I22 one renewal at a time", tokens::one_renewal_at_a_time),
    ("I22 no authorisation is lost", tokens::no_authorisation_is_lost),
    ("I23 a revoked token is noticed at once", pace::revocation_is_noticed),
    ("I34 an opt-out reaches the destination", right::opt_outs_are_told),
];

/// Every promise broken in a history.
#[must_use]
pub fn judge(history: &History) -> Vec<Violation> {
    let broken = |(promise, check): &(&'static str, Promise)| {
        check(history).into_iter().map(|detail| Violation { promise, detail }).collect::<Vec<_>>()
    };
    PROMISES.iter().flat_map(broken).collect()
}
