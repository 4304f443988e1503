//! How a connection ends and begins again (rules.md sections 4 and 8).
//!
//! Disconnecting stops what is sent, and keeps everything: the connection, its ledger, and its connection at the
//! destination, so that whoever connects the location again goes on where it stopped. Deleting an import takes it out of
//! the lists besides; its ledger stays even then, since without it the next connection would send everything twice.
//! Nothing is ever deleted at the destination.

use tillsync_mapping::activecampaign;
use tillsync_mapping::http::Http;
use tillsync_mapping::source::{Access, Merged, ReadOptions};

use super::{Changed, change, stopped_otherwise, unfinished};
use crate::connect::{prove_waiting, still_there};
use crate::connections::{every, pick_location};
use crate::context::Engine;
use crate::deliver::owe_opt_outs;
use crate::fault::Fault;
use crate::ports::Lane;
use crate::run::{connection as connection_by_id, end_runs};
use crate::state::{Connection, ConnectionState};
use crate::tokens::{self, Given};

/// Ends a connection: nothing further is read or sent for it. What was sent stays, and it can begin again.
///
/// # Errors
/// `connection.unknown`; `connection.over` for a deleted one; of the store.
pub async fn disconnect(engine: &Engine, id: &str) -> Result<Changed, Fault> {
    end(engine, id, ConnectionState::Disconnected).await
}

/// Deletes an import: its schedule ends and it is in no list any more. What was sent stays at the destination, and what
/// is known of it stays here, under the connection's id.
///
/// # Errors
/// `connection.unknown`, or of the store.
pub async fn delete_import(engine: &Engine, id: &str) -> Result<Changed, Fault> {
    end(engine, id, ConnectionState::Deleted).await
}

async fn end(engine: &Engine, id: &str, to: ConnectionState) -> Result<Changed, Fault> {
    let (mut already, mut was_over) = (false, false);
    let connection = change(engine, id, |connection| {
        (already, was_over) = (connection.state == to, connection.is_over());
        if already {
            return Ok(false);
        }
        if connection.state == ConnectionState::Deleted {
            return Err(Fault::usage("connection.over", format!("{} is deleted", connection.name)));
        }
        connection.state = to;
        // From here on no write of its leaves: every one of them asks.
        connection.epoch += u64::from(!was_over);
        (connection.problem, connection.next_sync) = (None, None);
        Ok(true)
    })
    .await?;
    // Also the second time: the first may have been stopped right before.
    let runs = end_runs(engine, &connection).await?;
    let mut note = match to {
        ConnectionState::Deleted => {
            "Nothing is read or sent for it any more, and it is in no list. What was sent stays in \
                                     ActiveCampaign, and what is known of it stays here under its id."
                .to_owned()
        }
        _ => "Nothing is read or sent for it any more. What was sent stays in ActiveCampaign.".to_owned(),
    };
    if runs > 0 {
        note.push_str(" A run at work is cancelled.");
    }
    if !was_over && !stop_there(engine, &connection).await {
        note.push_str(" ActiveCampaign could not be told, so it may show the connection as running.");
    }
    note.push_str(&let_go(engine, &connection).await?);
    Ok(Changed { connection, already, note })
}

/// Shows at the destination that the connection has stopped (activecampaign.md section 2). True where it is shown, or
/// nothing is there to be shown.
async fn stop_there(engine: &Engine, connection: &Connection) -> bool {
    let Some(remote) = connection.remote else { return true };
    let Ok(account) = engine.account(connection).await else { return false };
    let http = engine.destination_http(&connection.destination, Lane::Live);
    let answer = http.send(activecampaign::set_sync_status(&account, remote, false)).await;
    answer.is_ok_and(|response| response.is_success())
}

/// Gives up what no other connection needs: the store's token with the store's last one, the account's key with the
/// account's last one. A disconnected connection keeps a pasted token, since nobody but the operator can end that.
async fn let_go(engine: &Engine, connection: &Connection) -> Result<String, Fault> {
    let all = every(engine).await?;
    let live = |one: &&Connection| !one.is_over() && one.id != connection.id;
    let account = connection.destination_owner();
    let is_deleted = connection.state == ConnectionState::Deleted;
    let of = (connection.source.as_str(), connection.store.as_str());
    let mut note = String::new();
    if !tokens::is_used(engine, of).await? {
        note.push_str(told(tokens::give_back(engine, of, is_deleted).await?));
    }
    if is_deleted && !all.iter().filter(live).any(|one| one.destination_owner() == account) {
        engine.vault.forget(&account).await?;
    }
    Ok(note)
}

