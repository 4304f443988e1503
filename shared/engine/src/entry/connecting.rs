//! Events that connect: by token, or once somebody has signed in.

use serde::Deserialize;
use serde_json::{Value, json};

use super::operator::Credentials;
use crate::codes::explained;
use crate::connect::{self, ConnectRequest, DraftOutcome, Part};
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::run::{BackfillRequest, start_backfill};
use crate::shapes;

/// A connection to be made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Connect {
    pub(super) source: String,
    pub(super) name: String,
    pub(super) location: Places,
    pub(super) destination_url: String,
    pub(super) history: Option<String>,
    pub(super) connection_type: Option<String>,
    #[serde(default)]
    pub(super) start: bool,
}

/// A sign-in to be begun: of a connection, of a draft, or of something new.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SignIn {
    pub(super) source: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) draft: Option<String>,
}

/// A draft to be finished.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ConnectSigned {
    pub(super) draft: String,
    pub(super) name: String,
    pub(super) location: Option<String>,
    pub(super) destination_url: String,
    pub(super) history: Option<String>,
    pub(super) connection_type: Option<String>,
    pub(super) customer_id: Option<String>,
    pub(super) active_sync: Option<bool>,
    #[serde(default)]
    pub(super) start: bool,
}

/// One location, several, or `all`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "give an id or a name of a location, a list of them, or \"all\"")]
pub(super) enum Places {
    /// Its id or name.
    One(String),
    /// Their ids or names.
    Several(Vec<String>),
}

impl Places {
    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::Several(several) => several.clone(),
        }
    }
}

/// Connects by the token and the key of the credentials.
pub(super) async fn make(
    engine: &Engine,
    what: &Connect,
    credentials: &dyn Credentials,
) -> Result<Value, Fault> {
    let (token, key) = (credentials.source_token().await?, credentials.destination_key().await?);
    let places = what.location.list();
    let texts = [&what.source, &what.name, &what.destination_url];
    if texts.into_iter().chain(&places).any(|text| [token.expose(), key.expose()].contains(&text.trim())) {
        let detail = "a member of the event is the token or the key itself";
        return Err(Fault::usage("event.secret", detail));
    }
    let request = ConnectRequest {
        source: what.source.clone(),
        name: what.name.clone(),
        location: places.first().cloned().unwrap_or_default(),
        destination_url: what.destination_url.clone(),
        history: what.history.clone().unwrap_or_else(|| "all".into()),
        connection_type: what.connection_type.clone(),
    };
    let secrets = (&token, &key);
    let draft = match &what.location {
        Places::One(place) if place != connect::ALL => connect::begin(engine, request, secrets).await?,
        places => connect::begin_several(engine, request, places.list(), secrets).await?,
    };
    let mut answer = finished(engine, &draft, what.start).await?;
    answer["now"] = json!(
        "Take TILLSYNC_SOURCE_TOKEN and TILLSYNC_DESTINATION_KEY out of the stack's secret: they are kept sealed."
    );
    Ok(answer)
}

/// Finishes a draft, and begins the history if that is wanted.
pub(super) async fn finished(engine: &Engine, draft: &str, start: bool) -> Result<Value, Fault> {
    let summary = match connect::finish_draft(engine, draft).await? {
        DraftOutcome::Connected(summary) => summary,
        DraftOutcome::Several(parts) => return several(engine, start, &parts).await,
        DraftOutcome::Failed { code, detail, usage } => {
            let code = explained(&code).map_or("connection.failed", |text| text.code);
            let kind = if usage { Kind::Usage } else { Kind::Reject };
            return Err(Fault { kind, code, detail });
        }
    };
    let run = if start {
        let started = start_backfill(engine, &summary.connection, &BackfillRequest::default()).await?;
        Some(started.run.id)
    } else {
        None
    };
    let next = if start { "status" } else { "start" };
    let mut answer = shapes::summary(&summary, run.as_deref());
    answer["next"] = json!({"action": next, "connection": summary.connection});
    answer["now"] = json!("Take TILLSYNC_DESTINATION_KEY out of the stack's secret: it is kept sealed.");
    Ok(answer)
}

/// What came of several locations.
async fn several(engine: &Engine, start: bool, parts: &[Part]) -> Result<Value, Fault> {
    let mut runs = std::collections::BTreeMap::new();
    for part in parts {
        let DraftOutcome::Connected(summary) = &part.outcome else { continue };
        if start {
            let started = start_backfill(engine, &summary.connection, &BackfillRequest::default()).await?;
            runs.insert(summary.connection.clone(), started.run.id);
        }
    }
    Ok(shapes::parts(parts, &runs))
}
