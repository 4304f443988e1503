//! What was written, and when it took effect.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::history::{Fact, History, Landed};

use super::right::{minor, wanted};

/// A stale write is mended within the landing time, the longest time a message stays hidden (six times three
/// minutes), and a sweep (fifteen).
const MENDED_WITHIN: SignedDuration = SignedDuration::from_mins(35);
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn by_order(history: &History) -> BTreeMap<&str, Vec<&Landed>> {
    let mut orders: BTreeMap<&str, Vec<&Landed>> = BTreeMap::new();
    for landed in &history.landed {
        orders.entry(&landed.order).or_default().push(landed);
    }
    orders
}

pub(super) fn stale_writes_are_mended(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    for (order, writes) in by_order(history) {
        let mut newest: Option<&str> = None;
        let mut stale: Option<Timestamp> = None;
        for write in writes {
            let is_stale = newest.is_some_and(|newest| write.modified.as_str() < newest);
            if let Some(since) = stale.filter(|_| !is_stale) {
                if write.at.duration_since(since) > MENDED_WITHIN {
                    wrong.push(format!("{order} was stale from {since} to {}", write.at));
                }
                stale = None;
            }
            if is_stale {
                stale.get_or_insert(write.at);
            }
            newest = newest.max(Some(&write.modified));
        }
        if let Some(since) = stale.filter(|since| history.end.duration_since(*since) > MENDED_WITHIN) {
            wrong.push(format!("{order} is stale since {since}"));
        }
    }
    wrong
}

pub(super) fn live_is_decided_once(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    let beginning = history.connected;
    for (order, writes) in by_order(history) {
        let Some(first) = writes.first() else { continue };
        if !history.repaired && writes.iter().any(|write| write.live != first.live) {
            wrong.push(format!("{order} was sent both ways"));
        }
        let Ok(date) = first.date.parse::<Timestamp>() else {
            wrong.push(format!("{order} has the date {:?}", first.date));
            continue;
        };
        if first.live && beginning.duration_since(date) >= DAY {
            wrong.push(format!("{order} of {date} may start automations"));
        }
        if !first.live && !history.repaired && first.at.duration_since(date) < DAY {
            wrong.push(format!("{order} of {date} starts nothing"));
        }
    }
    wrong
}

/// Where nothing goes wrong, an order is written once for each state it had.
pub(super) fn no_write_without_a_reason(history: &History) -> Vec<String> {
    if !history.faultless
        || history.asked
        || history.facts.iter().any(|(_, fact)| matches!(fact, Fact::TimeUp(_)))
    {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for (order, writes) in by_order(history) {
        let mut said: Vec<(Option<i64>, &str)> =
            writes.iter().map(|write| (minor(&write.amount), write.status.as_str())).collect();
        if writes.iter().any(|write| write.queued) {
            // A poll that met it in the queue sends it anew, when the queue's time is up.
            continue;
        }
        let all = said.len();
        said.dedup();
        // Who bought may change too, and whether they want e-mails.
        let sale = history.sales.iter().find(|sale| sale.id == order);
        let is_same = sale.is_some_and(|sale| wanted(history, sale).is_some());
        if is_same && history.consents == 0 && said.len() < all {
            wrong.push(format!("{order} was written {all} times for {} states", said.len()));
        }
    }
    wrong
}
