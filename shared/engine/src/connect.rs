//! Connecting a location to a destination by token: everything is proved before anything is set up, so that a
//! failed attempt leaves nothing behind.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tillsync_mapping::activecampaign::{self, Account, NewConnection};
use tillsync_mapping::http::Http;
use tillsync_mapping::model::{Location, Secret};
use tillsync_mapping::source::{Access, Field, ReadOptions, Source, Window};

use crate::connections::pick_location;
use crate::context::Engine;
use crate::deliver::stopped;
use crate::fault::{Fault, Kind};
use crate::message::Work;
use crate::paced::Paced;
use crate::plan::history_from;
use crate::ports::{Key, Lane, Written};
use crate::state::{Connection, ConnectionState, Counted, Cursor, Row, Settings, Tagged, load, update};

/// Calls spent on counting orders for the summary.
const MAX_COUNT_CALLS: u32 = 20;
/// Calls in a minute per call in a second.
const SECONDS_PER_MINUTE: u64 = 60;

/// What somebody wants connected. The token and the key are in the vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectRequest {
    /// The source's name.
    pub source: String,
    /// The import's name.
    pub name: String,
    /// Id or name of the location.
    pub location: String,
    /// Address of the account, with or without `/api/3`.
    pub destination_url: String,
    /// `all`, `this-year` or a date.
    pub history: String,
    /// `new`, an id at the destination, or nothing: the matching one if there is one.
    pub connection_type: Option<String>,
}

/// A connection being set up, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// What was asked for.
    pub request: ConnectRequest,
    /// What came of it; nothing while it is worked on.
    pub outcome: Option<DraftOutcome>,
}

/// What came of a draft.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftOutcome {
    /// The connection is there.
    Connected(Summary),
    /// It is not; nothing was left behind.
    Failed {
        /// Known to `explain`.
        code: String,
        /// One line.
        detail: String,
        /// Whether another question would help.
        usage: bool,
    },
}

/// What a new connection would send, before it sends anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The connection.
    pub connection: String,
    /// Whether it was there already: its token and key were renewed.
    pub renewed: bool,
    /// Whether an existing connection at the destination was taken over.
    pub adopted: bool,
    /// Orders of the history asked for.
    pub orders: u64,
    /// False when counting stopped early.
    pub exact: bool,
    /// Calls of its import, about.
    pub calls: u64,
    /// Minutes of its import, about.
    pub minutes: u64,
    /// Why it takes so long.
    pub because: String,
}

impl Tagged for Draft {}

impl Draft {
    /// Where a draft lives.
    #[must_use]
    pub fn key(id: &str) -> Key {
        Key::new(format!("DRAFT#{id}"), "META")
    }

    fn owners(id: &str) -> (String, String) {
        (format!("DRAFT#{id}#token"), format!("DRAFT#{id}#key"))
    }
}

/// Stores what is to be connected. [`finish_draft`] does the rest, here or in the process that owns the data.
///
/// # Errors
/// `config.invalid`, `destination.url_invalid`, `source.unknown`: what can be told without a call.
pub async fn begin(
    engine: &Engine,
    request: ConnectRequest,
    (token, key): (&Secret, &Secret),
) -> Result<String, Fault> {
    engine.source(&request.source)?;
    parse_url(&request.destination_url)?;
    history_from(&request.history, "UTC", engine.now())?;
    if request.name.trim().is_empty() {
        return Err(Fault::usage("config.missing", "--name: give the connection a name"));
    }
    let id = engine.new_id();
    let (token_owner, key_owner) = Draft::owners(&id);
    engine.vault.put(&token_owner, token).await?;
    engine.vault.put(&key_owner, key).await?;
    let row = Row::new(Draft::key(&id), Draft { request, outcome: None });
    engine.store.transact(vec![row.put()?]).await?;
    Ok(id)
}

/// Queues a draft for the process that owns the data.
///
/// # Errors
/// Of the queue.
pub async fn enqueue_draft(engine: &Engine, id: &str) -> Result<(), Fault> {
    engine.send(Lane::Live, id, &[Work::Connect { draft: id.to_owned() }]).await
}

/// What came of a draft so far.
///
/// # Errors
/// Of the store.
pub async fn draft(engine: &Engine, id: &str) -> Result<Option<Draft>, Fault> {
    Ok(load(&*engine.store, Draft::key(id)).await?.map(|row: Row<Draft>| row.value))
}

