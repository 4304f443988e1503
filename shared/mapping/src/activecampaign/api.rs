//! The requests.

use jiff::Timestamp;

use super::account::Account;
use super::wire::{Channel, ContactInput, NewConnection, OrderInput, ProductInput};
use crate::http::Request;

/// `GET /users/me`: proves the key.
#[must_use]
pub fn who_am_i(_account: &Account) -> Request { todo!() }
/// `GET /account/entitlements`: tells whether the plan has e-commerce.
#[must_use]
pub fn entitlements(_account: &Account) -> Request { todo!() }
/// A `searchOrder` of one record, asked for every field read back: proves that the schema is the one known.
#[must_use]
pub fn check_schema(_account: &Account) -> Request { todo!() }
/// `GET /connections` by service and external id.
#[must_use]
pub fn find_connection(_account: &Account, _service: &str, _externalid: &str) -> Request { todo!() }
/// `POST /connections`, with no list.
#[must_use]
pub fn create_connection(_account: &Account, _connection: &NewConnection) -> Request { todo!() }
/// `PUT /connections/{id}` that takes the list away again.
#[must_use]
pub fn set_no_list(_account: &Account, _id: i64) -> Request { todo!() }
/// `PUT /connections/{id}` with `syncStatus`.
#[must_use]
pub fn set_sync_status(_account: &Account, _id: i64, _running: bool) -> Request { todo!() }
/// `syncLegacyConnection`: announces a new connection. Its failure is no reason to stop.
#[must_use]
pub fn announce(_account: &Account, _service: &str, _externalid: &str) -> Request { todo!() }
/// Up to 100 orders, as a variable.
#[must_use]
pub fn push_orders(_account: &Account, _orders: &[OrderInput], _channel: Channel) -> Request { todo!() }
/// Up to 100 products, as a variable.
#[must_use]
pub fn push_products(_account: &Account, _products: &[ProductInput]) -> Request { todo!() }
/// Bulk import of up to 250 people, at most 400,000 bytes; `silent` starts no automation. The second part of
/// the answer is how many of them fitted.
#[must_use]
pub fn import(_account: &Account, _people: &[ContactInput], _silent: bool) -> (Request, usize) { todo!() }
/// `GET /import/info` of a batch.
#[must_use]
pub fn import_info(_account: &Account, _batch: &str) -> Request { todo!() }
/// `POST /contact/sync` of one person.
#[must_use]
pub fn sync_contact(_account: &Account, _person: &ContactInput) -> Request { todo!() }
/// `searchOrder` of a connection's orders made at `since` or later, ascending, 100 from `offset`.
#[must_use]
pub fn read_back(_account: &Account, _connection: i64, _since: Timestamp, _offset: u32) -> Request { todo!() }
/// `getOrder`.
#[must_use]
pub fn get_order(_account: &Account, _connection: i64, _id: &str) -> Request { todo!() }
