//! What the ledger says, read as JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::History;

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
            (true, Some(_)) => state == "synced" || state.starts_with("parked:destination."),
        };
        // What was sent once is kept right, whatever a rule says of it now.
        let sent = history.there.contains_key(&sale.id);
        if !known && !(sent && (state == "synced" || state == "parked:record.buyer_gone")) {
            wrong.push(format!("{} is {state}", sale.id));
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
