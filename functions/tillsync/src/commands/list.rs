//! What only reads: connections, runs, records.

use jiff::Timestamp;
use serde_json::json;
use tillsync_engine::connections;
use tillsync_engine::intake::Addresses;
use tillsync_engine::run::progress;
use tillsync_engine::state::{Connection, ConnectionState};

use super::{because, describe};
use crate::answer::{Answer, Trouble};
use crate::host::Host;
use tillsync_engine::shapes;

pub(super) async fn connections(host: &Host) -> Result<Answer, Trouble> {
    let mut text = String::new();
    let mut list = Vec::new();
    let addresses = Addresses::load(&host.engine).await;
    let now = host.engine.now();
    for connection in connections::all(&host.engine).await? {
        let sums = connections::sums(&host.engine, &connection).await?;
        text.push_str(&format!("{}  {}  {}\n", connection.id, connection.name, connection.state_word()));
        if let Some(problem) = &connection.problem {
            text.push_str(&because(problem));
        }
        let at = |at: Option<Timestamp>| at.map_or("never".into(), |at| at.to_string());
        text.push_str(&format!(
            "  {} {} to {}; last sync {}, next {}\n",
            connection.source,
            connection.location.name,
            connection.destination,
            at(connection.last_sync),
            next_sync(host, &connection, now)?,
        ));
        for (word, tally) in sums.all() {
            text.push_str(&format!("  {word:9} {}\n", shapes::sums(tally)));
        }
        list.push(shapes::connection(&connection, &sums, &addresses));
    }
    if list.is_empty() {
        text.push_str("No connection yet. `tillsync connect --help` tells how to make one.");
    }
    Ok(Answer::complete(text, json!({"ok": true, "connections": list})))
}

/// When it is polled next. A time that is over is of no use to anybody: it is due, if anybody is there to do it.
fn next_sync(host: &Host, connection: &Connection, now: Timestamp) -> Result<String, Trouble> {
    let due = connection.state == ConnectionState::Active && connection.active_sync;
    Ok(match connection.next_sync {
        None => "never".to_owned(),
        Some(at) if at > now || !due => at.to_string(),
        Some(_) if host.is_served()? => "due".to_owned(),
        Some(_) => format!(
            "due, and nobody works on the data: start `tillsync serve`, or `tillsync poll {}`",
            connection.id
        ),
    })
}

pub(super) async fn runs(host: &Host, connection: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let mut text = String::new();
    let mut list = Vec::new();
    for run in connections::runs(&host.engine, &connection.id).await? {
        let state = progress(&host.engine, &connection.id, &run.id).await?;
        text.push_str(&describe(&connection.name, &state));
        list.push(shapes::run(&state));
    }
    if list.is_empty() {
        text.push_str(
            "No run yet. `tillsync backfill start` sends the history, `tillsync poll` what changed.",
        );
    }
    Ok(Answer::complete(text, json!({"ok": true, "runs": list})))
}

pub(super) async fn record(host: &Host, connection: &str, stream: &str, id: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let row = connections::record(&host.engine, &connection, stream, id).await?;
    let json = shapes::record(id, &row);
    let mut text = format!("{stream} {id}\n");
    for name in ["state", "reason", "note", "version", "live", "sent_at", "times_sent"] {
        if !json[name].is_null() {
            text.push_str(&format!("  {name:10} {}\n", json[name].to_string().trim_matches('"')));
        }
    }
    for entry in &row.history {
        text.push_str(&format!("  {} {}\n", entry.at, entry.event));
    }
    if let Some(request) = &row.request {
        text.push_str(&format!("  sent: {request}\n"));
    }
    Ok(Answer::complete(text, json!({"ok": true, "record": json})))
}
