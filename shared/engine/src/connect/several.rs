//! Several locations of one store in one go: proved once, each its own connection. One that cannot be connected undoes no
//! other.

use serde::{Deserialize, Serialize};
use tillsync_mapping::model::{Location, Secret};
use tillsync_mapping::source::Source;

use super::{ConnectRequest, Draft, DraftOutcome, Means, Summary, connect_one, keep_draft, prove};
use crate::connections::pick_location;
use crate::context::Engine;
use crate::fault::{Fault, Kind};

/// The word for every open location.
pub const ALL: &str = "all";
/// Locations of one go.
const MOST: usize = 300;

/// What came of one location.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// The location's id; what was asked for where there is none.
    pub location: String,
    /// What the connection was to be called.
    pub name: String,
    /// Connected or failed.
    pub outcome: DraftOutcome,
}

/// Stores several locations to be connected, as [`super::begin`] does one. The name is followed by each location's.
///
/// # Errors
/// As [`super::begin`]; `config.invalid` for a connection type that fits one location only.
pub async fn begin_several(
    engine: &Engine,
    request: ConnectRequest,
    locations: Vec<String>,
    secrets: (&Secret, &Secret),
) -> Result<String, Fault> {
    fits_several(request.connection_type.as_deref())?;
    if locations.is_empty() || locations.len() > MOST {
        return Err(Fault::usage("config.invalid", format!("location: give 1 to {MOST} locations")));
    }
    keep_draft(engine, request, locations, secrets).await
}

/// Refuses the id of a connection at the destination where there are several locations.
///
/// # Errors
/// `config.invalid`.
pub(super) fn fits_several(connection_type: Option<&str>) -> Result<(), Fault> {
    if connection_type.is_none_or(|asked| asked == "new") {
        return Ok(());
    }
    let detail = "connection type: an id fits one location only; leave it out, or connect one by one";
    Err(Fault::usage("config.invalid", detail))
}

/// A location that was asked for by a text, and whether there is one to be connected.
pub(super) type Picked = (String, Result<Location, Fault>);

/// The locations that are wanted, each once, in the order asked for.
pub(super) fn pick(source: &dyn Source, there: &[Location], wanted: &[String]) -> Vec<Picked> {
    if wanted.len() == 1 && wanted[0] == ALL && !there.iter().any(|one| one.name == ALL) {
        let open = there.iter().filter(|one| one.active);
        return open.map(|one| (one.id.clone(), Ok(one.clone()))).collect();
    }
    let mut picked: Vec<Picked> = Vec::new();
    for wanted in wanted {
        let location = pick_location(source, there, wanted);
        let is_twice = |one: &Location| picked.iter().any(|(_, there)| there.as_ref() == Ok(one));
        if !location.as_ref().is_ok_and(is_twice) {
            picked.push((wanted.clone(), location));
        }
    }
    picked
}

/// Why none of them can be had.
pub(super) fn refusal(locations: Vec<Picked>) -> Fault {
    let first = locations.into_iter().find_map(|(_, location)| location.err());
    first.unwrap_or_else(|| Fault::usage("location.unknown", "the store has no open location"))
}

/// Connects every location of a draft.
pub(super) async fn connect_all(engine: &Engine, draft: &Draft, means: Means) -> Result<Vec<Part>, Fault> {
    let (proof, locations) = prove(engine, &draft.request, means, &draft.locations).await?;
    let mut parts = Vec::new();
    for (wanted, location) in locations {
        let part = match location {
            Ok(location) => {
                let name = format!("{} {}", draft.request.name.trim(), location.name.trim());
                let id = location.id.clone();
                let request =
                    ConnectRequest { name: name.clone(), location: id.clone(), ..draft.request.clone() };
                let outcome = connect_one(engine, &request, &proof, location).await;
                if let Err(fault) = &outcome
                    && fault.kind == Kind::Retry
                    && draft.steps.is_some()
                {
                    // All of it once more, later: those that are connected by then are renewed.
                    return Err(fault.clone());
                }
                Part { location: id, name, outcome: outcome.into() }
            }
            Err(fault) => Part { location: wanted, name: String::new(), outcome: Err(fault).into() },
        };
        parts.push(part);
    }
    Ok(parts)
}

impl From<Result<Summary, Fault>> for DraftOutcome {
    fn from(outcome: Result<Summary, Fault>) -> Self {
        match outcome {
            Ok(summary) => Self::Connected(summary),
            Err(fault) => Self::Failed {
                code: fault.code.to_owned(),
                detail: fault.detail,
                usage: fault.kind == Kind::Usage,
            },
        }
    }
}
