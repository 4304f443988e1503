//! Whose token it is, what it may read, and where the store sells (square.md sections 1.5, 1.6 and 2).

use jiff::Timestamp;
use serde::de::IgnoredAny;

use crate::model::{Currency, Location, Store};
use crate::source::{Access, Field, Next, SourceError, Window};

use super::api::{
    Api, CATALOG_INFO, CUSTOMERS_SEARCH, LOCATIONS, ORDERS_SEARCH, PAYMENTS_LIST, TOKEN_STATUS, decode,
};
use super::wire::{LocationsAnswer, Place, PlaceStatus, TokenStatus, filled};
use super::{ask, errors};

/// What the streams need (square.md section 1.6).
pub(crate) const SCOPES: [&str; 5] =
    ["MERCHANT_PROFILE_READ", "PAYMENTS_READ", "ORDERS_READ", "CUSTOMERS_READ", "ITEMS_READ"];

/// The merchant and all its locations, closed ones too.
pub(crate) async fn identify(api: &Api<'_>) -> Result<Store, SourceError> {
    let status = status(api).await?;
    let status: TokenStatus<'_> = decode(TOKEN_STATUS, &status)?;
    let body = api.get(LOCATIONS, "/v2/locations").await?;
    let answer: LocationsAnswer<'_> = decode(LOCATIONS, &body)?;
    // A personal token's status may name no merchant; its locations do.
    let named = || answer.locations.iter().find_map(|place| filled(&place.merchant_id));
    let id = filled(&status.merchant_id)
        .or_else(named)
        .ok_or_else(|| errors::unreadable(TOKEN_STATUS.operation, "no merchant is named"))?;
    let locations = answer.locations.iter().filter_map(location).collect();
    Ok(Store { id: id.to_owned(), locations })
}

/// The status knows one refusal only, for revoked and expired tokens alike (square.md section 1.5); any other
/// call tells which.
async fn status(api: &Api<'_>) -> Result<Vec<u8>, SourceError> {
    let refused = match api.post_nothing(TOKEN_STATUS, "/oauth2/token/status").await {
        Err(refused) if refused.code == errors::TOKEN_REVOKED => refused,
        answer => return answer,
    };
    match api.get(LOCATIONS, "/v2/locations").await {
        Err(told) if told.code == errors::TOKEN_EXPIRED => Err(told),
        _ => Err(refused),
    }
}

/// None for a location without a currency: it cannot sell, so it cannot be connected.
fn location(place: &Place<'_>) -> Option<Location> {
    let currency = filled(&place.currency).and_then(|code| Currency::parse(code).ok())?;
    Some(Location {
        id: place.id.to_string(),
        name: filled(&place.name).unwrap_or(&place.id).to_owned(),
        currency,
        timezone: filled(&place.timezone).unwrap_or("UTC").to_owned(),
        language: filled(&place.language_code).map(str::to_owned),
        active: place.status != Some(PlaceStatus::Inactive),
    })
}

/// Compares what was granted with what is needed; where nothing is listed, as for a personal token, a small
/// read of each kind tells.
pub(crate) async fn check_scopes(api: &Api<'_>, access: &Access) -> Result<(), SourceError> {
    let body = status(api).await?;
    let answer: TokenStatus<'_> = decode(TOKEN_STATUS, &body)?;
    if answer.scopes.is_empty() {
        return probe(api, access).await;
    }
    let granted = |scope: &str| answer.scopes.iter().any(|given| &**given == scope);
    let missing: Vec<&str> = SCOPES.into_iter().filter(|scope| !granted(scope)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(errors::error(Next::Reconnect, errors::SCOPE_MISSING, format!("not granted: {}", missing.join(" "))))
}

/// One read under each scope; the smallest there is. What comes must be an answer: something between could let
/// anything pass.
async fn probe(api: &Api<'_>, access: &Access) -> Result<(), SourceError> {
    let now = Timestamp::UNIX_EPOCH;
    let nothing = Window { field: Field::Created, from: now, to: now };
    let location = &access.location.id;
    let payments = ask::payments_made(location, now, now, false, None);
    let (orders, people) = (ask::orders_in(location, nothing, true, None), ask::customers_in(nothing, None));
    for (call, answer) in [
        (LOCATIONS, api.get(LOCATIONS, "/v2/locations").await?),
        (PAYMENTS_LIST, api.get(PAYMENTS_LIST, &payments).await?),
        (ORDERS_SEARCH, api.post(ORDERS_SEARCH, "/v2/orders/search", &orders).await?),
        (CUSTOMERS_SEARCH, api.post(CUSTOMERS_SEARCH, "/v2/customers/search", &people).await?),
        (CATALOG_INFO, api.get(CATALOG_INFO, "/v2/catalog/info").await?),
    ] {
        decode::<IgnoredAny>(call, &answer)?;
    }
    Ok(())
}
