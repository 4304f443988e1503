//! What a history would send, before anything is written: how many of what, in how many calls and minutes, and one
//! order exactly as it would go out.

mod newest;
mod sample;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use tillsync_mapping::model::{Observed, Order, Reading};
use tillsync_mapping::source::FieldLine;

use crate::budget::{IMPORTS_PER_MINUTE, STORE_CALLS_PER_SECOND};
use crate::context::Engine;
use crate::erase::Tombs;
use crate::fault::Fault;
use crate::ports::Lane;
use crate::run::{BackfillRequest, connection, estimate};
use crate::state::{Unnamed, WhichCustomers};
use newest::{Slice, newest};
pub use sample::Sample;
use sample::{Asking, sample};

/// Orders of one call, written or read back.
const ORDERS_A_CALL: u64 = 100;
/// Products and imported people of one call.
const OTHERS_A_CALL: u64 = 250;
/// Customers of one page of a store.
const CUSTOMERS_A_PAGE: u64 = 100;

/// What a history would send.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// Of orders.
    pub orders: PlannedOrders,
    /// Of people.
    pub customers: PlannedCustomers,
    /// Contacts that may be new at the destination: at most so many. None where that cannot be told.
    pub new_contacts_at_most: Option<u64>,
    /// Calls, about.
    pub calls: PlannedCalls,
    /// Minutes, about.
    pub minutes: u64,
    /// Why it takes so long.
    pub because: String,
    /// Where every field of the source goes, ids first.
    pub mapping: &'static [FieldLine],
    /// One order; none where there is none to be sent.
    pub sample: Option<Sample>,
}

/// How many orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedOrders {
    /// Orders of the time asked for.
    pub total: u64,
    /// False when counting stopped early: there are more.
    pub exact: bool,
    /// Those that would be sent.
    pub eligible: u64,
    /// False when that is reckoned from the newest ones.
    pub eligible_exact: bool,
}

/// How many people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedCustomers {
    /// Profiles of the store.
    pub total: u64,
    /// Which of them are sent: the setting.
    pub which: WhichCustomers,
}

/// How many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedCalls {
    /// To the store.
    pub source: u64,
    /// To the destination: the sum of the following.
    pub destination: u64,
    /// Orders and products.
    pub writes: u64,
    /// Orders read back, and imports asked after.
    pub read_back: u64,
    /// Imports of people, at most.
    pub imports: u64,
}

/// Looks at what a history would send. Nothing is written anywhere, but for the count of its orders.
///
/// # Errors
/// `connection.unknown`, `record.unknown` where the store has no such order, `connection.inactive` for one that is not
/// set up yet, or of the source.
pub async fn preview(
    engine: &Engine,
    id: &str,
    request: &BackfillRequest,
    order: Option<&str>,
) -> Result<Preview, Fault> {
    let owner = connection(&*engine.store, id).await?.value;
    let source = engine.source(&owner.source)?;
    let access = engine.access_to_orders(&owner).await?;
    let http = engine.source_http(&owner.source, &owner.store, Lane::Live);
    let counted = estimate(engine, id, request).await?;
    let now = engine.now();
    let to = request.to.unwrap_or(now).min(now);
    let first = request.from.or(owner.settings.history_from);
    let slice = Slice { from: first.unwrap_or(Timestamp::UNIX_EPOCH).min(to), to };
    let tombs = Tombs::load(engine, &owner).await?;
    let mut seen = newest(source, (&http, &access), slice, counted.orders).await?;
    seen.records = seen.records.into_iter().map(|one| tombs.order(one)).collect();
    let customers = PlannedCustomers {
        total: source.count_customers(&http, &access).await?,
        which: owner.settings.customers,
    };
    let orders = PlannedOrders {
        total: counted.orders,
        exact: counted.exact,
        eligible: seen.eligible(counted.orders),
        eligible_exact: seen.whole,
    };
    let calls = calls(&orders, customers, seen.products, counted.source_calls);
    let (minutes, because) = time(&calls, engine.config.calls_per_second.into());
    let asking = Asking { engine, owner: &owner, first };
    let sample = match order {
        Some(order) => {
            let ids = [order.to_owned()];
            let page = source.fetch_orders(&http, &access, &ids, &seen.cache).await?;
            let unknown = || Fault::usage("record.unknown", format!("the store has no order {order:?}"));
            let record = page.records.into_iter().find(|record| record.id == order).ok_or_else(unknown)?;
            Some(sample(&asking, tombs.order(record)).await?)
        }
        None => match seen.newest_eligible() {
            Some(record) => Some(sample(&asking, record.clone()).await?),
            None => None,
        },
    };
    let by_email = owner.settings.orders_without_customer == Unnamed::ByEmail;
    let new_contacts_at_most =
        contacts(&orders, customers, by_email, seen.whole.then(|| buyers(&seen.records)));
    let mapping = source.fields();
    Ok(Preview { orders, customers, new_contacts_at_most, calls, minutes, because, mapping, sample })
}

