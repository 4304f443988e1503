//! Reading what changed, now: `poll`, `sync` and `retry`.

use serde_json::json;
use tillsync_engine::connections;
use tillsync_engine::run::{Started, start_poll, start_retry, start_sync};
use tillsync_engine::state::{Connection, ConnectionState};

use super::{because, describe, exit_of};
use crate::answer::{Answer, Exit, Trouble};
use crate::cli::{Poll, Retry, Sync};
use crate::follow::{Followed, follow};
use crate::host::Host;
use tillsync_engine::shapes;

pub(super) async fn poll(host: Host, options: &Poll) -> Result<Answer, Trouble> {
    let mut stopped = String::new();
    let connections: Vec<Connection> = match &options.connection {
        Some(name) => vec![connections::find(&host.engine, name).await?],
        None => {
            let all = connections::all(&host.engine).await?;
            let active = |connection: &Connection| connection.state == ConnectionState::Active;
            let (active, others): (Vec<_>, Vec<_>) = all.into_iter().partition(active);
            for connection in &others {
                stopped.push_str(&format!(
                    "{} is {}: not polled\n",
                    connection.name,
                    connection.state_word()
                ));
                stopped.push_str(&connection.problem.as_ref().map_or_else(String::new, because));
            }
            active
        }
    };
    if connections.is_empty() && !stopped.is_empty() {
        return Err(Trouble::failed("connection.inactive", stopped.trim_end()));
    }
    if connections.is_empty() {
        return Err(Trouble::usage("connection.unknown", "there is no active connection to poll"));
    }
    let mut runs = Vec::new();
    for connection in connections {
        let run = start_poll(&host.engine, &connection.id).await?.run;
        runs.push(Followed { name: connection.name, run });
    }
    see(host, options.no_wait, runs, &stopped).await
}

pub(super) async fn sync(host: Host, options: &Sync) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, &options.connection).await?;
    let started = start_sync(&host.engine, &connection.id).await?;
    see(host, options.no_wait, followed(connection, started), "").await
}

pub(super) async fn retry(host: Host, options: &Retry) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, &options.connection).await?;
    let started = start_retry(&host.engine, &connection.id, options.record.as_deref()).await?;
    see(host, options.no_wait, followed(connection, started), "").await
}

fn followed(connection: Connection, started: Started) -> Vec<Followed> {
    vec![Followed { name: connection.name, run: started.run }]
}

/// Does the work, or follows it, to its end; or leaves it to `serve`. `stopped` tells of what was left out.
async fn see(mut host: Host, no_wait: bool, runs: Vec<Followed>, stopped: &str) -> Result<Answer, Trouble> {
    if no_wait {
        let list: Vec<_> = runs.iter().map(|followed| json!(followed.run.id)).collect();
        let text = "Queued; `tillsync serve` does the work, `tillsync runs` shows it.";
        return Ok(Answer::complete(text, json!({"ok": true, "queued": list})));
    }
    let states = follow(&mut host, false, &runs).await?;
    host.stop().await;
    let text =
        runs.iter().zip(&states).map(|(followed, state)| describe(&followed.name, state)).collect::<String>();
    let list: Vec<_> = states.iter().map(shapes::run).collect();
    let text = text + stopped;
    let exit = match exit_of(&states) {
        Exit::Complete if !stopped.is_empty() => Exit::Partial,
        exit => exit,
    };
    let ok = exit == Exit::Complete;
    Ok(Answer { exit, text, json: json!({"ok": ok, "runs": list}) })
}
