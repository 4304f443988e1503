//! What a location would be connected to, told before anything is made.

use tillsync_mapping::activecampaign::Account;
use tillsync_mapping::source::{Access, Merged, ReadOptions};

use super::adopt::Matched;
use super::keep::{Known, new_connection};
use super::prove::destination_of;
use super::remote::{choose, prove_waiting};
use super::steps::token;
use super::warn::own_integration;
use super::{ConnectRequest, Draft, Sides, Warning};
use crate::connections::{all, pick_location};
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::Lane;
use crate::state::{Row, load};

/// What there is at a destination for a location, before anything is made there.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The connection that is the location's already: `new` would count every sale twice, so it is gone on with.
    pub existing: Option<Existing>,
    /// What somebody should know, as that the destination's own integration runs.
    pub warnings: Vec<Warning>,
}

/// A connection at the destination that a location goes on with.
#[derive(Clone, Debug)]
pub struct Existing {
    /// Its id there.
    pub id: i64,
    /// What its newest orders are at the store.
    pub matched: Matched,
}

/// What is there for the location, asked as connecting asks it.
pub(super) async fn offer(
    engine: &Engine,
    draft: &Draft,
    request: &ConnectRequest,
    account: Account,
) -> Result<Offer, Fault> {
    let source = engine.source(&request.source)?;
    let source_http = engine.source_http(source.name(), "connecting", Lane::Live);
    let (api_url, token) = (engine.api_url(source), token(engine, draft).await?);
    let store = source.identify(&source_http, &api_url, &token).await?;
    let location = pick_location(source, &store.locations, &request.location)?;
    let options = ReadOptions::default();
    let access = Access { api_url, token, store: store.id, location, options, merged: Merged::default() };
    source.check_scopes(&source_http, &access).await?;
    let destination = destination_of(engine, &account.base).await?;
    let http = engine.destination_http(&destination, Lane::Live);
    prove_waiting(&account, &http).await?;
    let mut connection = new_connection(engine, request, source, &access, &account)?;
    connection.destination = destination;
    let sides = Sides { source, source_http: &source_http, access: &access, http: &http, account: &account };
    // One that is ours is renewed by finishing, whatever is at the destination.
    let ours: Option<Row<Known>> = load(&*engine.store, connection.unique_key()).await?;
    let chosen = match ours {
        Some(_) => None,
        None => choose(request, &connection, &sides, &all(engine).await?).await?,
    };
    let existing = chosen.map(|adopted| Existing { id: adopted.found.id, matched: adopted.matched });
    Ok(Offer { existing, warnings: own_integration(&sides).await? })
}
