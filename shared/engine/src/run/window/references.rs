//! Records fetched by reference: what is due, what is parked, what somebody names.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use tillsync_mapping::source::Field;

use super::{Delivered, Read, Reading};
use crate::deliver::{Delivering, load_rows};
use crate::fault::Fault;
use crate::paced::Paced;
use crate::ports::Key;
use crate::state::{LedgerRow, Row, RunKind, State, Stream};
use crate::sums::Tally;

/// Pauses before what is not shown yet is looked for again, as many times as there are. Then a poll finds it.
pub(in crate::run) const WAITS: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30)];
/// References of one page: what a source answers in one call.
const A_PAGE: usize = 100;

impl Reading<'_> {
    /// Fetches and delivers the references that are left; each page takes its own out.
    pub(super) async fn references(
        &mut self,
        source_http: &Paced<'_>,
        out: &Paced<'_>,
    ) -> Result<Read, Fault> {
        let mut unseen = BTreeSet::new();
        loop {
            let page: Vec<String> = self.row.value.ids.iter().take(A_PAGE).cloned().collect();
            let wanted = match self.row.value.marks.is_empty() || self.is_of_people() {
                true => page.clone(),
                false => self.waiting(&page).await?,
            };
            let delivered = match wanted.is_empty() {
                true => Delivered::default(),
                false => self.fetch_and_deliver(&wanted, source_http, out, &mut unseen).await?,
            };
            self.row.value.ids.drain(..page.len());
            self.count_calls(source_http, out);
            let (last, short) = (self.row.value.ids.is_empty(), self.is_short());
            if self.row.value.waits > 0 && !unseen.is_empty() && (last || short) {
                return self.wait_for(unseen, &delivered).await;
            }
            if let Some(read) = self.checkpoint(delivered, last, short).await? {
                return Ok(read);
            }
        }
    }

    /// Leaves the window for some seconds: what was told of a moment ago may not be shown yet.
    async fn wait_for(&mut self, unseen: BTreeSet<String>, delivered: &Delivered) -> Result<Read, Fault> {
        let row = &mut self.row.value;
        delivered.count(row);
        row.waits = row.waits.saturating_sub(1);
        let left = usize::try_from(row.waits).unwrap_or(WAITS.len());
        let pause = WAITS.iter().rev().nth(left).copied().unwrap_or(WAITS[0]);
        row.ids.extend(unseen);
        row.not_before =
            self.engine.now().checked_add(SignedDuration::try_from(pause).unwrap_or_default()).ok();
        self.hand_on().await?;
        Ok(Read::Waits(pause))
    }

    fn is_of_people(&self) -> bool {
        self.row.value.stream == Stream::Customers
    }

    /// Those that still wait to be looked at, or that this window has looked at before it was stopped. A mark whose
    /// record was met on another way means nothing any more.
    async fn waiting(&self, ids: &[String]) -> Result<Vec<String>, Fault> {
        let rows = load_rows(&*self.engine.store, &self.keys(ids.iter())).await?;
        let waits = |row: &LedgerRow| {
            let here = row.run.as_deref() == Some(self.run.id.as_str());
            // One that is on its way may have been left there by the look that this mark asked for.
            let under_way = row.look_at.is_some() || row.state == State::Pending;
            under_way || (here && row.window == Some(self.row.value.n))
        };
        let wanted =
            ids.iter().zip(rows).filter(|(_, row)| row.as_ref().is_some_and(|row| waits(&row.value)));
        Ok(wanted.map(|(id, _)| id.clone()).collect())
    }

    async fn fetch_and_deliver(
        &self,
        ids: &[String],
        source_http: &Paced<'_>,
        out: &Paced<'_>,
        unseen: &mut BTreeSet<String>,
    ) -> Result<Delivered, Fault> {
        let access = self.engine.access_to_orders(&self.owner).await?;
        let mut delivering = Delivering::new(self.engine, &self.owner, &self.run, out).await?;
        delivering.page = (self.row.value.n, self.row.value.pages);
        let mut delivered = Delivered::default();
        let mut gone: BTreeSet<String> = ids.iter().cloned().collect();
        match self.row.value.stream {
            Stream::Orders => {
                let page = self.source.fetch_orders(source_http, &access, ids, &self.cache).await?;
                gone.retain(|id| !page.records.iter().any(|record| record.id == *id));
                delivered.products = delivering.products(page.products).await?;
                delivered.tally = delivering.orders(page.records).await?;
            }
            Stream::Customers => {
                let records = self.source.fetch_customers(source_http, &access, ids).await?;
                gone.retain(|id| !records.iter().any(|record| record.id == *id));
                let silent = self.row.value.field == Field::Created;
                delivered.tally = delivering.customers(records, silent).await?;
            }
            Stream::Products => {
                let products = self.source.fetch_products(source_http, &access, ids).await?;
                gone.retain(|id| !products.iter().any(|product| product.variant_id == *id));
                delivered.tally = delivering.products(products).await?;
            }
        }
        if self.run.kind == RunKind::Webhook {
            // A hint may point at what is not there yet, or never will be: only what is known can be gone.
            if !self.is_of_people() {
                unseen.extend(gone.iter().cloned());
            }
            gone = self.known(gone).await?;
        }
        if !self.row.value.marks.is_empty() && self.is_of_people() {
            // Whoever is gone and was marked has nothing left to be told of, unless an import is open.
            gone = self.under_way(gone).await?;
        }
        delivered.tally.add(&self.note_gone(&delivering, gone).await?);
        Ok(delivered)
    }

    /// Those that are on their way.
    async fn under_way(&self, ids: BTreeSet<String>) -> Result<BTreeSet<String>, Fault> {
        let rows = load_rows(&*self.engine.store, &self.keys(ids.iter())).await?;
        let pending =
            |row: &Option<Row<LedgerRow>>| row.as_ref().is_some_and(|row| row.value.state == State::Pending);
        Ok(ids.into_iter().zip(rows).filter(|(_, row)| pending(row)).map(|(id, _)| id).collect())
    }

    /// Those of the people that the ledger knows. An order does not go: it is not shown yet, or is of another location.
    async fn known(&self, ids: BTreeSet<String>) -> Result<BTreeSet<String>, Fault> {
        if !self.is_of_people() {
            return Ok(BTreeSet::new());
        }
        let rows = load_rows(&*self.engine.store, &self.keys(ids.iter())).await?;
        Ok(ids.into_iter().zip(rows).filter(|(_, row)| row.is_some()).map(|(id, _)| id).collect())
    }

    fn keys<'i>(&self, ids: impl Iterator<Item = &'i String>) -> Vec<Key> {
        let partition = self.owner.partition_of(self.row.value.stream);
        let word = self.row.value.stream.word();
        ids.map(|id| LedgerRow::key(&partition, word, id)).collect()
    }

    /// What the store does not have any more: nothing can be sent of it.
    async fn note_gone(&self, delivering: &Delivering<'_>, ids: BTreeSet<String>) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        let mut ids: Vec<String> = ids.into_iter().collect();
        ids.sort_unstable();
        for outcome in delivering.gone(self.row.value.stream, &ids).await? {
            tally.count(&outcome);
        }
        Ok(tally)
    }
}
