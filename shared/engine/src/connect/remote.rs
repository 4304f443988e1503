//! The destination's side of a connection: proved, found, or made.

use tillsync_mapping::activecampaign::{self, Account, NewConnection};
use tillsync_mapping::http::{Http, HttpError};

use super::ConnectRequest;
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

/// A host that may not be called is a setting to be changed.
fn refused_host(error: HttpError) -> Fault {
    let fault = Fault::from(error);
    let kind = if fault.code == "destination.host_not_allowed" { Kind::Usage } else { fault.kind };
    Fault { kind, ..fault }
}

/// A connection at the destination, and whether it was there before.
pub(super) struct Remote {
    pub(super) id: i64,
    pub(super) found: bool,
}

/// The matching connection at the destination, or a new one.
pub(super) async fn remote(
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
        (Some(found), None) => adopt(found, account, http).await,
        (Some(found), Some(asked)) if asked == found.id.to_string() => adopt(found, account, http).await,
        (Some(found), Some("new")) => {
            let detail = format!(
                "connection {} at the destination is this location's already; leave out the connection type to go on with it",
                found.id
            );
            Err(Fault::usage("destination.connection_exists", detail))
        }
        (None, None | Some("new")) => create(connection, account, http).await,
        (_, Some(other)) => {
            let detail =
                format!("connection {other} at the destination was not made for this location by tillsync");
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
    no_list(&made, account, http).await?;
    let announced = http.send(activecampaign::announce(account, &service, &connection.location.id)).await;
    if !announced.is_ok_and(|response| response.is_success()) {
        tracing::info!(
            "the new connection could not be announced; orders are taken without, as far as is known"
        );
    }
    Ok(Remote { id: made.id, found: false })
}

/// Goes on with a connection that is there, under the same rules as a new one.
async fn adopt(
    found: activecampaign::Connection,
    account: &Account,
    http: &Paced<'_>,
) -> Result<Remote, Fault> {
    no_list(&found, account, http).await?;
    let running = http.send(activecampaign::set_sync_status(account, found.id, true)).await?;
    activecampaign::succeeded(&running).map_err(stopped)?;
    Ok(Remote { id: found.id, found: true })
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

/// Proves that the connection we know is still at the destination: what was sent to one that was removed there is
/// gone, and nothing would say so.
pub(crate) async fn still_there(
    connection: &Connection,
    account: &Account,
    http: &Paced<'_>,
) -> Result<(), Fault> {
    let service = service(&connection.source);
    let response =
        http.send(activecampaign::find_connection(account, &service, &connection.location.id)).await?;
    let found = activecampaign::connections(&response).map_err(stopped)?;
    match connection.remote {
        Some(id) if !found.iter().any(|found| found.id == id) => {
            let detail = format!("connection {id} of {} was removed at the destination", connection.name);
            Err(Fault::reject("destination.connection_unknown", detail))
        }
        _ => Ok(()),
    }
}
