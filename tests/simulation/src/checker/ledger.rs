//! What the ledger says, read as JSON.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::history::{Fact, History};

use super::right::is_ours;

/// The state of every order, as `synced` or `skipped:not_paid`.
pub(super) fn states(history: &History) -> BTreeMap<String, String> {
    let orders =
        history.items.iter().filter_map(|(_, sk, body)| Some((sk.strip_prefix("REC#orders#")?, body)));
    orders.filter_map(|(id, body)| Some((id.to_owned(), state(&serde_json::from_str(body).ok()?)))).collect()
}

fn state(row: &Value) -> String {
    let word = row["state"].as_str().unwrap_or("unreadable");
    row["reason"].as_str().map_or_else(|| word.to_owned(), |reason| format!("{word}:{reason}"))
}

pub(super) fn state_of<'a>(states: &'a BTreeMap<String, String>, id: &str) -> Option<&'a str> {
    states.get(id).map(String::as_str)
}

/// Where a write that went nowhere is written again once, and then parked (rules.md section 4).
pub(super) const LOST: &str = "parked:destination.lost";

/// True for an order of which two writes went nowhere.
pub(super) fn is_lost(history: &History, id: &str) -> bool {
    let vanished = |(_, fact): &&(_, Fact)| matches!(fact, Fact::Vanished(order) if order == id);
    history.facts.iter().filter(vanished).count() > 1
}

pub(super) fn every_sale_is_accounted_for(history: &History) -> Vec<String> {
    let states = states(history);
    let mut wrong = Vec::new();
    for sale in history.sales.iter().filter(|sale| is_ours(history, sale)) {
        let state = state_of(&states, &sale.id).unwrap_or("not in the ledger");
        let has_address = sale.person.as_ref().is_some_and(|person| person != "P9");
        let known = match (sale.paid, &sale.person) {
            (false, _) => state == "skipped:not_paid",
            (true, None) => state == "skipped:no_customer" || state.starts_with("pending"),
            (true, Some(_)) if !has_address => state == "skipped:no_email",
            (true, Some(_)) => {
                let may_be_parked = history.poisoned.contains(&sale.id);
                state == "synced"
                    || (may_be_parked && state.starts_with("parked:destination."))
                    || (state == LOST && is_lost(history, &sale.id))
            }
        };
        // What was sent once is kept right, whatever a rule says of it now.
        let sent = history.there.contains_key(&sale.id);
        if !known && !(sent && (state == "synced" || state == "parked:record.buyer_gone")) {
            wrong.push(format!("{} is {state}", sale.id));
        }
    }
    wrong
}

/// What rows are counted by is what they say; and of a complete run nothing is on its way any more.
pub(super) fn rows_agree_with_what_is_counted(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    let states = states(history);
    for (id, tag) in &history.tags {
        // What waits has its reason besides.
        let state = state_of(&states, id).unwrap_or("nothing");
        if state != tag && state.split(':').next() != Some(tag) {
            wrong.push(format!("{id} is {state} and counts as {tag}"));
        }
    }
    let complete: Vec<String> = (history.items.iter())
        .filter(|(_, sk, body)| sk.starts_with("RUN#") && body.contains(r#""state":"complete""#))
        .map(|(_, sk, _)| sk.clone())
        .collect();
    for (pk, sk, body) in history.items.iter().filter(|(_, sk, _)| sk.starts_with("FLT#")) {
        let flight: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let left = flight["left"].as_array().is_some_and(|left| !left.is_empty());
        if left && complete.contains(pk) {
            wrong.push(format!("{pk} is complete, and {sk} is not"));
        }
    }
    wrong
}

/// A complete history has observed every sale that was there when it began, once, and nothing of it is on its way.
pub(super) fn histories_count_each_record_once(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    for (_, sk, body) in history.items.iter().filter(|(_, sk, _)| sk.starts_with("RUN#")) {
        let run: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        if run["kind"] != "historical" || run["state"] != "complete" {
            continue;
        }
        let started = run["started"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let Some(started) = started.filter(|_| run["from"].is_null()) else { continue };
        // Clocks may be off, and the index behind.
        let early = started.saturating_sub(SignedDuration::from_mins(20)).unwrap_or(started);
        let orders = &run["streams"]["orders"];
        let observed = orders["observed"].as_u64().unwrap_or(0);
        let least = history.sales.iter().filter(|sale| sale.created < early).count() as u64;
        // A page that failed may have put a record on its way that a poll then took: that one counts twice.
        let twice = if history.faultless || history.enumerated { 0 } else { history.sales.len() };
        let most = (history.sales.len() + twice) as u64;
        if observed < least || observed > most {
            wrong.push(format!("{sk} observed {observed} orders of {least} to {most}"));
        }
        let late = history.sales.iter().filter(|sale| sale.person.is_none() || sale.attached).count() as u64;
        if orders["pending"].as_u64().unwrap_or(0) > late {
            wrong.push(format!("{sk} is complete and has orders on their way: {orders}"));
        }
    }
    wrong
}

pub(super) fn sums_agree(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    let runs = history.items.iter().filter(|(_, sk, _)| sk.starts_with("RUN#"));
    for (_, sk, body) in runs {
        let run: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        for (stream, tally) in run["streams"].as_object().into_iter().flatten() {
            let one = |name: &str| tally[name].as_u64().unwrap_or(0);
            let many = |name: &str| -> u64 {
                tally[name].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum()
            };
            let sum = one("synced") + one("unchanged") + many("skipped") + many("parked") + one("pending");
            if one("observed") != sum {
                wrong.push(format!("{sk} {stream}: {tally}"));
            }
        }
    }
    wrong
}