/// What somebody who ends a store's last connection is told of its authorisation.
fn told(given: Given) -> &'static str {
    match given {
        Given::Nothing => "",
        Given::Pasted => " The store's token is not taken back: it was pasted, and is yours to end.",
        Given::Unable => {
            " The store's authorisation could not be taken back: no application is set, or it is not the one it was \
             granted to. It is tried again once that is mended; or end it at the store."
        }
        Given::Later => {
            " The store's authorisation could not be taken back now: do this again, or end it at the store."
        }
        Given::Newer => " Somebody signed in for the store meanwhile: that authorisation stays.",
        Given::Back => " It was the store's last connection: its authorisation is taken back.",
    }
}

/// Begins an ended connection again, or one whose authorisation was lost: the same connection at the destination and the
/// same ledger, so nothing is sent twice; the next poll begins where the last one ended.
///
/// # Errors
/// `connection.authorise` where no token is left; `connection.inactive` for one that is paused; what the proofs of both
/// sides say.
pub async fn reconnect(engine: &Engine, id: &str) -> Result<Changed, Fault> {
    let there = connection_by_id(&*engine.store, id).await?.value;
    // It may have been stopped for a secret of the application that is right by now.
    if there.state == ConnectionState::NeedsReconnect {
        tokens::ask_again(engine, &there.source, &there.store).await?;
    }
    match there.state {
        ConnectionState::Active => {
            let note = "It was active already.".to_owned();
            return Ok(Changed { connection: there, already: true, note });
        }
        ConnectionState::Paused => return Err(stopped_otherwise(&there, "resume it")),
        ConnectionState::Draft => return Err(stopped_otherwise(&there, "connect it")),
        ConnectionState::NeedsReconnect | ConnectionState::Disconnected | ConnectionState::Deleted => {}
    }
    let location = prove(engine, &there).await?;
    let now = engine.now();
    let mut was_over = false;
    let connection = change(engine, id, |connection| {
        was_over = connection.is_over();
        if !was_over && connection.state != ConnectionState::NeedsReconnect {
            return Ok(false);
        }
        connection.location = location.clone();
        begin_again(connection, now);
        Ok(true)
    })
    .await?;
    if was_over {
        begins_again(engine, &connection).await?;
    }
    let mut note = if connection.active_sync {
        "What changed meanwhile is read by the next tick.".to_owned()
    } else {
        "It is not polled by itself: active_sync is off.".to_owned()
    };
    note.push_str(unfinished(engine, id).await?);
    Ok(Changed { connection, already: false, note })
}

/// Both sides are asked with what is stored; the location as it is at the store now.
async fn prove(engine: &Engine, there: &Connection) -> Result<tillsync_mapping::model::Location, Fault> {
    let source = engine.source(&there.source)?;
    let missing = || {
        let detail = format!(
            "{}: no token or key is stored any more; sign in or connect its location again",
            there.name
        );
        Fault::reconnect("connection.authorise", detail)
    };
    let gone = |fault: Fault| if fault.code == "config.missing" { missing() } else { fault };
    let Access { token, .. } = engine.access(there).await.map_err(gone)?;
    let account = engine.account(there).await.map_err(gone)?;
    let http = engine.source_http(&there.source, &there.store, Lane::Live);
    let store = source.identify(&http, &there.api_url, &token).await?;
    if store.id != there.store {
        let detail =
            format!("{}: the stored token is for store {}, not {}", there.name, store.id, there.store);
        return Err(Fault::reconnect("connection.other_store", detail));
    }
    let location = pick_location(source, &store.locations, &there.location.id)?;
    let (api_url, options) = (there.api_url.clone(), ReadOptions::default());
    let access = Access {
        api_url,
        token,
        store: store.id,
        location: location.clone(),
        options,
        merged: Merged::default(),
    };
    source.check_scopes(&http, &access).await?;
    let out = engine.destination_http(&there.destination, Lane::Live);
    prove_waiting(&account, &out).await?;
    still_there(there, &account, &out).await?;
    Ok(location)
}

/// A connection at work again; what was begun before it ended stays ended.
pub(crate) fn begin_again(connection: &mut Connection, now: jiff::Timestamp) {
    connection.epoch += u64::from(connection.is_over());
    connection.state = ConnectionState::Active;
    connection.problem = None;
    connection.next_sync = Some(now);
}

/// What an ended connection needs besides when it begins again: it is shown as running, and who opted out meanwhile is
/// owed to its customers, as other connections of the store have read that long ago.
pub(crate) async fn begins_again(engine: &Engine, connection: &Connection) -> Result<(), Fault> {
    if let Some(remote) = connection.remote {
        let account = engine.account(connection).await?;
        let http = engine.destination_http(&connection.destination, Lane::Live);
        let answer = http.send(activecampaign::set_sync_status(&account, remote, true)).await;
        if !answer.is_ok_and(|response| response.is_success()) {
            tracing::info!(connection = connection.id, "the destination may show it as stopped");
        }
    }
    let people = connection.people_partition();
    let all = every(engine).await?;
    if all.iter().any(|one| one.id != connection.id && one.people_partition() == people) {
        owe_opt_outs(engine, connection).await?;
    }
    Ok(())
}
