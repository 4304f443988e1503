//! Everything that is checked before an operation is carried out.

use serde_json::Value;

use super::error::Fail;
use super::{Grant, TokenState};
use crate::clock;
use crate::http::Call;
use crate::openapi::{self, Operation};
use crate::schema::Validator;

/// The scopes a token has unless a test or the consent page says otherwise.
pub(crate) const ALL_SCOPES: [&str; 5] =
    ["MERCHANT_PROFILE_READ", "PAYMENTS_READ", "ORDERS_READ", "CUSTOMERS_READ", "ITEMS_READ"];

/// The operation of the call and its body, if Square would take the request.
pub(crate) fn check(call: &Call, grant: &Grant) -> Result<(Operation, Value), Fail> {
    let Some(operation) = openapi::find(&call.method, &call.path) else {
        return Err(match openapi::knows(&call.path) {
            true => Fail::new(405, "METHOD_NOT_ALLOWED", "", "This method is not allowed here."),
            false => Fail::not_found(&call.path),
        });
    };
    // The token operations are authorised by the application's secret, and have no version.
    if operation.id.contains("WebhookSubscription") || operation.id == "ListWebhookEventTypes" {
        // They belong to the application: no seller's token will do (square.md section 1.6).
        owner(call)?;
        version(call)?;
    } else if !matches!(operation.id, "ObtainToken" | "RevokeToken") {
        token(call, grant, &operation)?;
        version(call)?;
    }
    let problems = operation.check_query(&call.query);
    if !problems.is_empty() {
        return Err(Fail { status: 400, problems });
    }
    let body = body(call, &operation)?;
    Ok((operation, body))
}

fn token(call: &Call, grant: &Grant, operation: &Operation) -> Result<(), Fail> {
    let given = call.header("authorization").and_then(|h| h.strip_prefix("Bearer "));
    let asks_status = operation.id == "RetrieveTokenStatus";
    let refuse = |code, detail: &str| Err(Fail::new(401, code, "", detail));
    let Some((_, state)) = given.and_then(|given| grant.find(given, clock::now())) else {
        return refuse("UNAUTHORIZED", "This request could not be authorized.");
    };
    match state {
        TokenState::Active => {}
        // The status operation knows one refusal only.
        _ if asks_status => return refuse("UNAUTHORIZED", "This request could not be authorized."),
        TokenState::Expired => return refuse("ACCESS_TOKEN_EXPIRED", "The access token has expired."),
        TokenState::Revoked => return refuse("ACCESS_TOKEN_REVOKED", "The access token has been revoked."),
    }
    for scope in operation.scopes() {
        if !grant.scopes.iter().any(|held| held == scope) {
            let detail = format!("The merchant has not given your application {scope}.");
            return Err(Fail::new(403, "INSUFFICIENT_SCOPES", "", detail));
        }
    }
    Ok(())
}

fn owner(call: &Call) -> Result<(), Fail> {
    let given = call.header("authorization").and_then(|h| h.strip_prefix("Bearer "));
    if given == Some(super::SQUARE_PERSONAL_TOKEN) {
        return Ok(());
    }
    Err(Fail::new(401, "UNAUTHORIZED", "", "This request could not be authorized."))
}

fn version(call: &Call) -> Result<(), Fail> {
    let given = call.header("square-version").unwrap_or_default();
    if given.len() == 10 && given.parse::<jiff::civil::Date>().is_ok() {
        return Ok(());
    }
    let detail = format!("Square-Version `{given}` is not of the form YYYY-MM-DD.");
    Err(Fail::bad("INVALID_SQUARE_VERSION_FORMAT", "", detail))
}

fn body(call: &Call, operation: &Operation) -> Result<Value, Fail> {
    let Some(schema) = operation.body() else {
        return match call.body.is_empty() || call.body.as_ref() == b"{}" {
            true => Ok(Value::Null),
            false => Err(Fail::bad("BAD_REQUEST", "", "This operation takes no body.")),
        };
    };
    if !call.has_json_type() {
        return Err(Fail::new(415, "UNSUPPORTED_MEDIA_TYPE", "", "Content-Type must be application/json."));
    }
    let Some(body) = call.json() else {
        return Err(Fail::bad("EXPECTED_JSON_BODY", "", "The body is not JSON."));
    };
    let problems = Validator::check(openapi::document(), schema, &body);
    if problems.is_empty() { Ok(body) } else { Err(Fail { status: 400, problems }) }
}
