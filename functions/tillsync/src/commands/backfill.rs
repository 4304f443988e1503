//! The history: start, status, cancel, resume.

use jiff::tz::TimeZone;
use serde_json::json;
use tillsync_engine::run::{BackfillRequest, Progress, cancel, progress, resume, start_backfill};
use tillsync_engine::state::{Connection, Run, RunKind};
use tillsync_engine::{connections, day};

use super::{describe, exit_of};
use crate::answer::{Answer, Exit, Trouble};
use crate::cli::Backfill;
use crate::follow::{Followed, follow};
use crate::host::Host;
use tillsync_engine::shapes;

pub(super) async fn backfill(host: Host, action: Backfill) -> Result<Answer, Trouble> {
    match action {
        Backfill::Start { connection, from, to, limit, force, dry_run, wait } => {
            let connection = connections::find(&host.engine, &connection).await?;
            let zone = TimeZone::get(&connection.location.timezone).unwrap_or(TimeZone::UTC);
            let option = |name: &str, text: &Option<String>| {
                text.as_ref().map_or(String::new(), |text| format!(" {name} {text}"))
            };
            let days = format!("{}{}", option("--from", &from), option("--to", &to));
            let from = from.map(|text| day("--from", &text, &zone, false)).transpose()?;
            let to = to.map(|text| day("--to", &text, &zone, true)).transpose()?;
            if from.zip(to).is_some_and(|(from, to)| from > to) {
                return Err(Trouble::usage("config.invalid", "--from is later than --to"));
            }
            let request = BackfillRequest { from, to, limit, force };
            if dry_run {
                return super::preview::of(&host, &connection.id, &request, (None, &days)).await;
            }
            let started = start_backfill(&host.engine, &connection.id, &request).await?;
            go_on(host, &connection, started.run, wait, started.already).await
        }
        Backfill::Resume { connection, wait } => {
            let connection = connections::find(&host.engine, &connection).await?;
            let started = resume(&host.engine, &connection.id).await?;
            go_on(host, &connection, started.run, wait, false).await
        }
        Backfill::Status { connection } => {
            let connection = connections::find(&host.engine, &connection).await?;
            let run = connections::newest_run(&host.engine, &connection.id, RunKind::Historical).await?;
            let state = progress(&host.engine, &connection.id, &run.id).await?;
            Ok(answer(&connection, &state, Exit::Complete))
        }
        Backfill::Cancel { connection } => {
            let connection = connections::find(&host.engine, &connection).await?;
            let run = cancel(&host.engine, &connection.id).await?;
            let state = progress(&host.engine, &connection.id, &run.id).await?;
            Ok(answer(&connection, &state, Exit::Complete))
        }
    }
}

async fn go_on(
    mut host: Host,
    connection: &Connection,
    run: Run,
    wait: bool,
    already: bool,
) -> Result<Answer, Trouble> {
    if wait {
        let followed = [Followed { name: connection.name.clone(), run }];
        let states = follow(&mut host, true, &followed).await?;
        host.stop().await;
        let exit = exit_of(&states);
        return states
            .first()
            .map(|state| answer(connection, state, exit))
            .ok_or_else(|| Trouble::failed("run.unknown", "the run is gone"));
    }
    let state = progress(&host.engine, &connection.id, &run.id).await?;
    let mut answer = answer(connection, &state, Exit::Complete);
    answer.json["already_running"] = json!(already);
    if already {
        answer.text.push_str("It was at work already.\n");
    }
    let who = if host.own().await? {
        "Nobody works on it: start `tillsync serve`, or add --wait."
    } else {
        "`tillsync serve` works on it."
    };
    answer.text.push_str(who);
    Ok(answer)
}

fn answer(connection: &Connection, state: &Progress, exit: Exit) -> Answer {
    let json = json!({"ok": exit == Exit::Complete, "run": shapes::run(state)});
    Answer { exit, text: describe(&connection.name, state), json }
}
