//! The shapes of JSON answers (rules.md section 6).

use serde_json::{Value, json};
use tillsync_engine::run::Progress;
use tillsync_engine::state::{Connection, LedgerRow};
use tillsync_engine::{Streams, Tally};

/// `{observed, synced, unchanged, skipped, parked, pending}` of each stream.
pub(crate) fn streams(streams: &Streams) -> Value {
    let mut all = serde_json::Map::new();
    for (word, tally) in streams.all() {
        all.insert(word.into(), json!(tally));
    }
    Value::Object(all)
}

/// One connection.
pub(crate) fn connection(connection: &Connection, sums: &Streams) -> Value {
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
        "settings": {"history": connection.settings.history, "history_from": connection.settings.history_from},
        "streams": streams(sums),
    })
}

/// One run, while it works and after.
pub(crate) fn run(progress: &Progress) -> Value {
    let run = &progress.run;
    json!({
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
    })
}

/// One record.
pub(crate) fn record(id: &str, row: &LedgerRow) -> Value {
    json!({
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
    })
}

/// The sums of a stream as words.
pub(crate) fn sums(tally: &Tally) -> String {
    let reasons = |reasons: &std::collections::BTreeMap<String, u64>| {
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