/// Finishes a draft and notes what came of it.
///
/// # Errors
/// Of the store and the vault. A refused connection is an outcome, not an error.
pub async fn finish_draft(engine: &Engine, id: &str) -> Result<DraftOutcome, Fault> {
    let (token_owner, key_owner) = Draft::owners(id);
    let row: Option<Row<Draft>> = load(&*engine.store, Draft::key(id)).await?;
    let missing = || Fault::reject("data.corrupt", format!("no draft {id}"));
    let draft = row.ok_or_else(missing)?.value;
    if let Some(outcome) = draft.outcome {
        return Ok(outcome);
    }
    let token = engine.vault.get(&token_owner).await?.ok_or_else(missing)?;
    let key = engine.vault.get(&key_owner).await?.ok_or_else(missing)?;
    let outcome = match connect(engine, &draft.request, token, key).await {
        Ok(summary) => DraftOutcome::Connected(summary),
        Err(fault) => DraftOutcome::Failed {
            code: fault.code.to_owned(),
            detail: fault.detail,
            usage: fault.kind == Kind::Usage,
        },
    };
    engine.vault.forget(&token_owner).await?;
    engine.vault.forget(&key_owner).await?;
    update(&*engine.store, &Draft::key(id), |draft: &mut Draft| draft.outcome = Some(outcome.clone())).await?;
    Ok(outcome)
}

fn parse_url(text: &str) -> Result<String, Fault> {
    Account::parse_base(text)
        .map_err(|error| Fault::usage("destination.url_invalid", format!("--destination-url: {error}")))
}

async fn connect(
    engine: &Engine,
    request: &ConnectRequest,
    token: Secret,
    key: Secret,
) -> Result<Summary, Fault> {
    let source = engine.source(&request.source)?;
    let api_url = engine.api_url(source);
    let source_http = engine.source_http(source.name(), "connecting", Lane::Live);
    let store = source.identify(&source_http, &api_url, &token).await?;
    let location = pick_location(source, &store.locations, &request.location)?;
    let options = ReadOptions::default();
    let access = Access { api_url, token, store: store.id, location, options };
    source.check_scopes(&source_http, &access).await?;

    let base = parse_url(&request.destination_url)?;
    let destination = Account::destination(&base);
    let http = engine.destination_http(&destination, Lane::Live);
    let account = Account { base, key };
    prove_account(&account, &http).await?;

    let mut connection = new_connection(engine, request, source, &access, &account)?;
    let known: Option<Row<Known>> = load(&*engine.store, connection.unique_key()).await?;
    if let Some(known) = known {
        let connection = renew(engine, &known.value.connection, &access, &account).await?;
        return summary(engine, source, &source_http, (&access, &connection), true).await;
    }
    let remote = remote(request, &connection, &account, &http).await?;
    connection.remote = Some(remote.id);
    connection.adopted = remote.found.then_some(connection.created);
    keep(engine, &connection, &access.token, &account.key).await?;
    summary(engine, source, &source_http, (&access, &connection), false).await
}

/// The key, the plan and the schema, before anything is made.
async fn prove_account(account: &Account, http: &Paced<'_>) -> Result<(), Fault> {
    let me = http.send(activecampaign::who_am_i(account)).await.map_err(refused_host)?;
    activecampaign::succeeded(&me).map_err(stopped)?;
    let plan = http.send(activecampaign::entitlements(account)).await?;
    if activecampaign::has_ecommerce(&plan).map_err(stopped)? == Some(false) {
        let detail = "the account's plan does not include e-commerce data";
        return Err(Fault::reject("destination.plan", detail));
    }
    let schema = http.send(activecampaign::check_schema(account)).await?;
    activecampaign::orders_found(&schema).map(|_| ()).map_err(stopped)
}

/// A host that may not be called is a setting to be changed.
fn refused_host(error: tillsync_mapping::http::HttpError) -> Fault {
    let fault = Fault::from(error);
    let kind = if fault.code == "destination.host_not_allowed" { Kind::Usage } else { fault.kind };
    Fault { kind, ..fault }
}

/// A connection at the destination, and whether it was there before.
struct Remote {
    id: i64,
    found: bool,
}

/// The matching connection at the destination, or a new one.
async fn remote(
    request: &ConnectRequest,
    connection: &Connection,
    account: &Account,
    http: &Paced<'_>,
) -> Result<Remote, Fault> {
    let service = service(&connection.source);
    let external = &connection.location.id;
    let response = http.send(activecampaign::find_connection(account, &service, external)).await?;
    let matching = activecampaign::connections(&response)
        .map_err(stopped)?
        .into_iter()
        .find(|found| found.service == service && found.externalid == *external);
    match (matching, request.connection_type.as_deref()) {
        (Some(found), None) => Ok(Remote { id: found.id, found: true }),
        (Some(found), Some(asked)) if asked == found.id.to_string() => Ok(Remote { id: found.id, found: true }),
        (Some(found), Some("new")) => {
            let detail = format!("connection {} at the destination is this location's already; leave out --connection-type to go on with it", found.id);
            Err(Fault::usage("destination.connection_exists", detail))
        }
        (None, None | Some("new")) => create(connection, account, http).await,
        (_, Some(other)) => {
            let detail = format!("connection {other} at the destination was not made for this location by tillsync");
            Err(Fault::usage("destination.connection_foreign", detail))
        }
    }
}

