//! Refusals told by a status and the error shapes of REST (activecampaign.md section 1.4).

use serde_json::Value;

use super::Refusal;
use super::text::{clean, member, of_value};
use crate::http::Response;

/// What the status alone decides, whatever the kind of call; none where the body must tell.
pub(super) fn by_status(response: &Response) -> Option<Refusal> {
    let slow_down = || Some(Refusal::SlowDown(response.retry_after.clone()));
    match response.status {
        429 => slow_down(),
        // With a time it is maintenance, an archived or inactive account (activecampaign.md section 1.2).
        503 if response.retry_after.is_some() => slow_down(),
        500.. => Some(Refusal::Unavailable(response.status)),
        // A missing or wrong key is 403, in two shapes of body, never 401; 401 can mean nothing else.
        401 | 403 => Some(Refusal::Key),
        404 => Some(Refusal::NotFound),
        // Timed out or too early: said by what stands before the API, not by it.
        408 | 425 => Some(Refusal::Unavailable(response.status)),
        413 => Some(Refusal::TooLarge),
        300..=399 => Some(Refusal::Rejected(format!(
            "answered {}: the address is not the one under Settings, Developer",
            response.status
        ))),
        0..=199 => Some(Refusal::Unavailable(response.status)),
        _ => None,
    }
}

/// The body of a reply to REST, or why there is none. A success that cannot be read tells nothing of a write:
/// the reply was cut or something between answered.
pub(super) fn rest(response: &Response) -> Result<Value, Refusal> {
    if let Some(refusal) = by_status(response) {
        return Err(refusal);
    }
    let body = serde_json::from_slice::<Value>(&response.body);
    if response.is_success() {
        return body.map_err(|_| Refusal::Unavailable(response.status));
    }
    let body = body.unwrap_or(Value::Null);
    let text = describe(&body);
    if is_rate_limit(&body) {
        // Bulk import refuses for its own rate by 400 (activecampaign.md section 1.2).
        Err(Refusal::SlowDown(response.retry_after.clone()))
    } else if response.status == 422 && is_duplicate(&body) {
        Err(Refusal::Duplicate)
    } else {
        Err(Refusal::Rejected(format!("{}: {text}", response.status)))
    }
}

fn is_rate_limit(body: &Value) -> bool {
    member(body, "message").is_some_and(|text| text.to_ascii_lowercase().contains("rate limit"))
}

/// Code `duplicate`; where there is no code, the words for it (activecampaign.md sections 1.4 and 2).
fn is_duplicate(body: &Value) -> bool {
    errors(body).iter().any(|error| match member(error, "code") {
        Some(code) => code == "duplicate",
        None => {
            let text = one(error).to_ascii_lowercase();
            ["duplicate", "already", "must be unique"].iter().any(|word| text.contains(word))
        }
    })
}

fn errors(body: &Value) -> &[Value] {
    match body.get("errors") {
        Some(Value::Array(errors)) => errors,
        Some(error) => std::slice::from_ref(error),
        None => &[],
    }
}

/// What was said, in one short line.
pub(super) fn describe(body: &Value) -> String {
    let said = errors(body).iter().map(one).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
    let message = member(body, "message").unwrap_or_default();
    let text = if said.is_empty() { message } else { &said };
    clean(if text.is_empty() { "no reason given" } else { text })
}

/// What one error says, unclean.
pub(super) fn one(error: &Value) -> String {
    if !error.is_object() {
        return of_value(error);
    }
    let place = error.get("source").and_then(|source| member(source, "pointer"));
    let parts = [
        member(error, "code"),
        member(error, "title"),
        member(error, "message"),
        member(error, "detail"),
        member(error, "error"),
        place,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
