//! What an operator asks by an event, and the answer: connect, start, look, stop, without a command line.

use async_trait::async_trait;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tillsync_mapping::model::Secret;

use super::connecting::make;
use super::event::{Again, Asked, Compare, Of, OneRecord, Start};
use super::{signing, verbs};
use crate::codes::{codes, explained};
use crate::context::Engine;
use crate::fault::Fault;
use crate::plan::{day, day_of};
use crate::ports::Lane;
use crate::preview::preview;
use crate::run::{
    BackfillRequest, Progress, Started, active_run, cancel, days, estimate, progress, resume, start_backfill,
    start_poll, start_reconcile, start_retry, start_sync,
};
use crate::state::{Comparison, Connection, Day, Run, RunKind};
use crate::{connections, manage, shapes};

/// Days shown at the most: the first that differ.
const MAX_DAYS: usize = 100;
/// Runs listed at the most: the newest.
const MAX_RUNS: usize = 20;

/// Where the token and the key of a connection to be made come from: never from the event.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The store's token.
    async fn source_token(&self) -> Result<Secret, Fault>;
    /// The destination's key.
    async fn destination_key(&self) -> Result<Secret, Fault>;
}

/// Answers an operator.
///
/// # Errors
/// Every [`Fault`] of what was asked for.
pub async fn operate(engine: &Engine, asked: &Asked, credentials: &dyn Credentials) -> Result<Value, Fault> {
    match asked {
        Asked::Help => help(engine).await,
        Asked::Locations(of) => locations(engine, &of.source, credentials).await,
        Asked::Connect(what) => make(engine, what, credentials).await,
        Asked::SignIn(what) => signing::sign_in(engine, what).await,
        Asked::ConnectSigned(what) => signing::connect(engine, what, credentials).await,
        Asked::List => list(engine).await,
        Asked::Start(what) => start(engine, what).await,
        Asked::Status(of) => status(engine, of).await,
        Asked::Cancel(of) => stop(engine, of).await,
        Asked::Resume(of) => go_on(engine, of).await,
        Asked::Reconcile(what) => reconcile(engine, what).await,
        Asked::Comparison(of) => comparison(engine, of).await,
        Asked::Poll(of) => {
            let connection = connections::find(engine, &of.connection).await?;
            let started = start_poll(engine, &connection.id).await?;
            begun(engine, &connection, &started).await
        }
        Asked::Sync(of) => {
            let connection = connections::find(engine, &of.connection).await?;
            let started = start_sync(engine, &connection.id).await?;
            begun(engine, &connection, &started).await
        }
        Asked::Retry(what) => again(engine, what).await,
        Asked::Runs(of) => runs(engine, of).await,
        Asked::Record(what) => record(engine, what).await,
        Asked::Pause(of) => verbs::change(engine, of, manage::pause).await,
        Asked::Unpause(of) => verbs::change(engine, of, manage::resume).await,
        Asked::Rename(what) => verbs::rename(engine, what).await,
        Asked::Set(what) => verbs::set(engine, what).await,
        Asked::Disconnect(of) => verbs::change(engine, of, manage::disconnect).await,
        Asked::Reconnect(of) => verbs::change(engine, of, manage::reconnect).await,
        Asked::DeleteImport(of) => verbs::change(engine, of, manage::delete_import).await,
        Asked::SetDestination(what) => verbs::move_destination(engine, what, credentials).await,
        Asked::Erase(what) => verbs::forget(engine, what).await,
        Asked::Find(what) => verbs::search(engine, what).await,
        Asked::Preview(what) => verbs::look_ahead(engine, what).await,
        Asked::Doctor(what) => verbs::doctor(engine, what).await,
        Asked::RotateKey => verbs::rotate_key(engine).await,
        Asked::Explain(of) => {
            let text = explained(&of.code).ok_or_else(|| {
                let known: Vec<_> = codes().iter().map(|text| text.code).collect();
                let hint = crate::nearest::hint(&of.code, known);
                Fault::usage("code.unknown", format!("no message carries this code{hint}"))
            })?;
            Ok(json!({"ok": true, "code": text.code, "meaning": text.meaning, "action": text.action}))
        }
    }
}

