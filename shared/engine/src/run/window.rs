//! Reading one window: a page is delivered while the next is read; the checkpoint follows what is in the ledger.

mod batches;
mod ending;
mod merges;
mod references;
mod trial;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::model::{Customer, Observed, Order};
use tillsync_mapping::source::{Access, Cache, Field, Next, Page, PageToken, Source, SourceError, Window};

use super::over::is_over;
use super::sweep::settle_unbegun;
use super::{Outcome, connection, lane};
use crate::context::Engine;
use crate::deliver::Delivering;
use crate::fault::Fault;
use crate::paced::{Paced, unsigned};
use crate::ports::{Delivery, Written};
use crate::state::{Connection, ConnectionState, Row, Run, RunKind, Stream, WindowRow, WindowState, load};
use crate::sums::Tally;

/// Dead cursors one taking of a window sits out.
const MAX_RESTARTS: u32 = 5;
/// People gathered before they are imported. Most were carried by orders: those left should fill whole batches.
const PEOPLE_AT_ONCE: usize = 2_500;
/// Ids kept at a checkpoint; beyond it a record of that instant may be counted twice, never lost.
const MAX_AT_CHECKPOINT: usize = 2_000;
/// A window is one worker's for so long after its last checkpoint: longer than any function may run, and than a
/// page takes that is slowed down at every call.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
/// A page takes about so long, until one has been slower.
const ONE_PAGE: SignedDuration = SignedDuration::from_secs(10);
/// Pages one window may have; beyond it something goes in circles.
const MAX_PAGES: u32 = 100_000;

use batches::{ready, whole_batches};
pub(super) use ending::{mark_connection, pause_after, problem};
pub(super) use references::WAITS;

/// What the reading of a window came to.
pub(super) enum Read {
    /// To its end.
    Done,
    /// Its run was cancelled, or it is not open any more.
    Stopped,
    /// As far as there was time: the rest is for the next worker.
    HandedOn,
    /// What is left is not shown yet, and is looked for once more after this.
    Waits(Duration),
}

/// Why a window is not taken.
pub(super) enum Turned {
    /// It is not open, or another worker has it: what becomes of its message.
    Away(Outcome),
    /// Its run's connection has ended since.
    Over(Box<Connection>, Box<Run>),
}

/// A window being read.
pub(super) struct Reading<'a> {
    pub(super) engine: &'a Engine,
    delivery: &'a Delivery,
    pub(super) owner: Connection,
    pub(super) run: Run,
    pub(super) row: Row<WindowRow>,
    pub(super) source: &'static dyn Source,
    pub(super) cache: Arc<Cache>,
    /// When the page at hand began.
    began: Timestamp,
    /// What the slowest page took.
    slowest: SignedDuration,
    /// Whether this worker has come further than the one before.
    progressed: bool,
}

