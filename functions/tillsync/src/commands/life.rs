//! How a connection ends and begins again, and where it sends to.

use tillsync_engine::erase::{self, Erased, Scope};
use tillsync_engine::manage;
use tillsync_engine::{connections, run, shapes};
use tillsync_mapping::model::Secret;

use super::connect::KEY;
use super::manage::answer;
use crate::answer::{Answer, Trouble};
use crate::config::secret;
use crate::host::Host;

pub(super) async fn disconnect(mut host: Host, connection: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let changed = manage::disconnect(&host.beside()?.0, &connection.id).await?;
    let_go(&mut host, &connection.id).await?;
    let next = format!("Begin it again where it stopped: tillsync reconnect {}", connection.id);
    Ok(answer(&host, &changed, "disconnected", &next).await)
}

pub(super) async fn delete_import(mut host: Host, connection: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let changed = manage::delete_import(&host.beside()?.0, &connection.id).await?;
    let_go(&mut host, &connection.id).await?;
    let next = "Whoever connects its location to this account again goes on with it: nothing is sent twice.";
    Ok(answer(&host, &changed, "deleted", next).await)
}

/// Ends its runs here, where nobody else works.
async fn let_go(host: &mut Host, connection: &str) -> Result<(), Trouble> {
    if host.own().await? {
        run::finish_ended(&host.engine, connection).await?;
    }
    Ok(())
}

pub(super) async fn reconnect(host: &Host, connection: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let changed = manage::reconnect(&host.beside()?.0, &connection.id).await?;
    let id = &connection.id;
    let next = format!(
        "`tillsync serve` reads what changed, `tillsync poll {id}` at once; `tillsync backfill resume {id}` goes on \
         with an unfinished history."
    );
    Ok(answer(host, &changed, "active", &next).await)
}

pub(super) async fn set_destination(
    host: &Host,
    connection: &str,
    url: Option<&str>,
) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let key = secret(KEY, "the ActiveCampaign key")?;
    let moved = manage::set_destination(&host.beside()?.0, &connection.id, url, key).await?;
    let names: Vec<_> = moved.connections.iter().map(|(_, name)| name.as_str()).collect();
    let where_to = if moved.same_url { "as before" } else { "now" };
    let mut text = format!("{} send to {} {where_to}, with the new key.", names.join(", "), moved.url);
    if !moved.restarted.is_empty() {
        text.push_str(&format!("\nAt work again: {}.", moved.restarted.join(", ")));
    }
    Ok(Answer::complete(text, shapes::moved(&moved)))
}

/// Where the address of who is to be forgotten comes from: an argument would be seen by everybody on the machine.
const ADDRESS: &str = "TILLSYNC_ERASE_EMAIL";
/// No address is longer (RFC 5321: 254), and a line more is none.
const MAX_ADDRESS: u64 = 1_000;

pub(super) async fn erase(
    host: &Host,
    connection: Option<String>,
    store: Option<String>,
) -> Result<Answer, Trouble> {
    let scope = match (connection, store) {
        (Some(connection), _) => Scope::Connection(connection),
        (None, Some(store)) => Scope::Store(store),
        (None, None) => return Err(Trouble::usage("usage.invalid", "give a connection or --store")),
    };
    let address = address()?;
    let erased = erase::erase(&host.engine, &scope, address.expose()).await?;
    // Whoever was held is in free pages and in the log until the files are written anew.
    host.scrub().await?;
    let mut text = erased_words(&erased);
    text.push_str(&format!(" Gone through: {}.\nLeft to be done by hand:\n", erased.connections.join(", ")));
    for one in &erased.by_hand {
        text.push_str(&format!("  - {one}\n"));
    }
    Ok(Answer::complete(text, shapes::erased(&erased)))
}

/// A mistyped address must not look like a person who was forgotten.
fn erased_words(erased: &Erased) -> String {
    if !erased.known {
        return "Nothing is held of this address, so nothing was emptied: see that it is spelled as the person's is. Should \
                it ever come, it is left out."
            .to_owned();
    }
    let already = if erased.already { " They had been erased before." } else { "" };
    format!(
        "Erased: {} orders and {} profiles are emptied, and no reading brings the person back.{already}",
        erased.orders, erased.people
    )
}

/// From the environment, else the first line of standard input.
fn address() -> Result<Secret, Trouble> {
    use std::io::{BufRead, Read};
    if let Some(text) = std::env::var(ADDRESS).ok().filter(|text| !text.trim().is_empty()) {
        return Ok(Secret::new(text.trim()));
    }
    let missing = || {
        let message = format!("{ADDRESS}: set it to the person's address, or give that on standard input");
        Trouble::usage("config.missing", message)
    };
    let mut line = String::new();
    std::io::stdin().lock().take(MAX_ADDRESS).read_line(&mut line).map_err(|_| missing())?;
    if line.trim().is_empty() { Err(missing()) } else { Ok(Secret::new(line.trim())) }
}
