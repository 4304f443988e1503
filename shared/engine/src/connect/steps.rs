//! A connection set up step by step: signed in, a location, a destination, a name, finished. The draft is a row, so it
//! outlives every process, and the command line and pages can take turns. What finishes it is the same as by token.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tillsync_mapping::activecampaign::Account;
use tillsync_mapping::model::{Location, Secret};
use tillsync_mapping::source::{Application, SignIn, Source};

use super::leftovers::new_draft;
use super::offer::{Offer, offer};
use super::several::{ALL, fits_several, pick};
use super::{ConnectRequest, Draft, parse_url};
use crate::connections::proper_name;
use crate::context::Engine;
use crate::fault::Fault;
use crate::plan::history_from;
use crate::ports::Lane;
use crate::state::{Row, load, update};
use crate::tokens;

/// The way of a draft that goes by sign-in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Steps {
    /// The store that was authorised, once it was.
    pub store: Option<String>,
    /// Why the last sign-in came to nothing; forgotten when one works.
    pub refused: Option<Refused>,
    /// Which field of a customer is the external id, once that was said (`ids.rs`).
    #[serde(default)]
    pub ids: Option<String>,
    /// Whether it is polled by itself once it is there.
    #[serde(default)]
    pub active_sync: Option<bool>,
    /// What was asked for before anybody signed in: the steps to come take it from here.
    #[serde(default)]
    pub wanted: Wanted,
}

/// What is known of a connection before its store is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Ids or names of the locations, or [`super::ALL`].
    #[serde(default)]
    pub locations: Vec<String>,
    /// Address of the account.
    pub destination_url: Option<String>,
    /// `new`, or an id at the destination.
    pub connection_type: Option<String>,
    /// Whether its history begins at once.
    pub start: bool,
}

/// A sign-in that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Known to `explain`.
    pub code: String,
    /// One line.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// What a draft waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody has to sign in at the source.
    SignIn,
    /// A location is to be chosen.
    Location,
    /// The destination and the kind of connection there.
    Destination,
    /// By which ids both sides know the same thing.
    Ids,
    /// A name, the history, and whether it is polled.
    Name,
    /// Nothing: it can be finished.
    Finish,
    /// Nothing any more.
    Finished,
}

impl Step {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Location => "location",
            Self::Destination => "destination",
            Self::Ids => "ids",
            Self::Name => "name",
            Self::Finish => "finish",
            Self::Finished => "finished",
        }
    }
}

impl Draft {
    /// What it waits for.
    #[must_use]
    pub fn step(&self) -> Step {
        let (request, steps) = (&self.request, self.steps.as_ref());
        match self.outcome {
            Some(_) => Step::Finished,
            None if steps.is_some_and(|steps| steps.store.is_none()) => Step::SignIn,
            None if request.location.is_empty() => Step::Location,
            None if request.destination_url.is_empty() => Step::Destination,
            None if steps.is_some_and(|steps| steps.ids.is_none()) => Step::Ids,
            None if request.name.is_empty() => Step::Name,
            None => Step::Finish,
        }
    }
}

/// The sign-in of a source, and the operator's application there.
///
/// # Errors
/// `sign_in.not_supported`; `config.missing` names the variables.
pub fn application<'a>(
    engine: &'a Engine,
    source: &'static dyn Source,
) -> Result<(&'static dyn SignIn, &'a Application), Fault> {
    let sign_in = source
        .sign_in()
        .ok_or_else(|| Fault::usage("sign_in.not_supported", format!("{} has no sign-in", source.title())))?;
    let application = engine.config.applications.get(source.name()).ok_or_else(|| {
        let name = || source.name().to_uppercase();
        let (id, secret) = (
            format!("TILLSYNC_{}_APPLICATION_ID", name()),
            format!("TILLSYNC_{}_APPLICATION_SECRET", name()),
        );
        let title = source.title();
        let detail = format!("{id}, {secret}: set both to those of your application at {title}");
        Fault::usage("config.missing", detail)
    })?;
    Ok((sign_in, application))
}

