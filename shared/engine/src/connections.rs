//! Finding connections, and telling how they are.

mod stores;

use tillsync_mapping::model::Location;
use tillsync_mapping::source::Source;

use crate::context::Engine;
use crate::fault::Fault;
use crate::nearest::hint;
use crate::state::{Connection, ConnectionState, LedgerRow, Row, Run, RunKind, Stream, list, load};
use crate::sums::{Streams, Tally};
pub(crate) use stores::{index, of_people, of_store};

/// Connections named in a message; a longer list helps nobody.
const MAX_NAMED: usize = 20;
/// Letters of a connection's name.
const MAX_NAME: usize = 100;

/// What may be a connection's name, without the blanks around it.
///
/// # Errors
/// `config.missing`, `config.invalid`.
pub(crate) fn proper_name(text: &str) -> Result<&str, Fault> {
    let name = text.trim();
    if name.is_empty() {
        return Err(Fault::usage("config.missing", "name: give the connection a name"));
    }
    if name.chars().any(char::is_control) || name.chars().count() > MAX_NAME {
        let detail = format!("name: give at most {MAX_NAME} letters, without control characters");
        return Err(Fault::usage("config.invalid", detail));
    }
    Ok(name)
}

/// Refuses a name by which another connection can be found already, that with the id `except` left out.
///
/// # Errors
/// `connection.name_taken`, or of the store.
pub(crate) async fn taken_name(engine: &Engine, name: &str, except: Option<&str>) -> Result<(), Fault> {
    let others = all(engine).await?;
    let mut others = others.iter().filter(|other| Some(other.id.as_str()) != except);
    match others.find(|other| other.name == name || other.id == name) {
        Some(other) => {
            let detail = format!("name: {name:?} is the name of connection {}; choose another", other.id);
            Err(Fault::usage("connection.name_taken", detail))
        }
        None => Ok(()),
    }
}

/// Every connection that is not deleted, oldest first.
///
/// # Errors
/// Of the store.
pub async fn all(engine: &Engine) -> Result<Vec<Connection>, Fault> {
    let mut connections = every(engine).await?;
    connections.retain(|connection| connection.state != ConnectionState::Deleted);
    Ok(connections)
}

/// Every connection there ever was, deleted ones too, oldest first.
///
/// # Errors
/// Of the store.
pub(crate) async fn every(engine: &Engine) -> Result<Vec<Connection>, Fault> {
    let mut connections = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let items = engine.store.query("INDEX#CONN", "", after.as_deref(), 500).await?;
        let Some(last) = items.last() else { return Ok(connections) };
        after = Some(last.key.sk.clone());
        let keys: Vec<_> = items.iter().map(|item| Connection::key(&item.key.sk)).collect();
        for item in engine.store.get_many(&keys).await?.iter().flatten() {
            connections.push(Row::<Connection>::parse(item)?.value);
        }
    }
}

/// The connection of an id or a name. A deleted one has its id only.
///
/// # Errors
/// `connection.unknown` lists the names there are; `connection.ambiguous` lists the ids.
pub async fn find(engine: &Engine, id_or_name: &str) -> Result<Connection, Fault> {
    let mut connections = every(engine).await?;
    if let Some(connection) = connections.iter().find(|connection| connection.id == id_or_name) {
        return Ok(connection.clone());
    }
    connections.retain(|connection| connection.state != ConnectionState::Deleted);
    let mut named = connections.iter().filter(|connection| connection.name == id_or_name);
    match (named.next(), named.next()) {
        (Some(connection), None) => Ok(connection.clone()),
        (Some(first), Some(second)) => {
            let detail =
                format!("several connections are called {id_or_name:?}: {}, {}", first.id, second.id);
            Err(Fault::usage("connection.ambiguous", detail))
        }
        _ => {
            let names: Vec<_> = connections.iter().map(|connection| connection.name.as_str()).collect();
            let there = match names.as_slice() {
                [] => "none yet".into(),
                all if all.len() <= MAX_NAMED + 1 => all.join(", "),
                all => format!("{} and {} more", all[..MAX_NAMED].join(", "), all.len() - MAX_NAMED),
            };
            let hint = hint(id_or_name, names.iter().copied());
            Err(Fault::usage(
                "connection.unknown",
                format!("no connection {id_or_name:?}; there is: {there}{hint}"),
            ))
        }
    }
}

