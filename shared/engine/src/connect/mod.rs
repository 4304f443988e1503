//! Connecting a location to a destination by token: everything is proved before anything is set up, so that a
//! failed attempt leaves nothing behind.

mod adopt;
mod codes;
mod ids;
mod keep;
mod leftovers;
mod offer;
mod prove;
mod remote;
mod several;
mod steps;
#[cfg(test)]
mod tests;
mod warn;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tillsync_mapping::activecampaign::Account;
use tillsync_mapping::model::{Location, Secret};
use tillsync_mapping::source::{Access, Source};

use crate::connections::{all, proper_name};
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::manage::begins_again;
use crate::message::Work;
use crate::paced::{CLOCKS_DIFFER, Paced};
use crate::plan::history_from;
use crate::ports::{Key, Lane};
use crate::run::connection as connection_by_id;
use crate::state::{Connection, ConnectionState, Row, Tagged, load, update};
pub use adopt::Matched;
pub(crate) use codes::CODES;
pub use ids::{MatchedId, fields_of, match_ids, matched_ids};
use keep::{Known, count, keep, new_connection, renew, summary};
use leftovers::new_draft;
pub(crate) use leftovers::{forget_leftover, queue_leftovers};
pub use offer::{Existing, Offer};
use prove::{Means, Proof, Token, prove};
pub(crate) use remote::service;
use remote::{choose, settle};
pub(crate) use remote::{is_there, prove_account, prove_waiting, still_there};
use several::connect_all;
pub use several::{ALL, Part, begin_several};
pub use steps::{
    Refused, Step, Steps, Wanted, application, choose_destination, choose_location, choose_locations,
    choose_name, going_on, key_of, locations, open, want,
};
pub(crate) use steps::{is_open, refused, signed};
pub use warn::Warning;
pub(crate) use warn::own_integration;
use warn::{free_name, kept};

/// How long what came of a draft can be asked for.
const DRAFTS_ARE_KEPT: SignedDuration = SignedDuration::from_hours(24);

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
    /// The locations, where there may be several: ids or names, or `all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
    /// What came of it; nothing while it is worked on.
    pub outcome: Option<DraftOutcome>,
    /// When it was asked for.
    #[serde(default)]
    pub asked: Option<Timestamp>,
    /// How far it is, where somebody signs in first; none for one by token.
    #[serde(default)]
    pub steps: Option<Steps>,
}

/// What came of a draft.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftOutcome {
    /// The connection is there.
    Connected(Summary),
    /// What came of each of several locations.
    Several(Vec<Part>),
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
    /// What it is called.
    pub name: String,
    /// Whether it was there already: its token and key were renewed.
    pub renewed: bool,
    /// Whether an existing connection at the destination was taken over.
    pub adopted: bool,
    /// The ids both sides know the same thing by.
    #[serde(default)]
    pub ids: Vec<MatchedId>,
    /// What the orders it holds are at the store.
    #[serde(default)]
    pub matched: Option<Matched>,
    /// What somebody should know.
    #[serde(default)]
    pub warnings: Vec<Warning>,
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

impl Tagged for Draft {
    fn expires(&self) -> Option<Timestamp> {
        self.asked.and_then(|asked| asked.checked_add(DRAFTS_ARE_KEPT).ok())
    }
}

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
    secrets: (&Secret, &Secret),
) -> Result<String, Fault> {
    keep_draft(engine, request, Vec::new(), secrets).await
}

