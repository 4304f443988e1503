//! What is well and what is not: the data directory, then everything the engine can look at.

use std::path::PathBuf;

use serde_json::json;
use tillsync_engine::doctor::{Check, Health, Report, Scope, examine};
use tillsync_engine::intake::Addresses;
use tillsync_engine::shapes;
use tillsync_host::Settings;

use crate::answer::{Answer, Exit, Trouble};
use crate::codes;
use crate::host::Host;

pub(super) async fn doctor(
    data: Option<PathBuf>,
    config: &Settings,
    offline: bool,
) -> Result<Answer, Trouble> {
    let host = match Host::open(data, config) {
        Ok(host) => host,
        Err(trouble) => {
            // Data that cannot be used is what this command is for.
            let checks = vec![Check::fail("data", &trouble.code, trouble.message)];
            return Ok(answer(&Report { checks, connections: Vec::new(), addresses: Addresses::default() }));
        }
    };
    let (engine, alone) = host.beside()?;
    let mut checks = host.check_data().await;
    checks.push(match alone {
        Some(_) => Check::warn("owner", "nobody works on the data: start `tillsync serve` to poll by itself"),
        None => Check::ok("owner", format!("{} works on the data", host.owner_text())),
    });
    let found = examine(&engine, Scope { queues: true, platforms: !offline }).await?;
    checks.extend(found.checks);
    Ok(answer(&Report { checks, connections: found.connections, addresses: found.addresses }))
}

fn answer(report: &Report) -> Answer {
    let exit = if report.is_ok() { Exit::Complete } else { Exit::Failed };
    Answer { exit, text: words(report), json: shapes::report(report) }
}

fn words(report: &Report) -> String {
    let mut text = String::new();
    let mut about = None;
    for check in &report.checks {
        if check.connection != about {
            about.clone_from(&check.connection);
            let named = report.connections.iter().find(|one| Some(&one.id) == about.as_ref());
            text.push_str(&named.map_or(String::new(), |one| format!("{} ({})\n", one.name, one.id)));
        }
        let state = json!(check.state);
        let state = state.as_str().unwrap_or_default();
        let code = check.code.as_ref().map_or(String::new(), |code| format!(" ({code})"));
        text.push_str(&format!("{state:4}  {:14}  {}{code}\n", check.what, check.detail));
        let action = check.code.as_deref().filter(|_| check.state != Health::Ok).and_then(codes::text);
        text.push_str(&action.map_or(String::new(), |text| format!("{:22}do: {}\n", "", text.action)));
    }
    let count = |state| report.checks.iter().filter(|check| check.state == state).count();
    let (failing, warnings) = (count(Health::Fail), count(Health::Warn));
    text.push_str(&format!("{} looked at, {failing} failing, {warnings} to know of\n", report.checks.len()));
    text
}
