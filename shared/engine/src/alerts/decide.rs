//! What is to be said: of an alert and the time, nothing else.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::rows::{Kind, Said, Sent, Told};

/// What goes on is repeated so often.
const REPEAT_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// What comes back within this time was never gone.
const FLAPPING: SignedDuration = SignedDuration::from_hours(1);
/// What a receiver takes in an hour, over all connections.
pub(super) const MOST_IN_AN_HOUR: usize = 10;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Minutes from one failure of a receiver to the next try.
const PAUSES: [i64; 4] = [1, 5, 15, 60];

/// What is said of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// For the first time.
    Raised,
    /// It goes on.
    Still,
    /// It is over.
    Resolved,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Still => "still",
            Self::Resolved => "resolved",
        }
    }
}

/// What a receiver is to be told of an alert now, if anything.
pub(super) fn next(said: &Said, receiver: &str, now: Timestamp) -> Option<State> {
    let passed = |since: Timestamp, time: SignedDuration| now.duration_since(since) >= time;
    match (said.right_since, said.told.get(receiver)) {
        (None, None) => Some(State::Raised),
        // What a run parked is news once.
        (None, Some(told)) if told.wrong && said.kind == Kind::Parked => None,
        (None, Some(told)) if told.wrong => {
            let other = said.wrong.code != told.code && passed(told.at, FLAPPING);
            (other || passed(told.at, REPEAT_EVERY)).then_some(State::Still)
        }
        (None, Some(told)) if passed(told.at, FLAPPING) => Some(State::Raised),
        (None, Some(_)) => Some(State::Still),
        (Some(since), Some(told)) if told.wrong => {
            (!told.flapping || passed(since, FLAPPING)).then_some(State::Resolved)
        }
        (Some(_), _) => None,
    }
}

/// Notes that a receiver took it.
pub(super) fn note(said: &mut Said, receiver: &str, state: State, now: Timestamp) {
    let before = said.told.get(receiver);
    let came_back = before.is_some_and(|told| !told.wrong || told.flapping);
    let flapping = state == State::Still && came_back;
    let told = Told { wrong: state != State::Resolved, code: said.wrong.code.clone(), at: now, flapping };
    said.told.insert(receiver.to_owned(), told);
}

/// True when nothing will be said of it any more to any of these.
pub(super) fn is_over(said: &Said, receivers: &[&str], now: Timestamp) -> bool {
    receivers.iter().all(|receiver| match said.told.get(*receiver) {
        told if said.kind == Kind::Parked => told.is_some() || said.right_since.is_some(),
        None => said.right_since.is_some(),
        // Kept for an hour, lest it come back as news.
        Some(told) => said.right_since.is_some() && !told.wrong && now.duration_since(told.at) >= FLAPPING,
    })
}

/// How many documents a receiver may have now.
pub(super) fn free(sent: &Sent, now: Timestamp) -> usize {
    MOST_IN_AN_HOUR.saturating_sub(sent.times.iter().filter(|at| now.duration_since(**at) < HOUR).count())
}

/// Notes what became of a document.
pub(super) fn settle(sent: &mut Sent, taken: bool, now: Timestamp) {
    if taken {
        sent.times.retain(|at| now.duration_since(*at) < HOUR);
        sent.times.push(now);
        (sent.failures, sent.not_before) = (0, None);
        return;
    }
    let place = usize::try_from(sent.failures).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    let minutes = PAUSES.get(place).copied().unwrap_or_default();
    sent.failures = sent.failures.saturating_add(1);
    sent.not_before = now.saturating_add(SignedDuration::from_mins(minutes)).ok();
}

/// The document of one alert.
pub(super) fn document(said: &Said, state: State, now: Timestamp) -> Value {
    let action = match state {
        State::Resolved => "Nothing: it is over.",
        _ => crate::codes::explained(&said.wrong.code).map_or("", |text| text.action),
    };
    json!({
        "v": 1,
        "kind": said.kind.word(),
        "connection": {"id": said.connection, "name": said.name},
        "code": said.wrong.code,
        "detail": said.wrong.detail,
        "since": said.wrong.since,
        "action": action,
        "at": now,
        "state": state.word(),
    })
}

/// The one document of many alerts.
pub(super) fn digest(all: &[(&Said, State)], now: Timestamp) -> Value {
    let count = |word: &dyn Fn(&(&Said, State)) -> &'static str| {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        for one in all {
            *counts.entry(word(one)).or_default() += 1;
        }
        counts
    };
    json!({
        "v": 1,
        "kind": "digest",
        "count": all.len(),
        "kinds": count(&|(said, _)| said.kind.word()),
        "states": count(&|(_, state)| state.word()),
        "action": "List the connections (`tillsync connections`): those that need somebody say why.",
        "at": now,
    })
}
