//! What somebody should know about a connection, though it was made.

use serde::{Deserialize, Serialize};
use tillsync_mapping::activecampaign;
use tillsync_mapping::http::Http;

use super::{ConnectRequest, Sides};
use crate::deliver::stopped;
use crate::fault::Fault;
use crate::state::{Connection, ConnectionState};

/// Pages of the account's connections that are looked at; a hundred each.
const MOST_PAGES: u32 = 10;

/// Something to know, that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Known to `explain`.
    pub code: String,
    /// One line.
    pub message: String,
}

/// The account's own integration for this store counts its sales a second time (rules.md section 4).
pub(crate) async fn own_integration(sides: &Sides<'_>) -> Result<Vec<Warning>, Fault> {
    let (source, access) = (sides.source, sides.access);
    let ids = [access.location.id.as_str(), access.store.as_str()];
    let mut offset = 0;
    for _ in 0..MOST_PAGES {
        let response = sides.http.send(activecampaign::list_connections(sides.account, offset)).await?;
        let page = activecampaign::connections_page(&response, offset).map_err(stopped)?;
        let service = source.destination_service();
        if let Some(own) = activecampaign::own_integration(&page.found, source.name(), service, &ids) {
            let message = format!(
                "connection {} at the destination is ActiveCampaign's own integration for {}, and it runs: \
                 sales of a store that both read count twice",
                own.id,
                source.title(),
            );
            return Ok(vec![Warning { code: "destination.own_integration".into(), message }]);
        }
        match page.next {
            Some(next) => offset = next,
            None => break,
        }
    }
    Ok(Vec::new())
}

/// Connecting again changes neither the name nor the history.
pub(super) fn kept(request: &ConnectRequest, there: &Connection) -> Option<Warning> {
    let mut kept = Vec::new();
    if there.state != ConnectionState::Deleted && request.name.trim() != there.name {
        kept.push(format!("its name stays {:?}", there.name));
    }
    if request.history != there.settings.history {
        kept.push(format!("its history stays {}", there.settings.history));
    }
    let message = format!("the location was connected already: {}", kept.join(", "));
    (!kept.is_empty()).then(|| Warning { code: "connection.kept".into(), message })
}

/// Commands find connections by their names.
pub(super) fn free_name(others: &[Connection], name: &str) -> Result<(), Fault> {
    match others.iter().find(|other| other.name == name) {
        None => Ok(()),
        Some(other) => {
            let detail =
                format!("name: connection {} ({}) is called {name:?}", other.id, other.location.name);
            Err(Fault::usage("connection.name_taken", detail))
        }
    }
}

/// A pasted token was taken as a proof alone, where the store is signed in already.
pub(super) fn not_kept(is_kept: bool) -> Option<Warning> {
    let message = "somebody signed in for the store, and that authorisation stays in use: it is renewed by itself. The \
                   token that was given was used for checking alone, and is not kept"
        .to_owned();
    (!is_kept).then(|| Warning { code: "connection.token_not_kept".into(), message })
}
