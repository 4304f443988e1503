//! Telling: who needs somebody first, within the hour's limit, and not to somebody who just failed.

use jiff::Timestamp;

use super::Receiver;
use super::decide::{self, State};
use super::rows::{Said, Sent};
use crate::context::Engine;
use crate::fault::Fault;
use crate::ports::{MAX_TRANSACTION, Write, Written};
use crate::state::{Row, list, load};

/// Tells one receiver what is to be said now.
pub(super) async fn tell(engine: &Engine, receiver: &dyn Receiver) -> Result<(), Fault> {
    let name = receiver.name();
    let key = Sent::key(name);
    let sent = load::<Sent>(&*engine.store, key.clone()).await?;
    let mut sent = sent.unwrap_or_else(|| Row::new(key, Sent::default()));
    let now = engine.now();
    if sent.value.not_before.is_some_and(|before| before > now) {
        return Ok(());
    }
    let mut open: Vec<(Row<Said>, State)> = Vec::new();
    for row in list::<Said>(&*engine.store, Said::PARTITION, "").await? {
        if let Some(state) = decide::next(&row.value, name, now) {
            open.push((row, state));
        }
    }
    let order = |row: &Row<Said>| (row.value.kind, row.value.wrong.since, row.key.clone());
    open.sort_by_cached_key(|(row, _)| order(row));
    let mut open = open.into_iter().peekable();
    while open.peek().is_some() {
        // The last document of the hour speaks for all that are left.
        let some: Vec<(Row<Said>, State)> = match decide::free(&sent.value, engine.now()) {
            0 => return Ok(()),
            1 => open.by_ref().collect(),
            _ => open.by_ref().take(1).collect(),
        };
        if !hand_over(engine, receiver, &mut sent, some).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Hands over one document, and notes what became of it. False when nothing more is to be tried now.
async fn hand_over(
    engine: &Engine,
    receiver: &dyn Receiver,
    sent: &mut Row<Sent>,
    mut some: Vec<(Row<Said>, State)>,
) -> Result<bool, Fault> {
    let now = engine.now();
    let document = match some.as_slice() {
        [(row, state)] => decide::document(&row.value, *state, now),
        all => {
            let all: Vec<_> = all.iter().map(|(row, state)| (&row.value, *state)).collect();
            decide::digest(&all, now)
        }
    };
    let taken = receiver.tell(document.to_string()).await;
    let now = engine.now();
    decide::settle(&mut sent.value, taken, now);
    let mut writes = vec![sent.put()?];
    if taken {
        for (row, state) in &mut some {
            decide::note(&mut row.value, receiver.name(), *state, now);
            writes.push(row.put()?);
        }
    } else {
        let failures = sent.value.failures;
        tracing::warn!(
            receiver = receiver.name(),
            failures,
            "an alert was not taken; it is tried again later"
        );
    }
    let noted = write(engine, writes).await?;
    sent.rev += 1;
    Ok(taken && noted)
}

/// Writes down what was told. What another process changed meanwhile is told again: at least once.
async fn write(engine: &Engine, writes: Vec<Write>) -> Result<bool, Fault> {
    let mut all = true;
    for some in writes.chunks(MAX_TRANSACTION) {
        let written = engine.store.write_each(some.to_vec()).await?;
        all &= written.iter().all(|written| *written == Written::Done);
    }
    Ok(all)
}

/// Forgets alerts of which nothing will be said any more.
pub(super) async fn forget(engine: &Engine, receivers: &[&str]) -> Result<(), Fault> {
    let now: Timestamp = engine.now();
    let rows = list::<Said>(&*engine.store, Said::PARTITION, "").await?;
    let over = rows.iter().filter(|row| decide::is_over(&row.value, receivers, now)).map(Row::delete);
    let writes: Vec<Write> = over.collect();
    write(engine, writes).await.map(drop)
}
