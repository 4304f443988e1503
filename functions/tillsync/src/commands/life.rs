//! How a connection ends and begins again, and where it sends to.

use tillsync_engine::manage::{self, Changed};
use tillsync_engine::{connections, run, shapes};

use super::connect::KEY;
use crate::answer::{Answer, Trouble};
use crate::config::secret;
use crate::host::Host;

pub(super) async fn disconnect(mut host: Host, connection: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let changed = manage::disconnect(&host.beside()?.0, &connection.id).await?;
    let_go(&mut host, &connection.id).await?;
    let next = format!("Begin it again where it stopped: tillsync reconnect {}", connection.id);
    Ok(answer(&changed, "disconnected", &next))
}

pub(super) async fn delete_import(mut host: Host, connection: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let changed = manage::delete_import(&host.beside()?.0, &connection.id).await?;
    let_go(&mut host, &connection.id).await?;
    let next = "Whoever connects its location to this account again goes on with it: nothing is sent twice.";
    Ok(answer(&changed, "deleted", next))
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
    Ok(answer(&changed, "active", &next))
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

fn answer(changed: &Changed, what: &str, next: &str) -> Answer {
    let already = if changed.already { " already" } else { "" };
    let text = format!("{} is {what}{already}. {}\n{next}", changed.connection.name, changed.note);
    Answer::complete(text, shapes::changed(changed))
}
