//! Our own side of a connection: written, renewed, summed up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tillsync_mapping::activecampaign::Account;
use tillsync_mapping::model::{Location, Secret};
use tillsync_mapping::source::{Access, Count, Field, Source, Window};

use super::ids::matched_ids;
use super::warn::{Warning, not_kept};
use super::{ConnectRequest, Sides, Summary};
use crate::connections::index;
use crate::context::Engine;
use crate::fault::Fault;
use crate::intake::place;
use crate::manage::begin_again;
use crate::paced::Paced;
use crate::plan::history_from;
use crate::ports::Written;
use crate::run::{Estimate, MAX_COUNT_CALLS};
use crate::state::{Connection, ConnectionState, Counted, Cursor, Row, Settings, Tagged, update};
use crate::tokens::keep_pasted;

pub(super) fn new_connection(
    engine: &Engine,
    request: &ConnectRequest,
    source: &dyn Source,
    access: &Access,
    account: &Account,
) -> Result<Connection, Fault> {
    let now = engine.now();
    let location: Location = access.location.clone();
    let from = history_from(&request.history, &location.timezone, now)?;
    Ok(Connection {
        id: engine.new_id(),
        name: request.name.trim().to_owned(),
        source: source.name().to_owned(),
        api_url: access.api_url.clone(),
        store: access.store.clone(),
        location,
        destination_url: account.base.clone(),
        destination: Account::destination(&account.base),
        remote: None,
        state: ConnectionState::Active,
        epoch: 0,
        active_sync: true,
        problem: None,
        settings: Settings { history_from: from, history: request.history.clone(), ..Settings::default() },
        public_url: engine.config.public_url.clone(),
        created: now,
        adopted: None,
        rechecked: None,
        counted: None,
        last_sync: None,
        next_sync: now.saturating_add(engine.config.timing.poll_every).ok(),
    })
}

/// Which connection has a (location, destination).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) connection: String,
}

impl Tagged for Known {}

/// Writes a new connection and its secrets. Secrets first: a connection without them could not work.
pub(super) async fn keep(
    engine: &Engine,
    connection: &Connection,
    pasted: Option<&Secret>,
    key: &Secret,
) -> Result<Option<Warning>, Fault> {
    let mut warning = None;
    if let Some(token) = pasted {
        warning = not_kept(keep_pasted(engine, &connection.store_owner(), token).await?);
    }
    engine.vault.put(&connection.destination_owner(), key).await?;
    let known = Known { connection: connection.id.clone() };
    let cursor = Cursor { watermark: connection.created, told: false };
    let writes = vec![
        Row::new(Connection::key(&connection.id), connection.clone()).put()?,
        Row::new(Connection::index_key(&connection.id), known.clone()).put()?,
        index(connection)?,
        Row::new(connection.unique_key(), known).put()?,
        Row::new(Connection::orders_cursor(&connection.id), cursor).put()?,
    ];
    // Where the platform sends what happens is told from now on.
    place(engine, &connection.source).await?;
    match engine.store.transact(writes).await? {
        Written::Done => Ok(warning),
        Written::Conflict => Err(Fault::retry(
            "connection.busy",
            "this location is being connected by somebody else; look again",
        )),
    }
}

/// The connection is there: its token and key are renewed, what was wrong is forgotten. One that had ended begins again.
pub(super) async fn renew(
    engine: &Engine,
    request: &ConnectRequest,
    there: &Connection,
    (sides, pasted): (&Sides<'_>, bool),
) -> Result<(Connection, Option<Warning>), Fault> {
    let (access, account) = (sides.access, sides.account);
    // The secrets first: what is woken by them calls at once.
    engine.vault.put(&there.destination_owner(), &account.key).await?;
    let mut warning = None;
    if pasted {
        warning = not_kept(keep_pasted(engine, &there.store_owner(), &access.token).await?);
    }
    let now = engine.now();
    let row = update(&*engine.store, &Connection::key(&there.id), |connection: &mut Connection| {
        if connection.state == ConnectionState::Deleted {
            // Nobody calls it by its old name any more.
            request.name.trim().clone_into(&mut connection.name);
        }
        if connection.is_over() {
            begin_again(connection, now);
        }
        connection.state = ConnectionState::Active;
        connection.problem = None;
        connection.location = access.location.clone();
        connection.destination_url = account.base.clone();
    })
    .await?;
    Ok((row.value, warning))
}

/// Counts the orders of the history asked for; one that begins later has none.
pub(super) async fn count(
    engine: &Engine,
    source: &dyn Source,
    http: &Paced<'_>,
    (access, connection): (&Access, &Connection),
) -> Result<Counted, Fault> {
    let now: Timestamp = engine.now();
    let from = connection.settings.history_from.unwrap_or(Timestamp::UNIX_EPOCH).min(now);
    let window = Window { field: Field::Created, from, to: now };
    let count = source.count_orders(http, access, window, MAX_COUNT_CALLS).await?;
    Ok(Counted { orders: count.orders, exact: count.exact, at: now })
}

pub(super) fn summary(engine: &Engine, connection: &Connection, count: Counted) -> Summary {
    let count = Count { orders: count.orders, exact: count.exact };
    let estimate = Estimate::of(count, engine.config.calls_per_second);
    Summary {
        connection: connection.id.clone(),
        name: connection.name.clone(),
        renewed: false,
        adopted: connection.adopted.is_some(),
        ids: engine.source(&connection.source).map(matched_ids).unwrap_or_default(),
        matched: None,
        warnings: Vec::new(),
        orders: estimate.orders,
        exact: estimate.exact,
        calls: estimate.destination_calls,
        minutes: estimate.minutes,
        because: estimate.because,
    }
}
