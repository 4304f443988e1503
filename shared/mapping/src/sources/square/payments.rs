//! Payments of a page of orders. An order names its payments in `tenders`, but not who paid, what was given
//! back or what the receipt is numbered (square.md sections 3.2 and 4.5), so each payment has to be read.
//!
//! GetPayment costs a call per payment. ListPayments gives 100 a call in order of time, and beginning a new
//! list elsewhere costs no more than following the cursor. So each call begins at the earliest payment still
//! missing and the cursor is followed only while the next missing one is right behind: the least calls that
//! can be known beforehand, and never more than one per payment. A dense history takes one call per 100
//! orders; a handful of old orders takes one call each, however much was sold between them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::source::SourceError;

use super::api::{Api, PAYMENTS_GET, PAYMENTS_LIST, decode};
use super::assemble::Sale;
use super::payment::{Found, Known, listed, read};
use super::wire::{self, filled};
use super::{ask, errors};

/// A tender and its payment are made together; this is for clocks and roundings.
const PAD: Duration = Duration::from_secs(120);
/// Payments read one by one for a page: those whose time is not their tender's. Orders beyond it are reported
/// as unreadable at `tenders` and found when they are retried, 100 at a time.
const MOST_SINGLE: usize = 100;
/// From here on another list is cheaper than single payments.
const WORTH_A_LIST: usize = 10;

/// A payment that a tender names.
#[derive(Clone, Copy)]
struct Want<'s> {
    at: Timestamp,
    id: &'s str,
}

/// Reads every payment the sales name and that is not known yet. What cannot be found stays unknown.
pub(crate) async fn complete(
    api: &Api<'_>,
    sales: &[Sale<'_>],
    home: &str,
    known: &mut Known,
) -> Result<(), SourceError> {
    let mut strays = Vec::new();
    for (location, wanted) in missing(sales, home, known) {
        let mut lost = list(api, location, wanted, false, known).await?;
        if lost.len() > WORTH_A_LIST {
            // Whether ListPayments leaves out offline payments unless asked for them is not told.
            lost = list(api, location, lost, true, known).await?;
        }
        strays.append(&mut lost);
    }
    for want in strays.into_iter().take(MOST_SINGLE) {
        let Some(body) = api.find(PAYMENTS_GET, &ask::payment(want.id)).await? else {
            continue;
        };
        let answer: wire::PaymentAnswer<'_> = decode(PAYMENTS_GET, &body)?;
        if let Some(raw) = answer.payment {
            known.insert(want.id.to_owned(), read(raw.get()).1);
        }
    }
    Ok(())
}

/// Which ids are payments of this store: a call for each.
pub(crate) async fn known(api: &Api<'_>, ids: &[String]) -> Result<Vec<String>, SourceError> {
    let mut known = Vec::new();
    for id in ids {
        let Some(body) = api.find(PAYMENTS_GET, &ask::payment(id)).await? else { continue };
        let answer: wire::PaymentAnswer<'_> = decode(PAYMENTS_GET, &body)?;
        known.extend(answer.payment.map(|_| id.clone()));
    }
    Ok(known)
}

/// What is missing, by the tender's location: a sale can be paid elsewhere, and the list is of one location.
fn missing<'s>(sales: &'s [Sale<'_>], home: &'s str, known: &Known) -> BTreeMap<&'s str, Vec<Want<'s>>> {
    let mut wanted: BTreeMap<&str, Vec<Want<'_>>> = BTreeMap::new();
    for order in sales.iter().filter_map(|sale| sale.order.as_ref().ok()) {
        for tender in order.tenders.iter().filter(|tender| moves_money(tender)) {
            let Some(id) = tender.payment().filter(|id| !known.contains_key(*id)) else {
                continue;
            };
            let location = filled(&tender.location_id).or(filled(&order.location_id)).unwrap_or(home);
            let at =
                tender.created_at.or(order.closed_at).or(order.created_at).unwrap_or(Timestamp::UNIX_EPOCH);
            wanted.entry(location).or_default().push(Want { at, id });
        }
    }
    wanted
}

/// A tender of nothing (a sale for free) has no payment worth a call.
pub(crate) fn moves_money(tender: &wire::Tender<'_>) -> bool {
    tender.amount_money.as_ref().is_none_or(|amount| amount.minor() != 0)
}

/// Lists payments of one location until all wanted are found or passed by; answers those passed by.
async fn list<'s>(
    api: &Api<'_>,
    location: &str,
    mut wanted: Vec<Want<'s>>,
    offline: bool,
    known: &mut Known,
) -> Result<Vec<Want<'s>>, SourceError> {
    wanted.sort_by_key(|want| (want.at, want.id));
    wanted.dedup_by_key(|want| want.id);
    let end = wanted.last().map(|want| later(want.at));
    let mut waiting: VecDeque<Want<'s>> = wanted.into();
    let mut passed = Vec::new();
    let mut cursor: Option<String> = None;
    let mut begin = waiting.front().map(|want| earlier(want.at));
    for _ in 0..errors::MOST_ANSWERS {
        let (Some(from), Some(to)) = (begin, end) else {
            return Ok(passed);
        };
        let path = ask::payments_made(location, from, to, offline, cursor.as_deref());
        let body = api.get(PAYMENTS_LIST, &path).await?;
        let page = listed(&body)?;
        let reach = take_in(page.payments, &waiting, known);
        waiting.retain(|want| !known.contains_key(want.id));
        cursor = page.cursor;
        if cursor.is_none() {
            // The range is read to its end: whatever is missing is not in it.
            passed.extend(waiting.drain(..));
        }
        while let Some(want) = waiting.pop_front_if(|want| reach.is_some_and(|reach| later(want.at) < reach))
        {
            passed.push(want);
        }
        let Some(next) = waiting.front() else {
            return Ok(passed);
        };
        if reach.is_some_and(|reach| earlier(next.at) > reach) {
            begin = Some(earlier(next.at));
            cursor = None;
        }
    }
    Err(errors::endless(PAYMENTS_LIST.operation))
}

/// Keeps what is wanted; answers the time of the last payment listed.
fn take_in(
    payments: Vec<(String, Found)>,
    waiting: &VecDeque<Want<'_>>,
    known: &mut Known,
) -> Option<Timestamp> {
    let wanted: BTreeSet<&str> = waiting.iter().map(|want| want.id).collect();
    let mut reach = None;
    for (id, found) in payments {
        if let Found::Whole(payment) = &found {
            reach = reach.max(Some(payment.created));
        }
        if wanted.contains(id.as_str()) {
            known.insert(id, found);
        }
    }
    reach
}

fn earlier(at: Timestamp) -> Timestamp {
    at.checked_sub(PAD).unwrap_or(at)
}

fn later(at: Timestamp) -> Timestamp {
    at.checked_add(PAD).unwrap_or(at)
}
