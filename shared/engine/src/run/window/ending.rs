//! How the reading of a window ends before its time: handed on, put off, refused.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{ONE_PAGE, Read, Reading};
use crate::connections::pick_location;
use crate::context::Engine;
use crate::fault::{Fault, Kind};
use crate::ports::Written;
use crate::run::lane;
use crate::state::{Connection, ConnectionState, Problem, WindowState, update};

/// The longest pause of what was put off.
const MAX_PAUSE: u32 = 60;

/// The pause after so many failures in a row.
pub(in crate::run) fn pause_after(strikes: u32) -> Duration {
    Duration::from_secs((5_u32 << strikes.min(4)).min(MAX_PAUSE).into())
}

impl Reading<'_> {
    /// True when this worker came further and has no time for more.
    pub(in crate::run) fn is_out_of_time(&self) -> bool {
        self.progressed && self.engine.is_short_of(ONE_PAGE)
    }

    /// Leaves the rest of the window to the next worker.
    pub(in crate::run) async fn hand_on(&mut self) -> Result<Read, Fault> {
        self.row.value.lease = None;
        if self.engine.store.transact(vec![self.row.put()?]).await? == Written::Conflict {
            return Err(Fault::taken());
        }
        self.row.rev += 1;
        Ok(Read::HandedOn)
    }

    /// Looks whether the location is still open. A closed one has been read to its end by then; its connection
    /// says so and is polled no more. Whether it can be asked at all is no matter: the next poll asks again.
    pub(in crate::run) async fn look_at_location(&mut self) -> Result<(), Fault> {
        let engine = self.engine;
        let access = engine.access(&self.owner).await?;
        let http = engine.source_http(&self.owner.source, &self.owner.store, lane(self.run.kind));
        let store = self.source.identify(&http, &access.api_url, &access.token).await;
        self.row.value.calls.source += http.take_calls();
        let Ok(store) = store else { return Ok(()) };
        match pick_location(self.source, &store.locations, &self.owner.location.id) {
            Ok(_) => Ok(()),
            Err(fault) => {
                let fault = Fault { kind: Kind::Reconnect, ..fault };
                let problem = problem(&fault, engine.now());
                mark_connection(engine, (&self.owner.id, self.run.epoch), &fault, problem).await
            }
        }
    }

    /// Gives the window up: the run will say so.
    pub(in crate::run) async fn refuse(&mut self, fault: &Fault) -> Result<(), Fault> {
        let problem = problem(fault, self.engine.now());
        self.row.value.state = WindowState::Refused;
        self.row.value.problem = Some(problem.clone());
        if self.owner.state != ConnectionState::Active {
            // It was stopped by somebody else, and may have been mended since.
            return Ok(());
        }
        mark_connection(self.engine, (&self.owner.id, self.run.epoch), fault, problem).await
    }

    /// Puts the window off, longer each time; returns how often in a row, and for how long.
    pub(in crate::run) async fn put_off(&mut self, fault: &Fault) -> Result<(u32, Duration), Fault> {
        self.row.value.strikes += 1;
        let pause = pause_after(self.row.value.strikes);
        let span = SignedDuration::try_from(pause).unwrap_or(SignedDuration::ZERO);
        self.row.value.not_before = self.engine.now().checked_add(span).ok();
        self.row.value.lease = None;
        self.row.value.problem = Some(problem(fault, self.engine.now()));
        if self.engine.store.transact(vec![self.row.put()?]).await? == Written::Conflict {
            return Err(Fault::taken());
        }
        self.row.rev += 1;
        Ok((self.row.value.strikes, pause))
    }
}

pub(in crate::run) fn problem(fault: &Fault, since: Timestamp) -> Problem {
    Problem { code: fault.code.to_owned(), detail: fault.detail.clone(), since }
}

/// A fault that only a person mends is written on the connection: nothing further is read or sent for it. What the
/// work of an earlier epoch meets says nothing of the connection as it is now.
pub(in crate::run) async fn mark_connection(
    engine: &Engine,
    (id, epoch): (&str, u64),
    fault: &Fault,
    problem: Problem,
) -> Result<(), Fault> {
    let state = match (fault.kind, fault.code) {
        (_, "connection.inactive") => return Ok(()),
        (Kind::Reconnect, _) => ConnectionState::NeedsReconnect,
        (_, "destination.schema" | "destination.connection_unknown") => ConnectionState::Paused,
        _ => return Ok(()),
    };
    if !crate::tokens::refused_at_last(engine, id, fault).await? {
        return Ok(());
    }
    update(&*engine.store, &Connection::key(id), |connection: &mut Connection| {
        if connection.state == ConnectionState::Active && connection.epoch == epoch {
            connection.state = state;
            connection.problem = Some(problem.clone());
        }
    })
    .await?;
    tracing::warn!(
        connection = id,
        code = fault.code,
        detail = fault.detail,
        "the connection needs somebody"
    );
    Ok(())
}
