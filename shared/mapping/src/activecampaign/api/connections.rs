//! Connections: looked up, made, changed; never deleted (activecampaign.md section 2).

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{read, write};
use crate::activecampaign::account::Account;
use crate::activecampaign::wire::NewConnection;
use crate::http::{Method, Request};

/// Most connections of a page (activecampaign.md section 1.3).
const PAGE: &str = "100";

/// `GET /connections` by service and external id (activecampaign.md section 2).
#[must_use]
pub fn find_connection(account: &Account, service: &str, externalid: &str) -> Request {
    let query = Serializer::new(String::new())
        .append_pair("filters[service]", service)
        .append_pair("filters[externalid]", externalid)
        .append_pair("limit", PAGE)
        .finish();
    read(account, "connections.find", &format!("connections?{query}"))
}

/// `GET /connections/{id}`: [`super::super::connection_found`] reads the answer.
#[must_use]
pub fn get_connection(account: &Account, id: i64) -> Request {
    read(account, "connections.get", &format!("connections/{id}"))
}

/// `GET /connections`, a hundred from `offset` on: [`super::super::connections_page`] reads the answer. How they
/// are sorted is not said.
#[must_use]
pub fn list_connections(account: &Account, offset: u32) -> Request {
    let query = Serializer::new(String::new())
        .append_pair("limit", PAGE)
        .append_pair("offset", &offset.to_string())
        .finish();
    read(account, "connections.list", &format!("connections?{query}"))
}

/// `POST /connections`, with no list: the account has been seen to choose one by itself (activecampaign.md
/// section 2).
#[must_use]
pub fn create_connection(account: &Account, connection: &NewConnection) -> Request {
    let body = json!({"connection": {
        "service": connection.service,
        "externalid": connection.externalid,
        "name": connection.name,
        "logoUrl": connection.logo_url,
        "linkUrl": connection.link_url,
        "listId": "0",
    }});
    write(account, "connections.create", Method::Post, "connections", &body)
}

/// `PUT /connections/{id}` that takes the list away again.
#[must_use]
pub fn set_no_list(account: &Account, id: i64) -> Request {
    update_connection(account, id, &json!({"listId": "0"}))
}

/// `PUT /connections/{id}` with `syncStatus`: 1 running, 0 stopped (activecampaign.md section 2).
#[must_use]
pub fn set_sync_status(account: &Account, id: i64, running: bool) -> Request {
    update_connection(account, id, &json!({"syncStatus": i32::from(running)}))
}

fn update_connection(account: &Account, id: i64, fields: &Value) -> Request {
    let body = json!({"connection": fields});
    write(account, "connections.update", Method::Put, &format!("connections/{id}"), &body)
}
