//! Who looks after the connection, and asks for things by hand.

use tillsync_engine::run::{
    BackfillRequest, cancel, resume, start_backfill, start_reconcile, start_retry, start_sync,
};
use tillsync_engine::state::{Comparison, Connection, ConnectionState, RunKind, RunState};
use tillsync_engine::{Engine, Fault, connections, manage};

use tillsync_mapping::model::Secret;

use super::CONNECTION;
use crate::plan::Action;
use crate::state::Outside;

/// Asks for something; what is refused is told to whoever asked.
pub(super) async fn ask(engine: &Engine, action: Action) {
    let done = match action {
        Action::Sync => start_sync(engine, CONNECTION).await.map(drop),
        Action::Retry => start_retry(engine, CONNECTION, None).await.map(drop),
        Action::Repair => {
            let asked = Comparison { repair: true, ..Comparison::default() };
            start_reconcile(engine, CONNECTION, asked).await.map(drop)
        }
        Action::Cancel => cancel(engine, CONNECTION).await.map(drop),
        Action::Pause => manage::pause(engine, CONNECTION).await.map(drop),
    };
    // Told to whoever asked.
    drop(done);
}

/// Mends the connection, asks for the history, and goes on with one that did not complete.
pub(super) async fn look_after(engine: &Engine, outside: &Outside, wants: bool) -> Result<(), Fault> {
    let connection = connections::find(engine, CONNECTION).await?;
    match connection.state {
        ConnectionState::Paused => drop(manage::resume(engine, CONNECTION).await?),
        ConnectionState::NeedsReconnect if !outside.state().shop.revoked => {
            reconnect(engine, &connection).await?;
        }
        _ => {}
    }
    if !wants {
        return Ok(());
    }
    match connections::newest_run(engine, CONNECTION, RunKind::Historical).await {
        Ok(run) if run.ended() && run.state != RunState::Complete => {
            resume(engine, CONNECTION).await?;
        }
        Ok(_) => {}
        Err(_) => drop(start_backfill(engine, CONNECTION, &BackfillRequest::default()).await?),
    }
    Ok(())
}

/// As connecting anew does: the token is stored again, and the connection works.
async fn reconnect(engine: &Engine, connection: &Connection) -> Result<(), Fault> {
    engine.vault.put(&connection.store_owner(), &Secret::new("token")).await?;
    tillsync_engine::state::update(
        &*engine.store,
        &Connection::key(CONNECTION),
        |connection: &mut Connection| {
            connection.state = ConnectionState::Active;
            connection.problem = None;
        },
    )
    .await?;
    Ok(())
}
