//! Products that orders mention: they carry what an order line has no field for.

use std::collections::BTreeMap;

use tillsync_mapping::activecampaign::{self, ProductInput, products_written, push_products};
use tillsync_mapping::http::Http;
use tillsync_mapping::model::Product;

use super::orders::{load_rows, write_rows};
use super::{Delivering, Failure};
use crate::fault::Fault;
use crate::ports::Key;
use crate::state::{Connection, LedgerRow, Row, State, Stream};
use crate::sums::{Outcome, Tally};

/// Products of one call. A product is a third of an order's size, and a batch refused for size is halved.
const BATCH: usize = 250;
/// A product's write may be repeated at once: the same words land twice, in whatever order.
const MAX_TRIES: u32 = 3;

struct Parcel {
    input: ProductInput,
    row: Row<LedgerRow>,
    fingerprint: String,
}

impl Delivering<'_> {
    /// Delivers the products of a page, each once in a run.
    ///
    /// # Errors
    /// What keeps the page from going on.
    pub async fn products(&self, products: Vec<Product>) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        let mut parcels = self.changed(products, &mut tally).await?;
        while !parcels.is_empty() {
            let rest = parcels.split_off(parcels.len().min(BATCH));
            self.push(parcels, &mut tally).await?;
            parcels = rest;
        }
        Ok(tally)
    }

    /// Those the destination does not have just so, and that this run has not counted yet.
    async fn changed(&self, products: Vec<Product>, tally: &mut Tally) -> Result<Vec<Parcel>, Fault> {
        let products: BTreeMap<String, Product> =
            products.into_iter().map(|product| (product.variant_id.clone(), product)).collect();
        let partition = Connection::partition(&self.connection.id);
        let word = Stream::Products.word();
        let keys: Vec<Key> = products.keys().map(|id| LedgerRow::key(&partition, word, id)).collect();
        let rows = load_rows(&*self.engine.store, &keys).await?;
        let mut parcels = Vec::new();
        let mut seen = Vec::new();
        for ((product, key), row) in products.values().zip(keys).zip(rows) {
            if row.as_ref().is_some_and(|row| row.value.run.as_deref() == Some(&self.run.id)) {
                continue;
            }
            let input = activecampaign::product(self.remote, product);
            let fingerprint = input.fingerprint();
            let mut row = row.unwrap_or_else(|| Row::new(key, LedgerRow::seen(self.run.started)));
            let same = row.value.fingerprint.as_ref() == Some(&fingerprint);
            if row.value.state == State::Synced && same && !self.force {
                row.value.run = Some(self.run.id.clone());
                seen.push(row.put()?);
                tally.count(&Outcome::Unchanged);
            } else if row.value.state == State::Parked && same && !self.tries_again() {
                tally.count(&Outcome::StillParked(row.value.reason.clone().unwrap_or_default()));
                row.value.run = Some(self.run.id.clone());
                seen.push(row.put()?);
            } else {
                parcels.push(Parcel { input, row, fingerprint });
            }
        }
        write_rows(&*self.engine.store, seen).await?;
        Ok(parcels)
    }

    /// Sends one batch; halves it when it is refused without a name.
    async fn push(&self, parcels: Vec<Parcel>, tally: &mut Tally) -> Result<(), Fault> {
        let mut groups = vec![(parcels, 1)];
        while let Some((group, tries)) = groups.pop() {
            if group.is_empty() {
                continue;
            }
            match self.push_once(&group).await {
                Ok(()) => self.file(group, None, tally).await?,
                Err(Failure::Stop(fault)) => return Err(fault),
                Err(Failure::Unknown) if tries < MAX_TRIES => groups.push((group, tries + 1)),
                // One of them may be what the destination fails on.
                Err(Failure::Unknown) if group.len() > 1 => {
                    let mut first = group;
                    let second = first.split_off(first.len() / 2);
                    groups.extend([(first, MAX_TRIES), (second, MAX_TRIES)]);
                }
                Err(Failure::Unknown) => {
                    return Err(Fault::retry("destination.unavailable", "products: no answer came"));
                }
                Err(Failure::Records(named)) => {
                    let is_named =
                        |parcel: &Parcel| named.iter().any(|(id, _)| *id == parcel.input.store_primary_id);
                    let (refused, rest): (Vec<_>, Vec<_>) = group.into_iter().partition(is_named);
                    if rest.is_empty() && refused.len() > 1 {
                        self.connection_is_there().await?;
                    }
                    self.file(refused, Some("destination.invalid_record"), tally).await?;
                    groups.push((rest, 1));
                }
                Err(Failure::Batch | Failure::TooLarge) if group.len() == 1 => {
                    self.file(group, Some("destination.invalid_record"), tally).await?;
                }
                Err(Failure::Batch | Failure::TooLarge) => {
                    let mut first = group;
                    let second = first.split_off(first.len() / 2);
                    groups.extend([(first, 1), (second, 1)]);
                }
            }
        }
        Ok(())
    }

    async fn push_once(&self, group: &[Parcel]) -> Result<(), Failure> {
        let inputs: Vec<&ProductInput> = group.iter().map(|parcel| &parcel.input).collect();
        let ids: Vec<&str> = inputs.iter().map(|input| input.store_primary_id.as_str()).collect();
        let response = self.http.send(push_products(&self.account, &inputs)).await?;
        products_written(&response, &ids).map_err(|refusal| match Failure::from(refusal) {
            Failure::Records(named) if !named.iter().any(|(id, _)| ids.contains(&id.as_str())) => {
                Failure::Batch
            }
            other => other,
        })
    }

    async fn file(
        &self,
        parcels: Vec<Parcel>,
        refused: Option<&'static str>,
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let now = self.engine.now();
        let mut writes = Vec::with_capacity(parcels.len());
        for mut parcel in parcels {
            let row = &mut parcel.row.value;
            row.sent_at = Some(now);
            row.fingerprint = Some(parcel.fingerprint);
            match refused {
                Some(code) => row.become_state(State::Parked, Some(code), &self.run.id, now),
                None => {
                    row.times_sent += 1;
                    row.become_state(State::Synced, None, &self.run.id, now);
                }
            }
            tally.count(&refused.map_or(Outcome::Synced, |code| Outcome::Parked(code.into())));
            writes.push(parcel.row.put()?);
        }
        write_rows(&*self.engine.store, writes).await?;
        Ok(())
    }
}
