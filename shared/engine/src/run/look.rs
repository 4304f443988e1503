//! A look before a poll: most find nothing, and then no run is written, since a run costs more than the look.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::source::{Cache, Field, Window};

use super::late::is_any_due;
use super::poll::{Begin, is_second_look_due, people_begin, poll_begin};
use super::start::active_run;
use super::watermark::{Reach, forward};
use crate::context::Engine;
use crate::fault::Fault;
use crate::meter::Metric;
use crate::ports::Lane;
use crate::state::{Connection, PeopleRuns, Row, RunKind, load, update};

/// More time than this is read by a run, which can be stopped and shows how far it is.
const LONGEST: SignedDuration = SignedDuration::from_hours(4);

/// True when nothing changed since the last poll: then the watermarks have moved, as at the end of a poll. False
/// where something did, or where only a run can tell: it reads everything itself, and says what is wrong.
pub(super) async fn nothing_new(engine: &Engine, owner: &Connection) -> Result<bool, Fault> {
    let now = engine.now();
    if !is_same_day(owner.last_sync, now)
        || is_second_look_due(owner, now)
        || active_run(engine, &owner.id, RunKind::Poll).await?.is_some()
    {
        return Ok(false);
    }
    let Begin { orders, to } = poll_begin(engine, owner).await?;
    let key = PeopleRuns::key(&owner.people_partition());
    let people: Option<Row<PeopleRuns>> = load(&*engine.store, key).await?;
    let people = people.map_or_else(PeopleRuns::default, |row| row.value);
    if is_any_due(engine, &owner.id, now).await?
        || people.owed
        || people.poll.is_some()
        || to.duration_since(orders) > LONGEST
    {
        return Ok(false);
    }
    let customers = people_begin(engine, owner, to).await?;
    if to.duration_since(customers) > LONGEST {
        return Ok(false);
    }
    let Some(reach) = look(engine, owner, (orders, customers, to)).await else { return Ok(false) };
    let writes = [
        forward(engine, Connection::orders_cursor(&owner.id), reach, now).await?,
        forward(engine, PeopleRuns::cursor(&owner.people_partition()), reach, now).await?,
    ];
    // Each by itself: whoever was faster has moved it further, or moves it again.
    engine.store.write_each(writes.into_iter().flatten().collect()).await?;
    update(&*engine.store, &Connection::key(&owner.id), |connection: &mut Connection| {
        connection.last_sync = Some(super::later_by(connection.last_sync, now, now));
    })
    .await?;
    Ok(true)
}

/// One run a day there is in any case: it asks besides whether the location is still open.
pub(super) fn is_same_day(last: Option<Timestamp>, now: Timestamp) -> bool {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    last.is_some_and(|last| day(last) == day(now))
}

/// How far the store was looked at, where it answers that nothing changed. A store that does not answer is for a run
/// to tell of.
async fn look(
    engine: &Engine,
    owner: &Connection,
    (orders, customers, to): (Timestamp, Timestamp, Timestamp),
) -> Option<Reach> {
    let http = engine.source_http(&owner.source, &owner.store, Lane::Live);
    let (Ok(source), Ok(access)) = (engine.source(&owner.source), engine.access(owner).await) else {
        return None;
    };
    let window = |from| Window { field: Field::Updated, from, to };
    let cache = Cache::default();
    let sold = source.read_orders(&http, &access, window(orders), None, &cache).await;
    let quiet = match sold {
        Ok(page) if page.records.is_empty() && page.next.is_none() => {
            let people = source.read_customers(&http, &access, window(customers), None).await;
            people.is_ok_and(|page| page.records.is_empty() && page.next.is_none())
        }
        _ => false,
    };
    engine.meter.add(Metric::SourceCalls, http.take_calls());
    quiet.then(|| Reach::new(to, http.began_there(), engine.config.timing.lag))
}
