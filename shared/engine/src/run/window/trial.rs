//! A trial: a history that ends when it has sent enough.

use tillsync_mapping::model::{Observed, Order, Reading as Mapped};

use super::Reading;

impl Reading<'_> {
    /// Cuts a page where a trial ends. True when it does.
    pub(super) fn cut_trial(&self, records: &mut Vec<Observed<Order>>) -> bool {
        let Some(limit) = self.run.limit else { return false };
        let tally = &self.row.value.tally;
        let before = tally.observed.saturating_sub(tally.skipped.values().sum());
        let left = usize::try_from(limit.saturating_sub(before)).unwrap_or(usize::MAX);
        let ready = |record: &Observed<Order>| matches!(record.reading, Mapped::Ready(_));
        let fresh = records.iter().enumerate().filter(|(_, record)| ready(record) && !self.counted(record));
        let end = match left.checked_sub(1) {
            Some(before_last) => fresh.map(|(place, _)| place + 1).nth(before_last),
            None => Some(0),
        };
        if let Some(end) = end {
            records.truncate(end);
        }
        end.is_some()
    }
}
