//! Another key or address for an account that connections send to: the same account, proved.

use tillsync_mapping::activecampaign::{self, Account};
use tillsync_mapping::http::Http;
use tillsync_mapping::model::Secret;

use crate::connect::{prove_waiting, service};
use crate::connections::every;
use crate::context::Engine;
use crate::deliver::stopped;
use crate::fault::Fault;
use crate::paced::Paced;
use crate::ports::Lane;
use crate::run::connection as connection_by_id;
use crate::state::{Connection, ConnectionState, update};

/// Connections at the destination that are asked for at the most: of one account, a few prove it.
const MOST_ASKED: usize = 20;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The account's address now, with `/api/3`.
    pub url: String,
    /// True when the address was that already; the key was replaced all the same.
    pub same_url: bool,
    /// The connections that send there, by id and name.
    pub connections: Vec<(String, String)>,
    /// Those that had stopped because the key was refused, and work again.
    pub restarted: Vec<String>,
}

/// Replaces the key of the account a connection sends to, and its address where that changed, for every connection that
/// sends there.
///
/// # Errors
/// `destination.other_account`, `destination.url_invalid`, `destination.key_refused`, or of the destination.
pub async fn set_destination(
    engine: &Engine,
    id: &str,
    url: Option<&str>,
    key: Secret,
) -> Result<Moved, Fault> {
    let asked = connection_by_id(&*engine.store, id).await?.value;
    let base = match url {
        Some(text) => Account::parse_base(text)
            .map_err(|error| Fault::usage("destination.url_invalid", format!("destination URL: {error}")))?,
        None => asked.destination_url.clone(),
    };
    let account = Account { base, key };
    let http = engine.destination_http(&asked.destination, Lane::Live);
    prove_waiting(&account, &http).await?;
    let all = every(engine).await?;
    let there: Vec<Connection> = all.into_iter().filter(|one| one.destination == asked.destination).collect();
    prove_same(&there, &account, &http).await?;
    // The key first: it is the same account, so with either address it opens.
    engine.vault.put(&asked.destination_owner(), &account.key).await?;
    let now = engine.now();
    let mut moved = Moved {
        url: account.base.clone(),
        same_url: asked.destination_url == account.base,
        connections: Vec::new(),
        restarted: Vec::new(),
    };
    for one in there {
        let mut restarted = false;
        let row = update(&*engine.store, &Connection::key(&one.id), |connection: &mut Connection| {
            connection.destination_url.clone_from(&account.base);
            restarted = is_refused(connection);
            if restarted {
                (connection.state, connection.problem) = (ConnectionState::Active, None);
                connection.next_sync = Some(now);
            }
        })
        .await?;
        if row.value.state != ConnectionState::Deleted {
            moved.connections.push((row.value.id.clone(), row.value.name.clone()));
        }
        moved.restarted.extend(restarted.then_some(row.value.name));
    }
    Ok(moved)
}

fn is_refused(connection: &Connection) -> bool {
    connection.state == ConnectionState::NeedsReconnect
        && connection.problem.as_ref().is_some_and(|problem| problem.code == "destination.key_refused")
}

/// The account is the same where our connections are there under their names; one that was taken over goes by somebody
/// else's, and proves nothing. Nor does one that ended and is not there any more: it was cleaned up. At the same address no proof is needed: another account's key is refused there.
async fn prove_same(there: &[Connection], account: &Account, http: &Paced<'_>) -> Result<(), Fault> {
    let moved = || there.iter().filter(|one| one.destination_url != account.base && one.remote.is_some());
    // Those at work first: they prove it.
    let (live, over): (Vec<_>, Vec<_>) = moved().partition(|one| !one.is_over());
    let mut proved = false;
    for one in live.into_iter().chain(over).take(MOST_ASKED) {
        let remote = one.remote.unwrap_or_default();
        let response = http.send(activecampaign::get_connection(account, remote)).await?;
        let found = activecampaign::connection_found(&response, remote).map_err(stopped)?;
        let found = match found {
            Some(found) => found,
            None if one.is_over() => continue,
            None => return Err(other(account, one)),
        };
        let ours = found.service == service(&one.source) && found.externalid == one.location.id;
        if !ours && one.adopted.is_none() {
            return Err(other(account, one));
        }
        proved |= ours;
    }
    match moved().next() {
        Some(one) if !proved => Err(other(account, one)),
        _ => Ok(()),
    }
}

fn other(account: &Account, one: &Connection) -> Fault {
    let detail = format!(
        "{}: it does not have connection {} of {}, as {} has, so it is another account",
        account.base,
        one.remote.unwrap_or_default(),
        one.name,
        one.destination_url
    );
    Fault::usage("destination.other_account", detail)
}
