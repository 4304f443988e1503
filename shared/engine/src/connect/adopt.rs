//! A connection that is at the destination already: what it holds is compared with the store before anything is
//! sent to it (rules.md section 4).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tillsync_mapping::activecampaign::{self, Account};
use tillsync_mapping::http::Http;
use tillsync_mapping::source::Cache;

use super::Sides;
use super::remote::service;
use crate::deliver::stopped;
use crate::fault::Fault;
use crate::paced::Paced;
use crate::state::Connection;

/// Orders that are compared.
const COMPARED: u32 = 20;

/// What the newest orders of an adopted connection are at the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// Orders that were read, at most 20.
    pub read: usize,
    /// Those that are orders of the location.
    pub by_order: usize,
    /// Those of the others that are payments of the store: another tool may send orders by them.
    pub by_payment: usize,
}

/// A connection that may be gone on with.
pub(super) struct Adopted {
    pub(super) found: activecampaign::Connection,
    /// Made by this program for this very location.
    pub(super) ours: bool,
    pub(super) matched: Matched,
}

/// Proves that the connection is this location's: it has no orders, or some of them are known by their ids. One
/// that somebody else made keeps its name and its list.
pub(super) async fn adopt(
    found: activecampaign::Connection,
    connection: &Connection,
    sides: &Sides<'_>,
    others: &[Connection],
) -> Result<Adopted, Fault> {
    let used_by =
        |other: &&Connection| other.destination == connection.destination && other.remote == Some(found.id);
    if let Some(other) = others.iter().find(used_by) {
        let detail = format!("{} sends to connection {} at the destination", other.name, found.id);
        return Err(Fault::usage("destination.connection_in_use", detail));
    }
    let ours = found.service == service(&connection.source) && found.externalid == connection.location.id;
    if !ours && found.list != "0" {
        let detail = format!("connection {} puts new contacts on list {}", found.id, found.list);
        return Err(Fault::usage("destination.connection_list", detail));
    }
    let matched = compare(found.id, sides).await?;
    if matched.read > 0 && matched.by_order == 0 {
        let detail = format!(
            "of the {} newest orders of connection {} at the destination, 0 are orders of {} and {} are payments of its store",
            matched.read, found.id, connection.location.name, matched.by_payment,
        );
        return Err(Fault::usage("destination.connection_foreign", detail));
    }
    Ok(Adopted { found, ours, matched })
}

async fn compare(id: i64, sides: &Sides<'_>) -> Result<Matched, Fault> {
    let held = held(id, sides.account, sides.http).await?;
    if held.is_empty() {
        return Ok(Matched { read: 0, by_order: 0, by_payment: 0 });
    }
    let read = held.len();
    let ids: Vec<String> = held.iter().cloned().collect();
    let (http, access) = (sides.source_http, sides.access);
    let orders = sides.source.fetch_orders(http, access, &ids, &Cache::default()).await?;
    let known: BTreeSet<&str> = orders.records.iter().map(|record| record.id.as_str()).collect();
    let (ours, rest): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| known.contains(id.as_str()));
    let payments =
        if rest.is_empty() { Vec::new() } else { sides.source.known_payments(http, access, &rest).await? };
    Ok(Matched { read, by_order: ours.len(), by_payment: payments.len() })
}

/// Ids of the newest orders of a connection. What was written to v3 is not found by GraphQL, so both are asked
/// (activecampaign.md section 4.2).
async fn held(id: i64, account: &Account, http: &Paced<'_>) -> Result<BTreeSet<String>, Fault> {
    let response = http.send(activecampaign::orders_of(account, id, COMPARED)).await?;
    let found = activecampaign::orders_found(&response).map_err(stopped)?;
    let most = usize::try_from(COMPARED).unwrap_or(usize::MAX);
    let mut held: BTreeSet<String> = found.into_iter().take(most).map(|order| order.id).collect();
    if held.len() < most {
        let response = http.send(activecampaign::v3_orders(account, id, 0, COMPARED)).await?;
        for copy in activecampaign::copies_found(&response, id).map_err(stopped)? {
            if held.len() < most && !copy.id.is_empty() {
                held.insert(copy.id);
            }
        }
    }
    held.retain(|id| !id.is_empty());
    Ok(held)
}

/// Whether anything was ever sent to a connection.
pub(super) async fn holds_orders(id: i64, account: &Account, http: &Paced<'_>) -> Result<bool, Fault> {
    Ok(!held(id, account, http).await?.is_empty())
}
