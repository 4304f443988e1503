//! ActiveCampaign's own integrations: one for the same store counts its revenue a second time (activecampaign.md
//! section 2).

use super::reply::Connection;

/// The account's own integration for a store, if one is there and does not say to be stopped. It is known by one
/// of the store's `ids`, or by the platform: `service` where ActiveCampaign's name for it is known, else the word
/// `platform` in its service.
#[must_use]
pub fn own_integration<'a>(
    connections: &'a [Connection],
    platform: &str,
    service: Option<&str>,
    ids: &[&str],
) -> Option<&'a Connection> {
    let is_platforms = |found: &str| match service {
        Some(service) => found.eq_ignore_ascii_case(service),
        None => found.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case(platform)),
    };
    connections.iter().find(|found| {
        let same_store = ids.contains(&found.externalid.as_str());
        found.internal && !found.stopped && (same_store || is_platforms(&found.service))
    })
}
