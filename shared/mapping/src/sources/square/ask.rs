//! What is asked: bodies and addresses with their queries. Each is repeated whole with a cursor (square.md
//! section 8.3).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::source::{Field, Window};

use super::api::{ORDERS_A_PAGE, RECORDS_A_CALL, segment};

/// ListPayments and ListPaymentRefunds look back one year unless told otherwise (square.md section 3.1).
/// Square opened in 2009.
const BEFORE_SQUARE: &str = "2009-01-01T00:00:00Z";

/// The body of SearchOrders for a window: every state, so that what is left out is seen and said. The sort
/// field must be the filter's (square.md section 4.1). Repeated whole with a cursor (section 8.3).
pub(crate) fn orders_in(location: &str, window: Window, entries: bool, cursor: Option<&str>) -> Value {
    let (filter, sort) = match window.field {
        Field::Created => ("created_at", "CREATED_AT"),
        Field::Updated => ("updated_at", "UPDATED_AT"),
    };
    let range = json!({"start_at": window.from.to_string(), "end_at": window.to.to_string()});
    let mut body = json!({
        "location_ids": [location],
        "limit": ORDERS_A_PAGE,
        "return_entries": entries,
        "query": {
            "filter": {"date_time_filter": {filter: range}},
            "sort": {"sort_field": sort, "sort_order": "ASC"},
        },
    });
    put_cursor(&mut body, cursor);
    body
}

/// The body of SearchOrders for the oldest order.
pub(crate) fn oldest_order(location: &str, cursor: Option<&str>) -> Value {
    let mut body = json!({
        "location_ids": [location],
        "limit": 1,
        "return_entries": false,
        "query": {"sort": {"sort_field": "CREATED_AT", "sort_order": "ASC"}},
    });
    put_cursor(&mut body, cursor);
    body
}

/// The body of SearchCustomers for a window. Customers cannot be sorted by update (square.md section 5.2).
pub(crate) fn customers_in(window: Window, cursor: Option<&str>) -> Value {
    let filter = match window.field {
        Field::Created => "created_at",
        Field::Updated => "updated_at",
    };
    let range = json!({"start_at": window.from.to_string(), "end_at": window.to.to_string()});
    let mut body = json!({
        "limit": RECORDS_A_CALL,
        "query": {"filter": {filter: range}, "sort": {"field": "CREATED_AT", "order": "ASC"}},
    });
    put_cursor(&mut body, cursor);
    body
}

fn put_cursor(body: &mut Value, cursor: Option<&str>) {
    if let (Some(cursor), Some(fields)) = (cursor, body.as_object_mut()) {
        fields.insert("cursor".to_owned(), Value::from(cursor));
    }
}

/// ListPayments of a location by the time they were made. Without a location it would read the main one.
pub(crate) fn payments_made(
    location: &str,
    from: Timestamp,
    to: Timestamp,
    offline: bool,
    cursor: Option<&str>,
) -> String {
    let mut query = listing("CREATED_AT", cursor);
    query.append_pair("location_id", location);
    query.append_pair("begin_time", &from.to_string()).append_pair("end_time", &to.to_string());
    if offline {
        query.append_pair("is_offline_payment", "true");
    }
    format!("/v2/payments?{}", query.finish())
}

/// ListPayments of a location by the time they last changed. Whether the one-year default of `begin_time`
/// stays in force beside this filter is not told, so it is opened (square.md section 3.1).
pub(crate) fn payments_changed(location: &str, slice: Slice, cursor: Option<&str>) -> String {
    let mut query = listing("UPDATED_AT", cursor);
    query.append_pair("location_id", location).append_pair("begin_time", BEFORE_SQUARE);
    slice.put(&mut query);
    format!("/v2/payments?{}", query.finish())
}

/// ListPaymentRefunds by the time they last changed, at whichever location they were given: a sale can be
/// refunded elsewhere (square.md section 3.3).
pub(crate) fn refunds_changed(slice: Slice, cursor: Option<&str>) -> String {
    let mut query = listing("UPDATED_AT", cursor);
    query.append_pair("begin_time", BEFORE_SQUARE);
    slice.put(&mut query);
    format!("/v2/refunds?{}", query.finish())
}

/// The address of one payment.
pub(crate) fn payment(id: &str) -> String {
    format!("/v2/payments/{}", segment(id))
}

/// A slice of update times, both ends included.
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Slice {
    /// The upper bound is not said to be inclusive for these lists, so a millisecond, which is Square's
    /// resolution, is added.
    fn put(self, query: &mut Serializer<'static, String>) {
        let end = self.to.checked_add(Duration::from_millis(1)).unwrap_or(self.to);
        query.append_pair("updated_at_begin_time", &self.from.to_string());
        query.append_pair("updated_at_end_time", &end.to_string());
    }
}

fn listing(sort: &str, cursor: Option<&str>) -> Serializer<'static, String> {
    let mut query = Serializer::new(String::new());
    query.append_pair("limit", "100").append_pair("sort_field", sort).append_pair("sort_order", "ASC");
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    query
}
