//! Requests to `ecom/graphql` (activecampaign.md section 4).

use std::borrow::Borrow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::super::account::Account;
use super::super::wire::{self, Channel, OrderInput, ProductInput};
use super::request;
use crate::http::{Effect, Method, Request};

/// Orders on a page of `searchOrder` (activecampaign.md section 4.3).
const PAGE: u32 = 100;
// The documents are fixed texts and the batch is a variable: a document is read up to 15,000 grammar tokens,
// a variable is not counted (activecampaign.md section 4.8).
const PUSH: &str =
    "mutation PushOrders($orders:[OrderInput]){bulkUpsertOrders(orders:$orders){storeOrderId}}";
const QUEUE: &str =
    "mutation QueueOrders($orders:[OrderInput]){bulkUpsertOrdersAsync(orders:$orders){recordId}}";
const PRODUCTS: &str =
    "mutation PushProducts($products:[ProductInput]){bulkUpsertProducts(products:$products){storePrimaryId}}";
const ANNOUNCE: &str = "mutation Announce($service:String!,$store:String!)\
    {syncLegacyConnection(integrationName:$service,connectionUniqueIdentifier:$store){id}}";
const SEARCH: &str = "query SearchOrders($filter:OrderFilter){searchOrder(filter:$filter)\
    {storeOrderId storeCreatedDate storeModifiedDate finalAmount normalizedStatus}}";
const GET: &str = "query GetOrder($connection:Int!,$order:String!)\
    {getOrder(legacyConnectionId:$connection,storeOrderId:$order)\
    {storeOrderId storeCreatedDate storeModifiedDate finalAmount normalizedStatus}}";

/// A `searchOrder` of one record, asked for every field read back: proves that the schema is the one known.
#[must_use]
pub fn check_schema(account: &Account) -> Request {
    let filter = json!({"filter": {"pagination": {"offset": 0, "limit": 1}}});
    graphql(account, "schema.check", Effect::Read, "SearchOrders", SEARCH, filter)
}

/// `syncLegacyConnection`: announces a new connection (activecampaign.md section 2). Its failure is no reason
/// to stop.
#[must_use]
pub fn announce(account: &Account, service: &str, externalid: &str) -> Request {
    let variables = json!({"service": service, "store": externalid});
    graphql(account, "connections.announce", Effect::Write, "Announce", ANNOUNCE, variables)
}

/// Up to 100 orders, as a variable.
#[must_use]
pub fn push_orders<T>(account: &Account, orders: &[T], channel: Channel) -> Request
where
    T: Borrow<OrderInput> + Serialize,
{
    #[derive(Serialize)]
    struct Variables<'a, T> {
        orders: &'a [T],
    }
    let (operation, name, document) = match channel {
        Channel::Waiting => ("orders.push", "PushOrders", PUSH),
        Channel::Queued => ("orders.queue", "QueueOrders", QUEUE),
    };
    graphql(account, operation, Effect::Write, name, document, Variables { orders })
}

/// Up to 100 products, as a variable.
#[must_use]
pub fn push_products<T>(account: &Account, products: &[T]) -> Request
where
    T: Borrow<ProductInput> + Serialize,
{
    #[derive(Serialize)]
    struct Variables<'a, T> {
        products: &'a [T],
    }
    graphql(account, "products.push", Effect::Write, "PushProducts", PRODUCTS, Variables { products })
}

/// `searchOrder` of a connection's orders made at `since` or later, ascending, 100 from `offset`. Asks from the
/// full second on: whether fractions of a second are kept is not known.
#[must_use]
pub fn read_back(account: &Account, connection: i64, since: Timestamp, offset: u32) -> Request {
    let since = Timestamp::from_second(since.as_second()).unwrap_or(since);
    let variables = json!({"filter": {
        "legacyConnectionId": {"value": connection, "filterOperator": "EQ"},
        "storeCreatedDate": {"value": since, "filterOperator": "GTE", "sort": "ASC"},
        "pagination": {"offset": offset, "limit": PAGE},
    }});
    graphql(account, "orders.read_back", Effect::Read, "SearchOrders", SEARCH, variables)
}

/// `searchOrder` of the newest orders of a connection, `limit` of them, a hundred at most.
#[must_use]
pub fn orders_of(account: &Account, connection: i64, limit: u32) -> Request {
    // All that were ever made: a member that only sorts is not documented.
    let variables = json!({"filter": {
        "legacyConnectionId": {"value": connection, "filterOperator": "EQ"},
        "storeCreatedDate": {"value": Timestamp::UNIX_EPOCH, "filterOperator": "GTE", "sort": "DESC"},
        "pagination": {"offset": 0, "limit": limit.clamp(1, PAGE)},
    }});
    graphql(account, "orders.newest", Effect::Read, "SearchOrders", SEARCH, variables)
}

/// `getOrder`.
#[must_use]
pub fn get_order(account: &Account, connection: i64, id: &str) -> Request {
    let variables = json!({"connection": connection, "order": id});
    graphql(account, "orders.get", Effect::Read, "GetOrder", GET, variables)
}

fn graphql(
    account: &Account,
    operation: &'static str,
    effect: Effect,
    name: &'static str,
    document: &'static str,
    variables: impl Serialize,
) -> Request {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<V> {
        query: &'static str,
        operation_name: &'static str,
        variables: V,
    }
    let body = wire::json(&Body { query: document, operation_name: name, variables });
    request(account, operation, Method::Post, "ecom/graphql", body, effect)
}