/// The actions, an example of each to paste, and the connections there are.
///
/// # Errors
/// Of the store.
pub async fn help(engine: &Engine) -> Result<Value, Fault> {
    let connections = connections::all(engine).await?;
    let name = connections.first().map_or("Main Street", |connection| connection.name.as_str());
    let source = tillsync_mapping::sources::all().first().map_or("", |source| source.name());
    Ok(json!({
        "ok": true,
        "help": "Send one of these events. A connection is named by its name or its id.",
        "first": "To connect a shop, put TILLSYNC_SOURCE_TOKEN and TILLSYNC_DESTINATION_KEY into the stack's secret, \
                  send `locations`, then `connect`, and take both out of the secret again.",
        "actions": [
            {"does": "lists the locations the token in the secret shows",
             "event": {"action": "locations", "source": source}},
            {"does": "connects a location; sends no order unless start is true",
             "event": {"action": "connect", "source": source, "name": name, "location": "L...",
                       "destination_url": "https://ACCOUNT.api-us1.com", "history": "this-year", "start": false}},
            {"does": "answers with a link by which somebody signs in at the source; with a connection it is authorised again",
             "event": {"action": "sign_in", "source": source, "connection": null, "draft": null}},
            {"does": "connects a location of the draft somebody signed in for",
             "event": {"action": "connect_oauth", "draft": "01J...", "name": name, "location": "L...",
                       "destination_url": "https://ACCOUNT.api-us1.com", "history": "this-year", "start": false}},
            {"does": "lists the connections and how they are", "event": {"action": "list"}},
            {"does": "sends the history; with dry_run only says what it would take",
             "event": {"action": "start", "connection": name, "from": "2026-01-01", "to": null, "dry_run": true}},
            {"does": "sends a trial, of the oldest orders; with force what is there goes again",
             "event": {"action": "start", "connection": name, "limit": 20, "force": false}},
            {"does": "says how far the newest history is", "event": {"action": "status", "connection": name}},
            {"does": "reads no further; what was sent stays", "event": {"action": "cancel", "connection": name}},
            {"does": "goes on with a history that was stopped or ended incomplete",
             "event": {"action": "resume", "connection": name}},
            {"does": "reads what changed, now", "event": {"action": "poll", "connection": name}},
            {"does": "compares the store with ActiveCampaign, day by day; with repair sends again what is missing there",
             "event": {"action": "reconcile", "connection": name, "from": "2026-01-01", "to": null, "repair": false}},
            {"does": "says what the newest comparison found", "event": {"action": "comparison", "connection": name}},
            {"does": "reads what changed and the last days once more, and tries again what is parked",
             "event": {"action": "sync", "connection": name}},
            {"does": "tries again what is parked; with an id, reads that record anew and sends it if anything is new",
             "event": {"action": "retry", "connection": name, "id": null}},
            {"does": "lists the newest runs", "event": {"action": "runs", "connection": name}},
            {"does": "tells everything known of one record",
             "event": {"action": "record", "connection": name, "stream": "orders", "id": "..."}},
            {"does": "stops it: nothing is read or sent until unpause",
             "event": {"action": "pause", "connection": name}},
            {"does": "starts a paused one again", "event": {"action": "unpause", "connection": name}},
            {"does": "gives it another name", "event": {"action": "rename", "connection": name, "name": "Other Street"}},
            {"does": "sets history, live_hours, customers, order_link, orders_without_customer or active_sync",
             "event": {"action": "set", "connection": name, "setting": "customers", "value": "with_orders"}},
            {"does": "ends it: nothing further is read or sent; what was sent stays, and reconnect begins it again",
             "event": {"action": "disconnect", "connection": name}},
            {"does": "begins an ended one again where it stopped; nothing is sent twice",
             "event": {"action": "reconnect", "connection": name}},
            {"does": "ends it and takes it out of the lists; what was sent stays",
             "event": {"action": "delete_import", "connection": name}},
            {"does": "gives its account the key in the secret, and another address of the same account",
             "event": {"action": "set_destination", "connection": name, "destination_url": "https://ACCOUNT.api-us1.com"}},
            {"does": "forgets a person: empties what is held of them, and keeps them from coming back; with store instead \
                      of connection, of a store by its id",
             "event": {"action": "erase", "connection": name, "address": "ann@example.org"}},
            {"does": "finds orders and people by id, number, address or name",
             "event": {"action": "find", "text": "ann@example.org"}},
            {"does": "says what the history would send, and shows one order as it would go out; writes nothing",
             "event": {"action": "preview", "connection": name, "order": null}},
            {"does": "says what is well and what is not", "event": {"action": "doctor", "offline": false}},
            {"does": "seals every token and key anew with the newest data key of the secret",
             "event": {"action": "rotate_key"}},
            {"does": "says what a code means and what to do",
             "event": {"action": "explain", "code": "connection.unknown"}},
        ],
        "connections": connections.iter().map(brief).collect::<Vec<_>>(),
    }))
}

