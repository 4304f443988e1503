//! Connecting by signing in: a link is printed, a browser goes to the source and back, and the command goes on from
//! there. What is known stands in a draft, so it can be stopped at any moment.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tillsync_console::Front;
use tillsync_engine::connect::{self, Offer, Refused, Wanted};
use tillsync_engine::{Engine, connections, sign_in};
use tillsync_host::Settings;
use tillsync_mapping::model::{Location, Secret};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::connect::{KEY, finished};
use super::serve::stopped;
use crate::answer::{Answer, Exit, Trouble};
use crate::cli::Connect;
use crate::config::secret;
use crate::host::Host;

/// How long somebody may take: as long as a sign-in is good for.
const LONGEST: SignedDuration = SignedDuration::from_mins(30);
/// Between two looks whether the browser came back.
const LOOK: Duration = Duration::from_millis(200);
/// Where browsers are answered when a proxy in front of it has the public address.
const BEHIND_PROXY: u16 = 8787;

/// Every route of the embedded host.
pub(super) fn routes(engine: &Arc<Engine>) -> Router {
    tillsync_console::router(Arc::clone(engine))
        .merge(tillsync_console::sign_in(Arc::clone(engine), Front::Port))
}

/// Connects by signing in, or goes on with a draft.
pub(super) async fn connect(mut host: Host, config: &Settings, options: &Connect) -> Result<Answer, Trouble> {
    let id = match &options.resume {
        Some(id) => id.clone(),
        None => begin(&host, options).await?,
    };
    let draft = connect::going_on(&host.engine, &id).await?;
    if draft.steps.as_ref().is_none_or(|steps| steps.store.is_none()) {
        let next = format!("/oauth/{}/start?draft={id}", draft.request.source);
        let resume = format!("go on with: tillsync connect --resume {id}");
        let look = async |engine: &Engine, since: Timestamp| {
            let steps = connect::going_on(engine, &id).await?.steps.unwrap_or_default();
            Ok(match (steps.store, steps.refused) {
                (Some(_), _) => Some(Ok(())),
                (None, Some(refused)) if refused.at >= since => Some(Err(refused)),
                _ => None,
            })
        };
        sign(&mut host, config, (&next, &resume), look).await?;
    }
    match go_on(&mut host, &id, options).await {
        Err(trouble) if !trouble.message.contains("--resume") && still_open(&host, &id).await => {
            let message = format!(
                "{}; the sign-in is kept, go on with: tillsync connect --resume {id}",
                trouble.message
            );
            Err(Trouble { message, ..trouble })
        }
        answer => answer,
    }
}

async fn still_open(host: &Host, id: &str) -> bool {
    connect::going_on(&host.engine, id).await.is_ok()
}

/// Opens a draft with all that is known before anybody signs in.
async fn begin(host: &Host, options: &Connect) -> Result<String, Trouble> {
    let engine = &host.engine;
    let source = engine.source(options.source.as_deref().unwrap_or_default())?;
    connect::application(engine, source)?;
    let key = secret(KEY, "the ActiveCampaign key")?;
    let wanted = Wanted {
        locations: options.location.clone(),
        destination_url: options.destination_url.clone(),
        connection_type: options.connection_type.clone(),
        start: options.start,
    };
    let id = connect::open(engine, source.name()).await?;
    connect::want(engine, &id, wanted, &key).await?;
    let name = options.name.as_deref().unwrap_or_default();
    connect::choose_name(engine, &id, (name, &options.history), !options.no_active_sync).await?;
    Ok(id)
}

/// The steps after the sign-in. Each is kept once it is done.
async fn go_on(host: &mut Host, id: &str, options: &Connect) -> Result<Answer, Trouble> {
    let draft = connect::going_on(&host.engine, id).await?;
    let wanted = draft.steps.as_ref().map(|steps| steps.wanted.clone()).unwrap_or_default();
    let chosen = Some(draft.request.location.clone()).filter(|chosen| !chosen.is_empty());
    {
        // Beside a `serve` that calls the same platforms; the proof of being alone is kept as long.
        let (engine, _alone) =
            if host.own().await? { (Arc::clone(&host.engine), None) } else { host.beside()? };
        if !options.location.is_empty() || chosen.is_none() {
            let mut locations = options.location.clone();
            if locations.is_empty() {
                locations = wanted.locations;
            }
            if locations.is_empty() {
                locations.push(pick(&connect::locations(&engine, id).await?, id)?);
            }
            connect::choose_locations(&engine, id, &locations).await?;
        }
        let url = options
            .destination_url
            .clone()
            .or(wanted.destination_url)
            .or(Some(draft.request.destination_url.clone()));
        let url = url.filter(|url| !url.is_empty()).ok_or_else(|| missing("--destination-url", id))?;
        let key = match connect::key_of(&engine, id).await? {
            Some(key) if options.resume.is_none() || std::env::var_os(KEY).is_none() => key,
            _ => secret(KEY, "the ActiveCampaign key")?,
        };
        let kind = options.connection_type.clone().or(wanted.connection_type);
        tell(&connect::choose_destination(&engine, id, (&url, &key), kind.as_deref()).await?);
        connect::match_ids(&engine, id, None).await?;
        if draft.request.name.is_empty() {
            name(&engine, id, options).await?;
        }
    }
    finished(host, id, wanted.start || options.start).await
}

