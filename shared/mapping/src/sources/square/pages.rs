//! A window of orders, page by page.
//!
//! A page covers a slice of its window: from where the page before ended to its own last order (the last page:
//! to the window's end). In a window of updates, the orders touched within that same slice go with the page
//! and carry its end as their instant. So whatever instant a reading is taken up from again, nothing that was
//! touched after it is missed.

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::model::Order;
use crate::source::{Access, Count, Field, Next, Page, PageToken, SourceError, Window};

use super::api::{self, Api, ORDERS_SEARCH, Slice, decode};
use super::assemble::{Assembled, Sale, assemble};
use super::errors;
use super::memory::Memory;
use super::payments::Known;
use super::touched::{self, Hints, Seen};
use super::wire::{self, Text, filled};

/// Pages without a record that are followed when only the oldest order is looked for.
const MOST_EMPTY: usize = 20;

/// Where a reading has come to; lives as long as the cursor in it.
struct Progress {
    /// What Square's search gives next.
    search: Search,
    /// Orders of a page that lie behind the point to which its slice could be read, as they came.
    rest: Vec<Box<RawValue>>,
    /// Where the next slice begins.
    from: Timestamp,
    seen: Seen,
}

enum Search {
    Begin,
    Go(String),
    Done,
}

/// The cursor of an answer. Only its absence ends a reading (square.md section 8.3).
pub(crate) fn cursor_of(cursor: &Option<Text<'_>>) -> Option<String> {
    filled(cursor).map(str::to_owned)
}

/// A token that is not of this stream: its reading has to begin again.
pub(crate) fn end_of(stream: &str) -> SourceError {
    errors::error(
        Next::Restart,
        errors::CURSOR_EXPIRED,
        format!("{stream}: the page token is of another reading"),
    )
}

/// Reads one page of a window.
pub(crate) async fn read(
    api: &Api<'_>,
    access: &Access,
    window: Window,
    token: Option<PageToken>,
    memory: &mut Memory,
) -> Result<Page<Order>, SourceError> {
    let mut progress = match token {
        Some(token) => *token.0.downcast::<Progress>().map_err(|_| end_of("orders"))?,
        None => Progress {
            search: Search::Begin,
            rest: Vec::new(),
            from: window.from,
            seen: Seen::default(),
        },
    };
    let rest = std::mem::take(&mut progress.rest);
    let body = if rest.is_empty() {
        search(api, access, window, &progress.search).await?
    } else {
        None
    };
    let mut page: Vec<&RawValue> = rest.iter().map(AsRef::as_ref).collect();
    if let Some(body) = &body {
        let answer: wire::OrdersAnswer<'_> = decode(ORDERS_SEARCH, body)?;
        page.extend(answer.orders.iter().copied());
        progress.search = cursor_of(&answer.cursor).map_or(Search::Done, Search::Go);
    }
    let mut sales = sales(&page, window.field, progress.from);
    let to = match progress.search {
        Search::Done => window.to,
        _ => sales.last().map_or(progress.from, |sale| sale.at),
    };
    let assembled = match window.field {
        Field::Created => {
            progress.from = to;
            assemble(api, access, window.field, &sales, Known::new(), memory).await?
        }
        Field::Updated => updated(api, access, &mut sales, to, &mut progress, memory).await?,
    };
    let done =
        matches!(progress.search, Search::Done) && progress.rest.is_empty() && progress.from >= window.to;
    let ended = done || (window.field == Field::Created && matches!(progress.search, Search::Done));
    let next = (!ended).then(|| PageToken(Box::new(progress)));
    Ok(Page {
        records: assembled.records,
        products: assembled.products,
        next,
    })
}

async fn search(
    api: &Api<'_>,
    access: &Access,
    window: Window,
    search: &Search,
) -> Result<Option<Vec<u8>>, SourceError> {
    let cursor = match search {
        Search::Begin => None,
        Search::Go(cursor) => Some(cursor.as_str()),
        Search::Done => return Ok(None),
    };
    let body = api::orders_in(&access.location.id, window, false, cursor);
    api.post(ORDERS_SEARCH, "/v2/orders/search", &body)
        .await
        .map(Some)
}

/// Reads the orders of a page, in ascending order of their instant.
fn sales<'a>(page: &[&'a RawValue], field: Field, from: Timestamp) -> Vec<Sale<'a>> {
    let mut last = from;
    let mut sales: Vec<Sale<'a>> = Vec::with_capacity(page.len());
    for raw in page {
        let sale = Sale::read(raw.get(), field, last);
        last = last.max(sale.at);
        sales.push(sale);
    }
    sales.sort_by_key(|sale| sale.at);
    sales
}

