//! One module per verb; here they are told apart.

mod backfill;
mod connect;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod explain;
mod find;
mod life;
mod list;
mod manage;
mod poll;
mod preview;
mod reconcile;
mod serve;
mod sign_in;

use std::process::ExitCode;

use tillsync_engine::run::Progress;
use tillsync_engine::state::{Problem, RunState};
use tillsync_host::Settings;

use crate::answer::{Answer, Exit, Trouble, print, print_error};
use crate::cli::{Cli, Command};
use crate::host::Host;

/// Carries out a command and says what came of it.
pub(crate) fn run(cli: Cli) -> ExitCode {
    #[cfg(feature = "demo")]
    if let Command::Sandbox(options) = &cli.command {
        return demo::sandbox(options);
    }
    start_log();
    let json = cli.json;
    // One thread is enough for a second of work in ten thousand orders, and keeps memory small; the others wait
    // for the disk.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(perform(cli));
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            result
        }
        Err(error) => Err(Trouble::failed("data.unavailable", format!("no threads: {error}"))),
    };
    match result {
        Ok(answer) => {
            print(json, &answer);
            answer.exit.into()
        }
        Err(trouble) => {
            print_error(json, &trouble);
            trouble.exit.into()
        }
    }
}

async fn perform(cli: Cli) -> Result<Answer, Trouble> {
    let Cli { data, command, .. } = cli;
    let command = match command {
        Command::Explain { code } => return explain::explain(code.as_deref()),
        #[cfg(feature = "demo")]
        Command::Demo(options) => return demo::demo(data, &options, cli.json).await,
        command => command,
    };
    let config = Settings::from_env()?;
    if let Command::Locations { source } = &command {
        return connect::locations(&config, source).await;
    }
    if let Command::Doctor { offline } = &command {
        return doctor::doctor(data, &config, *offline).await;
    }
    let host = Host::open(data, &config)?;
    match command {
        Command::Serve(options) => serve::serve(host, &config, &options).await,
        Command::Connect(options) if options.oauth || options.resume.is_some() => {
            sign_in::connect(host, &config, &options).await
        }
        Command::Connect(options) => connect::connect(host, &options).await,
        Command::Reauthorise { connection } => sign_in::reauthorise(host, &config, &connection).await,
        Command::Poll(options) => poll::poll(host, &options).await,
        Command::Reconcile(options) => reconcile::reconcile(host, &options).await,
        Command::Sync(options) => poll::sync(host, &options).await,
        Command::Retry(options) => poll::retry(host, &options).await,
        Command::Backfill { action } => backfill::backfill(host, action).await,
        Command::Pause { connection } => manage::pause(&host, &connection).await,
        Command::Resume { connection } => manage::resume(&host, &connection).await,
        Command::Rename { connection, name } => manage::rename(&host, &connection, &name).await,
        Command::Disconnect { connection } => life::disconnect(host, &connection).await,
        Command::Reconnect { connection } => life::reconnect(&host, &connection).await,
        Command::DeleteImport { connection } => life::delete_import(host, &connection).await,
        Command::SetDestination { connection, destination_url } => {
            life::set_destination(&host, &connection, destination_url.as_deref()).await
        }
        Command::Erase { connection, store } => life::erase(&host, connection, store).await,
        Command::Set { connection, setting } => manage::set(&host, &connection, &setting).await,
        Command::RotateKey => manage::rotate_key(&host).await,
        Command::Find { text } => find::find(&host, &text).await,
        Command::Preview { connection, order } => {
            preview::preview(&host, &connection, order.as_deref()).await
        }
        Command::Connections => list::connections(&host).await,
        Command::Runs { connection } => list::runs(&host, &connection).await,
        Command::Record { connection, stream, id } => list::record(&host, &connection, &stream, &id).await,
        _ => Err(Trouble::usage("usage.invalid", "this command is told apart earlier")),
    }
}

/// Logs go to standard error; `TILLSYNC_LOG` chooses how much of our own, as `debug`, or of anything, as
/// `info,hyper=debug`.
fn start_log() {
    let level = std::env::var("TILLSYNC_LOG").ok().filter(|text| !text.trim().is_empty());
    let level = level.unwrap_or_else(|| "error".into());
    let ours = [
        "tillsync",
        "tillsync_console",
        "tillsync_engine",
        "tillsync_embedded",
        "tillsync_host",
        "tillsync_http",
    ];
    let directives = match level.parse::<tracing::Level>() {
        Ok(_) => ours.map(|name| format!("{name}={level}")).join(","),
        Err(_) => level,
    };
    let filter = tracing_subscriber::EnvFilter::new(directives);
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // Only the first one counts; a second start is no fault of the user.
    let _ = log.with_target(false).try_init();
}

/// The exit status of ended runs.
fn exit_of(states: &[Progress]) -> Exit {
    let incomplete = states.iter().any(|state| state.run.state != RunState::Complete);
    let parked: u64 = states.iter().map(|state| state.streams.newly_parked()).sum();
    let observed: u64 = states.iter().map(|state| state.streams.observed()).sum();
    match (incomplete, parked) {
        (true, _) if observed == 0 => Exit::Failed,
        (false, 0) => Exit::Complete,
        _ => Exit::Partial,
    }
}

/// A problem in words, with what to do.
fn because(problem: &Problem) -> String {
    let action = crate::codes::text(&problem.code).map_or("", |text| text.action);
    format!("  because: {} ({})\n  do: {action}\n", problem.detail, problem.code)
}

/// Ended runs in words.
fn describe(name: &str, state: &Progress) -> String {
    use tillsync_engine::shapes::sums;
    let run = &state.run;
    let mut text = format!("{name}: {} run {} is {}\n", run.kind.word(), run.id, run.state.word());
    if let Some(problem) = &run.problem {
        text.push_str(&because(problem));
    }
    if let Some(limit) = run.limit {
        text.push_str(&format!("  a trial of {limit} orders; a history without --limit sends the rest\n"));
    }
    if run.state == RunState::Cancelled {
        text.push_str(
            "  what it had in hand when it was cancelled is counted by `tillsync connections` only\n",
        );
    }
    for (word, tally) in state.streams.all() {
        text.push_str(&format!("  {word:9} {}\n", sums(tally)));
    }
    let calls = state.calls;
    text.push_str(&format!(
        "  calls     {} to the store, {} to the destination\n",
        calls.source, calls.destination
    ));
    text
}
