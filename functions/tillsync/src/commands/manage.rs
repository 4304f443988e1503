//! What changes a connection: pause, resume, rename, set; and the key of all secrets.

use tillsync_engine::intake::Addresses;
use tillsync_engine::manage::{self, Changed};
use tillsync_engine::{connections, shapes, tokens};

use crate::answer::{Answer, Exit, Trouble};
use crate::host::Host;

pub(super) async fn pause(host: &Host, connection: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let changed = manage::pause(&host.engine, &connection.id).await?;
    let next = format!("Go on: tillsync resume {}", connection.id);
    Ok(answer(host, &changed, "paused", &next).await)
}

pub(super) async fn resume(host: &Host, connection: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let changed = manage::resume(&host.engine, &connection.id).await?;
    let id = &connection.id;
    let next = format!(
        "`tillsync serve` reads what changed, `tillsync poll {id}` at once; `tillsync backfill resume {id}` goes on \
         with an unfinished history."
    );
    Ok(answer(host, &changed, "active", &next).await)
}

pub(super) async fn rename(host: &Host, connection: &str, name: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let changed = manage::rename(&host.engine, &connection.id, name).await?;
    Ok(answer(host, &changed, &format!("the name of {}", connection.id), "").await)
}

pub(super) async fn set(host: &Host, connection: &str, pair: &str) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    let (name, value) = manage::pair(pair)?;
    let set = manage::set(&host.engine, &connection.id, name, value).await?;
    let was = if set.already { "it was that already".into() } else { format!("it was {}", set.old) };
    let text = format!("{}: {} is {}; {was}.\n{}", set.connection.name, set.name, set.new, set.effect);
    let addresses = Addresses::load(&host.engine).await;
    Ok(Answer::complete(text, shapes::set(&set, &addresses)))
}

pub(super) async fn rotate_key(host: &Host) -> Result<Answer, Trouble> {
    let resealed = tokens::rotate(&host.engine).await?;
    let text = format!("{} secrets, {} sealed anew: {}.", resealed.secrets, resealed.changed, resealed.note);
    let exit = if resealed.left == 0 { Exit::Complete } else { Exit::Partial };
    Ok(Answer { exit, ..Answer::complete(text, shapes::resealed(&resealed)) })
}

pub(super) async fn answer(host: &Host, changed: &Changed, what: &str, next: &str) -> Answer {
    let already = if changed.already { " already" } else { "" };
    let text = format!("{} is {what}{already}. {}\n{next}", changed.connection.name, changed.note);
    let addresses = Addresses::load(&host.engine).await;
    Answer::complete(text, shapes::changed(changed, &addresses))
}
