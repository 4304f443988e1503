//! Finding one order or person by what somebody knows of it: an id, a number, an address, a name.

#[cfg(test)]
mod tests;
mod wanted;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::connections;
use crate::context::Engine;
use crate::fault::Fault;
use crate::ledger::Walk;
use crate::ports::Key;
use crate::state::{Connection, LedgerRow, Row, State, Stream};
use wanted::Wanted;

/// Rows looked at for one question: more is a matter of minutes, and of money on some hosts.
pub(crate) const MAX_ROWS: usize = 200_000;
/// Records of one answer.
const MAX_HITS: usize = 50;

/// A record that answers to the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The connection's id.
    pub connection: String,
    /// The connection's name.
    pub name: String,
    /// The word of its stream.
    pub stream: &'static str,
    /// The source's id of it.
    pub id: String,
    /// What people call it by, where that is known.
    pub number: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Why it is skipped or parked.
    pub reason: Option<String>,
    /// When it was sent last.
    pub sent_at: Option<Timestamp>,
    /// What of it answers: `id`, `number`, `email` or `name`.
    pub matched: &'static str,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// At most 50, those found by id first.
    pub hits: Vec<Hit>,
    /// Rows looked at.
    pub looked_at: u64,
    /// False when the search ended early: there may be more.
    pub complete: bool,
}

/// Finds records in the ledgers of all connections. Ids and numbers have to be whole; of an address or a name three
/// letters are enough. Small and capital letters are the same. The ledger knows the address of a person with an order,
/// or of one who was imported by it whole.
///
/// # Errors
/// `config.invalid` for an empty text, or of the store. The text appears in no message.
pub async fn find(engine: &Engine, text: &str) -> Result<Found, Fault> {
    let wanted = Wanted::new(text).ok_or_else(|| {
        Fault::usage("config.invalid", "text: give an id, an order number, an address or a name")
    })?;
    let all = connections::all(engine).await?;
    let mut search = Search { engine, hits: Vec::new(), known: BTreeSet::new() };
    for connection in &all {
        search.by_id(connection, text.trim()).await?;
    }
    let mut walk = Walk::new(engine, MAX_ROWS);
    let mut people = BTreeSet::new();
    for connection in &all {
        search.orders(connection, &wanted, &mut walk).await?;
        if people.insert(connection.people_partition()) {
            search.people(connection, &wanted, &mut walk).await?;
        }
        if search.is_full() {
            walk.cut = true;
            break;
        }
    }
    search.hits.truncate(MAX_HITS);
    Ok(Found { hits: search.hits, looked_at: walk.looked_at, complete: !walk.cut })
}

struct Search<'a> {
    engine: &'a Engine,
    hits: Vec<Hit>,
    /// People are one store's, whichever connection they are found through.
    known: BTreeSet<Key>,
}

impl Search<'_> {
    fn is_full(&self) -> bool {
        self.hits.len() >= MAX_HITS
    }

    /// Looks where a record of this very id would be.
    async fn by_id(&mut self, connection: &Connection, id: &str) -> Result<(), Fault> {
        for stream in [Stream::Orders, Stream::Customers, Stream::Products] {
            if let Some(row) = self.row(connection, stream, id).await? {
                self.add(connection, (stream, id.to_owned()), &row, "id");
            }
        }
        Ok(())
    }

    async fn orders(&mut self, of: &Connection, wanted: &Wanted, walk: &mut Walk<'_>) -> Result<(), Fault> {
        let mut buyers = Vec::new();
        walk.rows(&Connection::partition(&of.id), Stream::Orders, |id, row| {
            if let Some((matched, buyer)) = wanted.order(&id, &row) {
                self.add(of, (Stream::Orders, id), &row, matched);
                buyers.extend(buyer.map(|buyer| (buyer, matched)));
            }
            !self.is_full()
        })
        .await?;
        for (buyer, matched) in buyers {
            if let Some(row) = self.row(of, Stream::Customers, &buyer).await? {
                self.add(of, (Stream::Customers, buyer), &row, matched);
            }
        }
        Ok(())
    }

    async fn people(&mut self, of: &Connection, wanted: &Wanted, walk: &mut Walk<'_>) -> Result<(), Fault> {
        walk.rows(&of.people_partition(), Stream::Customers, |id, row| {
            if let Some(matched) = wanted.person(&id, &row) {
                self.add(of, (Stream::Customers, id), &row, matched);
            }
            !self.is_full()
        })
        .await
    }

    async fn row(&self, of: &Connection, stream: Stream, id: &str) -> Result<Option<LedgerRow>, Fault> {
        let row = crate::state::load(&*self.engine.store, key(of, stream, id)).await?;
        Ok(row.map(|row: Row<LedgerRow>| row.value))
    }

    fn add(
        &mut self,
        of: &Connection,
        (stream, id): (Stream, String),
        row: &LedgerRow,
        matched: &'static str,
    ) {
        if !self.known.insert(key(of, stream, &id)) {
            return;
        }
        self.hits.push(Hit {
            connection: of.id.clone(),
            name: of.name.clone(),
            stream: stream.word(),
            id,
            number: row.number.clone(),
            state: row.state,
            reason: row.reason.clone(),
            sent_at: row.sent_at,
            matched,
        });
    }
}

fn key(of: &Connection, stream: Stream, id: &str) -> Key {
    LedgerRow::key(&of.partition_of(stream), stream.word(), id)
}
