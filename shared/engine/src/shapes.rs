//! The shapes of JSON answers, the same on both hosts (rules.md section 6).

use std::collections::BTreeMap;

use crate::connect::{DraftOutcome, Part, Summary};
use crate::doctor::Report;
use crate::erase::Erased;
use crate::find::{Found as Finds, Hit};
use crate::intake::Addresses;
use crate::manage::{Changed, Moved, Set, words};
use crate::ports::Resealed;
use crate::preview::Preview;
use crate::run::Progress;
use crate::state::{Connection, Day, LedgerRow, RunState, Sum};
use crate::sums::{Streams, Tally};
use serde_json::{Value, json};

/// `{observed, synced, unchanged, skipped, parked, pending}` of each stream.
#[must_use]
pub fn streams(streams: &Streams) -> Value {
    let mut all = serde_json::Map::new();
    for (word, tally) in streams.all() {
        all.insert(word.into(), json!(tally));
    }
    Value::Object(all)
}

/// One connection, with what its ledger holds.
#[must_use]
pub fn connection(connection: &Connection, sums: &Streams, addresses: &Addresses) -> Value {
    let mut all = head(connection, addresses);
    all["streams"] = streams(sums);
    all
}

/// One connection, without what would have to be counted.
#[must_use]
pub fn head(connection: &Connection, addresses: &Addresses) -> Value {
    json!({
        "id": connection.id,
        "name": connection.name,
        "source": connection.source,
        "store": connection.store,
        "location": {"id": connection.location.id, "name": connection.location.name,
                     "currency": connection.location.currency, "timezone": connection.location.timezone},
        "destination": {"url": connection.destination_url, "account": connection.destination,
                        "connection": connection.remote.map(|id| id.to_string())},
        "state": connection.state_word(),
        "problem": connection.problem,
        "active_sync": connection.active_sync,
        "last_sync": connection.last_sync,
        "next_sync": connection.next_sync,
        "webhook_url": addresses.of(connection),
        "settings": settings(connection),
    })
}

/// The settings by the words that set them, and the instant the history begins.
fn settings(connection: &Connection) -> Value {
    let mut all: serde_json::Map<_, _> =
        words(connection).into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    all.insert("history_from".into(), json!(connection.settings.history_from));
    all.insert("live_hours".into(), json!(connection.settings.live_hours));
    Value::Object(all)
}

/// A connection that was paused, resumed or renamed.
#[must_use]
pub fn changed(changed: &Changed, addresses: &Addresses) -> Value {
    json!({"ok": true, "connection": head(&changed.connection, addresses), "already": changed.already, "note": changed.note})
}

/// A person who was erased; nothing here says who.
#[must_use]
pub fn erased(erased: &Erased) -> Value {
    json!({
        "ok": true, "already": erased.already, "known": erased.known,
        "erased": {"orders": erased.orders, "people": erased.people},
        "connections": erased.connections, "by_hand": erased.by_hand,
    })
}

/// An account that has another key or address.
#[must_use]
pub fn moved(moved: &Moved) -> Value {
    let name = |(id, name): &(String, String)| json!({"id": id, "name": name});
    json!({
        "ok": true, "destination": {"url": moved.url, "same_url": moved.same_url},
        "connections": moved.connections.iter().map(name).collect::<Vec<_>>(), "restarted": moved.restarted,
    })
}

/// A setting that was set.
#[must_use]
pub fn set(set: &Set, addresses: &Addresses) -> Value {
    let setting = json!({"name": set.name, "old": set.old, "new": set.new});
    json!({
        "ok": true, "connection": head(&set.connection, addresses), "setting": setting, "already": set.already,
        "effect": set.effect,
    })
}

/// What was found, each with what to ask next.
#[must_use]
pub fn finds(found: &Finds, next: impl Fn(&Hit) -> Value) -> Value {
    let hit = |hit: &Hit| {
        let mut all = json!(hit);
        all["next"] = next(hit);
        all
    };
    let hits: Vec<_> = found.hits.iter().map(hit).collect();
    json!({"ok": true, "hits": hits, "looked_at": found.looked_at, "complete": found.complete})
}

/// What a history would send.
#[must_use]
pub fn preview(preview: &Preview) -> Value {
    let mut all = json!(preview);
    all["ok"] = json!(true);
    all
}

/// The same as an operator's event has always had it, without the sample.
#[must_use]
pub fn estimate(preview: &Preview) -> Value {
    let orders = &preview.orders;
    json!({
        "orders": orders.total, "exact": orders.exact, "eligible": orders.eligible,
        "eligible_exact": orders.eligible_exact, "customers": preview.customers.total,
        "new_contacts_at_most": preview.new_contacts_at_most, "minutes": preview.minutes, "calls": preview.calls,
        "because": preview.because,
    })
}

/// What is well and what is not.
#[must_use]
pub fn report(report: &Report) -> Value {
    let connection = |one: &Connection| {
        let url = report.addresses.of(one);
        json!({"id": one.id, "name": one.name, "state": one.state_word(), "webhook_url": url})
    };
    let connections: Vec<_> = report.connections.iter().map(connection).collect();
    json!({"ok": report.is_ok(), "checks": report.checks, "connections": connections})
}

