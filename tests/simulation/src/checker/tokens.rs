//! Authorisations: renewed one at a time, and never lost.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::history::{Fact, History};

/// One renewal under way, unless its process has ended.
pub(super) fn one_renewal_at_a_time(history: &History) -> Vec<String> {
    if history.paused {
        // A process that stands still outlives what it holds.
        return Vec::new();
    }
    let mut under_way: BTreeSet<u32> = BTreeSet::new();
    let mut wrong = Vec::new();
    for (at, fact) in &history.facts {
        match fact {
            Fact::Renewing(process) => {
                if let Some(other) = under_way.first() {
                    wrong.push(format!("{process} renews at {at} while {other} does"));
                }
                under_way.insert(*process);
            }
            Fact::Renewed(process) | Fact::Fell(process) | Fact::TimeUp(process) => {
                under_way.remove(process);
            }
            _ => {}
        }
    }
    wrong
}

/// A giving back that was sent when the connection had ended may land when it has begun again: the platform has no
/// condition for it, so the new authorisation goes with the old one.
fn gives_back_a_new_one(history: &History) -> bool {
    let mut ended = false;
    history.facts.iter().any(|(_, fact)| {
        match fact {
            Fact::Ended => ended = true,
            Fact::Begun => ended = false,
            _ => {}
        }
        *fact == Fact::TakenBack && !ended
    })
}

/// A store that never took its authorisation back is never asked for it again.
pub(super) fn no_authorisation_is_lost(history: &History) -> Vec<String> {
    if !history.signed_in || history.facts.iter().any(|(_, fact)| matches!(fact, Fact::Revoked(true))) {
        return Vec::new();
    }
    if gives_back_a_new_one(history) {
        return Vec::new();
    }
    let mut wrong: Vec<String> = history
        .facts
        .iter()
        .filter(|(_, fact)| *fact == Fact::AskedToReconnect)
        .map(|(at, _)| format!("somebody is asked to authorise again at {at}"))
        .collect();
    let connection = history.items.iter().find(|(pk, sk, _)| pk.starts_with("CONN#") && sk == "META");
    let row: Value =
        connection.and_then(|(_, _, body)| serde_json::from_str(body).ok()).unwrap_or(Value::Null);
    if row["state"] == "needs_reconnect" {
        wrong.push("the connection waits for somebody in the end".to_owned());
    }
    wrong
}
