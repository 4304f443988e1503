//! The requests: REST here, GraphQL beside it.

mod connections;
mod copies;
mod customers;
mod graphql;

pub use connections::{
    create_connection, find_connection, get_connection, list_connections, set_no_list, set_sync_status,
};
pub use copies::{v3_order, v3_orders};
pub use customers::{find_customers, opt_out};
pub use graphql::{announce, check_schema, get_order, orders_of, push_orders, push_products, read_back};

use std::borrow::Borrow;

use serde::Serialize;
use url::form_urlencoded::Serializer;

use super::account::Account;
use super::wire::{self, ContactInput};
use crate::http::{Effect, Method, Request};

/// Most people of one bulk import (activecampaign.md section 5.2).
const MAX_IMPORT_PEOPLE: usize = 250;
/// Most bytes of one bulk import (activecampaign.md section 5.2).
const MAX_IMPORT_BYTES: usize = 400_000;

/// `GET /users/me`: proves the key (activecampaign.md section 1.1).
#[must_use]
pub fn who_am_i(account: &Account) -> Request {
    read(account, "account.me", "users/me")
}

/// `GET /account/entitlements`: tells whether the plan has e-commerce (activecampaign.md section 1.1).
#[must_use]
pub fn entitlements(account: &Account) -> Request {
    read(account, "account.entitlements", "account/entitlements")
}

/// Bulk import of up to 250 people, at most 400,000 bytes; `silent` starts no automation. The second part of
/// the answer is how many of them fitted: at least one of any.
#[must_use]
pub fn import<T: Borrow<ContactInput>>(account: &Account, people: &[T], silent: bool) -> (Request, usize) {
    let end: &[u8] = if silent { br#"],"exclude_automations":true}"# } else { b"]}" };
    let mut body = br#"{"contacts":["#.to_vec();
    let mut fitted = 0;
    for person in people.iter().take(MAX_IMPORT_PEOPLE) {
        let person = wire::json(&person.borrow().as_import(silent));
        if fitted > 0 && body.len() + 1 + person.len() + end.len() > MAX_IMPORT_BYTES {
            break;
        }
        if fitted > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&person);
        fitted += 1;
    }
    body.extend_from_slice(end);
    let request =
        request(account, "contacts.import", Method::Post, "import/bulk_import", body, Effect::Write);
    (request, fitted)
}

/// `GET /import/info` of a batch (activecampaign.md section 5.2).
#[must_use]
pub fn import_info(account: &Account, batch: &str) -> Request {
    let query = Serializer::new(String::new()).append_pair("batchId", batch).finish();
    read(account, "contacts.import_info", &format!("import/info?{query}"))
}

/// `POST /contact/sync` of one person (activecampaign.md section 5.1).
#[must_use]
pub fn sync_contact(account: &Account, person: &ContactInput) -> Request {
    #[derive(Serialize)]
    struct Body<T> {
        contact: T,
    }
    write(account, "contacts.sync", Method::Post, "contact/sync", &Body { contact: person.as_sync() })
}

fn read(account: &Account, operation: &'static str, path: &str) -> Request {
    request(account, operation, Method::Get, path, Vec::new(), Effect::Read)
}

fn write(
    account: &Account,
    operation: &'static str,
    method: Method,
    path: &str,
    body: &impl Serialize,
) -> Request {
    request(account, operation, method, path, wire::json(body), Effect::Write)
}

fn request(
    account: &Account,
    operation: &'static str,
    method: Method,
    path: &str,
    body: Vec<u8>,
    effect: Effect,
) -> Request {
    let mut headers = vec![("Accept", "application/json".to_owned())];
    if !body.is_empty() {
        headers.push(("Content-Type", "application/json".to_owned()));
    }
    Request {
        operation,
        method,
        url: format!("{}/{path}", account.base),
        headers,
        credential: Some(("Api-Token", account.key.clone())),
        body,
        effect,
    }
}