/// A page of updates, with what was touched in its slice.
async fn updated(
    api: &Api<'_>,
    access: &Access,
    sales: &mut Vec<Sale<'_>>,
    to: Timestamp,
    progress: &mut Progress,
    memory: &mut Memory,
) -> Result<Assembled, SourceError> {
    let slice = Slice {
        from: progress.from,
        to,
    };
    // An empty page in the middle covers no time.
    let empty = sales.is_empty() && !matches!(progress.search, Search::Done);
    let (mut hints, known) = if empty {
        (Hints::new(), Known::new())
    } else {
        let changes = touched::changes(api, access, slice).await?;
        let keep = sales.partition_point(|sale| sale.at <= changes.reached);
        for sale in sales.drain(keep..) {
            progress
                .rest
                .extend(RawValue::from_string(sale.raw.to_owned()).ok());
        }
        progress.from = changes.reached;
        (changes.orders, changes.payments)
    };
    touched::sources(sales, &mut hints);
    let ids = touched::unseen(hints, &[sales], &progress.seen);
    let first = touched::retrieve(api, &ids).await?;
    let end = progress.from;
    let named = elsewhere(&first, end)?;
    let mut hints = Hints::new();
    touched::sources(&named, &mut hints);
    let ids = touched::unseen(hints, &[sales, &named], &progress.seen);
    let second = touched::retrieve(api, &ids).await?;
    let sold = elsewhere(&second, end)?;
    let mut all = std::mem::take(sales);
    all.extend(
        named
            .into_iter()
            .chain(sold)
            .filter(|sale| sale.is_of(&access.location.id)),
    );
    let assembled = assemble(api, access, Field::Updated, &all, known, memory).await?;
    for seen in &assembled.records {
        progress.seen.note(&seen.id, seen.version);
    }
    Ok(assembled)
}

/// Orders that were retrieved by id; `end` is the instant they count by.
fn elsewhere(bodies: &[Vec<u8>], end: Timestamp) -> Result<Vec<Sale<'_>>, SourceError> {
    let mut sales = Vec::new();
    for body in bodies {
        let answer: wire::OrdersAnswer<'_> = decode(api::ORDERS_RETRIEVE, body)?;
        sales.extend(answer.orders.iter().map(|raw| {
            let mut sale = Sale::read(raw.get(), Field::Updated, end);
            sale.at = end;
            sale
        }));
    }
    Ok(sales)
}

/// Reads orders by id as they are now: people anew, the catalogue as it is remembered.
pub(crate) async fn fetch(
    api: &Api<'_>,
    access: &Access,
    ids: &[String],
    memory: &mut Memory,
) -> Result<Page<Order>, SourceError> {
    memory.people.clear();
    let bodies = touched::retrieve(api, ids).await?;
    let mut sales = Vec::new();
    for body in &bodies {
        let answer: wire::OrdersAnswer<'_> = decode(api::ORDERS_RETRIEVE, body)?;
        sales.extend(
            answer
                .orders
                .iter()
                .map(|raw| Sale::read(raw.get(), Field::Updated, Timestamp::UNIX_EPOCH)),
        );
    }
    let Assembled { records, products } =
        assemble(api, access, Field::Updated, &sales, Known::new(), memory).await?;
    Ok(Page {
        records,
        products,
        next: None,
    })
}

/// The creation of the location's oldest order.
pub(crate) async fn first(api: &Api<'_>, access: &Access) -> Result<Option<Timestamp>, SourceError> {
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_EMPTY {
        let body = api::oldest_order(&access.location.id, cursor.as_deref());
        let body = api.post(ORDERS_SEARCH, "/v2/orders/search", &body).await?;
        let answer: wire::OrdersAnswer<'_> = decode(ORDERS_SEARCH, &body)?;
        if let Some(raw) = answer.orders.first() {
            let left = super::flaw::remains(raw.get());
            let told = left.created.or(left.updated);
            let lost = || errors::unreadable(ORDERS_SEARCH.operation, "the oldest order has no date");
            return told.map(Some).ok_or_else(lost);
        }
        cursor = cursor_of(&answer.cursor);
        if cursor.is_none() {
            return Ok(None);
        }
    }
    Err(errors::unreadable(
        ORDERS_SEARCH.operation,
        "pages without orders do not end",
    ))
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
        let body = api::orders_in(&access.location.id, window, true, cursor.as_deref());
        let body = api.post(ORDERS_SEARCH, "/v2/orders/search", &body).await?;
        let answer: wire::OrdersAnswer<'_> = decode(ORDERS_SEARCH, &body)?;
        orders = orders.saturating_add(answer.order_entries.len() as u64);
        cursor = cursor_of(&answer.cursor);
        if cursor.is_none() {
            return Ok(Count { orders, exact: true });
        }
    }
    Ok(Count { orders, exact: false })
}
