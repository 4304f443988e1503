//! The connections of one store, found without reading those of others: an index row for each, written with the
//! connection. A store is told of by a message per event, and there may be thousands of connections.

use serde::{Deserialize, Serialize};

use super::every;
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::{Key, MAX_BATCH, Write};
use crate::state::{Connection, ConnectionState, Row, Tagged, load};

/// A connection stands under its store.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OfStore {
    connection: String,
}

impl Tagged for OfStore {}

/// Every connection from before there was this index stands in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Whole {}

impl Tagged for Whole {}

fn partition(source: &str, store: &str) -> String {
    format!("INDEX#STORE#{source}#{store}")
}

fn whole_key() -> Key {
    Key::new("INDEX#STORES", "WHOLE")
}

/// The row that has a connection found by its store; it stays, as the connection's own does.
///
/// # Errors
/// None in practice: every part is text.
pub(crate) fn index(connection: &Connection) -> Result<Write, Fault> {
    let key = Key::new(partition(&connection.source, &connection.store), connection.id.clone());
    Row::new(key, OfStore { connection: connection.id.clone() }).put()
}

/// The connections of a store that are not deleted, oldest first. A few reads, however many connections there are.
///
/// # Errors
/// Of the store.
pub(crate) async fn of_store(
    engine: &Engine,
    (source, store): (&str, &str),
) -> Result<Vec<Connection>, Fault> {
    let marked: Option<Row<Whole>> = load(&*engine.store, whole_key()).await?;
    if marked.is_none() {
        make_whole(engine).await?;
    }
    let partition = partition(source, store);
    let mut connections = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let items = engine.store.query(&partition, "", after.as_deref(), 500).await?;
        let Some(last) = items.last() else { return Ok(connections) };
        after = Some(last.key.sk.clone());
        let keys: Vec<_> = items.iter().map(|item| Connection::key(&item.key.sk)).collect();
        for item in engine.store.get_many(&keys).await?.iter().flatten() {
            let connection = Row::<Connection>::parse(item)?.value;
            if connection.state != ConnectionState::Deleted {
                connections.push(connection);
            }
        }
        if items.len() < 500 {
            return Ok(connections);
        }
    }
}

/// The connections that share the people of this one, itself among them.
///
/// # Errors
/// Of the store.
pub(crate) async fn of_people(engine: &Engine, owner: &Connection) -> Result<Vec<Connection>, Fault> {
    let people = owner.people_partition();
    let mut connections = of_store(engine, (&owner.source, &owner.store)).await?;
    connections.retain(|one| one.people_partition() == people);
    Ok(connections)
}

/// Writes the rows of the connections from before; those that are there stay. The mark comes last: whoever is stopped
/// before it does it once more.
async fn make_whole(engine: &Engine) -> Result<(), Fault> {
    let all = every(engine).await?;
    for some in all.chunks(MAX_BATCH) {
        let writes = some.iter().map(index).collect::<Result<Vec<_>, _>>()?;
        engine.store.write_each(writes).await?;
    }
    engine.store.write_each(vec![Row::new(whole_key(), Whole {}).put()?]).await?;
    Ok(())
}
