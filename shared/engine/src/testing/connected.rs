//! The account's connections: found, made, changed; nothing is ever removed by a call.

use serde_json::{Value, json};
use tillsync_mapping::http::Request;

use super::Account;

/// Connections on a page.
const PAGE: usize = 2;

/// A connection as an account shows it.
pub(crate) fn connection_there(id: i64, service: &str, externalid: &str) -> Value {
    json!({"id": id.to_string(), "service": service, "externalid": externalid, "name": "Until now",
        "listId": "0", "isInternal": "0", "syncStatus": 0})
}

impl Account {
    /// The connection of this id.
    pub(crate) fn connection(&mut self, id: i64) -> Option<&mut Value> {
        let id = id.to_string();
        self.connections.iter_mut().find(|one| one["id"] == id)
    }

    pub(super) fn connected(&mut self, request: &Request, body: &Value) -> (u16, Value) {
        let url = url::Url::parse(&request.url).unwrap();
        let asked =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let id = url.path().rsplit('/').next().and_then(|id| id.parse::<i64>().ok());
        match (request.operation, id) {
            ("connections.announce", _) => (200, json!({"data": {"syncLegacyConnection": {"id": "1"}}})),
            ("connections.create", _) => {
                let mut made = connection_there(100, "", "");
                change(&mut made, body);
                self.connections.push(made.clone());
                (200, json!({"connection": made}))
            }
            ("connections.find", _) => {
                let fits = |one: &&Value| {
                    ["service", "externalid"]
                        .iter()
                        .all(|name| asked(&format!("filters[{name}]")).is_some_and(|text| one[*name] == text))
                };
                (200, json!({"connections": self.connections.iter().filter(fits).collect::<Vec<_>>()}))
            }
            ("connections.list", _) => {
                let offset = asked("offset").unwrap().parse().unwrap();
                let page: Vec<_> = self.connections.iter().skip(offset).take(PAGE).collect();
                (200, json!({"connections": page, "meta": {"total": self.connections.len().to_string()}}))
            }
            ("connections.get", Some(id)) => match self.connection(id) {
                Some(found) => (200, json!({"connection": found})),
                None => (400, json!({})),
            },
            ("connections.update", Some(id)) => match self.connection(id) {
                Some(found) => {
                    change(found, body);
                    (200, json!({"connection": found}))
                }
                None => (404, json!({"message": "No Result found"})),
            },
            (operation, _) => panic!("nothing answers {operation}"),
        }
    }
}

fn change(connection: &mut Value, body: &Value) {
    for (name, value) in body["connection"].as_object().unwrap() {
        connection[name] = value.clone();
    }
}
