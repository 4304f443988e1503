//! Replies about connections (activecampaign.md section 2).

use serde_json::Value;

use super::refuse::rest;
use super::text::of_value;
use super::{Connection, Refusal};
use crate::http::Response;

/// A page of the account's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Those that could be read.
    pub found: Vec<Connection>,
    /// Where the next page begins; none after the last.
    pub next: Option<u32>,
}

/// The connection of an answer to create or change.
///
/// # Errors
/// The refusal.
pub fn connection(response: &Response) -> Result<Connection, Refusal> {
    let body = rest(response)?;
    body.get("connection").and_then(read_connection).ok_or(Refusal::Unavailable(response.status))
}

/// The connection of this id, or none where the account has no such: 404, or 400 with `{}` (activecampaign.md
/// section 2).
///
/// # Errors
/// The refusal. Another connection than the one asked for is [`Refusal::Unavailable`].
pub fn connection_found(response: &Response, id: i64) -> Result<Option<Connection>, Refusal> {
    let is_empty = |body: Value| body.as_object().is_some_and(serde_json::Map::is_empty);
    if response.status == 400 && serde_json::from_slice(&response.body).is_ok_and(is_empty) {
        return Ok(None);
    }
    match connection(response) {
        Ok(found) if found.id == id => Ok(Some(found)),
        Ok(_) => Err(Refusal::Unavailable(response.status)),
        Err(Refusal::NotFound) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// The connections of a list.
///
/// # Errors
/// The refusal.
pub fn connections(response: &Response) -> Result<Vec<Connection>, Refusal> {
    connections_page(response, 0).map(|page| page.found)
}

/// The connections of a page that was asked for from `offset` on. A total that is not said, or said otherwise,
/// costs a question more.
///
/// # Errors
/// The refusal.
pub fn connections_page(response: &Response, offset: u32) -> Result<Connections, Refusal> {
    let body = rest(response)?;
    let list = body.get("connections").and_then(Value::as_array);
    let list = list.ok_or(Refusal::Unavailable(response.status))?;
    let read = offset.saturating_add(u32::try_from(list.len()).unwrap_or(u32::MAX));
    let total = body.get("meta").and_then(|meta| meta.get("total")).map(of_value);
    let total = total.and_then(|total| total.parse::<u32>().ok());
    let over = list.is_empty() || total.is_some_and(|total| read >= total);
    Ok(Connections {
        found: list.iter().filter_map(read_connection).collect(),
        next: (!over).then_some(read),
    })
}

/// Ids and flags come as text or as numbers (activecampaign.md section 1.3). No list said is no list.
fn read_connection(value: &Value) -> Option<Connection> {
    let text = |name: &str| value.get(name).map(of_value).unwrap_or_default();
    let list = text("listId");
    Some(Connection {
        id: text("id").parse().ok()?,
        service: text("service"),
        externalid: text("externalid"),
        name: text("name"),
        list: if list.is_empty() { "0".to_owned() } else { list },
        internal: matches!(text("isInternal").as_str(), "1" | "true"),
        stopped: matches!(text("syncStatus").as_str(), "0" | "false") || !text("disconnectDate").is_empty(),
    })
}
