//! The v3 copy of the orders, read only: ActiveCampaign makes it from what GraphQL was sent, and it is what
//! merchants see. It lags (activecampaign.md sections 3.2 and 4.2).

use url::form_urlencoded::Serializer;

use super::read;
use crate::activecampaign::account::Account;
use crate::http::Request;

/// Most orders of a page (activecampaign.md section 1.3).
const MAX_PAGE: u32 = 100;

/// `GET /ecomOrders` of one order by its key.
#[must_use]
pub fn v3_order(account: &Account, connection: i64, externalid: &str) -> Request {
    let query = Serializer::new(String::new())
        .append_pair("filters[connectionid]", &connection.to_string())
        .append_pair("filters[externalid]", externalid)
        .append_pair("limit", "20")
        .finish();
    read(account, "orders.copy", &format!("ecomOrders?{query}"))
}

/// `GET /ecomOrders` of a connection, newest first: `limit` of them, a hundred at most, from `offset` on. Several
/// ids in one question are not documented.
#[must_use]
pub fn v3_orders(account: &Account, connection: i64, offset: u32, limit: u32) -> Request {
    let query = Serializer::new(String::new())
        .append_pair("filters[connectionid]", &connection.to_string())
        .append_pair("orders[external_created_date]", "DESC")
        .append_pair("limit", &limit.clamp(1, MAX_PAGE).to_string())
        .append_pair("offset", &offset.to_string())
        .finish();
    read(account, "orders.copies", &format!("ecomOrders?{query}"))
}
