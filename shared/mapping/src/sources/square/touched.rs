//! Orders that are looked at because something of theirs changed: those named by payments and refunds updated
//! in a slice of time, and the sales that return orders refer to (rules.md section 1, "Touched set").
//! Invoices paid later and refunds at another location are found this way.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use crate::source::{Access, SourceError};

use super::api::{Api, ORDERS_RETRIEVE, PAYMENTS_LIST, RECORDS_A_CALL, REFUNDS_LIST, decode};
use super::ask::{self, Slice};
use super::assemble::Sale;
use super::errors::{MOST_ANSWERS, endless};
use super::pages::cursor_of;
use super::payment::{Found, Known, listed};
use super::wire::{self, filled};

/// Calls of each list for one slice. A slice that holds more is cut where it got to, and goes on with the
/// next page: what is held in memory stays bounded whatever happened at the store.
const MOST_CALLS: usize = 20;
/// The most orders remembered as returned; beyond it they are forgotten, and perhaps read once more.
const MOST_SEEN: usize = 20_000;

/// Orders that this reading returned already, with the version they had.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<String, Timestamp>);

impl Seen {
    pub(crate) fn note(&mut self, id: &str, version: Timestamp) {
        if self.0.len() >= MOST_SEEN {
            self.0.clear();
        }
        self.0.insert(id.to_owned(), version);
    }

    /// True when the order was returned in a state that includes a change at this instant.
    fn covers(&self, id: &str, changed: Timestamp) -> bool {
        self.0.get(id).is_some_and(|version| *version >= changed)
    }
}

/// Orders by id with the newest instant at which something of theirs changed.
pub(crate) type Hints = BTreeMap<String, Timestamp>;

/// What payments and refunds say of a slice.
pub(crate) struct Changes {
    pub(crate) orders: Hints,
    /// The payments themselves: most are of the very orders of the page.
    pub(crate) payments: Known,
    /// How far the slice was read.
    pub(crate) reached: Timestamp,
}

impl Changes {
    /// Nothing changed, as far as `reached`.
    pub(crate) fn none(reached: Timestamp) -> Self {
        Self { orders: Hints::new(), payments: Known::new(), reached }
    }
}

/// Reads the payments and refunds that changed in a slice.
pub(crate) async fn changes(api: &Api<'_>, access: &Access, slice: Slice) -> Result<Changes, SourceError> {
    let mut changes = Changes::none(slice.to);
    let mut cursor: Option<String> = None;
    let mut last = slice.from;
    for calls in 1.. {
        if calls > MOST_ANSWERS {
            return Err(endless(PAYMENTS_LIST.operation));
        }
        let path = ask::payments_changed(&access.location.id, slice, cursor.as_deref());
        let body = api.get(PAYMENTS_LIST, &path).await?;
        let page = listed(&body)?;
        for (id, found) in page.payments {
            if let Found::Whole(payment) = &found {
                last = last.max(payment.updated);
                if let Some(order) = &payment.order {
                    hint(&mut changes.orders, order, payment.updated);
                }
            }
            changes.payments.insert(id, found);
        }
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
        // Cutting needs some progress, or the same slice would begin again for ever.
        if calls >= MOST_CALLS && last > slice.from && last < slice.to {
            changes.reached = last;
            break;
        }
    }
    refunds(api, Slice { from: slice.from, to: changes.reached }, &mut changes.orders).await?;
    Ok(changes)
}

/// A refund names the order that gives back; the sale is found through it.
async fn refunds(api: &Api<'_>, slice: Slice, orders: &mut Hints) -> Result<(), SourceError> {
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_ANSWERS {
        let body = api.get(REFUNDS_LIST, &ask::refunds_changed(slice, cursor.as_deref())).await?;
        let answer: wire::RefundsAnswer<'_> = decode(REFUNDS_LIST, &body)?;
        for raw in answer.refunds.iter() {
            // A refund that cannot be read names nothing; its payment changed as well and does.
            let refund = serde_json::from_str::<wire::Refund<'_>>(raw.get()).ok();
            if let Some(order) = refund.as_ref().and_then(|refund| filled(&refund.order_id)) {
                hint(orders, order, refund.as_ref().and_then(|refund| refund.updated_at).unwrap_or(slice.to));
            }
        }
        cursor = cursor_of(&answer.cursor);
        if cursor.is_none() {
            return Ok(());
        }
    }
    Err(endless(REFUNDS_LIST.operation))
}

/// The sales that return orders refer to.
pub(crate) fn sources(sales: &[Sale<'_>], orders: &mut Hints) {
    for sale in sales {
        let Ok(order) = &sale.order else { continue };
        for source in order.returns.iter().filter_map(|back| filled(&back.source_order_id)) {
            hint(orders, source, order.updated_at.unwrap_or(sale.at));
        }
    }
}

fn hint(orders: &mut Hints, id: &str, changed: Timestamp) {
    match orders.get_mut(id) {
        Some(newest) => *newest = changed.max(*newest),
        None => drop(orders.insert(id.to_owned(), changed)),
    }
}

/// Leaves out what was returned already, here or on an earlier page.
pub(crate) fn unseen(orders: Hints, here: &[&[Sale<'_>]], seen: &Seen) -> Vec<String> {
    let held: std::collections::BTreeSet<&str> =
        here.iter().flat_map(|sales| sales.iter()).map(Sale::id).collect();
    let news =
        orders.into_iter().filter(|(id, changed)| !held.contains(id.as_str()) && !seen.covers(id, *changed));
    news.map(|(id, _)| id).collect()
}

/// Retrieves orders by id, at whichever location they were made. Ids that do not resolve are left out by
/// Square: a payment that failed names an order that never comes to be (square.md sections 4.2 and 4.6).
pub(crate) async fn retrieve(api: &Api<'_>, ids: &[String]) -> Result<Vec<Vec<u8>>, SourceError> {
    let mut bodies = Vec::with_capacity(ids.len().div_ceil(RECORDS_A_CALL));
    for ids in ids.chunks(RECORDS_A_CALL) {
        let body = json!({"order_ids": ids});
        if let Some(body) = api.post_or_none(ORDERS_RETRIEVE, "/v2/orders/batch-retrieve", &body).await? {
            bodies.push(body);
        }
    }
    Ok(bodies)
}
