//! Where an authorisation was granted. With another address of the API than that the application is another one too, so
//! what is said there about the authorisation says nothing.

use tillsync_mapping::source::Source;

use super::{Authorisation, codes};
use crate::connections::every;
use crate::context::Engine;
use crate::fault::Fault;

/// The address of the API an authorisation was granted at: as it was kept with it, or as a connection of its store has it.
pub(super) async fn granted_at(
    engine: &Engine,
    source: &dyn Source,
    of: (&str, &str),
    held: &Authorisation,
) -> Result<String, Fault> {
    if let Some(api_url) = &held.api_url {
        return Ok(api_url.clone());
    }
    let all = every(engine).await?;
    let same = all.into_iter().find(|one| (one.source.as_str(), one.store.as_str()) == of);
    Ok(same.map_or_else(|| engine.api_url(source), |one| one.api_url))
}

/// The same, where the application that is set is of that place.
///
/// # Errors
/// `token.other_platform`, or of the store.
pub(super) async fn same_platform(
    engine: &Engine,
    source: &dyn Source,
    of: (&str, &str),
    held: &Authorisation,
) -> Result<String, Fault> {
    let (was, now) = (granted_at(engine, source, of, held).await?, engine.api_url(source));
    if was == now {
        return Ok(was);
    }
    let name = format!("TILLSYNC_{}_API_URL", of.0.to_uppercase());
    let detail = format!("{name} is {now}, but the store was authorised at {was}; nobody was asked");
    Err(Fault::usage(codes::OTHER_PLATFORM, detail))
}
