//! What an operator changes about a connection: stopped, started again, named anew, set.

pub(crate) mod codes;
mod destination;
mod life;
mod settings;

/// True when what it sends to was removed at the destination.
fn is_removed(connection: &Connection) -> bool {
    connection.problem.as_ref().is_some_and(|problem| problem.code == "destination.connection_unknown")
}

#[cfg(test)]
mod tests;

pub use destination::{Moved, set_destination};
pub(crate) use life::{begin_again, begins_again};
pub use life::{delete_import, disconnect, reconnect};
pub use settings::{Set, pair, set, words};

use crate::connections::{newest_run, proper_name, taken_name};
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::ports::Written;
use crate::run::{active_run, connection};
use crate::state::{Connection, ConnectionState, RunKind, RunState};

/// Tries to change a connection that others change too; beyond it something is wrong, not merely busy.
const MAX_TRIES: u32 = 50;

/// A connection after what was asked for.
#[derive(Clone, Debug)]
pub struct Changed {
    /// As it is now.
    pub connection: Connection,
    /// True when it was so already: nothing was changed.
    pub already: bool,
    /// One line: what that means.
    pub note: String,
}

/// Stops a connection: nothing is read or sent for it until [`resume`].
///
/// # Errors
/// `connection.unknown`; `connection.inactive` for one that is stopped for another reason.
pub async fn pause(engine: &Engine, id: &str) -> Result<Changed, Fault> {
    let mut already = false;
    let connection = change(engine, id, |connection| {
        already = connection.state == ConnectionState::Paused;
        match connection.state {
            ConnectionState::Paused => Ok(false),
            ConnectionState::Active => {
                connection.state = ConnectionState::Paused;
                connection.problem = None;
                Ok(true)
            }
            _ => Err(stopped_otherwise(connection, "nothing is read or sent for it")),
        }
    })
    .await?;
    let mut note = "Nothing is read or sent for it until it is resumed.".to_owned();
    for kind in [RunKind::Historical, RunKind::Poll] {
        if active_run(engine, id, kind).await?.is_some() {
            note.push_str(" A run at work stops at its next page; what is on its way is still settled.");
            break;
        }
    }
    Ok(Changed { connection, already, note })
}

/// Starts a paused connection again, also one that a fault had paused: it tries again. What changed meanwhile is
/// due to be read at once.
///
/// # Errors
/// `connection.unknown`; `connection.inactive` for one that only connecting again mends.
pub async fn resume(engine: &Engine, id: &str) -> Result<Changed, Fault> {
    let there = connection(&*engine.store, id).await?.value;
    // It may have been stopped for a secret of the application that is right by now.
    let woken = there.state == ConnectionState::NeedsReconnect
        && crate::tokens::ask_again(engine, &there.source, &there.store).await?;
    let now = engine.now();
    let mut already = false;
    let connection = change(engine, id, |connection| {
        already = connection.state == ConnectionState::Active && !woken;
        match connection.state {
            ConnectionState::Active => Ok(false),
            // It would write to nowhere: only connecting makes it another one there.
            ConnectionState::Paused if is_removed(connection) => {
                Err(stopped_otherwise(connection, "connect it again"))
            }
            ConnectionState::Paused => {
                connection.state = ConnectionState::Active;
                connection.problem = None;
                connection.next_sync = Some(now);
                Ok(true)
            }
            _ => Err(stopped_otherwise(connection, "connect it again")),
        }
    })
    .await?;
    let mut note = match (already, connection.active_sync) {
        (true, _) => "It was active already.",
        (false, true) => "What changed meanwhile is read by the next tick.",
        (false, false) => "It is not polled by itself: active_sync is off.",
    }
    .to_owned();
    note.push_str(unfinished(engine, id).await?);
    Ok(Changed { connection, already, note })
}

/// What is to be said of a history that did not come to its end.
async fn unfinished(engine: &Engine, id: &str) -> Result<&'static str, Fault> {
    let newest = match newest_run(engine, id, RunKind::Historical).await {
        Err(fault) if fault.kind == Kind::Usage => None,
        newest => Some(newest?),
    };
    let is_open = newest.is_some_and(|run| matches!(run.state, RunState::Incomplete | RunState::Cancelled));
    Ok(if is_open { " Its history is unfinished: resume that too." } else { "" })
}

/// Gives a connection another name. At the destination nothing is renamed.
///
/// # Errors
/// `connection.unknown`, `connection.name_taken`; `config.missing` and `config.invalid` for what is no name.
pub async fn rename(engine: &Engine, id: &str, name: &str) -> Result<Changed, Fault> {
    let name = proper_name(name)?;
    taken_name(engine, name, Some(id)).await?;
    let mut was = String::new();
    let connection = change(engine, id, |connection| {
        was.clone_from(&connection.name);
        name.clone_into(&mut connection.name);
        Ok(was != name)
    })
    .await?;
    let already = was == name;
    let note = if already {
        "It had this name already.".to_owned()
    } else {
        format!("It was called {was:?}. In ActiveCampaign its name stays as it is.")
    };
    Ok(Changed { connection, already, note })
}

/// Changes a connection, unless there is nothing to change (false) or `change` refuses.
async fn change<F>(engine: &Engine, id: &str, mut change: F) -> Result<Connection, Fault>
where
    F: FnMut(&mut Connection) -> Result<bool, Fault>,
{
    for _ in 0..MAX_TRIES {
        let mut row = connection(&*engine.store, id).await?;
        if !change(&mut row.value)? || engine.store.transact(vec![row.put()?]).await? == Written::Done {
            return Ok(row.value);
        }
    }
    Err(Fault::retry("data.unavailable", "the connection is changed by others all the time"))
}

/// Neither at work nor paused.
fn stopped_otherwise(connection: &Connection, then: &str) -> Fault {
    let problem = connection.problem.as_ref();
    let why = problem.map_or(String::new(), |problem| format!(" ({}: {})", problem.code, problem.detail));
    let detail = format!("{} is {}{why}: {then}", connection.name, connection.state_word());
    Fault::reconnect("connection.inactive", detail)
}