/// Makes the connection with no list. The destination has been seen to choose one by itself: then it is put
/// back, and if that is refused the connection is stopped and said so (rules.md section 8).
async fn create(connection: &Connection, account: &Account, http: &Paced<'_>) -> Result<Remote, Fault> {
    let service = service(&connection.source);
    let new = NewConnection {
        service: service.clone(),
        externalid: connection.location.id.clone(),
        name: connection.location.name.clone(),
        logo_url: format!("{}/logo.png", connection.managed_at()),
        link_url: connection.managed_at().to_owned(),
    };
    let response = http.send(activecampaign::create_connection(account, &new)).await?;
    let made = activecampaign::connection(&response).map_err(stopped)?;
    if made.list != "0" {
        let response = http.send(activecampaign::set_no_list(account, made.id)).await?;
        let put_back = activecampaign::connection(&response);
        if put_back.as_ref().map_or(true, |back| back.list != "0") {
            let stop = activecampaign::set_sync_status(account, made.id, false);
            http.send(stop).await?;
            let detail = format!("the destination puts new contacts on list {}; connection {} stays there, stopped", made.list, made.id);
            return Err(Fault::reject("destination.list_refused", detail));
        }
    }
    let announced = http.send(activecampaign::announce(account, &service, &connection.location.id)).await;
    if !announced.is_ok_and(|response| response.is_success()) {
        tracing::info!("the new connection could not be announced; orders are taken without, as far as is known");
    }
    Ok(Remote { id: made.id, found: false })
}

fn service(source: &str) -> String {
    format!("tillsync-{source}")
}

fn new_connection(
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
        active_sync: true,
        problem: None,
        settings: Settings { history_from: from, history: request.history.clone() },
        public_url: engine.config.public_url.clone(),
        created: now,
        adopted: None,
        counted: None,
        last_sync: None,
        next_sync: now.saturating_add(engine.config.timing.poll_every).ok(),
    })
}

/// Which connection has a (location, destination).
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    connection: String,
}

impl Tagged for Known {}

/// Writes a new connection and its secrets. Secrets first: a connection without them could not work.
async fn keep(engine: &Engine, connection: &Connection, token: &Secret, key: &Secret) -> Result<(), Fault> {
    engine.vault.put(&connection.store_owner(), token).await?;
    engine.vault.put(&connection.destination_owner(), key).await?;
    let known = Known { connection: connection.id.clone() };
    let cursor = Cursor { watermark: connection.created };
    let writes = vec![
        Row::new(Connection::key(&connection.id), connection.clone()).put()?,
        Row::new(Connection::index_key(&connection.id), known.clone()).put()?,
        Row::new(connection.unique_key(), known).put()?,
        Row::new(Connection::orders_cursor(&connection.id), cursor).put()?,
    ];
    match engine.store.transact(writes).await? {
        Written::Done => Ok(()),
        Written::Conflict => {
            Err(Fault::retry("connection.busy", "this location is being connected by somebody else; look again"))
        }
    }
}

/// The connection is there: its token and key are renewed, what was wrong is forgotten.
async fn renew(engine: &Engine, id: &str, access: &Access, account: &Account) -> Result<Connection, Fault> {
    let row = update(&*engine.store, &Connection::key(id), |connection: &mut Connection| {
        connection.state = ConnectionState::Active;
        connection.problem = None;
        connection.location = access.location.clone();
        connection.destination_url = account.base.clone();
    })
    .await?;
    engine.vault.put(&row.value.store_owner(), &access.token).await?;
    engine.vault.put(&row.value.destination_owner(), &account.key).await?;
    Ok(row.value)
}

async fn summary(
    engine: &Engine,
    source: &dyn Source,
    http: &Paced<'_>,
    (access, connection): (&Access, &Connection),
    renewed: bool,
) -> Result<Summary, Fault> {
    let now: Timestamp = engine.now();
    let from = connection.settings.history_from.unwrap_or(Timestamp::UNIX_EPOCH);
    let window = Window { field: Field::Created, from, to: now };
    let count = source.count_orders(http, access, window, MAX_COUNT_CALLS).await?;
    let counted = Counted { orders: count.orders, exact: count.exact, at: now };
    update(&*engine.store, &Connection::key(&connection.id), |connection: &mut Connection| {
        connection.counted = Some(counted);
    })
    .await?;
    let rate = u64::from(engine.config.calls_per_second.max(1));
    // A hundred orders a call, written and read back.
    let calls = count.orders.div_ceil(100) * 2;
    Ok(Summary {
        connection: connection.id.clone(),
        renewed,
        adopted: connection.adopted.is_some(),
        orders: count.orders,
        exact: count.exact,
        calls,
        minutes: calls.div_ceil(rate * SECONDS_PER_MINUTE),
        because: format!("the destination is called {rate} times a second, 100 orders a call, and read back"),
    })
}

/// The locations a token shows.
///
/// # Errors
/// Of the source.
pub async fn locations(engine: &Engine, source: &str, token: &Secret) -> Result<Vec<Location>, Fault> {
    let source = engine.source(source)?;
    let http = engine.source_http(source.name(), "connecting", Lane::Live);
    Ok(source.identify(&http, &engine.api_url(source), token).await?.locations)
}
