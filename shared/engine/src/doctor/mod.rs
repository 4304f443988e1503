//! What is well and what is not: queues, connections, tokens, keys, in one list.

mod connection;
mod platforms;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::connections;
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::intake::Addresses;
use crate::message::Work;
use crate::ports::Lane;
use crate::state::Connection;
use platforms::Platforms;

/// What has to be done by hand, once for an installation.
const BY_HAND: &str = "webhook.by_hand";
/// Dead letters that are counted; more is "at least so many".
const MAX_DEAD: usize = 100;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, in a word.
    pub what: &'static str,
    /// How it is.
    pub state: Health,
    /// One line: what was found, and what to do where no code tells that.
    pub detail: String,
    /// Known to `explain`.
    pub code: Option<String>,
    /// The connection it is about.
    pub connection: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Somebody should know.
    Warn,
    /// Something does not work, or could not be asked.
    Fail,
}

/// What is to be looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    /// The queues; some hosts watch them by other means.
    pub queues: bool,
    /// Tokens and keys, by asking the platforms.
    pub platforms: bool,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Everything that was looked at, in order.
    pub checks: Vec<Check>,
    /// The connections there are.
    pub connections: Vec<Connection>,
    /// Where the platforms send what happens.
    pub addresses: Addresses,
}

impl Check {
    /// Something that is as it should be.
    pub fn ok(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, state: Health::Ok, detail: detail.into(), code: None, connection: None }
    }

    /// Something somebody should know.
    pub fn warn(what: &'static str, detail: impl Into<String>) -> Self {
        Self { state: Health::Warn, ..Self::ok(what, detail) }
    }

    /// Something that does not work, or could not be asked: nobody knows that it works.
    pub fn fail(what: &'static str, code: &str, detail: impl Into<String>) -> Self {
        Self { state: Health::Fail, code: Some(code.to_owned()), ..Self::ok(what, detail) }
    }

    fn of(self, connection: &Connection) -> Self {
        Self { connection: Some(connection.id.clone()), ..self }
    }

    pub(crate) fn with(self, code: &str) -> Self {
        Self { code: Some(code.to_owned()), ..self }
    }

    /// What a call came to.
    fn told(what: &'static str, result: Result<String, Fault>) -> Self {
        match result {
            Ok(detail) => Self::ok(what, detail),
            Err(fault) if fault.kind == Kind::Retry => {
                Self::fail(what, fault.code, format!("could not be asked: {}", fault.detail))
            }
            Err(fault) => Self::fail(what, fault.code, fault.detail),
        }
    }
}

impl Report {
    /// True when nothing fails; warnings are none of that.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.checks.iter().all(|check| check.state != Health::Fail)
    }
}

/// Looks at everything; changes nothing.
///
/// # Errors
/// Of the store. What cannot be asked of a platform is a check that fails.
pub async fn examine(engine: &Engine, scope: Scope) -> Result<Report, Fault> {
    let mut checks = vec![public_address(&engine.config.public_url)];
    if scope.queues {
        for (lane, what) in [(Lane::Live, "queue_live"), (Lane::History, "queue_history")] {
            checks.push(queue(engine, lane, what).await?);
        }
    }
    let connections = connections::all(engine).await?;
    if connections.is_empty() {
        checks.push(Check::warn("connections", "none yet: connect a shop first"));
    }
    if !scope.platforms {
        checks.push(Check::ok("platforms", "not asked, since nobody wanted them to be"));
    }
    let mut platforms = Platforms::new(engine);
    for one in &connections {
        checks.extend(connection::checks(engine, one).await?);
        if scope.platforms && connection::is_used(one) {
            checks.extend(platforms.checks(one).await);
        }
    }
    once(&mut checks);
    let addresses = Addresses::load(engine).await;
    Ok(Report { checks, connections, addresses })
}

/// What is to be done once for all connections is said once, at the first.
fn once(checks: &mut [Check]) {
    let mut said = BTreeSet::new();
    for check in checks {
        if check.code.as_deref() == Some(BY_HAND) && !said.insert(check.detail.clone()) {
            (check.code, check.detail) =
                (None, "as said above: one subscription is for all of them".to_owned());
        }
    }
}

/// Whether an address is one that platforms can reach.
#[must_use]
pub fn is_public(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(|rest| !rest.starts_with("127.") && !rest.is_empty())
}

/// Where the platforms could reach us.
fn public_address(url: &str) -> Check {
    if is_public(url) {
        return Check::ok("public_address", url);
    }
    Check::warn(
        "public_address",
        format!("{url} is no public https address, so webhooks are unavailable: changes come by polls only"),
    )
}

async fn queue(engine: &Engine, lane: Lane, what: &'static str) -> Result<Check, Fault> {
    let depth = engine.queue.depth(lane).await?;
    let dead = engine.queue.dead(lane, MAX_DEAD).await?;
    if dead.is_empty() {
        return Ok(Check::ok(what, format!("{depth} messages, no dead letters")));
    }
    let more = if dead.len() == MAX_DEAD { "at least " } else { "" };
    let now = engine.now();
    let begun = dead.iter().filter_map(|letter| {
        let work = Work::decode(&letter.body).ok()?;
        let run: ulid::Ulid = work.about().1.parse().ok()?;
        jiff::Timestamp::from_millisecond(i64::try_from(run.timestamp_ms()).ok()?).ok()
    });
    let age = begun.min().map(|oldest| now.duration_since(oldest).as_hours().max(0));
    let age = age.map_or(String::new(), |hours| format!(", the oldest of a run begun {hours} h ago"));
    let detail = format!("{depth} messages, {more}{} dead letters{age}", dead.len());
    Ok(Check::warn(what, detail).with("run.incomplete"))
}
