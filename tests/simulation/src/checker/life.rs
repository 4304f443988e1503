//! How a connection ends and begins again.

use jiff::{SignedDuration, Timestamp};

use crate::history::{Fact, History};

/// Whoever was about to write when the connection ended has written by then.
const LANDING: SignedDuration = SignedDuration::from_secs(60);

/// What is written later was not stopped by the end.
pub(super) fn nothing_after_the_end(history: &History) -> Vec<String> {
    let mut ended: Option<Timestamp> = None;
    let mut wrong = Vec::new();
    for (at, fact) in &history.facts {
        match fact {
            Fact::Ended => ended = ended.or(Some(*at)),
            Fact::Begun => ended = None,
            Fact::Called { destination: true, operation, writes: true, process } => {
                if let Some(since) = ended.filter(|since| at.duration_since(*since) > LANDING) {
                    wrong.push(format!("process {process} wrote {operation} at {at}; ended at {since}"));
                }
            }
            _ => {}
        }
    }
    wrong
}

/// Another connection at the destination would hold every order a second time.
pub(super) fn the_same_after_the_beginning(history: &History) -> Vec<String> {
    let made = history.facts.iter().filter_map(|(at, fact)| match fact {
        Fact::Called { destination: true, operation: "connections.create", .. } => Some(at),
        _ => None,
    });
    made.map(|at| format!("another connection was made at {at}")).collect()
}