/// Begins a draft that is signed in first.
///
/// # Errors
/// `source.unknown`, `sign_in.not_supported`, `config.missing`, or of the store.
pub async fn open(engine: &Engine, source: &str) -> Result<String, Fault> {
    let source = engine.source(source)?;
    application(engine, source)?;
    let request = ConnectRequest {
        source: source.name().to_owned(),
        name: String::new(),
        location: String::new(),
        destination_url: String::new(),
        history: "all".to_owned(),
        connection_type: None,
    };
    let id = engine.new_id();
    let draft = Draft {
        request,
        locations: Vec::new(),
        outcome: None,
        asked: Some(engine.now()),
        steps: Some(Steps::default()),
    };
    new_draft(engine, &id, draft).await?;
    Ok(id)
}

/// The draft of an id, while it can be gone on with.
///
/// # Errors
/// `draft.unknown`, `draft.finished`, or of the store.
pub async fn going_on(engine: &Engine, id: &str) -> Result<Draft, Fault> {
    let row: Option<Row<Draft>> = load(&*engine.store, Draft::key(id)).await?;
    let draft = row.map(|row| row.value).filter(|draft| draft.steps.is_some());
    let draft = draft.ok_or_else(|| Fault::usage("draft.unknown", format!("no draft {id:?}")))?;
    if draft.outcome.is_some() {
        return Err(Fault::usage("draft.finished", format!("draft {id} is finished")));
    }
    Ok(draft)
}

/// Refuses a draft that is of another source, or not to be gone on with.
///
/// # Errors
/// As [`going_on`].
pub(crate) async fn is_open(engine: &Engine, id: &str, source: &str) -> Result<(), Fault> {
    match going_on(engine, id).await? {
        draft if draft.request.source == source => Ok(()),
        _ => Err(Fault::usage("draft.unknown", format!("draft {id} is of another source"))),
    }
}

pub(super) async fn change(
    engine: &Engine,
    id: &str,
    mut with: impl FnMut(&mut Draft, &mut Steps),
) -> Result<(), Fault> {
    let now = engine.now();
    update(&*engine.store, &Draft::key(id), |draft: &mut Draft| {
        let mut steps = draft.steps.take().unwrap_or_default();
        with(draft, &mut steps);
        draft.steps = Some(steps);
        // It is kept for a day after the last step.
        draft.asked = Some(now);
    })
    .await?;
    Ok(())
}

/// Notes what is wanted, and the key of the account, for the steps to come.
///
/// # Errors
/// `draft.unknown`, `draft.finished`, `destination.url_invalid`, `config.invalid` for an id that fits one location only, or
/// of the vault.
pub async fn want(engine: &Engine, id: &str, wanted: Wanted, key: &Secret) -> Result<(), Fault> {
    going_on(engine, id).await?;
    if let Some(url) = &wanted.destination_url {
        parse_url(url)?;
    }
    if wanted.locations.len() > 1 || wanted.locations.first().is_some_and(|one| one == ALL) {
        fits_several(wanted.connection_type.as_deref())?;
    }
    engine.vault.put(&Draft::owners(id).1, key).await?;
    change(engine, id, |_, steps| steps.wanted = wanted.clone()).await
}

/// The key of the account, where it was given.
///
/// # Errors
/// Of the vault.
pub async fn key_of(engine: &Engine, id: &str) -> Result<Option<Secret>, Fault> {
    Ok(engine.vault.get(&Draft::owners(id).1).await?)
}

/// The browser came back with an authorisation of this store.
pub(crate) async fn signed(engine: &Engine, id: &str, store: &str) -> Result<(), Fault> {
    change(engine, id, |draft, steps| {
        if steps.store.as_deref().is_some_and(|before| before != store) {
            // A location of the store before is none of this one.
            draft.request.location.clear();
        }
        steps.store = Some(store.to_owned());
        steps.refused = None;
    })
    .await
}

/// The browser came back without one.
pub(crate) async fn refused(engine: &Engine, id: &str, fault: &Fault) -> Result<(), Fault> {
    if going_on(engine, id).await.is_err() {
        return Ok(());
    }
    let at = engine.now();
    let refused = Refused { code: fault.code.to_owned(), detail: fault.detail.clone(), at };
    change(engine, id, |_, steps| steps.refused = Some(refused.clone())).await
}

