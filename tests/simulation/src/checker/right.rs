//! What is at the destination in the end.

use crate::history::History;
use crate::shop::Sale;

use super::ledger::{LOST, is_lost, state_of, states};

/// What the destination must show of a sale: minor units and status; none where a rule leaves it out.
pub(super) fn wanted(history: &History, sale: &Sale) -> Option<(i64, &'static str)> {
    if !sale.paid {
        return None;
    }
    let person = sale.person.as_ref()?;
    history.people.iter().find(|one| one.id == *person)?.email.as_ref()?;
    let left = sale.total - sale.refunded;
    Some((left, if left == 0 { "REFUNDED" } else { "COMPLETED" }))
}

/// True where the connection has to know of a sale: history was asked for, or it changed since.
pub(super) fn is_ours(history: &History, sale: &Sale) -> bool {
    let newest = sale.updated.max(sale.paid_updated);
    history.backfilled || newest >= history.connected
}

/// An amount as the destination has it, in hundredths.
pub(super) fn minor(amount: &str) -> Option<i64> {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let part = format!("{part:0<2}");
    if part.len() > 2 || part.starts_with('-') {
        return None;
    }
    Some(whole.parse::<i64>().ok()? * 100 + part.parse::<i64>().ok()?)
}

pub(super) fn orders_are_right(history: &History) -> Vec<String> {
    let states = states(history);
    let mut wrong = Vec::new();
    for sale in &history.sales {
        let there = history.there.get(&sale.id);
        let is_lost = state_of(&states, &sale.id) == Some(LOST) && is_lost(history, &sale.id);
        if history.poisoned.contains(&sale.id) || is_lost {
            continue;
        }
        let wanted = wanted(history, sale).filter(|_| is_ours(history, sale) || there.is_some());
        match (wanted, there) {
            (None, None) => {}
            (Some((amount, status)), Some((found, as_status))) => {
                if minor(found) != Some(amount) || status != as_status {
                    wrong.push(format!("{}: {found} {as_status} there, {amount} {status} wanted", sale.id));
                }
            }
            (Some(_), None) => wrong.push(format!("{}: not there", sale.id)),
            (None, Some(_)) => wrong.push(format!("{}: there, and a rule leaves it out", sale.id)),
        }
    }
    wrong
}

/// Every order is there for the one who bought.
pub(super) fn buyers_are_right(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    for sale in &history.sales {
        let person = history.people.iter().find(|one| Some(&one.id) == sale.person.as_ref());
        let email = person.and_then(|person| person.email.as_ref());
        let found = history.buyers.get(&sale.id);
        if found.is_some() && found != email {
            wrong.push(format!("{} is there for {found:?}", sale.id));
        }
        let known = email.is_some_and(|email| history.consent.contains_key(email));
        if found.is_some() && !known {
            wrong.push(format!("{} is there without its customer", sale.id));
        }
    }
    wrong
}

pub(super) fn poison_is_parked(history: &History) -> Vec<String> {
    let states = states(history);
    let mut wrong = Vec::new();
    for id in &history.poisoned {
        let sale = history.sales.iter().find(|sale| sale.id == *id);
        let Some(sale) = sale.filter(|sale| is_ours(history, sale) && wanted(history, sale).is_some()) else {
            continue;
        };
        let state = state_of(&states, &sale.id).unwrap_or("unknown");
        if !state.starts_with("parked:destination.") {
            wrong.push(format!("{id} is {state}"));
        }
    }
    wrong
}

pub(super) fn opt_outs_are_told(history: &History) -> Vec<String> {
    let out = history.people.iter().filter(|person| person.out);
    let said = |email: &String| history.consent.get(email).is_some_and(|said| *said != Some(false));
    out.filter_map(|person| person.email.as_ref()).filter(|email| said(email)).cloned().collect()
}
