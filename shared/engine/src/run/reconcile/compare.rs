//! The walk through the days: what is missing, what differs, what is too many, and why.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::activecampaign::{self, Stored, minor_amount};
use tillsync_mapping::http::Http;
use tillsync_mapping::model::{Money, Reading as Mapped, SkipReason};

use super::copies::Sample;
use super::gather::expect;
use super::judge::{CHANGED, FOREIGN, LOST, OTHER_DAY};
use super::walk::{Ought, There};
use super::zone;
use crate::deliver::{load_rows, stopped};
use crate::fault::Fault;
use crate::paced::Paced;
use crate::ports::Key;
use crate::run::settle::whole_second;
use crate::run::window::{Delivered, Read, Reading};
use crate::state::{Day, Difference, Expected, LedgerRow, Row, Run, Stream, load, update};

/// Orders of a day that are looked for one by one: more are lost for one and the same reason.
const MAX_SINGLE: usize = 20;
/// Orders of the store fetched in one call.
const FETCHED: usize = 100;
/// How long ago an order was sent whose copy is looked for: the older store follows by itself.
const SETTLED: SignedDuration = SignedDuration::from_secs(20);
/// Days between two checkpoints.
const DAYS: usize = 30;

impl Reading<'_> {
    /// Compares day by day, from the checkpoint on.
    pub(in crate::run) async fn compare(
        &mut self,
        source: &Paced<'_>,
        out: &Paced<'_>,
    ) -> Result<Read, Fault> {
        let account = self.engine.account(&self.owner).await?;
        let remote = self.owner.remote.unwrap_or_default();
        let zone = zone(&self.owner);
        let asked = self.run.comparison.unwrap_or_default();
        let begin = self.row.value.checkpoint.or(asked.first.and_then(|first| start(first, &zone)));
        let mut there =
            There::new((&account, remote, out), zone.clone(), begin.unwrap_or(Timestamp::UNIX_EPOCH));
        let engine = self.engine;
        let from = begin.map(|begin| begin.to_zoned(zone.clone()).date());
        let mut ought = Ought::new(&*engine.store, &self.run.id, from);
        let mut days = 0;
        let mut sample = Sample::default();
        loop {
            let next = [there.next_day().await?, ought.next_day().await?].into_iter().flatten().min();
            let day = next.filter(|day| asked.last.is_none_or(|last| *day <= last));
            let Some(day) = day else { break };
            let (held, expected) = (there.of(day).await?, ought.of(day).await?);
            self.sample(&mut sample, &held, &expected);
            let found = self.day(day, held, expected, (&there, source)).await?;
            self.file(&found).await?;
            days += 1;
            let short = self.is_short();
            if short || days % DAYS == 0 {
                let end = day.tomorrow().ok().and_then(|next| start(next, &zone));
                let delivered = Delivered { end: end.map(|end| (end, Vec::new())), ..Delivered::default() };
                self.count_calls(source, out);
                if let Some(read) = self.checkpoint(delivered, false, short).await? {
                    return Ok(read);
                }
            }
        }
        let copies = sample.look((&account, remote), out).await?;
        update(&*engine.store, &Run::key(&self.run.connection, &self.run.id), |run: &mut Run| {
            run.copies = copies
        })
        .await?;
        self.unexplained().await?;
        self.count_calls(source, out);
        self.checkpoint(Delivered::default(), true, false).await.map(|read| read.unwrap_or(Read::Done))
    }

    /// Notes orders that both sides have just so, and that the older store has had time to follow.
    fn sample(&self, sample: &mut Sample, held: &[Stored], expected: &BTreeMap<String, Expected>) {
        let now = self.engine.now();
        for stored in held {
            let settled =
                |order: &&Expected| order.sent.is_none_or(|sent| now.duration_since(sent) > SETTLED);
            let same = |order: &&Expected| order.left_out.is_none() && stored.agrees(&order.check);
            let same = expected.get(&stored.id).filter(same).filter(settled);
            if let Some(order) = same {
                sample.note(&stored.id, Money::new(order.minor, self.owner.location.currency));
            }
        }
    }

    /// Compares one day.
    async fn day(
        &self,
        date: Date,
        held: Vec<Stored>,
        mut expected: BTreeMap<String, Expected>,
        (there, source): (&There<'_>, &Paced<'_>),
    ) -> Result<Day, Fault> {
        let currency = self.owner.location.currency;
        let mut day = Day {
            date,
            source: Default::default(),
            destination: Default::default(),
            missing: Vec::new(),
            different: Vec::new(),
            extra: Vec::new(),
        };
        let mut strangers = Vec::new();
        for stored in &held {
            day.destination.add(minor_amount(&stored.amount, currency).unwrap_or(0));
            match expected.remove(&stored.id) {
                Some(order) => judge(&mut day, stored, &order),
                None => strangers.push(stored),
            }
        }
        self.strangers(&mut day, strangers, source).await?;
        let mut left: Vec<Expected> = expected.into_values().collect();
        left.sort_by(|a, b| a.id.cmp(&b.id));
        let few = left.len() <= MAX_SINGLE;
        for order in left {
            if order.left_out.is_some() {
                // Sent once, left out today and gone: nobody misses it.
                continue;
            }
            let found = if few && order.why.is_none() { held_alone(there, &order.id).await? } else { None };
            if let Some(stored) = found.as_ref().filter(|stored| there.date(stored) == date) {
                // It arrived while its day was read, or the search passed over it.
                day.destination.add(minor_amount(&stored.amount, currency).unwrap_or(0));
                judge(&mut day, stored, &order);
                continue;
            }
            day.source.add(order.minor);
            let reason = match found {
                Some(_) => Some(OTHER_DAY.to_owned()),
                None => order.why.or(self.lost(&order.id).await?),
            };
            day.missing.push(Difference { id: order.id, reason });
        }
        Ok(day)
    }

    /// The ledger says that it is there, and it is not: it was lost at the destination. What the ledger does not
    /// know has no reason at all.
    async fn lost(&self, id: &str) -> Result<Option<String>, Fault> {
        let key = LedgerRow::key(&self.owner.partition_of(Stream::Orders), Stream::Orders.word(), id);
        let row: Option<Row<LedgerRow>> = load(&*self.engine.store, key).await?;
        Ok(row.filter(|row| row.value.was_sent()).map(|_| LOST.to_owned()))
    }

    /// Orders at the destination that were not gathered for this day: sent from elsewhere, made outside of the time
    /// that was read, or no longer at the store.
    async fn strangers(
        &self,
        day: &mut Day,
        strangers: Vec<&Stored>,
        source: &Paced<'_>,
    ) -> Result<(), Fault> {
        let access = self.engine.access_to_orders(&self.owner).await?;
        let zone = zone(&self.owner);
        for strangers in strangers.chunks(FETCHED) {
            let partition = self.owner.partition_of(Stream::Orders);
            let key = |stored: &&Stored| LedgerRow::key(&partition, Stream::Orders.word(), &stored.id);
            let keys: Vec<Key> = strangers.iter().map(key).collect();
            let rows = load_rows(&*self.engine.store, &keys).await?;
            let ids: Vec<String> = strangers.iter().map(|stored| stored.id.clone()).collect();
            let page = self.source.fetch_orders(source, &access, &ids, &self.cache).await?;
            for (stored, row) in strangers.iter().zip(rows) {
                let row = row.map(|row| row.value).filter(LedgerRow::was_sent);
                let record = page.records.iter().find(|record| record.id == stored.id);
                let known = record.and_then(|record| {
                    expect(record, row.as_ref(), (Timestamp::MAX, true), (&self.owner, &zone))
                });
                match (row, known) {
                    (None, _) => {
                        day.extra.push(Difference { id: stored.id.clone(), reason: Some(FOREIGN.into()) })
                    }
                    (Some(_), Some((date, order))) if date == day.date => judge(day, stored, &order),
                    (Some(_), Some(_)) => {
                        day.extra.push(Difference { id: stored.id.clone(), reason: Some(OTHER_DAY.into()) });
                    }
                    (Some(row), None) if row.is_erased() => {
                        // It stays there, as nothing is ever deleted there.
                        let reason = Some(SkipReason::Erased.word().into());
                        day.extra.push(Difference { id: stored.id.clone(), reason });
                    }
                    (Some(_), None) => {
                        let reason = record.map_or("record.gone", |record| match &record.reading {
                            Mapped::Unreadable { code, .. } => code,
                            Mapped::Skipped { reason, .. } => reason.word(),
                            Mapped::Ready(_) => SkipReason::BeforeHistory.word(),
                        });
                        day.extra.push(Difference { id: stored.id.clone(), reason: Some(reason.into()) });
                    }
                }
            }
        }
        Ok(())
    }

    /// Keeps what was found of a day; a day compared a second time replaces the first.
    async fn file(&self, day: &Day) -> Result<(), Fault> {
        let key = Day::key(&self.run.id, day.date);
        let there: Option<Row<Day>> = load(&*self.engine.store, key.clone()).await?;
        let row = Row { key, rev: there.map_or(0, |row| row.rev), value: day.clone() };
        self.engine.store.write_each(vec![row.put()?]).await?;
        Ok(())
    }

    /// A comparison is complete only if every difference has a reason.
    async fn unexplained(&self) -> Result<(), Fault> {
        let days = super::days(self.engine, &self.run.id).await?;
        let unexplained = days.iter().flat_map(Day::differences).filter(|one| one.reason.is_none()).count();
        if unexplained == 0 {
            return Ok(());
        }
        let detail = format!("{unexplained} differences have no reason");
        Err(Fault::reject("reconcile.unexplained", detail))
    }
}

/// Both sides have the order: does the destination say what it ought to?
fn judge(day: &mut Day, stored: &Stored, order: &Expected) {
    let difference = |reason: Option<String>| Difference { id: stored.id.clone(), reason };
    match &order.left_out {
        Some(rule) => day.extra.push(difference(Some(rule.clone()))),
        None => day.source.add(order.minor),
    }
    // Its amount may be the same: an old request that landed over a newer one.
    let is_older = order.version.zip(stored.modified).is_some_and(|(sent, held)| held < whole_second(sent));
    if is_older || !stored.agrees(&order.check) {
        day.different.push(difference(order.why.clone().or(Some(CHANGED.to_owned()))));
    }
}

async fn held_alone(there: &There<'_>, id: &str) -> Result<Option<Stored>, Fault> {
    let response = there.http.send(activecampaign::get_order(there.account, there.remote, id)).await?;
    let found = activecampaign::orders_found(&response).map_err(stopped)?;
    Ok(found.into_iter().find(|stored| stored.id == id))
}

/// The first instant of a day.
fn start(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}