fn brief(connection: &Connection) -> Value {
    json!({"id": connection.id, "name": connection.name, "state": connection.state_word()})
}

async fn list(engine: &Engine) -> Result<Value, Fault> {
    let all = connections::all(engine).await?;
    let addresses = crate::intake::Addresses::load(engine).await;
    let heads: Vec<_> = all.iter().map(|one| shapes::head(one, &addresses)).collect();
    Ok(json!({"ok": true, "connections": heads}))
}

async fn locations(engine: &Engine, source: &str, credentials: &dyn Credentials) -> Result<Value, Fault> {
    let source = engine.source(source)?;
    let token = credentials.source_token().await?;
    let http = engine.source_http(source.name(), "connecting", Lane::Live);
    let store = source.identify(&http, &engine.api_url(source), &token).await?;
    Ok(json!({"ok": true, "store": store.id, "locations": store.locations}))
}

async fn start(engine: &Engine, what: &Start) -> Result<Value, Fault> {
    let connection = connections::find(engine, &what.connection).await?;
    whole(what.streams.as_deref())?;
    let zone = TimeZone::get(&connection.location.timezone).unwrap_or(TimeZone::UTC);
    let from = what.from.as_deref().map(|text| day("from", text, &zone, false)).transpose()?;
    let to = what.to.as_deref().map(|text| day("to", text, &zone, true)).transpose()?;
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(Fault::usage("config.invalid", "from is later than to"));
    }
    let request = BackfillRequest { from, to, limit: what.limit.map(u64::from), force: what.force };
    let at_work = active_run(engine, &connection.id, RunKind::Historical).await?;
    if what.dry_run {
        let preview = match at_work {
            Some(_) => None,
            None => Some(preview(engine, &connection.id, &request, None).await?),
        };
        return Ok(json!({
            "ok": true, "dry_run": true, "connection": brief(&connection),
            "estimate": preview.as_ref().map(shapes::estimate), "already_running": preview.is_none(),
        }));
    }
    let estimate = match at_work {
        Some(_) => None,
        None => Some(estimate(engine, &connection.id, &request).await?),
    };
    let estimate = estimate.map(|estimate| {
        json!({
            "orders": estimate.orders, "exact": estimate.exact, "minutes": estimate.minutes,
            "calls": {"source": estimate.source_calls, "destination": estimate.destination_calls},
            "because": estimate.because,
        })
    });
    let started = start_backfill(engine, &connection.id, &request).await?;
    let mut answer = told(engine, &connection, &started.run).await?;
    answer["already_running"] = json!(started.already);
    answer["estimate"] = json!(estimate);
    answer["automations"] = json!(match connection.settings.live_hours {
        0 => "None are started: the setting live_hours is 0.".to_owned(),
        hours => format!("Orders more than {hours} hours old start none; younger ones do."),
    });
    answer["next"] = json!({"action": "status", "connection": connection.id});
    Ok(answer)
}

/// A history is read whole: orders lead to people and products.
fn whole(streams: Option<&[String]>) -> Result<(), Fault> {
    let Some(streams) = streams else { return Ok(()) };
    let wanted = |stream: &str| streams.iter().any(|named| named == stream);
    let strange = streams.iter().find(|named| !["orders", "customers", "products"].contains(&named.as_str()));
    if let Some(strange) = strange {
        let detail = format!("streams: no stream {strange:?}; there is: orders, customers, products");
        return Err(Fault::usage("event.invalid", detail));
    }
    if wanted("orders") && wanted("customers") {
        return Ok(());
    }
    let detail = "streams: orders and customers are read together in this version; leave streams out";
    Err(Fault::usage("event.unavailable", detail))
}

async fn status(engine: &Engine, of: &Of) -> Result<Value, Fault> {
    let connection = connections::find(engine, &of.connection).await?;
    let run = connections::newest_run(engine, &connection.id, RunKind::Historical).await?;
    told(engine, &connection, &run).await
}

async fn stop(engine: &Engine, of: &Of) -> Result<Value, Fault> {
    let connection = connections::find(engine, &of.connection).await?;
    let run = cancel(engine, &connection.id).await?;
    told(engine, &connection, &run).await
}