/// The order of a record that would be sent.
fn ready(record: &Observed<Order>) -> Option<&Order> {
    match &record.reading {
        Reading::Ready(order) => Some(order),
        _ => None,
    }
}

/// Addresses that orders would bring, each once; and how many of them no profile has.
fn buyers(records: &[Observed<Order>]) -> (u64, u64) {
    let (mut all, mut unnamed) = (BTreeSet::new(), BTreeSet::new());
    for buyer in records.iter().filter_map(ready).filter_map(|order| order.buyer.as_ref()) {
        all.insert(buyer.email.canonical());
        if buyer.id.is_none() {
            unnamed.insert(buyer.email.canonical());
        }
    }
    let count = |set: BTreeSet<String>| u64::try_from(set.len()).unwrap_or(u64::MAX);
    (count(all), count(unnamed))
}

/// Never less than what may come: each profile and each order brings one contact at the most. `seen` is what the
/// orders bring, where all of them were looked at.
fn contacts(
    orders: &PlannedOrders,
    customers: PlannedCustomers,
    by_email: bool,
    seen: Option<(u64, u64)>,
) -> Option<u64> {
    let orders_bring = seen.map(|(all, _)| all).or(orders.exact.then_some(orders.total));
    let unnamed = match seen {
        _ if !by_email => Some(0),
        Some((_, unnamed)) => Some(unnamed),
        None => orders.exact.then_some(orders.total),
    };
    let profiles_bring = unnamed.map(|unnamed| customers.total.saturating_add(unnamed));
    match customers.which {
        WhichCustomers::All => profiles_bring,
        WhichCustomers::WithOrders => orders_bring.into_iter().chain(profiles_bring).min(),
    }
}

fn calls(orders: &PlannedOrders, customers: PlannedCustomers, products: u64, source: u64) -> PlannedCalls {
    let everybody = customers.which == WhichCustomers::All;
    let people = if everybody { customers.total } else { 0 };
    let (batches, imports) = (orders.eligible.div_ceil(ORDERS_A_CALL), people.div_ceil(OTHERS_A_CALL));
    let writes = batches.saturating_add(products.div_ceil(OTHERS_A_CALL));
    let read_back = batches.saturating_add(imports);
    PlannedCalls {
        source: source.saturating_add(people.div_ceil(CUSTOMERS_A_PAGE)),
        destination: writes.saturating_add(read_back).saturating_add(imports),
        writes,
        read_back,
        imports,
    }
}

/// Minutes, and the pace that decides them.
fn time(calls: &PlannedCalls, rate: u64) -> (u64, String) {
    let rate = rate.max(1);
    let store_rate = u64::from(STORE_CALLS_PER_SECOND);
    let ordinary = calls.writes.saturating_add(calls.read_back);
    let (out, back) = (ordinary.div_ceil(rate), calls.source.div_ceil(store_rate));
    let importing = calls.imports.saturating_mul(60).div_ceil(IMPORTS_PER_MINUTE.into());
    let mut because = if out >= back {
        format!(
            "the destination is called {rate} times a second, {ORDERS_A_CALL} orders a call, and read back"
        )
    } else {
        format!("the store is called {store_rate} times a second")
    };
    if calls.imports > 0 {
        because.push_str(&format!(
            "; then people are imported, {OTHERS_A_CALL} a call, {IMPORTS_PER_MINUTE} calls a minute"
        ));
    }
    (out.max(back).saturating_add(importing).div_ceil(60), because)
}
