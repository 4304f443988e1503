//! Who looks after the connection, and asks for things by hand.

use tillsync_engine::run::{
    BackfillRequest, cancel, resume, start_backfill, start_reconcile, start_retry, start_sync,
};
use tillsync_engine::state::{Comparison, ConnectionState, RunKind, RunState};
use tillsync_engine::{Engine, Fault, Kind, connections, manage, tokens};
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
        Action::Disconnect => manage::disconnect(engine, CONNECTION).await.map(drop),
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
        ConnectionState::Disconnected => {
            // Its authorisation was given back, unless it was pasted: then somebody signs in again.
            if let Err(fault) = manage::reconnect(engine, CONNECTION).await {
                if fault.kind != Kind::Reconnect || outside.state().shop.revoked {
                    return Err(fault);
                }
                reconnect(engine, outside).await?;
                manage::reconnect(engine, CONNECTION).await?;
            }
        }
        ConnectionState::NeedsReconnect if !outside.state().shop.revoked => {
            reconnect(engine, outside).await?
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

/// As connecting anew does: the connection works again.
async fn reconnect(engine: &Engine, outside: &Outside) -> Result<(), Fault> {
    let granted = outside.state().shop.tokens.as_mut().map(|tokens| tokens.grant(outside.sim.now()));
    match granted {
        Some(grant) => tokens::keep(engine, "square", &grant).await,
        None => {
            tokens::keep_pasted(engine, &tokens::owner("square", "M1"), &Secret::new("token")).await.map(drop)
        }
    }
}