impl<'a> Reading<'a> {
    /// Takes a window; or what becomes of its message when the window is not open, or another worker has it. That
    /// one may be dead, so the message is kept.
    pub(super) async fn take(
        engine: &'a Engine,
        delivery: &'a Delivery,
        (connection_id, run_id, n): (&str, &str, u32),
    ) -> Result<Result<Self, Turned>, Fault> {
        let away = |outcome| Ok(Err(Turned::Away(outcome)));
        let run = engine.run(connection_id, run_id).await?.value;
        let row: Option<Row<WindowRow>> = load(&*engine.store, WindowRow::key(run_id, n)).await?;
        let Some(mut row) = row.filter(|row| row.value.state == WindowState::Open && run.reading()) else {
            // The last window may have been ended by one who could not queue what follows it.
            settle_unbegun(engine, &run).await?;
            return away(Outcome::Done);
        };
        if engine.is_short_of(ONE_PAGE) {
            return Err(Fault::retry("run.no_time", "the process is stopped before a page could be read"));
        }
        let now = engine.now();
        let config = &engine.config;
        let held = row.value.lease.as_ref().filter(|(holder, until)| {
            let dead = config.exclusive && *holder != config.instance;
            *until > now && !dead
        });
        if let Some(before) = row.value.not_before.filter(|before| *before > now) {
            return away(Outcome::Later(unsigned(before.duration_since(now))));
        }
        if let Some((_, until)) = held {
            return away(Outcome::Later(unsigned(until.duration_since(now))));
        }
        let owner = connection(&*engine.store, connection_id).await?.value;
        if is_over(&run, &owner) {
            return Ok(Err(Turned::Over(Box::new(owner), Box::new(run))));
        }
        row.value.lease = Some((config.instance.clone(), engine.lease(LEASE)));
        if engine.store.transact(vec![row.put()?]).await? == Written::Conflict {
            return away(Outcome::Later(Duration::from_secs(5)));
        }
        row.rev += 1;
        let source = engine.source(&owner.source)?;
        let cache = engine.cache(&run, &owner);
        let (slowest, progressed) = (ONE_PAGE, false);
        Ok(Ok(Self { engine, delivery, owner, run, row, source, cache, began: now, slowest, progressed }))
    }

    /// Reads and delivers from the checkpoint to the end.
    pub(super) async fn read(&mut self) -> Result<Read, Fault> {
        self.is_active()?;
        let engine = self.engine;
        let lane = lane(self.run.kind);
        let source_http = engine.source_http(&self.owner.source, &self.owner.store, lane);
        let destination_http = engine.fenced_http(&self.owner, self.run.epoch, lane);
        let result = match self.row.value.stream {
            _ if self.row.value.compares => self.compare(&source_http, &destination_http).await,
            _ if !self.row.value.ids.is_empty() => self.references(&source_http, &destination_http).await,
            Stream::Customers => self.customers(&source_http, &destination_http).await,
            _ => self.orders(&source_http, &destination_http).await,
        };
        self.count_calls(&source_http, &destination_http);
        result
    }

    fn is_active(&self) -> Result<(), Fault> {
        if self.owner.state == ConnectionState::Active && !is_over(&self.run, &self.owner) {
            return Ok(());
        }
        // The run says why it ends, where that is known.
        if let Some((code, problem)) = self
            .owner
            .problem
            .as_ref()
            .and_then(|problem| crate::explained(&problem.code).map(|text| (text.code, problem)))
        {
            return Err(Fault::reconnect(code, problem.detail.clone()));
        }
        let detail = format!("{} is {}", self.owner.name, self.owner.state_word());
        Err(Fault::reconnect("connection.inactive", detail))
    }

