//! Sending batches of orders, and understanding what became of them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::activecampaign::{
    self, Channel, OrderInput, orders_queued, orders_written, push_orders,
};
use tillsync_mapping::model::Order;

use super::addresses::Addresses;
use super::{Delivering, Failure};
use crate::connect::is_there;
use crate::fault::Fault;
use crate::ports::Written;
use crate::state::{Flight, Intent, LedgerRow, Row, State};
use crate::sums::Outcome;

/// What is noted before and after a call takes so long at the most.
const TO_WRITE_DOWN: SignedDuration = SignedDuration::from_secs(3);

/// A request leaves within this time of its intent, or is intended anew: a process may end before it can tell when
/// it really left, and the landing time counts from then.
const SENT_WITHIN: SignedDuration = SignedDuration::from_secs(20);
/// Times a batch is intended anew.
const MAX_RENEWALS: u32 = 6;

/// An order on its way out, with its row.
pub(super) struct Letter {
    pub(super) order: Arc<Order>,
    pub(super) version: Timestamp,
    pub(super) row: Row<LedgerRow>,
    input: OrderInput,
    fingerprint: String,
    /// When it was written before.
    pub(super) sent_before: Option<Timestamp>,
}

/// Orders of one call.
pub(super) struct Batch {
    pub(super) letters: Vec<Letter>,
    pub(super) channel: Channel,
    pub(super) flight: Option<Row<Flight>>,
}

/// What became of a batch: what its records came to, and those somebody else wrote meanwhile.
pub(super) type Sent = (Vec<Outcome>, Vec<String>);

impl Letter {
    /// The order as it will be sent: number and live flag as at its first send.
    pub(super) fn new(
        remote: i64,
        order: Arc<Order>,
        version: Timestamp,
        (row, addresses): (Row<LedgerRow>, &Addresses),
    ) -> Result<Self, Fault> {
        let buyer = order
            .buyer
            .as_ref()
            .ok_or_else(|| Fault::reject("data.corrupt", "an order without its buyer"))?;
        let mut input = activecampaign::order(remote, &order, buyer, row.value.live.unwrap_or(false));
        addresses.settle(buyer, &mut input);
        if let Some(number) = &row.value.number {
            input.order_number.clone_from(number);
        }
        let fingerprint = input.fingerprint();
        let sent_before = row.value.sent_at;
        Ok(Self { order, version, row, input, fingerprint, sent_before })
    }

    /// True when the destination has it just so.
    pub(super) fn says_nothing_new(&self) -> bool {
        let row = &self.row.value;
        row.state == State::Synced
            && row.intent.is_none()
            && row.fingerprint.as_deref() == Some(self.fingerprint.as_str())
    }

    /// True when it was put aside, and the destination has it just so after all: what it took last says the same, and
    /// nothing else is on its way.
    pub(super) fn was_taken_before(&self) -> bool {
        let row = &self.row.value;
        let is_still = row.state == State::Pending && row.intent.is_none() && row.queued.is_none();
        is_still && row.settled.is_some() && row.taken.as_ref() == Some(&self.fingerprint)
    }

    /// True when the destination has the same version, and it says something else.
    pub(super) fn contradicts(&self) -> bool {
        let row = &self.row.value;
        row.state == State::Synced && row.intent.is_none() && row.settled == Some(self.version)
    }

    /// The row alone, to be looked at again by this run.
    pub(super) fn into_row(mut self, run: &str) -> Row<LedgerRow> {
        self.row.value.state = State::Pending;
        self.row.value.run = Some(run.to_owned());
        self.row
    }

    /// True when nothing of it was ever sent.
    pub(super) fn first(&self) -> bool {
        !self.row.value.was_sent() && self.row.value.intent.is_none()
    }

    pub(super) fn live(&self) -> bool {
        self.row.value.live.unwrap_or(false)
    }

    /// Notes what is about to be sent.
    pub(super) fn intend(&mut self, intent: Intent) {
        let row = &mut self.row.value;
        row.desired = row.desired.max(Some(intent.version));
        row.date = Some(self.order.date);
        row.check = Some(self.input.check());
        // Now, and not when it is answered: a lost reply is settled by looking.
        row.fingerprint = Some(self.fingerprint.clone());
        row.number.get_or_insert_with(|| self.input.order_number.clone());
        row.sent_at = Some(intent.at);
        row.intent = Some(intent);
    }

    /// Notes that the destination has taken it by now. It may have gone out long after it was intended.
    pub(super) fn taken(&mut self, now: Timestamp) -> Result<(), Fault> {
        let request = serde_json::value::to_raw_value(&self.input)
            .map_err(|error| Fault::reject("data.corrupt", format!("a request: {error}")))?;
        self.row.value.request = Some(request);
        self.row.value.taken = Some(self.fingerprint.clone());
        self.row.value.times_sent += 1;
        self.row.value.sent_at = Some(now);
        self.row.value.intent = None;
        Ok(())
    }
}

