//! What of a page makes up whole batches.

use tillsync_mapping::model::{Observed, Order, Reading};

use crate::deliver::BATCH;

/// How many orders may be sent.
pub(super) fn ready(records: &[Observed<Order>]) -> u64 {
    let ready = |record: &&Observed<Order>| matches!(record.reading, Reading::Ready(_));
    records.iter().filter(ready).count() as u64
}

/// How many records of a page make up whole batches of orders to be sent; the rest goes with the next page, so
/// that no call carries a few orders only. All of them where there is not even one batch.
pub(super) fn whole_batches(records: &[Observed<Order>]) -> usize {
    let ready = |record: &Observed<Order>| matches!(record.reading, Reading::Ready(_));
    let places: Vec<usize> =
        records.iter().enumerate().filter(|(_, record)| ready(record)).map(|(place, _)| place + 1).collect();
    let whole = places.len() / BATCH * BATCH;
    if whole == 0 { records.len() } else { places.get(whole - 1).copied().unwrap_or(records.len()) }
}
