//! What is held of a person: found, and emptied.

use std::collections::BTreeSet;

use tillsync_mapping::activecampaign::buyer_of;
use tillsync_mapping::model::Email;

use super::tombs::{of_email, of_profile, tomb};
use super::{Erased, Tombs};
use crate::context::Engine;
use crate::deliver::{address_key, address_mark};
use crate::fault::Fault;
use crate::ledger::Walk;
use crate::ports::{Condition, Key, Write, Written};
use crate::state::{Address, Connection, LedgerRow, Merged, Row, Stream, list, load, update};

/// Empties what one store's people partition, and the ledgers of its connections, hold of a person.
pub(super) async fn purge(
    engine: &Engine,
    (email, key): (&Email, &[u8]),
    of: &[&Connection],
    erased: &mut Erased,
) -> Result<(), Fault> {
    let Some(first) = of.first() else { return Ok(()) };
    let people = first.people_partition();
    let now = engine.now();
    let profiles = profiles(engine, &people, email).await?;
    erased.known |= !profiles.is_empty();
    // First: whatever is read from here on leaves the person out.
    let mut marks: BTreeSet<String> = profiles.iter().map(|profile| of_profile(key, profile)).collect();
    let own = of_email(key, email);
    marks.insert(own.clone());
    for mark in marks {
        let written = engine.store.transact(vec![tomb(&people, &mark, now).put()?]).await?;
        erased.already |= written == Written::Conflict && mark == own;
    }
    for profile in &profiles {
        let key = LedgerRow::key(&people, Stream::Customers.word(), profile);
        erased.people += u64::from(empty(engine, key).await?);
    }
    for connection in of {
        for id in orders(engine, connection, email, &profiles).await? {
            let key = LedgerRow::key(&Connection::partition(&connection.id), Stream::Orders.word(), &id);
            erased.orders += u64::from(empty(engine, key).await?);
        }
    }
    // Last: it is what led to the profiles.
    forget(engine, Address::key(&people, &address_key(email))).await?;
    let merged: Vec<Row<Merged>> = list(&*engine.store, &people, Merged::PREFIX).await?;
    for row in merged {
        if profiles.contains(&row.value.old) || profiles.contains(&row.value.new) {
            forget(engine, row.key).await?;
        }
    }
    Ok(())
}

/// Empties what was written of people who were erased while it was under way: erasing could not know it by a row that
/// did not name them yet. Tombstones are written before rows are looked at, and looked at here after rows are written, so
/// one of the two meets the other.
///
/// # Errors
/// Of the store and the vault.
pub(crate) async fn left_behind(
    engine: &Engine,
    of: &Connection,
    written: &[(Option<&str>, &Email, Option<&str>)],
) -> Result<(), Fault> {
    let tombs = Tombs::load(engine, of).await?;
    if tombs.is_empty() {
        return Ok(());
    }
    let people = of.people_partition();
    for (order, email, profile) in written.iter().filter(|(_, email, profile)| tombs.covers(email, *profile))
    {
        if let Some(id) = order {
            empty(engine, LedgerRow::key(&Connection::partition(&of.id), Stream::Orders.word(), id)).await?;
        }
        if let Some(id) = profile {
            empty(engine, LedgerRow::key(&people, Stream::Customers.word(), id)).await?;
        }
        forget(engine, Address::key(&people, &address_key(email))).await?;
    }
    Ok(())
}

/// The profiles of a person at the store, as far as anything tells: those of the address, those merged into them, and
/// those that were imported by it.
async fn profiles(engine: &Engine, people: &str, email: &Email) -> Result<BTreeSet<String>, Fault> {
    let mut profiles = BTreeSet::new();
    let row: Option<Row<Address>> = load(&*engine.store, Address::key(people, &address_key(email))).await?;
    if let Some(address) = row.map(|row| row.value) {
        profiles.extend(address.customer);
        profiles.extend(address.profiles);
        profiles.extend(address.opted_out);
    }
    let marks = [address_mark(email.expose()), address_key(email)];
    let mut walk = Walk::new(engine, usize::MAX);
    walk.rows(people, Stream::Customers, |id, row| {
        if row.check.is_some_and(|check| marks.contains(&check)) {
            profiles.insert(id);
        }
        true
    })
    .await?;
    whole(&walk)?;
    let merged: Vec<Row<Merged>> = list(&*engine.store, people, Merged::PREFIX).await?;
    let old = merged.into_iter().filter(|row| profiles.contains(&row.value.new)).map(|row| row.value.old);
    let old: Vec<String> = old.collect();
    profiles.extend(old);
    Ok(profiles)
}

/// The orders whose request names the person.
async fn orders(
    engine: &Engine,
    of: &Connection,
    email: &Email,
    profiles: &BTreeSet<String>,
) -> Result<Vec<String>, Fault> {
    let (canonical, mut ids) = (email.canonical(), Vec::new());
    let mut walk = Walk::new(engine, usize::MAX);
    walk.rows(&Connection::partition(&of.id), Stream::Orders, |id, row| {
        let buyer = row.request.as_deref().and_then(|request| buyer_of(request.get()));
        let is_theirs = buyer.is_some_and(|buyer| {
            buyer.email.canonical() == canonical || buyer.id.is_some_and(|id| profiles.contains(&id))
        });
        if is_theirs {
            ids.push(id);
        }
        true
    })
    .await?;
    whole(&walk)?;
    Ok(ids)
}

fn whole(walk: &Walk<'_>) -> Result<(), Fault> {
    if !walk.cut {
        return Ok(());
    }
    Err(Fault::retry(
        "erase.unfinished",
        "the process had no time to go through everything: do the same again",
    ))
}

/// Empties a row, if it is there and says anything. A worker that holds it as it was meets a conflict, and looks at the
/// tombstones before it goes on.
async fn empty(engine: &Engine, key: Key) -> Result<bool, Fault> {
    let Some(row) = load::<LedgerRow>(&*engine.store, key.clone()).await? else { return Ok(false) };
    if row.value.is_erased() && row.value.request.is_none() {
        return Ok(false);
    }
    let now = engine.now();
    update(&*engine.store, &key, |row: &mut LedgerRow| row.erase(None, now)).await?;
    Ok(true)
}

/// Removes an item, whoever changes it meanwhile.
async fn forget(engine: &Engine, key: Key) -> Result<(), Fault> {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        let Some(item) = engine.store.get(&key).await? else { return Ok(()) };
        let delete = Write::Delete { key: key.clone(), when: Condition::Rev(item.rev) };
        if engine.store.transact(vec![delete]).await? == Written::Done {
            return Ok(());
        }
    }
    Err(Fault::retry("data.unavailable", "an item is changed by others all the time"))
}