async fn keep_draft(
    engine: &Engine,
    request: ConnectRequest,
    locations: Vec<String>,
    (token, key): (&Secret, &Secret),
) -> Result<String, Fault> {
    engine.source(&request.source)?;
    parse_url(&request.destination_url)?;
    history_from(&request.history, "UTC", engine.now())?;
    proper_name(&request.name)?;
    let id = engine.new_id();
    let draft = Draft { request, locations, outcome: None, asked: Some(engine.now()), steps: None };
    // Before its secrets: they are forgotten with it.
    new_draft(engine, &id, draft).await?;
    let (token_owner, key_owner) = Draft::owners(&id);
    engine.vault.put(&token_owner, token).await?;
    engine.vault.put(&key_owner, key).await?;
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
/// Of the store and the vault. A refused connection is an outcome, not an error. One that was signed in for and failed for
/// now is told as failed, and stays open: it can be finished later.
pub async fn finish_draft(engine: &Engine, id: &str) -> Result<DraftOutcome, Fault> {
    let (token_owner, key_owner) = Draft::owners(id);
    let row: Option<Row<Draft>> = load(&*engine.store, Draft::key(id)).await?;
    let missing = || Fault::reject("data.corrupt", format!("no draft {id}"));
    let draft = row.ok_or_else(missing)?.value;
    if let Some(outcome) = draft.outcome {
        return Ok(outcome);
    }
    let incomplete = draft.steps.is_some() && draft.step() != Step::Finish;
    if incomplete {
        let detail = format!("draft {id} waits for: {}", draft.step().word());
        return Err(Fault::usage("draft.incomplete", detail));
    }
    let token = match &draft.steps {
        Some(_) => Token::Signed(steps::token(engine, &draft).await?),
        None => Token::Pasted(engine.vault.get(&token_owner).await?.ok_or_else(missing)?),
    };
    let key = engine.vault.get(&key_owner).await?.ok_or_else(missing)?;
    let polled = draft.steps.as_ref().and_then(|steps| steps.active_sync).unwrap_or(true);
    let means = Means { token, key, polled };
    let connected = if draft.locations.is_empty() {
        connect(engine, &draft.request, means).await.map(DraftOutcome::Connected)
    } else {
        connect_all(engine, &draft, means).await.map(DraftOutcome::Several)
    };
    let outcome = match connected {
        Ok(outcome) => outcome,
        Err(fault) if fault.kind == Kind::Retry && draft.steps.is_some() => {
            // The same may work in a minute: nobody signs in once more for it.
            refused(engine, id, &fault).await?;
            return Ok(Err(fault).into());
        }
        Err(fault) => Err(fault).into(),
    };
    engine.vault.forget(&token_owner).await?;
    engine.vault.forget(&key_owner).await?;
    update(&*engine.store, &Draft::key(id), |draft: &mut Draft| draft.outcome = Some(outcome.clone()))
        .await?;
    Ok(outcome)
}

fn parse_url(text: &str) -> Result<String, Fault> {
    Account::parse_base(text)
        .map_err(|error| Fault::usage("destination.url_invalid", format!("destination URL: {error}")))
}

/// A connection that is known cannot be moved to another one at the destination by connecting again.
fn same_remote(request: &ConnectRequest, known: &Connection) -> Result<(), Fault> {
    let ours = known.remote.map(|id| id.to_string());
    match request.connection_type.as_deref() {
        None => Ok(()),
        Some(asked) if ours.as_deref() == Some(asked) => Ok(()),
        Some(asked) => {
            let ours = ours.unwrap_or_default();
            let detail =
                format!("{} is connected to {ours} at the destination, not to {asked:?}", known.name);
            Err(Fault::usage("destination.connection_exists", detail))
        }
    }
}

async fn connect(engine: &Engine, request: &ConnectRequest, means: Means) -> Result<Summary, Fault> {
    let one = std::slice::from_ref(&request.location);
    let (proof, mut locations) = prove(engine, request, means, one).await?;
    let missing = || Fault::reject("data.corrupt", "no location was asked for");
    let location = locations.pop().ok_or_else(missing)?.1?;
    connect_one(engine, request, &proof, location).await
}

/// Connects one location, or renews its connection.
async fn connect_one(
    engine: &Engine,
    request: &ConnectRequest,
    proof: &Proof<'_>,
    location: Location,
) -> Result<Summary, Fault> {
    let Proof { source, source_http, http, account, pasted, polled, .. } = proof;
    let (pasted, polled) = (*pasted, *polled);
    let source = *source;
    let access = Access { location, ..proof.access.clone() };
    let mut connection = new_connection(engine, request, source, &access, account)?;
    connection.destination.clone_from(&proof.destination);
    if let Some(behind) = source_http.is_ahead_by().filter(|ahead| *ahead < -CLOCKS_DIFFER) {
        // Polls follow from here on: by our clock they would leave out what is sold until it is as late there.
        connection.created = connection.created.saturating_add(behind).unwrap_or(connection.created);
    }
    let sides = Sides { source, source_http, access: &access, http, account };
    let known: Option<Row<Known>> = load(&*engine.store, connection.unique_key()).await?;
    if let Some(known) = known {
        return again(engine, request, &sides, (&known.value.connection, pasted)).await;
    }
    let others = all(engine).await?;
    free_name(&others, &connection.name)?;
    let chosen = choose(request, &connection, &sides, &others).await?;
    // The last questions that could be refused: nothing is made at the destination before them.
    let counted = count(engine, source, source_http, (&access, &connection)).await?;
    let warnings = own_integration(&sides).await?;
    connection.counted = Some(counted);
    let matched = chosen.as_ref().map(|adopted| adopted.matched);
    let (remote, found) = settle(chosen, &connection, account, http).await?;
    connection.remote = Some(remote);
    connection.adopted = found.then_some(connection.created);
    connection.active_sync = polled;
    let mut warnings = warnings;
    warnings.extend(keep(engine, &connection, pasted.then_some(&access.token), &account.key).await?);
    Ok(Summary { matched, warnings, ..summary(engine, &connection, counted) })
}

/// Both sides of a connection that is being made.
pub(crate) struct Sides<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) source_http: &'a Paced<'a>,
    pub(crate) access: &'a Access,
    pub(crate) http: &'a Paced<'a>,
    pub(crate) account: &'a Account,
}

