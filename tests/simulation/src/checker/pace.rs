//! How fast the platforms are called, and how processes end.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::history::{Fact, History};

/// Calls an account takes in any second.
const CALLS_A_SECOND: usize = 5;
/// Calls of one process that may be under way when the token is refused.
const UNDER_WAY: u32 = 6;
/// And besides, where it was just granted: one that is refused within its first minute is asked with again later, by each
/// window of two runs; then comes one call for a new one, and two for a second opinion.
const WHILE_YOUNG: u32 = 8;

pub(super) fn calls_are_spaced(history: &History) -> Vec<String> {
    let mut last: VecDeque<Timestamp> = VecDeque::new();
    for (at, fact) in &history.facts {
        let Fact::Called { destination: true, operation, .. } = fact else { continue };
        if *operation == "contacts.import" {
            continue;
        }
        while last.front().is_some_and(|first| at.duration_since(*first) >= SignedDuration::from_secs(1)) {
            last.pop_front();
        }
        last.push_back(*at);
        if last.len() > CALLS_A_SECOND {
            return vec![format!("{} calls in the second before {at}", last.len())];
        }
    }
    Vec::new()
}

pub(super) fn nobody_runs_out_of_time(history: &History) -> Vec<String> {
    if history.paused {
        // A process that stands still cannot see its end come.
        return Vec::new();
    }
    let stopped = history.facts.iter().filter_map(|(at, fact)| match fact {
        Fact::TimeUp(process) => Some(format!("process {process} at {at}")),
        _ => None,
    });
    stopped.collect()
}

/// After a refusal a worker asks no more: what is under way may be asked to its end.
pub(super) fn revocation_is_noticed(history: &History) -> Vec<String> {
    let mut revoked = false;
    // Of a connection that ended, only whoever begins it again asks, and is answered each time.
    let mut ended = false;
    let mut asked: BTreeMap<u32, u32> = BTreeMap::new();
    for (_, fact) in &history.facts {
        match fact {
            Fact::Revoked(now) => revoked = *now,
            Fact::Ended => ended = true,
            Fact::Begun => ended = false,
            Fact::Called { destination: false, process, .. } if revoked && !ended => {
                *asked.entry(*process).or_default() += 1;
            }
            _ => {}
        }
    }
    let most = if history.signed_in { UNDER_WAY + WHILE_YOUNG } else { UNDER_WAY };
    let many = asked.into_iter().filter(|(_, n)| *n > most);
    many.map(|(process, n)| format!("process {process} asked {n} times with a revoked token")).collect()
}
