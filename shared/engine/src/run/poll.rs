//! Starting what follows changes: polls, and what somebody asks for by hand.

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::source::Field;

use super::late::{REFERENCES, due_windows};
use super::look::is_same_day;
use super::start::{MAX_TRIES, Started, active_connection, active_run, new_run, send_windows, write_new};
use super::sweep::{YOUNG, requeue_run, requeue_unbegun};
use super::watermark::{poll_from, since_connected};
use crate::context::Engine;
use crate::deliver::record_id;
use crate::fault::{Fault, Kind};
use crate::state::{
    Connection, LedgerRow, PeopleRuns, Row, Run, RunKind, RunState, State, Stream, WindowRow, load,
};

/// The longest slice of time in which changed customers are read whole: their windows cannot be sorted, so one
/// invocation must get through each.
pub(super) const PEOPLE_SLICE_HOURS: i64 = 24;
/// Slices one poll reads at the most; the rest is the next poll's.
pub(super) const MAX_PEOPLE_SLICES: usize = 30;
/// What a second look reads: the days before now, by creation (rules.md section 2).
pub(super) const SECOND_LOOK: SignedDuration = SignedDuration::from_hours(96);
/// Windows of parked records one run tries again; the rest is the next run's.
const MAX_PARKED_WINDOWS: usize = 20;
/// Rows of the ledger read at a time.
const LEDGER_PAGE: usize = 500;

/// Starts a poll: one window of orders, the store's changed customers, what is due, and once a day the last days.
///
/// # Errors
/// `connection.inactive`, or of the store.
pub async fn start_poll(engine: &Engine, id: &str) -> Result<Started, Fault> {
    start_following(engine, id, RunKind::Poll).await
}

/// Starts a manual sync: a poll with a second look at the last days, and what is parked tried again.
///
/// # Errors
/// `connection.inactive`, or of the store.
pub async fn start_sync(engine: &Engine, id: &str) -> Result<Started, Fault> {
    start_following(engine, id, RunKind::Manual).await
}

/// Tries again what is parked; or reads one record anew and sends it, if anything about it is new.
///
/// # Errors
/// `connection.inactive`, `record.unknown`, or of the store.
pub async fn start_retry(engine: &Engine, id: &str, record: Option<&str>) -> Result<Started, Fault> {
    let connection = active_connection(engine, id).await?;
    let mut windows = match record {
        Some(record) => vec![named(engine, &connection, record).await?],
        None => parked(engine, &connection).await?,
    };
    let mut run = new_run(engine, &connection, RunKind::Retry);
    begin(&mut run, &mut windows);
    let started = write_new(engine, &connection, run, windows, None).await?;
    if started.already {
        let detail = format!("run {} is at work and tries again what is parked", started.run.id);
        return if record.is_some() { Err(Fault::reject("connection.busy", detail)) } else { Ok(started) };
    }
    go(engine, started).await
}

async fn start_following(engine: &Engine, id: &str, kind: RunKind) -> Result<Started, Fault> {
    for _ in 1..MAX_TRIES {
        match try_following(engine, id, kind).await {
            Err(fault) if fault.kind == Kind::Retry => {}
            answer => return answer,
        }
    }
    try_following(engine, id, kind).await
}

