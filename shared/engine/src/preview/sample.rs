//! One order as it would be sent now, decided as delivery decides.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use tillsync_mapping::activecampaign;
use tillsync_mapping::model::{Observed, Order, Reading};

use crate::codes::explained;
use crate::context::Engine;
use crate::deliver::{Decision, Facts, decide, settle_address};
use crate::fault::Fault;
use crate::state::{Connection, LedgerRow, Row, State, Stream, load};
use crate::sums::Outcome;

/// One order as it would be sent now.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// The source's id.
    pub source_id: String,
    /// What would become of it: `send`, `unchanged`, `wait`, `skip` or `parked`.
    pub decision: &'static str,
    /// Why it is skipped or parked, as a code.
    pub reason: Option<String>,
    /// The same in words.
    pub because: Option<String>,
    /// Whether it may start automations; none where nothing is sent.
    pub live: Option<bool>,
    /// The request's part of it; none where nothing could be sent.
    pub request: Option<Box<RawValue>>,
}

/// Who asks, and for which time.
pub(super) struct Asking<'a> {
    pub(super) engine: &'a Engine,
    pub(super) owner: &'a Connection,
    /// Orders made earlier are left out, unless they were sent before.
    pub(super) first: Option<Timestamp>,
}

/// What would become of an order, and what would be sent.
pub(super) async fn sample(asking: &Asking<'_>, record: Observed<Order>) -> Result<Sample, Fault> {
    let remote = asking.owner.remote.ok_or_else(|| {
        Fault::reconnect("connection.inactive", "the connection is not set up yet: connect it again")
    })?;
    let partition = Connection::partition(&asking.owner.id);
    let key = LedgerRow::key(&partition, Stream::Orders.word(), &record.id);
    let row: Option<Row<LedgerRow>> = load(&*asking.engine.store, key).await?;
    let row = row.map(|row| row.value);
    let source_id = record.id.clone();
    let read = match &record.reading {
        Reading::Ready(order) => Some(Arc::clone(order)),
        _ => None,
    };
    let (decision, order, row, outcome) = match decide(record, row.clone(), &facts(asking)) {
        Decision::Send(order, row) => ("send", Some(order), Some(*row), None),
        Decision::Wait(row) => ("wait", read, Some(*row), None),
        Decision::Note(row, outcome) => (word(&outcome), None, Some(*row), Some(outcome)),
        Decision::Keep(outcome) => (word(&outcome), read, row, Some(outcome)),
    };
    let reason = match outcome {
        Some(Outcome::Skipped(reason) | Outcome::Parked(reason) | Outcome::StillParked(reason)) => {
            Some(reason)
        }
        _ => None,
    };
    let because = reason.as_deref().and_then(explained).map(|text| text.meaning.to_owned());
    let mut input = order.as_deref().zip(row.as_ref()).and_then(|(order, row)| as_sent(remote, order, row));
    if let (Some(input), Some(buyer)) = (&mut input, order.as_ref().and_then(|order| order.buyer.as_ref())) {
        settle_address(&*asking.engine.store, asking.owner, buyer, input).await?;
    }
    let live = input.as_ref().and(row.as_ref()).map(|row| row.live.unwrap_or(false));
    let same = |input: &activecampaign::OrderInput| {
        let said = input.fingerprint();
        row.as_ref().is_some_and(|row| {
            row.state == State::Synced && row.intent.is_none() && row.fingerprint.as_ref() == Some(&said)
        })
    };
    let decision =
        if decision == "send" && input.as_ref().is_some_and(same) { "unchanged" } else { decision };
    let request = input.map(|input| serde_json::value::to_raw_value(&input)).transpose();
    let request =
        request.map_err(|error| Fault::reject("data.corrupt", format!("order {source_id}: {error}")))?;
    Ok(Sample { source_id, decision, reason, because, live, request })
}

/// As a history that starts now would see it.
fn facts<'a>(asking: &Asking<'a>) -> Facts<'a> {
    let (now, timing) = (asking.engine.now(), asking.engine.config.timing);
    Facts {
        run: "",
        started: now,
        now,
        live: SignedDuration::from_hours(asking.owner.settings.live_hours.into()),
        force: false,
        retry: false,
        history_from: asking.first,
        adopted: asking.owner.adopted,
        again: false,
        landing: timing.landing,
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Synced | Outcome::Unchanged => "unchanged",
        Outcome::Skipped(_) => "skip",
        Outcome::Parked(_) | Outcome::StillParked(_) => "parked",
        Outcome::Pending | Outcome::Waiting => "wait",
    }
}

/// The order with number and live flag as at its first send.
fn as_sent(remote: i64, order: &Order, row: &LedgerRow) -> Option<activecampaign::OrderInput> {
    let buyer = order.buyer.as_ref()?;
    let mut input = activecampaign::order(remote, order, buyer, row.live.unwrap_or(false));
    if let Some(number) = &row.number {
        input.order_number.clone_from(number);
    }
    Some(input)
}
