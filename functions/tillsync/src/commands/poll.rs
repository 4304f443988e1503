//! Reading what changed, now.

use serde_json::json;
use tillsync_engine::connections;
use tillsync_engine::run::start_poll;
use tillsync_engine::state::{Connection, ConnectionState};

use super::{describe, exit_of};
use crate::answer::{Answer, Trouble};
use crate::cli::Poll;
use crate::follow::{Followed, follow};
use crate::host::Host;
use crate::shapes;

pub(super) async fn poll(mut host: Host, options: &Poll) -> Result<Answer, Trouble> {
    let connections = match &options.connection {
        Some(name) => vec![connections::find(&host.engine, name).await?],
        None => {
            let all = connections::all(&host.engine).await?;
            let active = |connection: &Connection| connection.state == ConnectionState::Active;
            all.into_iter().filter(active).collect()
        }
    };
    if connections.is_empty() {
        return Err(Trouble::usage("connection.unknown", "there is no active connection to poll"));
    }
    let mut runs = Vec::new();
    for connection in connections {
        let run = start_poll(&host.engine, &connection.id).await?.run;
        runs.push(Followed { name: connection.name, run });
    }
    if options.no_wait {
        let list: Vec<_> = runs.iter().map(|followed| json!(followed.run.id)).collect();
        let text = "Queued; `tillsync serve` does the work, `tillsync runs` shows it.";
        return Ok(Answer::complete(text, json!({"ok": true, "queued": list})));
    }
    let states = follow(&mut host, false, &runs).await?;
    host.stop().await;
    let text =
        runs.iter().zip(&states).map(|(followed, state)| describe(&followed.name, state)).collect::<String>();
    let list: Vec<_> = states.iter().map(shapes::run).collect();
    let exit = exit_of(&states);
    let ok = exit == crate::answer::Exit::Complete;
    Ok(Answer { exit, text, json: json!({"ok": ok, "runs": list}) })
}
