//! Where a location's orders begin, and how many a window holds.

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::source::{Access, Count, SourceError, Window};

use super::api::{Api, ORDERS_SEARCH, decode};
use super::flaw::remains;
use super::pages::cursor_of;
use super::{ask, errors, wire};

/// Pages without a record that are followed when only the oldest order is looked for.
const MOST_EMPTY: usize = 20;

/// The creation of the location's oldest order.
pub(crate) async fn first(api: &Api<'_>, access: &Access) -> Result<Option<Timestamp>, SourceError> {
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_EMPTY {
        let body = ask::oldest_order(&access.location.id, cursor.as_deref());
        let body = api.post(ORDERS_SEARCH, "/v2/orders/search", &body).await?;
        let answer: wire::OrdersAnswer<'_, &RawValue> = decode(ORDERS_SEARCH, &body)?;
        if let Some(raw) = answer.orders.first() {
            let left = remains(raw.get());
            let told = left.created.or(left.updated);
            let lost = || errors::unreadable(ORDERS_SEARCH.operation, "the oldest order has no date");
            return told.map(Some).ok_or_else(lost);
        }
        cursor = cursor_of(&answer.cursor);
        if cursor.is_none() {
            return Ok(None);
        }
    }
    Err(errors::unreadable(ORDERS_SEARCH.operation, "pages without orders do not end"))
}

/// Counts a window's orders by their ids alone.
pub(crate) async fn count(
    api: &Api<'_>,
    access: &Access,
    window: Window,
    max_calls: u32,
) -> Result<Count, SourceError> {
    let mut orders: u64 = 0;
    let mut cursor: Option<String> = None;
    for _ in 0..max_calls {
        let body = ask::orders_in(&access.location.id, window, true, cursor.as_deref());
        let body = api.post(ORDERS_SEARCH, "/v2/orders/search", &body).await?;
        let answer: wire::EntriesAnswer<'_> = decode(ORDERS_SEARCH, &body)?;
        orders = orders.saturating_add(answer.order_entries.len() as u64);
        cursor = cursor_of(&answer.cursor);
        if cursor.is_none() {
            return Ok(Count { orders, exact: true });
        }
    }
    Ok(Count { orders, exact: false })
}
