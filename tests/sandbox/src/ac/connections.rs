//! Connections: one per store, found by service and external id.

use serde_json::{Map, Value, json};

use super::Context;
use super::reply::{bad_request, no_result, text, unprocessable};
use crate::clock;
use crate::http::Reply;
use crate::settings::ConnectionList;

const REQUIRED: [&str; 5] = ["service", "externalid", "name", "logoUrl", "linkUrl"];
const WRITABLE: [&str; 8] =
    ["service", "externalid", "name", "logoUrl", "linkUrl", "status", "syncStatus", "listId"];

impl Context<'_> {
    pub(super) fn connections(&mut self, rest: &[&str]) -> Reply {
        let id = rest.first().and_then(|id| id.parse::<i64>().ok());
        match (self.call.method.as_str(), rest, id) {
            ("GET", [], _) => self.list_connections(),
            ("POST", [], _) => self.create_connection(),
            ("GET", [_], Some(id)) => match self.state.connections.get(&id) {
                Some(connection) => Reply::json(200, &json!({"connection": connection})),
                None => Reply::json(400, &json!({})),
            },
            ("PUT", [_], Some(id)) => self.update_connection(id),
            ("DELETE", [_], Some(id)) => {
                self.stats.violation("connection_deleted", &id.to_string());
                self.state.connections.remove(&id);
                Reply::json(200, &json!({}))
            }
            _ => bad_request(),
        }
    }

    fn list_connections(&self) -> Reply {
        if !self.knows(&["service", "externalid"]) {
            return bad_request();
        }
        let fits = |connection: &Map<String, Value>| {
            ["service", "externalid"].iter().all(|name| {
                let wanted = self.call.param(&format!("filters[{name}]"));
                wanted.is_none_or(|w| connection.get(*name).and_then(Value::as_str) == Some(w))
            })
        };
        let all: Vec<&Map<String, Value>> = self.state.connections.values().filter(|c| fits(c)).collect();
        let (offset, limit) = self.paging();
        let page: Vec<&Map<String, Value>> = all.iter().skip(offset).take(limit).copied().collect();
        Reply::json(200, &json!({"connections": page, "meta": {"total": all.len().to_string()}}))
    }

    /// Whether the list was asked for by nothing but paging and these fields.
    pub(super) fn knows(&self, fields: &[&str]) -> bool {
        let field = |name: &str, of: &str| {
            let inner = name.strip_prefix(of).and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']'));
            inner.is_some_and(|inner| fields.contains(&inner))
        };
        self.call.query.iter().all(|(name, value)| match name.as_str() {
            "limit" | "offset" => value.parse::<usize>().is_ok(),
            name if name.starts_with("orders[") => {
                field(name, "orders") && matches!(value.as_str(), "ASC" | "DESC")
            }
            name => field(name, "filters"),
        })
    }

    /// `limit` is 20 unless said, and never over 100.
    pub(super) fn paging(&self) -> (usize, usize) {
        let number = |name| self.call.param(name).and_then(|v| v.parse::<usize>().ok());
        (number("offset").unwrap_or(0), number("limit").unwrap_or(20).min(100))
    }

    fn create_connection(&mut self) -> Reply {
        let body = self.call.json().unwrap_or_default();
        let Some(sent) = body.get("connection") else {
            return bad_request();
        };
        for name in REQUIRED {
            if text(sent, name).is_none() {
                return unprocessable(&format!("The {name} field is required."), "field_missing", name);
            }
        }
        let same =
            |c: &Map<String, Value>| ["service", "externalid"].iter().all(|n| c.get(*n) == sent.get(n));
        if self.state.connections.values().any(same) {
            return unprocessable(
                "A connection with these values already exists.",
                "duplicate",
                "externalid",
            );
        }
        let connection = self.state.add_connection(sent, self.now);
        if self.settings.connection_list != ConnectionList::AsSent {
            let id = connection.get("id").and_then(Value::as_str).and_then(|i| i.parse::<i64>().ok());
            if let Some(stored) = id.and_then(|id| self.state.connections.get_mut(&id)) {
                stored.insert("listId".to_owned(), Value::from("1"));
                return Reply::json(200, &json!({"connection": stored}));
            }
        }
        Reply::json(200, &json!({"connection": connection}))
    }

    fn update_connection(&mut self, id: i64) -> Reply {
        let body = self.call.json().unwrap_or_default();
        let Some(sent) = body.get("connection").and_then(Value::as_object) else {
            return bad_request();
        };
        let lists = self.settings.connection_list;
        let Some(connection) = self.state.connections.get_mut(&id) else {
            return no_result("Connection", &id.to_string());
        };
        let other_list = sent.get("listId").is_some_and(|l| Some(l) != connection.get("listId"));
        if other_list && lists == ConnectionList::ForcedPutRefused {
            return unprocessable("The list cannot be changed.", "field_invalid", "listId");
        }
        for (name, value) in sent {
            let kept = name == "listId" && lists == ConnectionList::ForcedPutIgnored;
            if WRITABLE.contains(&name.as_str()) && !kept {
                connection.insert(name.clone(), value.clone());
            }
        }
        connection.insert("udate".to_owned(), Value::from(clock::rfc3339_short(self.now)));
        Reply::json(200, &json!({"connection": connection}))
    }
}

impl super::State {
    /// Also for tests that begin with a connection somebody else made.
    pub(crate) fn add_connection(&mut self, sent: &Value, now: i64) -> Map<String, Value> {
        let id = self.next_id();
        let at = clock::rfc3339_short(now);
        let all = json!({
            "id": id.to_string(), "service": "", "externalid": "", "name": "", "logoUrl": "", "linkUrl": "",
            "isInternal": "0", "connectionType": "ecommerce", "status": 1, "syncStatus": 0, "listId": "0",
            "cdate": at, "udate": at, "lastSync": Value::Null, "sync_request_time": Value::Null,
            "sync_start_time": Value::Null, "disconnectDate": Value::Null, "credentialExpiration": Value::Null,
            "links": {"options": "", "customers": ""},
        });
        let mut connection = all.as_object().cloned().unwrap_or_default();
        for (name, value) in sent.as_object().into_iter().flatten() {
            if WRITABLE.contains(&name.as_str()) || name == "isInternal" {
                connection.insert(name.clone(), value.clone());
            }
        }
        self.connections.insert(id, connection.clone());
        connection
    }
}
