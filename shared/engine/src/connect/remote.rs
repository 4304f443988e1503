//! The destination's side of a connection: proved, found, or made.

use tillsync_mapping::activecampaign::{self, Account, NewConnection};
use tillsync_mapping::http::{Http, HttpError};

use super::adopt::{Adopted, adopt, holds_orders};
use super::{ConnectRequest, Sides};
use crate::deliver::stopped;
use crate::fault::{Fault, Kind};
use crate::paced::Paced;
use crate::state::Connection;

/// The key, the plan and the schema, before anything is made.
pub(crate) async fn prove_account(account: &Account, http: &Paced<'_>) -> Result<(), Fault> {
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

/// As [`prove_account`], for somebody who waits for the answer: one that does not come is no matter of trying again by
/// itself, since the address may be mistyped.
pub(crate) async fn prove_waiting(account: &Account, http: &Paced<'_>) -> Result<(), Fault> {
    let silent = |fault: Fault| match fault.code {
        "destination.unavailable" => {
            Fault::retry("destination.not_proved", format!("{}: {}", account.base, fault.detail))
        }
        _ => fault,
    };
    prove_account(account, http).await.map_err(silent)
}

/// A host that may not be called is a setting to be changed.
fn refused_host(error: HttpError) -> Fault {
    let fault = Fault::from(error);
    let kind = if fault.code == "destination.host_not_allowed" { Kind::Usage } else { fault.kind };
    Fault { kind, ..fault }
}

/// The connection at the destination that is to be gone on with: the one asked for, else the one that was made for
/// this location; none for a new one.
pub(super) async fn choose(
    request: &ConnectRequest,
    connection: &Connection,
    sides: &Sides<'_>,
    others: &[Connection],
) -> Result<Option<Adopted>, Fault> {
    let (account, http) = (sides.account, sides.http);
    let (service, external) = (service(&connection.source), &connection.location.id);
    let response = http.send(activecampaign::find_connection(account, &service, external)).await?;
    let matching = activecampaign::connections(&response)
        .map_err(stopped)?
        .into_iter()
        .find(|found| found.service == service && found.externalid == *external);
    let exists = |id: i64| {
        let detail = format!(
            "connection {id} at the destination is this location's already; leave out the connection type to go on with it"
        );
        Fault::usage("destination.connection_exists", detail)
    };
    let asked = request.connection_type.as_deref();
    let found = match (matching, asked) {
        (None, None | Some("new")) => return Ok(None),
        (Some(found), None) => found,
        (Some(found), Some("new")) => return Err(exists(found.id)),
        (Some(found), Some(asked)) if asked == found.id.to_string() => found,
        (matching, Some(asked)) => {
            let found = by_id(asked, account, http).await?;
            not_their_own(&found, sides)?;
            if let Some(ours) = matching
                && holds_orders(ours.id, account, http).await?
            {
                return Err(exists(ours.id));
            }
            found
        }
    };
    adopt(found, connection, sides, others).await.map(Some)
}

/// A connection that another integration writes to cannot be shared: every sale would count twice.
fn not_their_own(found: &activecampaign::Connection, sides: &Sides<'_>) -> Result<(), Fault> {
    let ids = [sides.access.location.id.as_str(), sides.access.store.as_str()];
    let (platform, service) = (sides.source.name(), sides.source.destination_service());
    if activecampaign::own_integration(std::slice::from_ref(found), platform, service, &ids).is_none() {
        return Ok(());
    }
    let detail = format!(
        "connection {} at the destination is ActiveCampaign's own integration for {}: stop it there, and connect \
         without a connection type",
        found.id,
        sides.source.title()
    );
    Err(Fault::usage("destination.own_integration", detail))
}

/// The connection of an id that was typed.
async fn by_id(
    asked: &str,
    account: &Account,
    http: &Paced<'_>,
) -> Result<activecampaign::Connection, Fault> {
    let unknown = |what: &str| {
        Fault::usage("destination.connection_unknown", format!("connection type {asked:?}: {what}"))
    };
    let id = asked.parse::<i64>().ok().filter(|id| *id > 0);
    let id = id.ok_or_else(|| unknown("give `new`, or the id of a connection at the destination"))?;
    look_up(id, account, http).await?.ok_or_else(|| unknown("the destination has no connection of this id"))
}

/// Goes on with the chosen connection, or makes one. Its id, and whether it was there.
pub(super) async fn settle(
    chosen: Option<Adopted>,
    connection: &Connection,
    account: &Account,
    http: &Paced<'_>,
) -> Result<(i64, bool), Fault> {
    let Some(Adopted { found, ours, .. }) = chosen else {
        return Ok((create(connection, account, http).await?, false));
    };
    if ours {
        no_list(&found, account, http).await?;
    }
    let running = http.send(activecampaign::set_sync_status(account, found.id, true)).await?;
    activecampaign::succeeded(&running).map_err(stopped)?;
    Ok((found.id, true))
}

/// Makes the connection with no list. The destination has been seen to choose one by itself: then it is put
/// back, and if that is refused the connection is stopped and said so (rules.md section 8).
async fn create(connection: &Connection, account: &Account, http: &Paced<'_>) -> Result<i64, Fault> {
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
    no_list(&made, account, http).await?;
    let announced = http.send(activecampaign::announce(account, &service, &connection.location.id)).await;
    if !announced.is_ok_and(|response| response.is_success()) {
        tracing::info!(
            "the new connection could not be announced; orders are taken without, as far as is known"
        );
    }
    Ok(made.id)
}

/// No list is joined without the operator's choice: the destination has been seen to choose one by itself.
async fn no_list(
    made: &activecampaign::Connection,
    account: &Account,
    http: &Paced<'_>,
) -> Result<(), Fault> {
    if made.list != "0" {
        let response = http.send(activecampaign::set_no_list(account, made.id)).await?;
        let put_back = activecampaign::connection(&response);
        if put_back.as_ref().map_or(true, |back| back.list != "0") {
            let stop = activecampaign::set_sync_status(account, made.id, false);
            http.send(stop).await?;
            let detail = format!(
                "the destination puts new contacts on list {}; connection {} stays there, stopped",
                made.list, made.id
            );
            return Err(Fault::reject("destination.list_refused", detail));
        }
    }
    Ok(())
}

/// What the connections of a source are called at the destination (rules.md section 4).
pub(crate) fn service(source: &str) -> String {
    format!("tillsync-{source}")
}

/// The connection of an id at the destination, if it is there. Only the id is asked for: one that was adopted goes
/// by somebody else's names.
async fn look_up(
    id: i64,
    account: &Account,
    http: &dyn Http,
) -> Result<Option<activecampaign::Connection>, Fault> {
    let response = http.send(activecampaign::get_connection(account, id)).await?;
    activecampaign::connection_found(&response, id).map_err(stopped)
}

/// Whether the destination still has the connection of this id.
pub(crate) async fn is_there(id: i64, account: &Account, http: &dyn Http) -> Result<bool, Fault> {
    Ok(look_up(id, account, http).await?.is_some())
}

/// Proves that the connection we know is still at the destination: what was sent to one that was removed there is
/// gone, and nothing would say so.
pub(crate) async fn still_there(
    connection: &Connection,
    account: &Account,
    http: &Paced<'_>,
) -> Result<(), Fault> {
    match connection.remote {
        Some(id) if !is_there(id, account, http).await? => {
            let detail = format!("connection {id} of {} was removed at the destination", connection.name);
            Err(Fault::reject("destination.connection_unknown", detail))
        }
        _ => Ok(()),
    }
}