impl Delivering<'_> {
    /// Sends one batch: halves it when it is too large or nobody is named, parks who is named, resends the rest.
    pub(super) async fn send(&self, mut batch: Batch) -> Result<Sent, Fault> {
        if self.engine.is_short_of(TO_WRITE_DOWN) {
            // Before anything is noted: what is noted and not sent has to wait for a write that never was.
            return Err(Fault::retry("run.no_time", "the process is stopped before a batch could be sent"));
        }
        let mut conflicts = self.intend(&mut batch).await?;
        let mut groups = vec![std::mem::take(&mut batch.letters)];
        let mut outcomes = Vec::new();
        while let Some(mut group) = groups.pop() {
            if group.is_empty() {
                continue;
            }
            let answer = self.call(&mut group, batch.channel, &mut conflicts).await;
            if let Some(flight) = &mut batch.flight {
                flight.value.left.retain(|id| !conflicts.contains(id));
            }
            match answer {
                Ok(_) if group.is_empty() => self.write_flight(&mut batch).await?,
                Ok(name) => outcomes.append(&mut self.arrived(group, &mut batch, name).await?),
                Err(Failure::Stop(fault)) => {
                    groups.push(group);
                    self.take_back(groups.into_iter().flatten().collect(), &mut batch).await?;
                    return Err(fault);
                }
                Err(Failure::Unknown) => outcomes.append(&mut self.unknown(group, &mut batch).await?),
                Err(Failure::Records(named)) => {
                    let (refused, rest) = split_named(group, &named);
                    if rest.is_empty() && refused.len() > 1 {
                        self.connection_is_there().await?;
                    }
                    let mut refused = refused;
                    for letter in &mut refused {
                        let said = named.iter().find(|(id, _)| *id == letter.order.id);
                        letter.row.value.note = said.map(|(_, text)| text.clone());
                    }
                    let code = "destination.invalid_record";
                    outcomes.append(&mut self.park(refused, &mut batch, code).await?);
                    groups.push(rest);
                }
                Err(failure @ (Failure::Batch | Failure::TooLarge)) if group.len() == 1 => {
                    let code = match failure {
                        Failure::TooLarge => "destination.too_large",
                        _ => "destination.invalid_record",
                    };
                    outcomes.append(&mut self.park(group, &mut batch, code).await?);
                }
                Err(Failure::Batch | Failure::TooLarge) => {
                    let mut first = group;
                    let second = first.split_off(first.len() / 2);
                    groups.push(second);
                    groups.push(first);
                }
            }
        }
        Ok((outcomes, conflicts))
    }

    /// Calls for a group. Where the moment to call comes too late for what was intended, it is intended anew: a
    /// process that ends right after must have told when its request may have left.
    async fn call(
        &self,
        group: &mut Vec<Letter>,
        channel: Channel,
        conflicts: &mut Vec<String>,
    ) -> Result<Option<String>, Failure> {
        for _ in 0..MAX_RENEWALS {
            if let Some(answer) = self.call_until(group, channel).await {
                return answer;
            }
            self.renew(group, channel, conflicts).await.map_err(Failure::Stop)?;
            if group.is_empty() {
                return Ok(None);
            }
        }
        Err(Failure::Stop(Fault::retry("destination.throttled", "the destination asks to slow down")))
    }

    /// Notes the intent of a group as of now. Letters somebody else wrote meanwhile are taken out.
    async fn renew(
        &self,
        group: &mut Vec<Letter>,
        channel: Channel,
        conflicts: &mut Vec<String>,
    ) -> Result<(), Fault> {
        let at = self.engine.now();
        let mut writes = Vec::with_capacity(group.len());
        for letter in group.iter_mut() {
            let row = &mut letter.row.value;
            if let Some(intent) = &mut row.intent {
                intent.at = at;
            }
            row.sent_at = Some(at);
            row.queued = self.queued_until(channel, may_leave_until(at));
            writes.push(letter.row.put()?);
        }
        // Should the answer be lost, nobody knows what the rows say: they are left to whoever looks at their intent.
        let letters = std::mem::take(group);
        let written = self.engine.store.write_each(writes).await?;
        for (mut letter, written) in letters.into_iter().zip(written) {
            match written {
                Written::Done => {
                    letter.row.rev += 1;
                    group.push(letter);
                }
                Written::Conflict => conflicts.push(letter.order.id.clone()),
            }
        }
        Ok(())
    }

    /// None when the moment to call came too late.
    async fn call_until(
        &self,
        group: &[Letter],
        channel: Channel,
    ) -> Option<Result<Option<String>, Failure>> {
        let intended = group.iter().filter_map(|letter| Some(letter.row.value.intent.as_ref()?.at)).min();
        let latest = may_leave_until(intended.unwrap_or(self.engine.now()));
        let inputs: Vec<&OrderInput> = group.iter().map(|letter| &letter.input).collect();
        let ids: Vec<&str> = group.iter().map(|letter| letter.order.id.as_str()).collect();
        let request = push_orders(&self.account, &inputs, channel);
        let response = match self.http.send_until(request, latest).await? {
            Ok(response) => response,
            Err(error) => return Some(Err(error.into())),
        };
        let understood = match channel {
            Channel::Waiting => orders_written(&response, &ids).map(|()| None),
            Channel::Queued => orders_queued(&response, &ids).map(Some),
        }
        .map_err(|refusal| match Failure::from(refusal) {
            // Nobody of this batch is named: find the one by halving.
            Failure::Records(named) if !named.iter().any(|(id, _)| ids.contains(&id.as_str())) => {
                Failure::Batch
            }
            other => other,
        });
        Some(understood)
    }

    /// When every record of a batch is refused, it may be the connection that is gone: then the records are not
    /// to blame, and none is parked.
    pub(super) async fn connection_is_there(&self) -> Result<(), Fault> {
        if is_there(self.remote, &self.account, self.http).await? {
            return Ok(());
        }
        let detail = format!("connection {} is no longer at the destination", self.remote);
        Err(Fault::reject("destination.connection_unknown", detail))
    }
}

/// The last moment at which what was intended may have left.
pub(super) fn may_leave_until(intended: Timestamp) -> Timestamp {
    intended.saturating_add(SENT_WITHIN).unwrap_or(intended)
}

fn split_named(group: Vec<Letter>, named: &[(String, String)]) -> (Vec<Letter>, Vec<Letter>) {
    group.into_iter().partition(|letter| named.iter().any(|(id, _)| *id == letter.order.id))
}
