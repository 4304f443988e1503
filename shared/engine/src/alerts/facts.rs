//! What is wrong with a connection, as its row and its newest runs say it.

use jiff::{SignedDuration, Timestamp};

use super::rows::{Ended, Kind, Said, Seen, Wrong};
use crate::state::{Connection, ConnectionState, Problem, RunKind};
use crate::tokens::{Keeping, NOT_RENEWED};

/// A connection is stale after so long at the least, and after so many beats.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(2);
const STALE_BEATS: i32 = 4;
/// What lay still before this process began gets so long to be read.
const CHANCE: SignedDuration = SignedDuration::from_mins(5);

/// How an alert stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It is wrong.
    Wrong(Wrong),
    /// It is right.
    Right,
    /// It cannot be told, or another alert tells it: it stays as it was.
    Open,
}

/// Times that decide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Now.
    pub(super) now: Timestamp,
    /// Since when this process works.
    pub(super) began: Timestamp,
    /// From one poll to the next.
    pub(super) every: SignedDuration,
}

/// True when nothing goes on before somebody acts.
pub(super) fn needs_somebody(connection: &Connection) -> bool {
    match connection.state {
        ConnectionState::NeedsReconnect => true,
        ConnectionState::Paused => connection.problem.is_some(),
        _ => false,
    }
}

/// True when nothing is expected of it any more.
fn is_ended(connection: &Connection) -> bool {
    use ConnectionState::{Deleted, Disconnected, Draft};
    matches!(connection.state, Draft | Disconnected | Deleted)
}

/// Everything that can be wrong with a connection, but for what its runs parked.
pub(super) fn look(
    connection: &Connection,
    (seen, token): (&Seen, Option<&Keeping>),
    times: Times,
) -> Vec<(Kind, &'static str, Stand)> {
    vec![
        (Kind::Token, "", old_token(connection, token, times)),
        (Kind::NeedsSomebody, "", stopped(connection, times)),
        (Kind::Stale, "", stale(connection, times)),
        unfinished(connection, RunKind::Poll, seen.poll.as_ref()),
        unfinished(connection, RunKind::Historical, seen.historical.as_ref()),
        unfinished(connection, RunKind::Retry, seen.retry.as_ref()),
        unfinished(connection, RunKind::Reconcile, seen.reconcile.as_ref()),
    ]
}

fn stopped(connection: &Connection, times: Times) -> Stand {
    if !needs_somebody(connection) {
        return Stand::Right;
    }
    Stand::Wrong(match &connection.problem {
        Some(problem) => {
            Wrong { code: problem.code.clone(), detail: problem.detail.clone(), since: problem.since }
        }
        None => Wrong {
            code: "connection.inactive".to_owned(),
            detail: format!("the connection is {}", connection.state_word()),
            since: times.now,
        },
    })
}

fn old_token(connection: &Connection, token: Option<&Keeping>, times: Times) -> Stand {
    // That it is of no use any more is told of the connection.
    let since = token.filter(|_| !is_ended(connection)).and_then(|token| token.too_old_since(times.now));
    let Some(since) = since else { return Stand::Right };
    let why = token.and_then(|token| token.problem.as_ref());
    let why = why.map_or(String::new(), |problem| format!(": {} {}", problem.code, problem.detail));
    Stand::Wrong(Wrong {
        code: NOT_RENEWED.to_owned(),
        detail: format!("the store's token was not renewed for more than eight days{why}"),
        since,
    })
}

/// Webhooks are a way to be quick: while nothing is read for the connection, nobody waits for them.
pub(super) fn webhooks(connection: &Connection, problem: Option<Problem>) -> Stand {
    match problem {
        Some(problem) if connection.state == ConnectionState::Active && connection.active_sync => {
            Stand::Wrong(Wrong { code: problem.code, detail: problem.detail, since: problem.since })
        }
        _ => Stand::Right,
    }
}

fn stale(connection: &Connection, times: Times) -> Stand {
    if is_ended(connection) || !connection.active_sync {
        return Stand::Right;
    }
    if connection.state != ConnectionState::Active {
        return Stand::Open;
    }
    let since = connection.last_sync.unwrap_or(connection.created);
    let limit = STALE_AFTER.max(times.every.saturating_mul(STALE_BEATS));
    if times.now.duration_since(since) < limit {
        return Stand::Right;
    }
    if times.now.duration_since(times.began) < CHANCE {
        return Stand::Open;
    }
    let minutes = limit.as_mins();
    Stand::Wrong(Wrong {
        code: "connection.stale".to_owned(),
        detail: format!("not read whole for more than {minutes} minutes"),
        since,
    })
}

fn unfinished(connection: &Connection, kind: RunKind, ended: Option<&Ended>) -> (Kind, &'static str, Stand) {
    let next = match kind {
        RunKind::Poll | RunKind::Manual | RunKind::Webhook => "the next poll reads on",
        RunKind::Retry => "ask for it again",
        RunKind::Reconcile => "look at what it found, and compare again",
        RunKind::Historical => "it has to be resumed",
    };
    // Quiet looks leave no run: that the connection was read whole since says the same as a complete poll.
    let read_since = |ended: &Ended| connection.last_sync.is_some_and(|last| last > ended.at);
    if kind == RunKind::Poll && ended.is_some_and(read_since) {
        return (Kind::Incomplete, kind.word(), Stand::Right);
    }
    (Kind::Incomplete, kind.word(), incomplete(connection, ended, next))
}

fn incomplete(connection: &Connection, ended: Option<&Ended>, next: &str) -> Stand {
    if is_ended(connection) {
        return Stand::Right;
    }
    match ended {
        None => Stand::Open,
        Some(Ended { problem: None, .. }) => Stand::Right,
        // The reason why it needs somebody is told; a history has to be resumed when that is mended.
        Some(ended) if ended.excused || needs_somebody(connection) => Stand::Open,
        Some(Ended { run, problem: Some(problem), .. }) => Stand::Wrong(Wrong {
            code: problem.code.clone(),
            detail: format!("run {run}: {}; {next}", problem.detail),
            since: problem.since,
        }),
    }
}

/// The row of an alert as it stands now; none where there is nothing to remember.
pub(super) fn stand(
    connection: &Connection,
    (kind, of, stand): (Kind, &str, Stand),
    before: Option<&Said>,
    now: Timestamp,
) -> Option<Said> {
    let Some(mut said) = before.cloned() else {
        let Stand::Wrong(wrong) = stand else { return None };
        return Some(Said {
            connection: connection.id.clone(),
            name: connection.name.clone(),
            kind,
            of: of.to_owned(),
            wrong,
            right_since: None,
            told: std::collections::BTreeMap::new(),
        });
    };
    said.name.clone_from(&connection.name);
    match stand {
        Stand::Open => {}
        Stand::Right => said.right_since = said.right_since.or(Some(now)),
        Stand::Wrong(wrong) => {
            // What goes on began with the first of it.
            let same = said.right_since.is_none() && said.wrong.code == wrong.code;
            let since = if same { said.wrong.since } else { wrong.since };
            said.wrong = Wrong { since, ..wrong };
            said.right_since = None;
        }
    }
    Some(said)
}
