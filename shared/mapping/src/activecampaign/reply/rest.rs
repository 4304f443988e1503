//! Replies of REST about contacts.

use serde_json::Value;

use super::refuse::{by_status, describe, rest};
use super::text::{clean, member, of_value};
use super::{ImportState, Refusal};
use crate::http::Response;

/// Any 2xx is enough.
///
/// # Errors
/// The refusal.
pub fn succeeded(response: &Response) -> Result<(), Refusal> {
    if response.is_success() { Ok(()) } else { rest(response).map(drop) }
}

/// The batch id of a bulk import. Refused people are named by their place in the batch, as text.
///
/// # Errors
/// The refusal.
pub fn import_queued(response: &Response) -> Result<String, Refusal> {
    if let Some(refusal) = by_status(response) {
        return Err(refusal);
    }
    let parsed = serde_json::from_slice::<Value>(&response.body);
    let refused = parsed.as_ref().ok().and_then(refused_people);
    if let Some(refusal) = refused {
        // One person who is refused refuses the whole batch (activecampaign.md section 5.2).
        return Err(refusal);
    }
    let body = rest(response)?;
    let batch = body.get("batchId").map(of_value).unwrap_or_default();
    let said_no = member_is_zero(&body, "success") || member_is_zero(&body, "Success");
    match (said_no, batch.is_empty()) {
        (true, _) => Err(Refusal::Batch(describe(&body))),
        (false, true) => Err(Refusal::Unavailable(response.status)),
        (false, false) => Ok(batch),
    }
}

fn member_is_zero(body: &Value, name: &str) -> bool {
    body.get(name).is_some_and(|value| matches!(of_value(value).as_str(), "0" | "false"))
}

/// `failureReasons` of a refused import, unless it is its rate that is refused.
fn refused_people(body: &Value) -> Option<Refusal> {
    let reasons = body.get("failureReasons").and_then(Value::as_array).filter(|list| !list.is_empty())?;
    let message = member(body, "message").unwrap_or_default();
    if message.to_ascii_lowercase().contains("rate limit") {
        return None;
    }
    let people: Vec<_> = reasons
        .iter()
        .filter_map(|reason| {
            let place = reason.get("contact").filter(|place| place.is_u64() || place.is_string())?;
            let text = reason.get("failureReason").map(of_value).unwrap_or_default();
            Some((clean(&of_value(place)), clean(&text)))
        })
        .collect();
    if people.is_empty() {
        let texts = reasons.iter().map(of_value).collect::<Vec<_>>().join("; ");
        return Some(Refusal::Batch(clean(&format!("{message} {texts}"))));
    }
    Some(Refusal::Records(people))
}

/// How far an import is. Within its first second the answer can be a bare `false` (activecampaign.md
/// section 5.2); a word that is not known is taken for work going on.
///
/// # Errors
/// The refusal.
pub fn import_state(response: &Response) -> Result<ImportState, Refusal> {
    let body = rest(response)?;
    let status = member(&body, "status").unwrap_or_default().to_ascii_lowercase();
    Ok(match status.as_str() {
        "completed" => ImportState::Done { refused: refused_addresses(&body) },
        "failed" | "interrupted" => ImportState::Failed,
        _ => ImportState::Working,
    })
}

fn refused_addresses(body: &Value) -> Vec<String> {
    let list = body.get("failure").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|entry| entry.as_str().or_else(|| member(entry, "email")))
        .map(str::to_owned)
        .collect()
}

/// One person's answer: 201, or 200 for one who was there (activecampaign.md section 5.1).
///
/// # Errors
/// The refusal.
pub fn contact_synced(response: &Response) -> Result<(), Refusal> {
    let body = rest(response)?;
    match body.get("contact") {
        Some(_) => Ok(()),
        None => Err(Refusal::Unavailable(response.status)),
    }
}