/// What the ledger holds of a connection. People belong to the merchant: connections of one store to one
/// destination show the same.
///
/// # Errors
/// Of the store.
pub async fn sums(engine: &Engine, connection: &Connection) -> Result<Streams, Fault> {
    let own = Connection::partition(&connection.id);
    let count = async |partition: &str, stream: Stream| -> Result<Tally, Fault> {
        let tags = engine.store.tally(partition, &format!("REC#{}#", stream.word())).await?;
        Ok(Tally::of_tags(&tags))
    };
    Ok(Streams {
        orders: count(&own, Stream::Orders).await?,
        customers: count(&connection.people_partition(), Stream::Customers).await?,
        products: count(&own, Stream::Products).await?,
    })
}

/// The runs of a connection, newest first.
///
/// # Errors
/// Of the store.
pub async fn runs(engine: &Engine, connection: &str) -> Result<Vec<Run>, Fault> {
    let rows: Vec<Row<Run>> = list(&*engine.store, &Connection::partition(connection), "RUN#").await?;
    Ok(rows.into_iter().rev().map(|row| row.value).collect())
}

/// The newest run of a kind.
///
/// # Errors
/// `run.unknown` where there is none.
pub async fn newest_run(engine: &Engine, connection: &str, kind: RunKind) -> Result<Run, Fault> {
    let newest = runs(engine, connection).await?.into_iter().find(|run| run.kind == kind);
    newest.ok_or_else(|| {
        let detail = format!("there was no {} run yet: start one first", kind.word());
        Fault::usage("run.unknown", detail)
    })
}

/// What the ledger holds of one record.
///
/// # Errors
/// `record.unknown`.
pub async fn record(
    engine: &Engine,
    connection: &Connection,
    stream: &str,
    id: &str,
) -> Result<LedgerRow, Fault> {
    let unknown =
        || Fault::usage("record.unknown", format!("the ledger has no record {id:?} in stream {stream:?}"));
    let stream = Stream::named(stream).ok_or_else(|| {
        let detail = format!("no stream {stream:?}; there is: orders, customers, products");
        Fault::usage(
            "record.unknown",
            format!("{detail}{}", hint(stream, ["orders", "customers", "products"])),
        )
    })?;
    let partition = connection.partition_of(stream);
    let row = load(&*engine.store, LedgerRow::key(&partition, stream.word(), id)).await?;
    row.map(|row: Row<LedgerRow>| row.value).ok_or_else(unknown)
}

/// The location of an id or a name.
///
/// # Errors
/// `location.unknown`, `location.ambiguous`, both with the list; `location.closed`.
pub fn pick_location(
    source: &dyn Source,
    locations: &[Location],
    id_or_name: &str,
) -> Result<Location, Fault> {
    let closed = source.codes().iter().map(|text| text.code).find(|code| code.ends_with(".location_closed"));
    let describe = |locations: &[&Location]| {
        let each = |location: &&Location| format!("{} ({})", location.name, location.id);
        locations.iter().map(each).collect::<Vec<_>>().join(", ")
    };
    let by_id: Vec<_> = locations.iter().filter(|location| location.id == id_or_name).collect();
    let by_name = || locations.iter().filter(|location| location.name == id_or_name).collect::<Vec<_>>();
    let found = if by_id.is_empty() { by_name() } else { by_id };
    match found.as_slice() {
        [one] if one.active => Ok((*one).clone()),
        [one] => {
            let detail = format!("{} is closed at the store", describe(&[one]));
            Err(Fault::usage(closed.unwrap_or("location.closed"), detail))
        }
        [] => {
            let there = describe(&locations.iter().collect::<Vec<_>>());
            Err(Fault::usage("location.unknown", format!("no location {id_or_name:?}; there is: {there}")))
        }
        several => {
            let detail = format!("several locations are called {id_or_name:?}: {}", describe(several));
            Err(Fault::usage("location.ambiguous", detail))
        }
    }
}