/// What a new connection would send; with the run that sends it, where one was started.
#[must_use]
pub fn summary(summary: &Summary, run: Option<&str>) -> Value {
    json!({
        "ok": true,
        "connection": summary.connection,
        "renewed": summary.renewed,
        "adopted": summary.adopted,
        "ids": summary.ids,
        "matched": summary.matched,
        "warnings": summary.warnings,
        "orders": {"total": summary.orders, "exact": summary.exact},
        "calls": {"destination": summary.calls},
        "minutes": summary.minutes,
        "because": summary.because,
        "run": run,
    })
}

/// Several locations that were to be connected, each with what came of it. `ok` where all are.
#[must_use]
pub fn parts(parts: &[Part], runs: &BTreeMap<String, String>) -> Value {
    let each = |part: &Part| {
        let mut all = match &part.outcome {
            DraftOutcome::Connected(made) => summary(made, runs.get(&made.connection).map(String::as_str)),
            DraftOutcome::Failed { code, detail, .. } => {
                let action = crate::explained(code).map_or("", |text| text.action);
                json!({"ok": false, "error": {"code": code, "message": detail, "action": action,
                       "subject": part.location}})
            }
            DraftOutcome::Several(_) => Value::Null,
        };
        all["location"] = json!(part.location);
        all
    };
    let all: Vec<Value> = parts.iter().map(each).collect();
    json!({"ok": all.iter().all(|one| one["ok"] == true), "locations": all})
}

/// One run, while it works and after.
#[must_use]
pub fn run(progress: &Progress) -> Value {
    let run = &progress.run;
    let mut all = json!({
        "id": run.id,
        "kind": run.kind.word(),
        "state": run.state.word(),
        "started": run.started,
        "finished": run.finished,
        "problem": run.problem,
        "expected": run.expected.map(|(orders, exact)| json!({"orders": orders, "exact": exact})),
        "eta_seconds": progress.eta_seconds,
        "eta_reason": progress.eta_reason,
        "calls": progress.calls,
        "streams": streams(&progress.streams),
    });
    if let Some(limit) = run.limit {
        all["limit"] = json!(limit);
    }
    if run.force {
        all["force"] = json!(true);
    }
    all
}

/// What a comparison found: the sums of its run, and every day. Money stands in minor units beside its currency
/// (rules.md section 8).
#[must_use]
pub fn comparison(connection: &Connection, progress: &Progress, days: &[Day]) -> Value {
    let found = Compared::of(days);
    let day = |day: &Day| {
        json!({
            "date": day.date, "location": connection.location.id, "currency": connection.location.currency,
            "source": day.source, "destination": day.destination,
            "missing": day.missing, "different": day.different, "extra": day.extra,
        })
    };
    json!({
        "ok": progress.run.state == RunState::Complete,
        "run": run(progress),
        "streams": streams(&progress.streams),
        "currency": connection.location.currency,
        "source": found.source, "destination": found.destination,
        "v3_copies": progress.run.copies,
        "explained": found.explained, "unexplained": found.unexplained,
        "days": days.iter().map(day).collect::<Vec<_>>(),
    })
}

/// The days of a comparison in sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Eligible orders at the store.
    pub source: Sum,
    /// Orders at the destination.
    pub destination: Sum,
    /// Differences by their reason.
    pub explained: BTreeMap<String, u64>,
    /// Differences without one.
    pub unexplained: u64,
}

impl Compared {
    /// Adds up the days.
    #[must_use]
    pub fn of(days: &[Day]) -> Self {
        let mut found = Self::default();
        for day in days {
            found.source.join(day.source);
            found.destination.join(day.destination);
            for difference in day.differences() {
                match &difference.reason {
                    Some(reason) => *found.explained.entry(reason.clone()).or_default() += 1,
                    None => found.unexplained += 1,
                }
            }
        }
        found
    }
}

/// One record.
#[must_use]
pub fn record(id: &str, row: &LedgerRow) -> Value {
    let mut all = json!({
        "id": id,
        "state": row.state,
        "reason": row.reason,
        "note": row.note,
        "version": row.version,
        "live": row.live,
        "sent_at": row.sent_at,
        "times_sent": row.times_sent,
        "request": row.request,
        "history": row.history,
    });
    if let Some(at) = row.look_at {
        all["look_at"] = json!(at);
    }
    all
}

/// The sums of a stream as words.
#[must_use]
pub fn sums(tally: &Tally) -> String {
    let reasons = |reasons: &BTreeMap<String, u64>| {
        reasons.iter().map(|(reason, n)| format!("{reason} {n}")).collect::<Vec<_>>().join(", ")
    };
    let mut text = format!(
        "{} observed = {} synced + {} unchanged + {} skipped",
        tally.observed,
        tally.synced,
        tally.unchanged,
        tally.skipped.values().sum::<u64>(),
    );
    if !tally.skipped.is_empty() {
        text.push_str(&format!(" ({})", reasons(&tally.skipped)));
    }
    text.push_str(&format!(" + {} parked", tally.parked.values().sum::<u64>()));
    if !tally.parked.is_empty() {
        text.push_str(&format!(" ({})", reasons(&tally.parked)));
    }
    text.push_str(&format!(" + {} pending", tally.pending));
    text
}

/// What came of sealing everything anew.
#[must_use]
pub fn resealed(what: &Resealed) -> Value {
    json!({"ok": what.left == 0, "secrets": what.secrets, "changed": what.changed, "left": what.left, "note": what.note})
}