async fn try_following(engine: &Engine, id: &str, kind: RunKind) -> Result<Started, Fault> {
    let connection = active_connection(engine, id).await?;
    let at_work = active_run(engine, id, kind).await?;
    if let Some(run) = at_work.filter(|run| !run.ended() && run.epoch == connection.epoch) {
        return beside(engine, run).await;
    }
    let now = engine.now();
    let Begin { orders: from, to } = poll_begin(engine, &connection).await?;
    let mut windows = vec![WindowRow::open(1, Stream::Orders, Field::Updated, from, to)];
    let mut run = new_run(engine, &connection, kind);
    let people = claim_people(engine, &connection, &run).await?;
    if let Some(people) = &people {
        windows.extend(people_slices(people_begin(engine, &connection, to).await?, to));
        if people.value.owed {
            windows.push(WindowRow::open(0, Stream::Customers, Field::Created, Timestamp::UNIX_EPOCH, to));
        }
    }
    windows.extend(second_look(&connection, kind, (now, from, to)));
    windows.extend(due_windows(engine, &connection, now).await?);
    if kind == RunKind::Manual {
        windows.extend(parked(engine, &connection).await?);
    }
    begin(&mut run, &mut windows);
    let with = people.map(|people| people.put()).transpose()?;
    let started = write_new(engine, &connection, run, windows, with).await?;
    if !started.already {
        return go(engine, started).await;
    }
    beside(engine, started.run).await
}

/// The run at work is the answer. Whoever started it may have died, or the queue refused, before its messages were
/// out; then nobody works on it, and every poll after it would find it at work. Of a young run only what nobody began
/// is queued anew: a message too many does nothing, and the rest is in somebody's hands.
async fn beside(engine: &Engine, run: Run) -> Result<Started, Fault> {
    if engine.now().duration_since(run.started) >= YOUNG {
        requeue_run(engine, &run, false).await?;
    } else {
        requeue_unbegun(engine, &run).await?;
    }
    Ok(Started { run, already: true })
}

/// Numbers the windows of a run that is planned as it starts.
pub(super) fn begin(run: &mut Run, windows: &mut [WindowRow]) {
    for (window, n) in windows.iter_mut().zip(1..) {
        window.n = n;
    }
    run.state = RunState::Running;
    run.windows = u32::try_from(windows.len()).unwrap_or(u32::MAX);
    run.open_windows = run.windows;
}

/// Queues the work of a run. One that has nothing to read is settled, and so ended, at once.
pub(super) async fn go(engine: &Engine, started: Started) -> Result<Started, Fault> {
    if started.run.open_windows == 0 {
        super::advance::advance(engine, &started.run.connection, &started.run.id).await?;
    } else {
        send_windows(engine, &started.run).await?;
    }
    Ok(started)
}

/// The last days by creation: what the store's index showed late is found so. Not before the connection was made,
/// as that is history.
fn second_look(
    connection: &Connection,
    kind: RunKind,
    (now, followed, to): (Timestamp, Timestamp, Timestamp),
) -> Option<WindowRow> {
    if kind != RunKind::Manual && !is_second_look_due(connection, now) {
        return None;
    }
    let made = since_connected(connection.created, now);
    let from = now.saturating_sub(SECOND_LOOK).unwrap_or(made).max(made);
    let window = WindowRow::open(0, Stream::Orders, Field::Created, from, to);
    (from < to).then_some(WindowRow { older_than: Some(followed), ..window })
}

/// Once a day, with the first run of it: twenty-four hours from one to the next would skip a day now and then.
pub(super) fn is_second_look_due(connection: &Connection, now: Timestamp) -> bool {
    !is_same_day(connection.rechecked.or(Some(connection.created)), now)
}

/// One record somebody names, whatever stream it is of.
async fn named(engine: &Engine, connection: &Connection, id: &str) -> Result<WindowRow, Fault> {
    for stream in [Stream::Orders, Stream::Customers, Stream::Products] {
        let key = LedgerRow::key(&connection.partition_of(stream), stream.word(), id);
        if engine.store.get(&key).await?.is_some() {
            return Ok(WindowRow::of(1, stream, vec![id.to_owned()], engine.now()));
        }
    }
    Err(Fault::usage("record.unknown", format!("the ledger of {} has no record {id:?}", connection.name)))
}