/// The location is connected to this account: its token and key are renewed, and nothing else changes.
async fn again(
    engine: &Engine,
    request: &ConnectRequest,
    sides: &Sides<'_>,
    (id, pasted): (&str, bool),
) -> Result<Summary, Fault> {
    let there = connection_by_id(&*engine.store, id).await?.value;
    same_remote(request, &there)?;
    let removed = match still_there(&there, sides.account, sides.http).await {
        Err(fault) if fault.code == "destination.connection_unknown" => true,
        answer => answer.map(|()| false)?,
    };
    let mut warnings = own_integration(sides).await?;
    if there.state == ConnectionState::Deleted {
        free_name(&all(engine).await?, request.name.trim())?;
    }
    warnings.extend(kept(request, &there));
    if removed {
        warnings.push(made_anew(engine, &there, sides).await?);
    }
    let (connection, warning) = renew(engine, request, &there, (sides, pasted)).await?;
    warnings.extend(warning);
    if there.is_over() {
        begins_again(engine, &connection).await?;
    }
    let counted = count(engine, sides.source, sides.source_http, (sides.access, &connection)).await?;
    update(&*engine.store, &Connection::key(&connection.id), |connection: &mut Connection| {
        connection.counted = Some(counted);
    })
    .await?;
    Ok(Summary { renewed: true, warnings, ..summary(engine, &connection, counted) })
}

/// The connection at the destination was removed there: another one takes its place. What was sent to the old one is
/// gone, and may have started automations then: it goes silently when it is sent again.
async fn made_anew(engine: &Engine, there: &Connection, sides: &Sides<'_>) -> Result<Warning, Fault> {
    let (remote, _) = settle(None, there, sides.account, sides.http).await?;
    let now = engine.now();
    update(&*engine.store, &Connection::key(&there.id), |connection: &mut Connection| {
        connection.remote = Some(remote);
        connection.adopted = Some(now);
    })
    .await?;
    let message = format!(
        "its connection had been removed at the destination, with what was sent to it; connection {remote} was made, \
         and a history sends everything again, silently"
    );
    Ok(Warning { code: "connection.remade".into(), message })
}
