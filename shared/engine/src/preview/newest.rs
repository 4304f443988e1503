//! The newest orders of a time: all of it where one page holds it, else a slice at its end.

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::http::Http;
use tillsync_mapping::model::{Observed, Order};
use tillsync_mapping::source::{Access, Cache, Field, Source, Window};

use super::ready;
use crate::fault::Fault;

/// Orders a page may hold.
const ONE_PAGE: u64 = 1_000;
/// Orders of the first slice, about: enough to reckon from, few enough for one page.
const FEW: u64 = 200;
/// Looks for a slice that is one page and holds an order to be sent.
const MAX_LOOKS: u32 = 4;
/// A slice that was too long or too short is cut or stretched so many times.
const STEP: i32 = 8;

/// A time, both ends included.
#[derive(Clone, Copy)]
pub(super) struct Slice {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// Orders that were looked at.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) records: Vec<Observed<Order>>,
    /// Products they mention.
    pub(super) products: u64,
    /// Whether they are all there are.
    pub(super) whole: bool,
    pub(super) cache: Cache,
}

impl Seen {
    /// Orders to be sent, of so many.
    pub(super) fn eligible(&self, total: u64) -> u64 {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let (seen, sent) = (count(self.records.len()), count(self.records.iter().filter_map(ready).count()));
        if self.whole {
            return sent;
        }
        // Rounded, not cut.
        total.saturating_mul(sent).saturating_add(seen / 2).checked_div(seen).unwrap_or(0)
    }

    /// The newest order to be sent.
    pub(super) fn newest_eligible(&self) -> Option<&Observed<Order>> {
        self.records.iter().filter(|record| ready(record).is_some()).max_by_key(|record| record.created)
    }
}

/// Reads the newest orders, of about `total` in all. A source answers the oldest first, so of a long time only the end
/// is asked for.
pub(super) async fn newest(
    source: &dyn Source,
    (http, access): (&dyn Http, &Access),
    slice: Slice,
    total: u64,
) -> Result<Seen, Fault> {
    let cache = Cache::default();
    let mut best = Seen::default();
    let mut begin = slice.from;
    if total > ONE_PAGE {
        let first = source.first_order(http, access).await?;
        let first = first.map_or(slice.from, |first| first.max(slice.from)).min(slice.to);
        begin =
            back(slice.to, slice.to.duration_since(first), i32::try_from(total / FEW).unwrap_or(i32::MAX));
    }
    for _ in 0..MAX_LOOKS {
        let window = Window { field: Field::Created, from: begin, to: slice.to };
        let page = source.read_orders(http, access, window, None, &cache).await?;
        let ended = page.next.is_none();
        let oldest = page.records.iter().map(|record| record.created).min();
        let products = u64::try_from(page.products.len()).unwrap_or(u64::MAX);
        let whole = ended && begin <= slice.from;
        let seen = Seen { records: page.records, products, whole, cache: Cache::default() };
        let good = ended && seen.newest_eligible().is_some();
        if seen.newest_eligible().is_some() || best.records.len() < seen.records.len() {
            best = seen;
        }
        if whole || good {
            break;
        }
        let span = slice.to.duration_since(oldest.unwrap_or(begin).clamp(begin, slice.to));
        begin = if ended {
            let span = slice.to.duration_since(begin).max(SignedDuration::from_hours(1));
            slice.to.saturating_sub(span.saturating_mul(STEP)).unwrap_or(slice.from).max(slice.from)
        } else {
            back(slice.to, span, STEP)
        };
    }
    best.cache = cache;
    Ok(best)
}

/// So long before an instant, divided.
fn back(to: Timestamp, span: SignedDuration, by: i32) -> Timestamp {
    let span = span.checked_div(by.max(1)).unwrap_or(span);
    to.saturating_sub(span).unwrap_or(to)
}