/// What is parked. Counting is cheaper than looking, and most connections have nothing parked.
async fn parked(engine: &Engine, connection: &Connection) -> Result<Vec<WindowRow>, Fault> {
    let sums = crate::connections::sums(engine, connection).await?;
    let mut windows = Vec::new();
    for (stream, tally) in [
        (Stream::Orders, &sums.orders),
        (Stream::Customers, &sums.customers),
        (Stream::Products, &sums.products),
    ] {
        if tally.parked_total() > 0 {
            let room = MAX_PARKED_WINDOWS.saturating_sub(windows.len());
            windows.extend(parked_of(engine, connection, stream, room).await?);
        }
    }
    Ok(windows)
}

async fn parked_of(
    engine: &Engine,
    connection: &Connection,
    stream: Stream,
    room: usize,
) -> Result<Vec<WindowRow>, Fault> {
    let (partition, prefix) = (connection.partition_of(stream), format!("REC#{}#", stream.word()));
    let mut ids = Vec::new();
    let mut after: Option<String> = None;
    while ids.len() < room * REFERENCES {
        let items = engine.store.query(&partition, &prefix, after.as_deref(), LEDGER_PAGE).await?;
        for item in &items {
            let row = Row::<LedgerRow>::parse(item)?;
            ids.extend((row.value.state == State::Parked).then(|| record_id(&row.key)));
        }
        if items.len() < LEDGER_PAGE {
            break;
        }
        after = items.last().map(|item| item.key.sk.clone());
    }
    ids.truncate(room * REFERENCES);
    let window = |ids: &[String]| WindowRow::of(0, stream, ids.to_vec(), engine.now());
    Ok(ids.chunks(REFERENCES).map(window).collect())
}

/// The time a poll reads.
pub(super) struct Begin {
    /// From here on, of orders.
    pub(super) orders: Timestamp,
    /// Up to here, of everything: the source's index is behind.
    pub(super) to: Timestamp,
}

/// Where a poll of a connection begins and ends.
pub(super) async fn poll_begin(engine: &Engine, connection: &Connection) -> Result<Begin, Fault> {
    let to = engine.now().saturating_sub(engine.config.timing.lag).unwrap_or(connection.created);
    let orders = poll_from(engine, connection, Connection::orders_cursor(&connection.id), to).await?;
    Ok(Begin { orders, to })
}

/// Where a poll begins to read the store's customers.
pub(super) async fn people_begin(
    engine: &Engine,
    connection: &Connection,
    to: Timestamp,
) -> Result<Timestamp, Fault> {
    poll_from(engine, connection, PeopleRuns::cursor(&connection.people_partition()), to).await
}

/// Claims the store's customers for a poll: one poll of a store and destination reads them, whichever of the
/// connections it is for. None while another one does.
async fn claim_people(
    engine: &Engine,
    connection: &Connection,
    run: &Run,
) -> Result<Option<Row<PeopleRuns>>, Fault> {
    let key = PeopleRuns::key(&connection.people_partition());
    let mut row =
        load(&*engine.store, key.clone()).await?.unwrap_or_else(|| Row::new(key, PeopleRuns::default()));
    if let Some((connection, run)) = &row.value.poll {
        let other: Option<Row<Run>> = load(&*engine.store, Run::key(connection, run)).await?;
        if other.is_some_and(|other| !other.value.ended()) {
            return Ok(None);
        }
    }
    row.value.poll = Some((connection.id.clone(), run.id.clone()));
    Ok(Some(row))
}

/// Slices of `[from, to]` of a day at the most: they neither overlap nor leave a hole.
pub(super) fn people_slices(from: Timestamp, to: Timestamp) -> Vec<WindowRow> {
    let mut slices = Vec::new();
    let mut start = from;
    while slices.len() < MAX_PEOPLE_SLICES {
        let end = start.saturating_add(SignedDuration::from_hours(PEOPLE_SLICE_HOURS)).unwrap_or(to).min(to);
        slices.push(WindowRow::open(0, Stream::Customers, Field::Updated, start, end));
        if end >= to {
            break;
        }
        start = end.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(end);
    }
    slices
}