    async fn orders(&mut self, source_http: &Paced<'_>, out: &Paced<'_>) -> Result<Read, Fault> {
        let access = self.engine.access_to_orders(&self.owner).await?;
        let mut restarts = 0;
        let mut following = None;
        let mut carried = Vec::new();
        // A cursor is bound to its query: the window stays as it was when its first page was asked for.
        let mut window = self.window();
        for _ in 0..MAX_PAGES {
            let page = match following.take() {
                Some(page) => page,
                None => {
                    window = self.window();
                    self.order_page(source_http, &access, window, None).await
                }
            };
            let mut page: Page<Order> = match page {
                Ok(page) => page,
                Err(error) if error.next == Next::Restart && restarts < MAX_RESTARTS => {
                    restarts += 1;
                    carried.clear();
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let token = page.next.take();
            carried.append(&mut page.records);
            page.records = std::mem::take(&mut carried);
            let last = self.cut_trial(&mut page) || token.is_none();
            // Only by creation: what a poll was led to by payments is read again from the slice, not the record.
            if !last && window.field == Field::Created {
                carried = page.records.split_off(whole_batches(&page.records));
            }
            let short = self.is_short();
            let (delivered, next) = {
                let this = &*self;
                let next = async {
                    match token.filter(|_| !short) {
                        Some(token) if !last => {
                            Some(this.order_page(source_http, &access, window, Some(token)).await)
                        }
                        _ => None,
                    }
                };
                join(this.deliver_orders(page, out), next).await
            };
            let delivered = delivered?;
            following = next;
            self.count_calls(source_http, out);
            if let Some(read) = self.checkpoint(delivered, last, short).await? {
                return Ok(read);
            }
        }
        Err(Fault::reject("run.incomplete", "the window has more pages than can be"))
    }

    async fn order_page(
        &self,
        http: &Paced<'_>,
        access: &Access,
        window: Window,
        token: Option<PageToken>,
    ) -> Result<Page<Order>, SourceError> {
        self.source.read_orders(http, access, window, token, &self.cache).await
    }

    async fn deliver_orders(&self, page: Page<Order>, out: &Paced<'_>) -> Result<Delivered, Fault> {
        if self.run.kind == RunKind::Reconcile {
            let mut delivered = Delivered::of(&page.records);
            let fresh = page.records.into_iter().filter(|record| !self.counted(record)).collect();
            delivered.tally = self.gather(fresh).await?;
            return Ok(delivered);
        }
        let mut delivering = Delivering::new(self.engine, &self.owner, &self.run, out).await?;
        delivering.page = (self.row.value.n, self.row.value.pages);
        delivering.followed = self.row.value.older_than;
        let mut delivered = Delivered::of(&page.records);
        let products = delivering.products(page.products).await?;
        let fresh: Vec<_> = page.records.into_iter().filter(|record| !self.counted(record)).collect();
        delivered.ready = ready(&fresh);
        delivered.tally = delivering.orders(fresh).await?;
        delivered.products = products;
        Ok(delivered)
    }

    async fn customers(&mut self, source_http: &Paced<'_>, out: &Paced<'_>) -> Result<Read, Fault> {
        let access = self.engine.access(&self.owner).await?;
        // Everybody, and not only who changed: that is history, whichever run reads it.
        let silent = self.row.value.field == Field::Created;
        let sorted = self.row.value.field == Field::Created;
        let mut restarts = 0;
        'window: loop {
            let mut token = None;
            let mut gathered: Vec<Observed<Customer>> = Vec::new();
            let window = self.window();
            for _ in 0..MAX_PAGES {
                let page = self.source.read_customers(source_http, &access, window, token.take()).await;
                let page = match page {
                    Ok(page) => page,
                    Err(error) if error.next == Next::Restart && restarts < MAX_RESTARTS => {
                        restarts += 1;
                        continue 'window;
                    }
                    Err(error) => return Err(error.into()),
                };
                gathered.extend(page.records.into_iter().filter(|record| !self.counted(record)));
                token = page.next;
                let last = token.is_none();
                let short = self.is_short();
                if last || (sorted && (short || gathered.len() >= PEOPLE_AT_ONCE)) {
                    let mut delivered = Delivered::of(&gathered);
                    let marks = merges::marks(if silent { &[] } else { &gathered });
                    let people = std::mem::take(&mut gathered);
                    let mut delivering = Delivering::new(self.engine, &self.owner, &self.run, out).await?;
                    delivering.page = (self.row.value.n, self.row.value.pages);
                    delivered.tally = delivering.customers(people, silent).await?;
                    self.note_merges(&marks, (source_http, &access)).await?;
                    self.count_calls(source_http, out);
                    if let Some(read) = self.checkpoint(delivered, last, short).await? {
                        return Ok(read);
                    }
                }
            }
            return Err(Fault::reject("run.incomplete", "the window has more pages than can be"));
        }
    }

    /// What is left of the window.
    fn window(&self) -> Window {
        let row = &self.row.value;
        Window { field: row.field, from: row.checkpoint.unwrap_or(row.from), to: row.to }
    }

    /// True for a record of the checkpoint's instant that was counted already.
    fn counted<T>(&self, record: &Observed<T>) -> bool {
        let row = &self.row.value;
        row.checkpoint == Some(record.at) && row.at_checkpoint.contains(&record.id)
    }

    /// True when this page and one more may not end in time.
    pub(super) fn is_short(&self) -> bool {
        self.engine.is_short_of(self.slowest.saturating_mul(2))
    }

    /// Notes how far the window is; then either goes on, or says how the reading ends.
    pub(super) async fn checkpoint(
        &mut self,
        delivered: Delivered,
        last: bool,
        short: bool,
    ) -> Result<Option<Read>, Fault> {
        let now = self.engine.now();
        self.slowest = self.slowest.max(now.duration_since(self.began));
        (self.began, self.progressed) = (now, true);
        let sorted = self.row.value.field == Field::Created || self.row.value.stream == Stream::Orders;
        let window = &mut self.row.value;
        delivered.count(window);
        if let Some((instant, mut ids)) = delivered.end.filter(|_| sorted) {
            if window.checkpoint == Some(instant) {
                ids.append(&mut window.at_checkpoint);
            }
            ids.truncate(MAX_AT_CHECKPOINT);
            (window.checkpoint, window.at_checkpoint) = (Some(instant), ids);
        }
        if last {
            // The window's end is written together with the run's count of open windows.
            window.state = WindowState::Done;
            window.at_checkpoint.clear();
            return Ok(Some(Read::Done));
        }
        if short {
            return self.hand_on().await.map(Some);
        }
        let visibility = self.engine.config.timing.visibility;
        if let Some((_, until)) = &mut window.lease {
            *until = self.engine.lease(LEASE);
        }
        if self.engine.store.transact(vec![self.row.put()?]).await? == Written::Conflict {
            return Err(Fault::taken());
        }
        self.row.rev += 1;
        self.engine.queue.extend(self.delivery, visibility).await?;
        let reading = self.engine.run(&self.run.connection, &self.run.id).await?.value.reading();
        if reading {
            // Paused meanwhile: the window ends here and says so, and is read on from here when it is resumed.
            self.owner = connection(&*self.engine.store, &self.owner.id).await?.value;
            return self.is_active().map(|()| None);
        }
        self.row.value.lease = None;
        self.engine.store.transact(vec![self.row.put()?]).await?;
        Ok(Some(Read::Stopped))
    }

    pub(super) fn count_calls(&mut self, source: &Paced<'_>, destination: &Paced<'_>) {
        let row = &mut self.row.value;
        // A window that is read in parts began with the first of them.
        row.began_there = row.began_there.into_iter().chain(source.began_there()).min();
        self.row.value.calls.source += source.take_calls();
        self.row.value.calls.destination += destination.take_calls();
    }

    /// The run this window belongs to.
    pub(super) fn run(&self) -> &Run {
        &self.run
    }
}

/// What a page came to, and where it ends.
#[derive(Default)]
pub(super) struct Delivered {
    pub(super) tally: Tally,
    pub(super) products: Tally,
    /// How many of its orders may be sent.
    pub(super) ready: u64,
    /// The last instant of the page, with the ids of its records of that instant.
    pub(super) end: Option<(Timestamp, Vec<String>)>,
}

impl Delivered {
    /// Counts a page in its window, which came further by it.
    fn count(&self, window: &mut WindowRow) {
        window.pages += 1;
        window.ready += self.ready;
        window.tally.add(&self.tally.without_flights());
        window.products.add(&self.products);
        (window.strikes, window.not_before, window.problem) = (0, None, None);
    }

    fn of<T>(records: &[Observed<T>]) -> Self {
        let end = records.iter().map(|record| record.at).max().map(|instant| {
            let ids = records.iter().filter(|record| record.at == instant).map(|record| record.id.clone());
            (instant, ids.collect())
        });
        Self { end, ..Self::default() }
    }
}