async fn go_on(engine: &Engine, of: &Of) -> Result<Value, Fault> {
    let connection = connections::find(engine, &of.connection).await?;
    let started = resume(engine, &connection.id).await?;
    told(engine, &connection, &started.run).await
}

async fn again(engine: &Engine, what: &Again) -> Result<Value, Fault> {
    let connection = connections::find(engine, &what.connection).await?;
    let started = start_retry(engine, &connection.id, what.id.as_deref()).await?;
    begun(engine, &connection, &started).await
}

/// A run that was asked for, and how to see what comes of it.
async fn begun(engine: &Engine, connection: &Connection, started: &Started) -> Result<Value, Fault> {
    let mut answer = told(engine, connection, &started.run).await?;
    answer["already_running"] = json!(started.already);
    answer["next"] = json!({"action": "runs", "connection": connection.id});
    Ok(answer)
}

async fn reconcile(engine: &Engine, what: &Compare) -> Result<Value, Fault> {
    let connection = connections::find(engine, &what.connection).await?;
    let date = |name: &str, text: &Option<String>| text.as_deref().map(|text| day_of(name, text)).transpose();
    let (first, last) = (date("from", &what.from)?, date("to", &what.to)?);
    let asked = Comparison { first, last, repair: what.repair, ..Comparison::default() };
    let started = start_reconcile(engine, &connection.id, asked).await?;
    let mut answer = told(engine, &connection, &started.run).await?;
    answer["already_running"] = json!(started.already);
    answer["next"] = json!({"action": "comparison", "connection": connection.id});
    Ok(answer)
}

/// Days without a difference are left out: an answer has a longest size.
async fn comparison(engine: &Engine, of: &Of) -> Result<Value, Fault> {
    let connection = connections::find(engine, &of.connection).await?;
    let run = connections::newest_run(engine, &connection.id, RunKind::Reconcile).await?;
    let state = progress(engine, &connection.id, &run.id).await?;
    let days = days(engine, &run.id).await?;
    let mut answer = shapes::comparison(&connection, &state, &days);
    let odd: Vec<Day> = days.into_iter().filter(|day| day.differences().next().is_some()).collect();
    answer["days"] = shapes::comparison(&connection, &state, &odd[..odd.len().min(MAX_DAYS)])["days"].take();
    answer["days_that_differ"] = json!(odd.len());
    Ok(answer)
}

async fn runs(engine: &Engine, of: &Of) -> Result<Value, Fault> {
    let connection = connections::find(engine, &of.connection).await?;
    let all = connections::runs(engine, &connection.id).await?;
    let mut list = Vec::new();
    for run in all.iter().take(MAX_RUNS) {
        list.push(shapes::run(&progress(engine, &connection.id, &run.id).await?));
    }
    Ok(json!({"ok": true, "connection": brief(&connection), "in_all": all.len(), "runs": list}))
}

async fn record(engine: &Engine, what: &OneRecord) -> Result<Value, Fault> {
    let connection = connections::find(engine, &what.connection).await?;
    let row = connections::record(engine, &connection, &what.stream, &what.id).await?;
    Ok(json!({"ok": true, "record": shapes::record(&what.id, &row)}))
}

async fn told(engine: &Engine, connection: &Connection, run: &Run) -> Result<Value, Fault> {
    let state = progress(engine, &connection.id, &run.id).await?;
    Ok(json!({
        "ok": true, "connection": brief(connection), "summary": sentence(connection, &state),
        "run": shapes::run(&state),
    }))
}

/// One line a person reads first.
fn sentence(connection: &Connection, state: &Progress) -> String {
    let run = &state.run;
    let orders = &state.streams.orders;
    let mut text = format!("{}: {}", connection.name, run.state.word());
    if let Some((expected, exact)) = run.expected {
        let more = if exact { "" } else { "more than " };
        text.push_str(&format!(", {} of {more}{expected} orders looked at", orders.observed));
    }
    if let Some(limit) = run.limit {
        text.push_str(&format!("; a trial of {limit} orders"));
    }
    match (&run.problem, &state.eta_reason) {
        (Some(problem), _) => text.push_str(&format!("; {} ({})", problem.detail, problem.code)),
        (None, Some(reason)) => {
            let left = state.eta_seconds.map_or(String::new(), |seconds| format!("about {seconds} s left: "));
            text.push_str(&format!("; {left}{reason}"));
        }
        (None, None) => {}
    }
    text
}
