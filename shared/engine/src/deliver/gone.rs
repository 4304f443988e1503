//! Records that the store does not have any more.

use tillsync_mapping::model::SkipReason;

use super::Delivering;
use super::orders::{load_rows, write_rows};
use crate::fault::Fault;
use crate::ports::Key;
use crate::state::{LedgerRow, Row, State, Stream};
use crate::sums::Outcome;

impl Delivering<'_> {
    /// Notes records that the store does not have any more. Of one that was sent somebody must know.
    ///
    /// # Errors
    /// Of the store.
    pub async fn gone(&self, stream: Stream, ids: &[String]) -> Result<Vec<Outcome>, Fault> {
        let partition = self.connection.partition_of(stream);
        let keys: Vec<Key> = ids.iter().map(|id| LedgerRow::key(&partition, stream.word(), id)).collect();
        let rows = load_rows(&*self.engine.store, &keys).await?;
        let now = self.engine.now();
        let (mut writes, mut outcomes) = (Vec::new(), Vec::new());
        for (key, row) in keys.into_iter().zip(rows) {
            let mut row = row.unwrap_or_else(|| Row::new(key, LedgerRow::seen(now)));
            if row.value.is_erased() {
                outcomes.push(Outcome::Skipped(SkipReason::Erased.word().into()));
                continue;
            }
            let was_sent = row.value.was_sent() || row.value.intent.is_some();
            let (state, reason) = match was_sent {
                true => (State::Parked, "record.gone"),
                false => (State::Skipped, SkipReason::Gone.word()),
            };
            let is_known = row.value.state == state && row.value.reason.as_deref() == Some(reason);
            let earlier = is_known && row.value.run.as_deref() != Some(self.run.id.as_str());
            outcomes.push(match state {
                State::Parked if earlier => Outcome::StillParked(reason.into()),
                State::Parked => Outcome::Parked(reason.into()),
                _ => Outcome::Skipped(reason.into()),
            });
            if earlier {
                continue;
            }
            (row.value.look_at, row.value.window) = (None, Some(self.page.0));
            row.value.flight = row.value.flight.take().filter(|_| self.again);
            row.value.become_state(state, Some(reason), &self.run.id, now);
            writes.push(row.put()?);
        }
        write_rows(&*self.engine.store, writes).await?;
        Ok(outcomes)
    }
}