/// What a draft's store is called with.
pub(super) async fn token(engine: &Engine, draft: &Draft) -> Result<Secret, Fault> {
    let missing = || Fault::usage("draft.incomplete", "nobody signed in at the source yet");
    let store = draft.steps.as_ref().and_then(|steps| steps.store.as_deref()).ok_or_else(missing)?;
    let held = engine.vault.get(&tokens::owner(&draft.request.source, store)).await?.ok_or_else(missing)?;
    Ok(tokens::Authorisation::read(&held)?.access)
}

/// The locations of a draft's store, closed ones too.
///
/// # Errors
/// `draft.unknown`, `draft.finished`, `draft.incomplete`, or of the source.
pub async fn locations(engine: &Engine, id: &str) -> Result<Vec<Location>, Fault> {
    let draft = going_on(engine, id).await?;
    let source = engine.source(&draft.request.source)?;
    let http = engine.source_http(source.name(), "connecting", Lane::Live);
    let token = token(engine, &draft).await?;
    Ok(source.identify(&http, &engine.api_url(source), &token).await?.locations)
}

/// Chooses the location, by id or name.
///
/// # Errors
/// As [`locations`]; `location.unknown`, `location.ambiguous` and one for a closed one.
pub async fn choose_location(engine: &Engine, id: &str, id_or_name: &str) -> Result<Location, Fault> {
    let mut chosen = choose_locations(engine, id, &[id_or_name.to_owned()]).await?;
    chosen.pop().ok_or_else(|| Fault::usage("location.unknown", "the store has no open location"))
}

/// Chooses the locations, by ids or names, or [`super::ALL`]. Each becomes a connection of its own.
///
/// # Errors
/// As [`choose_location`], for the first that cannot be had.
pub async fn choose_locations(engine: &Engine, id: &str, wanted: &[String]) -> Result<Vec<Location>, Fault> {
    let draft = going_on(engine, id).await?;
    let source = engine.source(&draft.request.source)?;
    let picked = pick(source, &locations(engine, id).await?, wanted);
    let chosen: Result<Vec<Location>, Fault> = picked.into_iter().map(|(_, location)| location).collect();
    let chosen = chosen?;
    let Some(first) = chosen.first().map(|one| one.id.clone()) else {
        return Err(Fault::usage("location.unknown", "the store has no open location"));
    };
    let ids: Vec<String> = chosen.iter().map(|one| one.id.clone()).collect();
    change(engine, id, |draft, _| {
        draft.request.location.clone_from(&first);
        draft.locations = if ids.len() > 1 { ids.clone() } else { Vec::new() };
    })
    .await?;
    Ok(chosen)
}

/// Chooses the destination and the kind of connection there: proves the account, and looks for what would be sent to
/// twice. Nothing is made yet. The key is kept under the draft.
///
/// # Errors
/// `destination.url_invalid`, those of the account and of a connection that cannot be gone on with.
pub async fn choose_destination(
    engine: &Engine,
    id: &str,
    (url, key): (&str, &Secret),
    connection_type: Option<&str>,
) -> Result<Offer, Fault> {
    let draft = going_on(engine, id).await?;
    let base = parse_url(url)?;
    if draft.locations.len() > 1 {
        fits_several(connection_type)?;
    }
    let request = ConnectRequest {
        destination_url: url.to_owned(),
        connection_type: connection_type.map(str::to_owned),
        ..draft.request.clone()
    };
    let offer = offer(engine, &draft, &request, Account { base, key: key.clone() }).await?;
    engine.vault.put(&Draft::owners(id).1, key).await?;
    change(engine, id, |draft, _| {
        draft.request.destination_url.clone_from(&request.destination_url);
        draft.request.connection_type.clone_from(&request.connection_type);
    })
    .await?;
    Ok(offer)
}

/// Chooses the name, how far back is sent, and whether it is polled by itself.
///
/// # Errors
/// `config.missing`, `config.invalid` for the name or the history; `draft.unknown`, `draft.finished`.
pub async fn choose_name(
    engine: &Engine,
    id: &str,
    (name, history): (&str, &str),
    active_sync: bool,
) -> Result<(), Fault> {
    going_on(engine, id).await?;
    let name = proper_name(name)?;
    history_from(history, "UTC", engine.now())?;
    change(engine, id, |draft, steps| {
        name.clone_into(&mut draft.request.name);
        history.clone_into(&mut draft.request.history);
        steps.active_sync = Some(active_sync);
    })
    .await
}
