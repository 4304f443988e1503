//! Both sides in the order of their days, a day at a time: what is held in memory is one day.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tillsync_mapping::activecampaign::{self, Account, Stored};
use tillsync_mapping::http::Http;

use crate::deliver::stopped;
use crate::fault::Fault;
use crate::paced::Paced;
use crate::ports::Store;
use crate::state::{Expected, Gathered, Row, Run};

/// Orders one reading back answers with.
const PAGE: usize = 100;
/// Rows gathered that are read at a time.
const ROWS: usize = 200;

/// The destination's orders of a connection, ascending by date.
pub(super) struct There<'a> {
    pub(super) account: &'a Account,
    pub(super) remote: i64,
    pub(super) http: &'a Paced<'a>,
    pub(super) zone: TimeZone,
    since: Timestamp,
    offset: u32,
    /// Ids of the last instant read: a page begins with them once more.
    edge: Vec<String>,
    read: VecDeque<Stored>,
    ended: bool,
}

impl<'a> There<'a> {
    pub(super) fn new(
        (account, remote, http): (&'a Account, i64, &'a Paced<'a>),
        zone: TimeZone,
        since: Timestamp,
    ) -> Self {
        let (edge, read) = (Vec::new(), VecDeque::new());
        Self { account, remote, http, zone, since, offset: 0, edge, read, ended: false }
    }

    /// The day of the next order.
    pub(super) async fn next_day(&mut self) -> Result<Option<Date>, Fault> {
        while self.read.is_empty() && !self.ended {
            self.page().await?;
        }
        Ok(self.read.front().map(|stored| self.date(stored)))
    }

    /// Every order of a day, which is the next one.
    pub(super) async fn of(&mut self, day: Date) -> Result<Vec<Stored>, Fault> {
        let mut orders = Vec::new();
        while self.next_day().await? == Some(day) {
            orders.extend(self.read.pop_front());
        }
        Ok(orders)
    }

    /// The day an order is dated.
    pub(super) fn date(&self, stored: &Stored) -> Date {
        stored.created.to_zoned(self.zone.clone()).date()
    }

    /// The next page: from the last instant on, or further into it where it fills a page by itself.
    async fn page(&mut self) -> Result<(), Fault> {
        let request = activecampaign::read_back(self.account, self.remote, self.since, self.offset);
        let response = self.http.send(request).await?;
        let mut page = activecampaign::orders_found(&response).map_err(stopped)?;
        self.ended = page.len() < PAGE;
        let Some(end) = page.last().map(|stored| second(stored.created)) else { return Ok(()) };
        page.retain(|stored| !self.edge.contains(&stored.id));
        if end > second(self.since) {
            self.edge.clear();
            (self.since, self.offset) = (end, 0);
        } else {
            self.offset += u32::try_from(PAGE).unwrap_or(0);
        }
        let last = page.iter().filter(|stored| second(stored.created) == end);
        self.edge.extend(last.map(|stored| stored.id.clone()));
        self.read.extend(page);
        Ok(())
    }
}

/// The destination is asked from a full second on.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// What was gathered of the store, ascending by day.
pub(super) struct Ought<'a> {
    store: &'a dyn Store,
    partition: String,
    after: Option<String>,
    read: VecDeque<(Date, Vec<Expected>)>,
    ended: bool,
}

impl<'a> Ought<'a> {
    /// From a day on.
    pub(super) fn new(store: &'a dyn Store, run: &str, from: Option<Date>) -> Self {
        let after = from.map(|date| format!("{}{date}", Gathered::PREFIX));
        Self { store, partition: Run::partition(run), after, read: VecDeque::new(), ended: false }
    }

    pub(super) async fn next_day(&mut self) -> Result<Option<Date>, Fault> {
        while self.read.is_empty() && !self.ended {
            let after = self.after.as_deref();
            let items = self.store.query(&self.partition, Gathered::PREFIX, after, ROWS).await?;
            self.ended = items.len() < ROWS;
            self.after = items.last().map(|item| item.key.sk.clone()).or(self.after.take());
            for item in &items {
                let row = Row::<Gathered>::parse(item)?;
                let text =
                    item.key.sk.trim_start_matches(Gathered::PREFIX).split('#').next().unwrap_or_default();
                let date: Date = text
                    .parse()
                    .map_err(|_| Fault::reject("data.corrupt", format!("{} {}", item.key.pk, item.key.sk)))?;
                self.read.push_back((date, row.value.orders));
            }
        }
        Ok(self.read.front().map(|(date, _)| *date))
    }

    /// Every order of a day, by id: a page that was read twice tells of the same ones.
    pub(super) async fn of(&mut self, day: Date) -> Result<BTreeMap<String, Expected>, Fault> {
        let mut orders = BTreeMap::new();
        while self.next_day().await? == Some(day) {
            let rows = self.read.pop_front().map(|(_, orders)| orders).unwrap_or_default();
            orders.extend(rows.into_iter().map(|order| (order.id.clone(), order)));
        }
        Ok(orders)
    }
}
