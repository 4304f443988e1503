//! What became of letters: there, on their way, unknown, refused, or never sent.

use jiff::Timestamp;
use tillsync_mapping::activecampaign::Channel;

use super::Delivering;
use super::send::{Batch, Letter};
use crate::erase::left_behind;
use crate::fault::Fault;
use crate::ports::Written;
use crate::state::State;
use crate::sums::Outcome;

impl Delivering<'_> {
    /// These were not carried out, as is known: nobody has to wait for them, and who reads them next sends them.
    pub(super) async fn take_back(&self, letters: Vec<Letter>, batch: &mut Batch) -> Result<(), Fault> {
        let mut writes = Vec::with_capacity(letters.len());
        for mut letter in letters {
            if let Some(flight) = &mut batch.flight {
                flight.value.left.retain(|id| *id != letter.order.id);
            }
            let row = &mut letter.row.value;
            (row.intent, row.queued, row.sent_at) = (None, None, letter.sent_before);
            row.flight = row.flight.take().filter(|_| self.again);
            writes.push(letter.row.put()?);
        }
        self.write_settled(writes).await?;
        self.write_flight(batch).await
    }

    /// Writes what is left of a batch's flight.
    pub(super) async fn write_flight(&self, batch: &mut Batch) -> Result<(), Fault> {
        if let Some(flight) = &mut batch.flight {
            self.write_settled(vec![flight.put()?]).await?;
            flight.rev += 1;
        }
        Ok(())
    }

    /// The destination has taken these: there, or on their way.
    pub(super) async fn arrived(
        &self,
        mut letters: Vec<Letter>,
        batch: &mut Batch,
        name: Option<String>,
    ) -> Result<Vec<Outcome>, Fault> {
        let now = self.engine.now();
        let queued = batch.channel == Channel::Queued;
        let mut writes = Vec::with_capacity(letters.len() + 1);
        for letter in &mut letters {
            letter.taken(now)?;
            let version = letter.version;
            let row = &mut letter.row.value;
            if queued {
                row.queued = self.queued_until(batch.channel, now);
                row.become_state(State::Pending, None, &self.run.id, now);
            } else {
                row.settled = row.settled.max(Some(version));
                // Written again, it stays its flight's, which counts it.
                row.flight = row.flight.take().filter(|_| self.again);
                row.become_state(State::Synced, None, &self.run.id, now);
            }
            writes.push(letter.row.put()?);
        }
        if let Some(flight) = &mut batch.flight {
            flight.value.accepted = true;
            flight.value.batch = flight.value.batch.take().or(name);
            // Before its rows: a row that still has its intent is settled by looking, whatever happens here.
        }
        self.write_flight(batch).await?;
        self.write_settled(writes).await?;
        self.carry_buyers(&letters).await?;
        let buyers = letters.iter().filter_map(|letter| {
            let buyer = letter.order.buyer.as_ref()?;
            Some((Some(letter.order.id.as_str()), &buyer.email, buyer.id.as_deref()))
        });
        left_behind(self.engine, self.connection, &buyers.collect::<Vec<_>>()).await?;
        let outcome = if queued { Outcome::Pending } else { Outcome::Synced };
        Ok(letters.iter().map(|_| outcome.clone()).collect())
    }

    /// Until when a write that left at the latest then may take effect, where the destination queues it.
    pub(super) fn queued_until(&self, channel: Channel, sent: Timestamp) -> Option<Timestamp> {
        let until = || sent.saturating_add(self.engine.config.timing.lost_after).unwrap_or(sent);
        (channel == Channel::Queued).then(until)
    }

    /// Nobody knows whether these were written: a flight will look. The landing time counts from now, since they
    /// may have gone out long after they were intended.
    pub(super) async fn unknown(
        &self,
        mut letters: Vec<Letter>,
        batch: &mut Batch,
    ) -> Result<Vec<Outcome>, Fault> {
        let now = self.engine.now();
        let rows: Vec<_> = letters.iter().map(|letter| letter.row.clone()).collect();
        let fresh = self.flight(&rows);
        let mut flight = batch.flight.clone().unwrap_or(fresh);
        if batch.flight.is_none() {
            flight.value.again = self.again && self.tried;
        }
        flight.value.unanswered = true;
        let mut writes = Vec::with_capacity(letters.len());
        for letter in &mut letters {
            letter.row.value.sent_at = Some(now);
            letter.row.value.queued = self.queued_until(batch.channel, now);
            letter.row.value.flight = Some(flight.value.id.clone());
            writes.push(letter.row.put()?);
        }
        self.write_settled(writes).await?;
        self.write_settled(vec![flight.put()?]).await?;
        if batch.flight.is_some() {
            flight.rev += 1;
            batch.flight = Some(flight);
        }
        self.note_unknown("orders")?;
        Ok(letters.iter().map(|_| Outcome::Pending).collect())
    }

    /// The destination will not have these as they are.
    pub(super) async fn park(
        &self,
        mut letters: Vec<Letter>,
        batch: &mut Batch,
        code: &'static str,
    ) -> Result<Vec<Outcome>, Fault> {
        let now = self.engine.now();
        let mut writes = Vec::with_capacity(letters.len() + 1);
        for letter in &mut letters {
            let row = &mut letter.row.value;
            row.intent = None;
            row.queued = None;
            row.flight = row.flight.take().filter(|_| self.again);
            // It was answered, and not written: another try need not wait for it to land.
            row.sent_at = letter.sent_before;
            if row.times_sent == 0 {
                // Nothing started anything yet: whether it is live is decided when it is sent at last.
                row.live = None;
            }
            row.become_state(State::Parked, Some(code), &self.run.id, now);
            writes.push(letter.row.put()?);
        }
        self.write_settled(writes).await?;
        if let Some(flight) = &mut batch.flight {
            flight.value.left.retain(|id| !letters.iter().any(|letter| &letter.order.id == id));
        }
        self.write_flight(batch).await?;
        Ok(letters.iter().map(|_| Outcome::Parked(code.into())).collect())
    }

    /// Writes rows after a call. A row somebody else wrote meanwhile wants something newer: theirs stands, and
    /// their write follows ours.
    async fn write_settled(&self, writes: Vec<crate::ports::Write>) -> Result<(), Fault> {
        let written = self.engine.store.write_each(writes).await?;
        let lost = written.iter().filter(|written| **written == Written::Conflict).count();
        if lost > 0 {
            tracing::info!(lost, "rows were written by another worker meanwhile; theirs stand");
        }
        Ok(())
    }
}