/// A draft that a browser began has no name yet: the location's will do.
async fn name(engine: &Engine, id: &str, options: &Connect) -> Result<(), Trouble> {
    let draft = connect::going_on(engine, id).await?;
    let locations = connect::locations(engine, id).await?;
    let own = locations.iter().find(|location| location.id == draft.request.location);
    let name = own.map(|location| location.name.clone()).ok_or_else(|| missing("--name", id))?;
    Ok(connect::choose_name(engine, id, (&name, &options.history), true).await?)
}

fn missing(option: &str, id: &str) -> Trouble {
    let message = format!("{option}: give it, and go on with: tillsync connect --resume {id} {option} ...");
    Trouble::usage("draft.incomplete", message)
}

/// What is there already, before anything is made.
fn tell(offer: &Offer) {
    if let Some(existing) = &offer.existing {
        eprintln!(
            "ActiveCampaign connection {} is this location's already; it is gone on with, so nothing counts twice",
            existing.id
        );
    }
    for warning in &offer.warnings {
        eprintln!("Warning: {} ({})", warning.message, warning.code);
    }
}

/// Asks which location; without a terminal the list is the answer.
fn pick(locations: &[Location], id: &str) -> Result<String, Trouble> {
    let open: Vec<&Location> = locations.iter().filter(|location| location.active).collect();
    if let [only] = open.as_slice() {
        return Ok(only.id.clone());
    }
    let list: Vec<String> = open.iter().map(|one| format!("{} ({})", one.name, one.id)).collect();
    let unknown = || {
        let list = list.join(", ");
        let message = format!(
            "--location: choose one of {list}; go on with: tillsync connect --resume {id} --location ..."
        );
        Trouble::usage("draft.incomplete", message)
    };
    if !std::io::stdin().is_terminal() {
        return Err(unknown());
    }
    for (number, line) in list.iter().enumerate() {
        eprintln!("{:3}  {line}", number + 1);
    }
    eprint!("Which location? ");
    // Without a flush the question may come after the answer.
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|_| unknown())?;
    let number = answer.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    number.and_then(|number| open.get(number)).map(|location| location.id.clone()).ok_or_else(unknown)
}

/// Authorises a connection again.
pub(super) async fn reauthorise(
    mut host: Host,
    config: &Settings,
    connection: &str,
) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    connect::application(&host.engine, host.engine.source(&connection.source)?)?;
    let id = &connection.id;
    let next = format!("/oauth/{}/start?connection={id}", connection.source);
    let again = format!("run it again: tillsync reauthorise {id}");
    let look = async |engine: &Engine, since: Timestamp| {
        let last = sign_in::last(engine, id).await?.filter(|last| last.at >= since);
        Ok(last.map(|last| last.refused.map_or(Ok(()), Err)))
    };
    sign(&mut host, config, (&next, &again), look).await?;
    let text = format!(
        "{} is authorised again. `tillsync serve` goes on with what waited; without it: tillsync backfill resume {id} \
         --wait for an unfinished history, and tillsync sync {id}",
        connection.name,
    );
    let json = json!({"ok": true, "connection": id, "name": connection.name, "store": connection.store});
    Ok(Answer::complete(text, json))
}

/// Prints the link and waits until the browser came back.
async fn sign<L>(
    host: &mut Host,
    config: &Settings,
    (next, again): (&str, &str),
    look: L,
) -> Result<(), Trouble>
where
    L: AsyncFn(&Engine, Timestamp) -> Result<Option<Result<(), Refused>>, tillsync_engine::Fault>,
{
    let server = answer_browsers(host, config, again).await?;
    let engine = Arc::clone(&host.engine);
    let since = engine.now();
    let link: Secret = sign_in::invite(&engine, next).await?;
    eprintln!("Open this address in a browser; it works once, for 15 minutes:\n{}", link.expose());
    eprintln!("Waiting for the sign-in ...");
    let waiting = async {
        while engine.now().duration_since(since) < LONGEST {
            if let Some(ended) = look(&engine, since).await? {
                return ended.map_err(|refused| Trouble {
                    exit: Exit::Failed,
                    code: refused.code,
                    message: format!("{}; {again}", refused.detail),
                });
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(Trouble::failed("sign_in.waiting", format!("nobody came back within 30 minutes; {again}")))
    };
    let result = tokio::select! {
        result = waiting => result,
        () = stopped() => Err(Trouble::failed("sign_in.waiting", format!("stopped before anybody came back; {again}"))),
    };
    if let Some(server) = server {
        // The page that says so is still on its way to the browser.
        tokio::time::sleep(LOOK).await;
        server.abort();
    }
    result
}

/// Browsers are answered by the `serve` that owns the directory, or else here, meanwhile.
async fn answer_browsers(
    host: &mut Host,
    config: &Settings,
    again: &str,
) -> Result<Option<JoinHandle<std::io::Result<()>>>, Trouble> {
    if !host.own().await? {
        if let Some(place) = sign_in::answers_at(&host.engine).await? {
            host.reached_at(place);
        }
        return Ok(None);
    }
    let port = match url::Url::parse(&config.public_url) {
        Ok(url) if url.host_str() == Some("127.0.0.1") => url.port_or_known_default().unwrap_or(BEHIND_PROXY),
        _ => BEHIND_PROXY,
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        let message = format!("127.0.0.1:{port}, where the browser is to come back: {error}; {again}");
        Trouble::usage("sign_in.address", message)
    })?;
    let router = routes(&host.engine);
    Ok(Some(tokio::spawn(async move { axum::serve(listener, router).await })))
}
