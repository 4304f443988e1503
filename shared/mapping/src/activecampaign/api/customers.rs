//! E-commerce customers: orders make them, and here they are only told of an opt-out (activecampaign.md
//! section 3.1).

use serde_json::json;
use url::form_urlencoded::Serializer;

use super::{read, write};
use crate::activecampaign::account::Account;
use crate::http::{Method, Request};
use crate::model::Email;

/// Most customers of a page (activecampaign.md section 1.3). One address has one customer in a connection.
const PAGE: &str = "100";

/// `GET /ecomCustomers` of an address in a connection: [`super::super::customers_found`] reads the answer.
#[must_use]
pub fn find_customers(account: &Account, connection: i64, email: &Email) -> Request {
    let query = Serializer::new(String::new())
        .append_pair("filters[connectionid]", &connection.to_string())
        .append_pair("filters[email]", email.expose())
        .append_pair("limit", PAGE)
        .finish();
    read(account, "customers.find", &format!("ecomCustomers?{query}"))
}

/// `PUT /ecomCustomers/{id}` that takes consent away, and nothing else: a change may be partial. There is no call
/// that gives it. [`super::super::customer_changed`] reads the answer.
#[must_use]
pub fn opt_out(account: &Account, customer: i64) -> Request {
    let body = json!({"ecomCustomer": {"acceptsMarketing": "0"}});
    write(account, "customers.opt_out", Method::Put, &format!("ecomCustomers/{customer}"), &body)
}
