//! One e-commerce customer per address (rules.md section 1): several profiles of the store that share an address
//! are one customer at the destination, known by the id that came first; one opt-out is everybody's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tillsync_mapping::activecampaign::{self, OrderInput};
use tillsync_mapping::model::{Buyer, Customer, Email, Observed, Order, Reading};

use super::Delivering;
use super::people::address_mark;
use crate::fault::Fault;
use crate::ports::{Key, MAX_BATCH, Store, Written};
use crate::state::{Address, Connection, LedgerRow, Row, load};

/// Times rows are read anew because somebody else wrote them.
const MAX_ROUNDS: u32 = 5;

/// What one record says of the profile behind an address.
pub(super) struct Said<'a> {
    pub(super) email: &'a Email,
    pub(super) profile: Option<&'a str>,
    pub(super) opted_out: bool,
    /// Whether the profile has bought: only then it becomes a customer of its own.
    pub(super) bought: bool,
}

impl<'a> From<&'a Buyer> for Said<'a> {
    fn from(buyer: &'a Buyer) -> Self {
        let opted_out = buyer.accepts_marketing == Some(false);
        Self { email: &buyer.email, profile: buyer.id.as_deref(), opted_out, bought: true }
    }
}

impl<'a> From<&'a Customer> for Said<'a> {
    fn from(customer: &'a Customer) -> Self {
        let opted_out = customer.accepts_marketing == Some(false);
        Self { email: &customer.email, profile: Some(&customer.id), opted_out, bought: false }
    }
}

/// What is known of the addresses of a page.
#[derive(Default)]
pub(super) struct Addresses(BTreeMap<String, Address>);

impl Addresses {
    /// Addresses whose customers are still to be told of an opt-out, by mark, with the time it is known.
    pub(super) fn owed(&self) -> BTreeMap<String, Timestamp> {
        self.0.iter().filter_map(|(mark, known)| Some((mark.clone(), known.owed?))).collect()
    }

    /// Puts into an order what its buyer's address is known by.
    pub(super) fn settle(&self, buyer: &Buyer, input: &mut OrderInput) {
        let Some(known) = self.0.get(&mark(&buyer.email)) else { return };
        if known.customer.is_some() {
            input.store_customer_id.clone_from(&known.customer);
        }
        if !known.opted_out.is_empty() {
            input.accepts_marketing = Some(false);
        }
    }
}

impl Delivering<'_> {
    /// Reads what is known of these addresses, and notes what is new about them.
    pub(super) async fn addresses<'s>(&self, said: Vec<Said<'s>>) -> Result<Addresses, Fault> {
        let mut open: BTreeMap<String, Vec<Said<'s>>> = BTreeMap::new();
        for said in said {
            open.entry(mark(said.email)).or_default().push(said);
        }
        let mut known = Addresses::default();
        for _ in 0..MAX_ROUNDS {
            if open.is_empty() {
                return Ok(known);
            }
            let marks: Vec<String> = open.keys().cloned().collect();
            for marks in marks.chunks(MAX_BATCH) {
                for (mark, address) in self.note_addresses(marks, &open).await? {
                    open.remove(&mark);
                    known.0.insert(mark, address);
                }
            }
        }
        Err(Fault::retry("data.unavailable", "the same addresses are written by others all the time"))
    }

    /// One round over a batch; those somebody else wrote meanwhile are left out of the answer.
    async fn note_addresses(
        &self,
        marks: &[String],
        said: &BTreeMap<String, Vec<Said<'_>>>,
    ) -> Result<Vec<(String, Address)>, Fault> {
        let partition = self.connection.people_partition();
        let keys: Vec<Key> = marks.iter().map(|mark| Address::key(&partition, mark)).collect();
        let items = self.engine.store.get_many(&keys).await?;
        let (mut done, mut changed, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for ((mark, key), item) in marks.iter().zip(keys).zip(items) {
            let row: Option<Row<Address>> = item.as_ref().map(Row::parse).transpose()?;
            let mut row = row.unwrap_or_else(|| Row::new(key, Address::default()));
            let before = row.value.clone();
            for said in said.get(mark).into_iter().flatten() {
                note(&mut row.value, said);
            }
            owe(&mut row.value, &before, self.engine.now());
            if row.value == before {
                done.push((mark.clone(), row.value));
            } else {
                writes.push(row.put()?);
                changed.push((mark.clone(), row.value));
            }
        }
        if !writes.is_empty() {
            let written = self.engine.store.write_each(writes).await?;
            let kept = changed.into_iter().zip(written).filter(|(_, written)| *written == Written::Done);
            done.extend(kept.map(|(changed, _)| changed));
        }
        Ok(done)
    }
}

/// Puts into an order that is only shown what its buyer's address is known by; nothing is noted.
pub(crate) async fn settle_address(
    store: &dyn Store,
    owner: &Connection,
    buyer: &Buyer,
    input: &mut OrderInput,
) -> Result<(), Fault> {
    let mark = mark(&buyer.email);
    let row: Option<Row<Address>> = load(store, Address::key(&owner.people_partition(), &mark)).await?;
    let known = Addresses(row.map(|row| (mark, row.value)).into_iter().collect());
    known.settle(buyer, input);
    Ok(())
}

/// Who an order was sent for that names no buyer any more.
pub(super) fn earlier(record: &Observed<Order>, row: &Option<Row<LedgerRow>>) -> Option<Buyer> {
    let Reading::Skipped { late: Some(order), .. } = &record.reading else { return None };
    let request = row.as_ref().filter(|_| order.buyer.is_none())?.value.request.as_deref()?;
    activecampaign::buyer_of(request.get())
}

/// What the records of a page say of their buyers, in an order of its own: the first profile names the customer.
pub(super) fn said(records: &BTreeMap<String, Observed<Order>>) -> Vec<Said<'_>> {
    let mut all: Vec<_> = records.values().collect();
    all.sort_by_key(|record| (record.created, &record.id));
    all.into_iter()
        .filter_map(|record| match &record.reading {
            Reading::Ready(order) | Reading::Skipped { late: Some(order), .. } => {
                order.buyer.as_ref().map(Said::from)
            }
            _ => None,
        })
        .collect()
}

/// Notes one profile. One that neither bought nor opted out needs no row: most people are so.
fn note(address: &mut Address, said: &Said<'_>) {
    let Some(profile) = said.profile else { return };
    if said.bought {
        address.customer.get_or_insert_with(|| profile.to_owned());
        address.know(profile);
    }
    if said.opted_out {
        address.opt_out(profile);
    } else if !said.bought {
        // Only the person's own record takes it back: an order's buyer may have been looked up long ago.
        address.opted_out.remove(profile);
    }
}

/// An opt-out that is new is owed to the customer that earlier orders made; one that is withdrawn is owed no more.
fn owe(address: &mut Address, before: &Address, now: Timestamp) {
    if address.opted_out.is_empty() {
        address.owed = None;
    } else if before.opted_out.is_empty() && before.customer.is_some() {
        address.owed = Some(now);
    }
}

/// Stands for an address in keys: the ledger keeps none.
pub(crate) fn mark(email: &Email) -> String {
    address_mark(&email.canonical())
}
