//! A window of orders, page by page.
//!
//! A page covers a slice of its window: from where the page before ended to its own last order (the last page:
//! to the window's end). In a window of updates, the orders touched within that same slice go with the page
//! and carry its end as their instant. So whatever instant a reading is taken up from again, nothing that was
//! touched after it is missed.

use jiff::Timestamp;

use crate::model::Order;
use crate::source::{Access, Field, Next, Page, PageToken, SourceError, Window};

use super::api::{Api, ORDERS_RETRIEVE, ORDERS_SEARCH};
use super::ask::{self, Slice};
use super::assemble::{Assembled, Sale, assemble, sales};
use super::errors;
use super::memory::Memory;
use super::payment::Known;
use super::touched::{self, Changes, Hints, Seen};
use super::wire::{Text, filled};

/// Where a reading has come to; lives as long as the cursor in it.
struct Progress {
    /// What Square's search gives next.
    search: Search,
    /// A page whose slice could be read only in part, as it came: what lies behind [`Self::from`] is still to
    /// be returned.
    rest: Option<Vec<u8>>,
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
        None => Progress { search: Search::Begin, rest: None, from: window.from, seen: Seen::default() },
    };
    let rest = progress.rest.take();
    let taken_up = rest.is_some();
    let body = match rest {
        Some(body) => Some(body),
        None => search(api, access, window, &progress.search).await?,
    };
    let mut page = Vec::new();
    if let Some(body) = &body {
        let (sales, cursor) = sales(ORDERS_SEARCH, body, window.field, progress.from)?;
        page = sales;
        progress.search = cursor.map_or(Search::Done, Search::Go);
    }
    if taken_up {
        page.retain(|sale| sale.at > progress.from);
    }
    let to = match progress.search {
        Search::Done => window.to,
        _ => page.last().map_or(progress.from, |sale| sale.at),
    };
    let (assembled, cut) = match window.field {
        Field::Created => (assemble(api, access, window.field, &page, Known::new(), memory).await?, false),
        Field::Updated => updated(api, access, page, to, &mut progress, memory).await?,
    };
    if cut {
        progress.rest = body;
    } else {
        progress.from = to;
    }
    let ended = !cut && matches!(progress.search, Search::Done);
    let next = (!ended).then(|| PageToken(Box::new(progress)));
    Ok(Page { records: assembled.records, products: assembled.products, next })
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
    let body = ask::orders_in(&access.location.id, window, false, cursor);
    api.post(ORDERS_SEARCH, "/v2/orders/search", &body).await.map(Some)
}

/// A page of updates, with what was touched in its slice. True where the slice could be read only in part:
/// the page is then cut at `progress.from`.
async fn updated(
    api: &Api<'_>,
    access: &Access,
    mut page: Vec<Sale<'_>>,
    to: Timestamp,
    progress: &mut Progress,
    memory: &mut Memory,
) -> Result<(Assembled, bool), SourceError> {
    // An empty page in the middle covers no time.
    let empty = page.is_empty() && !matches!(progress.search, Search::Done);
    let mut changes = Changes::none(to);
    if !empty {
        changes = touched::changes(api, access, Slice { from: progress.from, to }).await?;
        page.retain(|sale| sale.at <= changes.reached);
    }
    let end = changes.reached;
    touched::sources(&page, &mut changes.orders);
    let ids = touched::unseen(changes.orders, &[&page], &progress.seen);
    let first = touched::retrieve(api, &ids).await?;
    let named = elsewhere(&first, end)?;
    let mut behind = Hints::new();
    touched::sources(&named, &mut behind);
    let ids = touched::unseen(behind, &[&page, &named], &progress.seen);
    let second = touched::retrieve(api, &ids).await?;
    let sold = elsewhere(&second, end)?;
    page.extend(named.into_iter().chain(sold).filter(|sale| sale.is_of(&access.location.id)));
    let assembled = assemble(api, access, Field::Updated, &page, changes.payments, memory).await?;
    for seen in &assembled.records {
        progress.seen.note(&seen.id, seen.version);
    }
    progress.from = end;
    Ok((assembled, end < to))
}

/// Orders that were retrieved by id; `end` is the instant they count by.
fn elsewhere(bodies: &[Vec<u8>], end: Timestamp) -> Result<Vec<Sale<'_>>, SourceError> {
    let mut found = Vec::new();
    for body in bodies {
        found.extend(sales(ORDERS_RETRIEVE, body, Field::Updated, end)?.0);
    }
    found.iter_mut().for_each(|sale| sale.at = end);
    Ok(found)
}

/// Reads orders of the location by id as they are now: people anew, the catalogue as it is remembered.
pub(crate) async fn fetch(
    api: &Api<'_>,
    access: &Access,
    ids: &[String],
    memory: &mut Memory,
) -> Result<Page<Order>, SourceError> {
    let bodies = touched::retrieve(api, ids).await?;
    let mut found = Vec::new();
    for body in &bodies {
        found.extend(sales(ORDERS_RETRIEVE, body, Field::Updated, Timestamp::UNIX_EPOCH)?.0);
    }
    // The id of an order may come from anywhere in the store: what was sold elsewhere is another connection's.
    found.retain(|sale| sale.is_of(&access.location.id));
    let (mut remembered, beside) = (std::mem::take(&mut memory.people), memory.beside.take());
    let assembled = assemble(api, access, Field::Updated, &found, Known::new(), memory).await;
    remembered.append(&mut memory.people);
    (memory.people, memory.beside) = (remembered, beside);
    let Assembled { records, products } = assembled?;
    Ok(Page { records, products, next: None })
}
