//! What our own tables say of a connection.

use jiff::{SignedDuration, Timestamp};

use super::Check;
use crate::connections::sums;
use crate::context::Engine;
use crate::fault::Fault;
use crate::find::MAX_ROWS;
use crate::ledger::Walk;
use crate::run::active_run;
use crate::state::{Connection, ConnectionState, LedgerRow, RunKind, State, Stream, load};
use crate::sums::Streams;
use crate::tokens::{Keeping, NOT_RENEWED};

/// Without a reading for so long, something does not work.
const TOO_LATE: SignedDuration = SignedDuration::from_hours(24);
/// A record is on its way for minutes; for so long, nobody looks after it.
const TOO_LONG: SignedDuration = SignedDuration::from_hours(24);

/// Whether anything is to be read or sent for it, now or after it was mended.
pub(super) fn is_used(connection: &Connection) -> bool {
    use ConnectionState::{Active, NeedsReconnect, Paused};
    matches!(connection.state, Active | Paused | NeedsReconnect)
}

pub(super) async fn checks(engine: &Engine, connection: &Connection) -> Result<Vec<Check>, Fault> {
    let mut checks = vec![state(connection)];
    if is_used(connection) {
        let sums = sums(engine, connection).await?;
        checks.push(freshness(connection, engine.now(), engine.config.timing.poll_every));
        checks.extend(token(engine, connection).await?);
        checks.extend(crate::intake::check(engine, connection).await?);
        checks.push(parked(connection, &sums));
        checks.push(pending(engine, connection, &sums).await?);
    }
    Ok(checks.into_iter().map(|check| check.of(connection)).collect())
}

fn state(connection: &Connection) -> Check {
    use ConnectionState::{Active, NeedsReconnect};
    let word = connection.state_word();
    match (&connection.problem, connection.state) {
        (Some(problem), _) => Check::fail("state", &problem.code, format!("{word}: {}", problem.detail)),
        (None, Active) => Check::ok("state", word),
        (None, NeedsReconnect) => Check::fail("state", "connection.inactive", word),
        (None, _) => Check::warn("state", format!("{word}: nothing is read or sent for it"))
            .with("connection.inactive"),
    }
}

fn freshness(connection: &Connection, now: Timestamp, every: SignedDuration) -> Check {
    const WHAT: &str = "last_sync";
    if connection.state != ConnectionState::Active || !connection.active_sync {
        return Check::ok(WHAT, "not polled by itself as it is");
    }
    let age = now.duration_since(connection.last_sync.unwrap_or(connection.created));
    let said = match connection.last_sync {
        Some(at) => format!("read whole at {at}, {} min ago", age.as_mins()),
        None => format!("never read whole since it was connected {} min ago", age.as_mins()),
    };
    if age > TOO_LATE {
        Check::fail(WHAT, "connection.late", said)
    } else if age > every.saturating_mul(2) {
        Check::warn(WHAT, said).with("connection.late")
    } else {
        Check::ok(WHAT, said)
    }
}

/// How old the store's authorisation is, and when it is renewed; nothing of one that an older version stored.
async fn token(engine: &Engine, connection: &Connection) -> Result<Option<Check>, Fault> {
    const WHAT: &str = "authorisation";
    let row = load::<Keeping>(&*engine.store, Keeping::key(&connection.source, &connection.store)).await?;
    let Some(row) = row.map(|row| row.value) else { return Ok(None) };
    let now = engine.now();
    let age = row.obtained.map(|at| now.duration_since(at).as_hours());
    let age = age.map_or(String::new(), |hours| format!(", {} days {} h old", hours / 24, hours % 24));
    if row.stopped {
        let problem = connection.problem.as_ref().map_or("config.missing", |problem| &problem.code);
        return Ok(Some(Check::fail(WHAT, problem, format!("of no use any more{age}"))));
    }
    if !row.granted {
        return Ok(Some(Check::ok(WHAT, format!("a pasted token, which is not renewed{age}"))));
    }
    let next = row
        .renews_at()
        .map_or(String::new(), |at| format!("; the next renewal is due {}", at.strftime("%Y-%m-%d")));
    let said = format!("by sign-in{age}{next}");
    Ok(Some(match (&row.problem, row.too_old_since(now)) {
        (_, Some(_)) => Check::fail(WHAT, NOT_RENEWED, said),
        (Some(problem), None) => {
            Check::warn(WHAT, format!("{said}; the last try failed: {}", problem.detail)).with(&problem.code)
        }
        (None, None) => Check::ok(WHAT, said),
    }))
}

fn parked(connection: &Connection, sums: &Streams) -> Check {
    let all = sums.all();
    let each = all.iter().flat_map(|(word, tally)| tally.parked.iter().map(move |(why, n)| (*word, why, *n)));
    let mut each: Vec<_> = each.collect();
    each.sort_by_key(|(.., n)| std::cmp::Reverse(*n));
    let Some((_, most, _)) = each.first() else { return Check::ok("parked", "none") };
    let told = each.iter().map(|(word, why, n)| format!("{n} {word} ({why})")).collect::<Vec<_>>().join(", ");
    let next = format!("mend the reason, then: tillsync retry {}", connection.id);
    Check::warn("parked", format!("{told}; {next}")).with(most)
}

/// Records on their way for longer than they can be, with nobody at work.
async fn pending(engine: &Engine, connection: &Connection, sums: &Streams) -> Result<Check, Fault> {
    const WHAT: &str = "pending";
    let on_their_way: u64 = sums.all().iter().map(|(_, tally)| tally.pending).sum();
    if on_their_way == 0 {
        return Ok(Check::ok(WHAT, "none"));
    }
    let now = engine.now();
    for kind in [RunKind::Historical, RunKind::Poll] {
        let run = active_run(engine, &connection.id, kind).await?;
        if let Some(run) = run.filter(|run| now.duration_since(run.started) <= TOO_LONG) {
            return Ok(Check::ok(WHAT, format!("{on_their_way}; run {} is at work", run.id)));
        }
    }
    let mut old = 0_u64;
    let mut walk = Walk::new(engine, MAX_ROWS);
    let is_old = |row: &LedgerRow| {
        let since = row.history.last().map(|entry| entry.at).max(row.sent_at);
        row.state == State::Pending && since.is_some_and(|since| now.duration_since(since) > TOO_LONG)
    };
    let places = [
        (Connection::partition(&connection.id), Stream::Orders),
        (connection.people_partition(), Stream::Customers),
    ];
    for (partition, stream) in places {
        walk.rows(&partition, stream, |_, row| {
            old += u64::from(is_old(&row));
            true
        })
        .await?;
    }
    let more = if walk.cut { "at least " } else { "" };
    if old == 0 && !walk.cut {
        return Ok(Check::ok(WHAT, format!("{on_their_way}, all of them for less than a day")));
    }
    let detail = format!("{on_their_way}, {more}{old} of them for longer than a day");
    Ok(Check::warn(WHAT, detail).with("run.incomplete"))
}
