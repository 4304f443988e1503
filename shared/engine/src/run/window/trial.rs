//! A trial: a history that ends when it has sent enough.

use std::collections::BTreeSet;

use tillsync_mapping::model::{Order, Reading as Mapped};
use tillsync_mapping::source::Page;

use super::Reading;

impl Reading<'_> {
    /// Cuts a page where a trial ends, with the products that nobody bought before. True when it does.
    pub(super) fn cut_trial(&self, page: &mut Page<Order>) -> bool {
        let Some(limit) = self.run.limit else { return false };
        let left = usize::try_from(limit.saturating_sub(self.row.value.ready)).unwrap_or(usize::MAX);
        let fresh = page.records.iter().enumerate().filter(|(_, record)| !self.counted(record));
        let fresh = fresh.filter(|(_, record)| matches!(record.reading, Mapped::Ready(_)));
        let end = match left.checked_sub(1) {
            Some(before_last) => fresh.map(|(place, _)| place + 1).nth(before_last),
            None => Some(0),
        };
        let Some(end) = end else { return false };
        page.records.truncate(end);
        let orders = page.records.iter().filter_map(|record| match &record.reading {
            Mapped::Ready(order) => Some(order),
            _ => None,
        });
        let bought: BTreeSet<&str> =
            orders.flat_map(|order| &order.lines).filter_map(|line| line.variant_id.as_deref()).collect();
        page.products.retain(|product| bought.contains(product.variant_id.as_str()));
        true
    }
}
