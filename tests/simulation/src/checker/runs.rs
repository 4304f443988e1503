//! Runs and watermarks.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::history::{Fact, History};

/// So much later than now a watermark may be.
const ROUNDED: SignedDuration = SignedDuration::from_secs(1);
/// A run that began so long before the end must have ended: it may wait for two writes that the destination queues
/// and loses.
const ENDS_WITHIN: SignedDuration = SignedDuration::from_mins(40);

pub(super) fn watermarks_go_forward(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut last: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for (at, fact) in &history.facts {
        let Fact::Watermark { key, to } = fact else { continue };
        if last.get(key.as_str()).is_some_and(|before| before > to) {
            wrong.push(format!("{key} went back to {to}"));
        }
        // The source tells its time in whole seconds.
        if to.duration_since(*at) > ROUNDED {
            wrong.push(format!("{key} is at {to}, ahead of {at}"));
        }
        last.insert(key, *to);
    }
    wrong
}

pub(super) fn every_run_ends(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    let rows = || history.items.iter().filter(|(_, sk, _)| sk.starts_with("RUN#"));
    let mut newest: Option<Timestamp> = None;
    for (_, sk, body) in rows() {
        let run: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let started: Option<Timestamp> = run["started"].as_str().and_then(|text| text.parse().ok());
        let Some(started) = started else {
            wrong.push(format!("{sk} has no beginning"));
            continue;
        };
        if run["finished"].is_null() && history.end.duration_since(started) > ENDS_WITHIN {
            wrong.push(format!("{sk} of {started} has not ended: {}", run["state"]));
        }
        if run["state"] == "complete" && run["kind"] == "historical" {
            newest = newest.max(Some(started));
        }
    }
    if history.backfilled && newest.is_none() {
        wrong.push("the history is not complete".to_owned());
    }
    let connection = history.items.iter().find(|(pk, sk, _)| pk.starts_with("CONN#") && sk == "META");
    let row: Value =
        connection.and_then(|(_, _, body)| serde_json::from_str(body).ok()).unwrap_or(Value::Null);
    let synced: Option<Timestamp> = row["last_sync"].as_str().and_then(|text| text.parse().ok());
    if synced.is_none_or(|synced| history.end.duration_since(synced) > ENDS_WITHIN) {
        wrong.push(format!("the last complete poll is of {synced:?}"));
    }
    wrong
}
