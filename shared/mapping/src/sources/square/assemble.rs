//! From orders as they came to what each comes to: payments, people and catalogue are looked up for all of
//! them together, then each is mapped by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::model::{Observed, Order, Product, Reading};
use crate::source::{Access, Field, SourceError};

use super::api::{Api, Call, decode};
use super::flaw::{Flaw, Remains, parse, remains};
use super::map::{self, Parts};
use super::memory::Memory;
use super::pages::cursor_of;
use super::payment::Known;
use super::payments;
use super::people::unreadable;
use super::wire::{self, filled};

/// An order as it came.
pub(crate) struct Sale<'a> {
    /// The instant it counts by in its window.
    pub(crate) at: Timestamp,
    pub(crate) order: Result<wire::Order<'a>, Unread<'a>>,
}

/// An order that could not be read.
pub(crate) struct Unread<'a> {
    raw: &'a str,
    flaw: Flaw,
    left: Box<Remains>,
}

/// Reads the orders of an answer, and its cursor. They are read together; only where that fails is each read
/// by itself, so that one that cannot be read does not take the page with it. `last` stands in for a time
/// that is missing.
pub(crate) fn sales<'a>(
    call: Call,
    body: &'a [u8],
    field: Field,
    mut last: Timestamp,
) -> Result<(Vec<Sale<'a>>, Option<String>), SourceError> {
    let (orders, cursor) = match serde_json::from_slice::<wire::OrdersAnswer<'a, wire::Order<'a>>>(body) {
        Ok(answer) => (answer.orders.into_vec().into_iter().map(Ok).collect(), cursor_of(&answer.cursor)),
        Err(_) => {
            let answer: wire::OrdersAnswer<'a, &'a RawValue> = decode(call, body)?;
            let one = |raw: &&'a RawValue| {
                parse(raw.get()).map_err(|flaw| Unread {
                    raw: raw.get(),
                    flaw,
                    left: Box::new(remains(raw.get())),
                })
            };
            (answer.orders.iter().map(one).collect::<Vec<_>>(), cursor_of(&answer.cursor))
        }
    };
    let mut sales = Vec::with_capacity(orders.len());
    for order in orders {
        let sale = Sale::of(order, field, last);
        last = last.max(sale.at);
        sales.push(sale);
    }
    sales.sort_by_key(|sale| sale.at);
    Ok((sales, cursor))
}

impl<'a> Sale<'a> {
    fn of(order: Result<wire::Order<'a>, Unread<'a>>, field: Field, last: Timestamp) -> Self {
        let at = match &order {
            Ok(order) => pick(field, order.created_at, order.updated_at),
            Err(unread) => pick(field, unread.left.created, unread.left.updated),
        };
        Self { at: at.unwrap_or(last), order }
    }

    /// True when it was made at this location; what does not say where, or cannot be read, is not dropped.
    pub(crate) fn is_of(&self, location: &str) -> bool {
        match &self.order {
            Ok(order) => filled(&order.location_id).is_none_or(|at| at == location),
            Err(unread) => unread.left.location.as_deref().is_none_or(|at| at == location),
        }
    }

    /// The order's id, or the name it goes by without one.
    pub(crate) fn id(&self) -> &str {
        match &self.order {
            Ok(order) => &order.id,
            Err(unread) => &unread.left.id,
        }
    }
}

fn pick(field: Field, created: Option<Timestamp>, updated: Option<Timestamp>) -> Option<Timestamp> {
    match field {
        Field::Created => created.or(updated),
        Field::Updated => updated.or(created),
    }
}

/// Orders and the products they mention.
pub(crate) struct Assembled {
    pub(crate) records: Vec<Observed<Order>>,
    pub(crate) products: Vec<Product>,
}

/// Looks up what the sales need and maps them; in ascending order of `at`.
pub(crate) async fn assemble(
    api: &Api<'_>,
    access: &Access,
    field: Field,
    sales: &[Sale<'_>],
    mut known: Known,
    memory: &mut Memory,
) -> Result<Assembled, SourceError> {
    payments::complete(api, sales, &access.location.id, &mut known).await?;
    let parts: Vec<Result<Parts<'_>, &Unread<'_>>> =
        sales.iter().map(|sale| sale.order.as_ref().map(|order| Parts::of(order, &known))).collect();
    let sold = || parts.iter().flatten().filter(|parts| !parts.order.line_items.is_empty());
    let people: BTreeSet<&str> = sold().filter_map(Parts::buyer).collect();
    super::people::look_up(api, &people, memory).await?;
    super::people::follow(api, &people, &access.merged, memory).await?;
    let lines = sold().flat_map(|parts| parts.order.line_items.iter());
    let variations: BTreeSet<&str> = lines.filter_map(|line| filled(&line.catalog_object_id)).collect();
    memory.goods.look_up(api, &variations).await?;

    let mut mentioned: BTreeMap<&str, Arc<Product>> = BTreeMap::new();
    let mut records = Vec::with_capacity(sales.len());
    for (sale, parts) in sales.iter().zip(&parts) {
        records.push(match parts {
            Ok(parts) => {
                let seen = map::observe(parts, sale.at, access, memory);
                note_products(parts, &seen.reading, memory, &mut mentioned);
                seen
            }
            Err(unread) => unreadable(unread.raw, field, sale.at, unread.flaw.clone()),
        });
    }
    records.sort_by_key(|seen| seen.at);
    let mut products: Vec<Product> = mentioned.into_values().map(Arc::unwrap_or_clone).collect();
    products.sort_by(|a, b| a.variant_id.cmp(&b.variant_id));
    Ok(Assembled { records, products })
}

/// Notes the products of an order that can be sent: those of the others will not be needed, or are there already.
fn note_products<'s>(
    parts: &Parts<'s>,
    reading: &Reading<Order>,
    memory: &Memory,
    mentioned: &mut BTreeMap<&'s str, Arc<Product>>,
) {
    let (Reading::Ready(order) | Reading::Skipped { late: Some(order), .. }) = reading else { return };
    if order.buyer.is_none() {
        return;
    }
    for id in parts.order.line_items.iter().filter_map(|line| filled(&line.catalog_object_id)) {
        if let Some(product) = memory.goods.get(id) {
            mentioned.entry(id).or_insert_with(|| Arc::clone(product));
        }
    }
}
