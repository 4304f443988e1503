//! Both sides of connections to be made, proved before anything is set up.

use tillsync_mapping::activecampaign::Account;
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::{Access, Merged, ReadOptions, Source};

use super::{ConnectRequest, parse_url, prove_waiting, several};
use crate::connections::every;
use crate::context::Engine;
use crate::fault::Fault;
use crate::paced::Paced;
use crate::ports::Lane;

/// Where the token of a connection comes from.
pub(super) enum Token {
    /// Somebody pasted it: it is kept with the connection.
    Pasted(Secret),
    /// Of a sign-in, which is kept by then.
    Signed(Secret),
}

/// What a draft is finished with.
pub(super) struct Means {
    pub(super) token: Token,
    pub(super) key: Secret,
    /// Whether polls are planned.
    pub(super) polled: bool,
}

/// Both sides, proved once: every location of the store rests on it.
pub(super) struct Proof<'a> {
    pub(super) source: &'static dyn Source,
    pub(super) source_http: Paced<'a>,
    pub(super) http: Paced<'a>,
    pub(super) access: Access,
    /// Whether the token is to be kept: that of a sign-in is kept by then.
    pub(super) pasted: bool,
    /// Whether polls are planned for what is made.
    pub(super) polled: bool,
    pub(super) account: Account,
    /// The account, as budgets and keys call it.
    pub(super) destination: String,
}

/// Proves the token, that the locations are its, and the account. A location that is refused hinders no other; where all
/// are, nothing further is asked.
pub(super) async fn prove<'a>(
    engine: &'a Engine,
    request: &ConnectRequest,
    Means { token, key, polled }: Means,
    wanted: &[String],
) -> Result<(Proof<'a>, Vec<several::Picked>), Fault> {
    let (token, pasted) = match token {
        Token::Pasted(token) => (token, true),
        Token::Signed(token) => (token, false),
    };
    let source = engine.source(&request.source)?;
    let api_url = engine.api_url(source);
    let source_http = engine.source_http(source.name(), "connecting", Lane::Live);
    let store = source.identify(&source_http, &api_url, &token).await?;
    let locations = several::pick(source, &store.locations, wanted);
    let location = match locations.iter().find_map(|(_, location)| location.as_ref().ok()) {
        Some(location) => location.clone(),
        None => return Err(several::refusal(locations)),
    };
    let options = ReadOptions::default();
    let access = Access { api_url, token, store: store.id, location, options, merged: Merged::default() };
    source.check_scopes(&source_http, &access).await?;

    let base = parse_url(&request.destination_url)?;
    let destination = destination_of(engine, &base).await?;
    let http = engine.destination_http(&destination, Lane::Live);
    let account = Account { base, key };
    prove_waiting(&account, &http).await?;
    Ok((Proof { source, source_http, http, access, pasted, polled, account, destination }, locations))
}

/// The account of an address, as budgets and keys call it. Its address may have changed since it was connected: then it
/// keeps the name it has here.
pub(super) async fn destination_of(engine: &Engine, base: &str) -> Result<String, Fault> {
    let known = every(engine).await?.into_iter().find(|one| one.destination_url == base);
    Ok(known.map_or_else(|| Account::destination(base), |one| one.destination))
}
