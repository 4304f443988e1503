//! Connecting the shop: its webhooks are subscribed to, the merchant signs in at the source and allows it, and every
//! open location is connected in one go.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use tillsync_engine::connect::{self, ALL, DraftOutcome, Summary};
use tillsync_engine::message::Work;
use tillsync_engine::ports::Lane;
use tillsync_engine::state::Connection;
use tillsync_engine::{Engine, connections, intake, sign_in};
use url::Url;

use super::browser;
use super::check::Check;
use super::platforms::{Platforms, failed};
use super::story::say;
use crate::answer::Trouble;
use crate::host::Host;

/// What the connections are called; each has its location's name after it.
const NAME: &str = "Demo";
/// A subscription is made in three calls.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);

/// Everything up to the connections.
pub(super) async fn join(
    host: &Host,
    platforms: &Platforms,
) -> Result<(Vec<Connection>, Vec<Check>), Trouble> {
    let engine = &*host.engine;
    let subscribed = subscribe(engine, platforms).await?;
    let (draft, signed) = sign(engine, platforms).await?;
    let key = (platforms.destination_url.as_str(), &platforms.key);
    connect::choose_locations(engine, &draft, &[ALL.to_owned()]).await?;
    connect::choose_destination(engine, &draft, key, None).await?;
    connect::match_ids(engine, &draft, None).await?;
    connect::choose_name(engine, &draft, (NAME, "all"), true).await?;
    let mut connected = Vec::new();
    for summary in outcome(connect::finish_draft(engine, &draft).await?)? {
        say(&format!("Connected {}: {} orders of history.", summary.name, summary.orders));
        connected.push(connections::find(engine, &summary.connection).await?);
    }
    let ids: BTreeSet<String> = connected.iter().map(|one| one.location.id.clone()).collect();
    let whole = ids == platforms.locations && ids.len() == connected.len();
    let what =
        format!("{} of {} open locations connected by one sign-in", ids.len(), platforms.locations.len());
    Ok((connected, vec![subscribed, signed, Check::of(whole, what)]))
}

/// Has the subscription made, as the first poll of a connection does: by the API, with the token of the application's
/// owner.
async fn subscribe(engine: &Engine, platforms: &Platforms) -> Result<Check, Trouble> {
    let source = platforms.source;
    let url = intake::place(engine, source).await?.ok_or_else(|| failed("the source sends no webhooks"))?;
    let work = Work::Subscription { source: source.to_owned() }.encode()?;
    engine.queue.send(Lane::Live, source, vec![work], Duration::ZERO).await?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE && intake::hooked(engine, source).await?.subscription.is_none() {
        tokio::time::sleep(LOOK).await;
    }
    let there = platforms.ask("/webhooks").await?["subscriptions"].clone();
    let ours =
        |one: &&serde_json::Value| one["notification_url"] == json!(url) && one["enabled"] == json!(true);
    let made = there.as_array().is_some_and(|all| all.len() == 1 && all.iter().filter(ours).count() == 1);
    if made {
        say("Subscribed to the shop's webhooks, at an address of this machine.");
    }
    Ok(Check::of(made, "one webhook subscription, made through the API"))
}

/// A one-time link, the merchant's browser, and what came of it: the draft to go on with.
async fn sign(engine: &Engine, platforms: &Platforms) -> Result<(String, Check), Trouble> {
    let source = platforms.source;
    platforms.tell("/settings", &json!({format!("{source}_consent"): "allow"})).await?;
    let draft = connect::open(engine, source).await?;
    let link = sign_in::invite(engine, &format!("/oauth/{source}/start?draft={draft}")).await?;
    say("The merchant's browser opens the sign-in link, and the merchant allows it on the platform's page.");
    let page = browser::open(&link).await?;
    let steps = connect::going_on(engine, &draft).await?.steps.unwrap_or_default();
    if let Some(refused) = steps.refused {
        return Err(Trouble::failed(&refused.code, refused.detail));
    }
    if steps.store.is_none() {
        return Err(failed(&format!("the sign-in ended at {} with {}", page.url.path(), page.status)));
    }
    let platform = Url::parse(&platforms.source_url).map_err(|_| failed("the stand-in has no address"))?;
    let asked_there = page.asked.iter().filter(|origin| **origin == platform.origin()).count();
    let held =
        page.status == 200 && asked_there == 1 && page.url.path() == format!("/oauth/{source}/callback");
    Ok((draft, Check::of(held, "signed in through the platform's page and back (OAuth)")))
}

/// The connections of a draft, or why one of them is none.
fn outcome(outcome: DraftOutcome) -> Result<Vec<Summary>, Trouble> {
    match outcome {
        DraftOutcome::Connected(summary) => Ok(vec![summary]),
        DraftOutcome::Failed { code, detail, .. } => Err(Trouble::failed(&code, detail)),
        DraftOutcome::Several(parts) => {
            let mut all = Vec::new();
            for part in parts {
                match part.outcome {
                    DraftOutcome::Connected(summary) => all.push(summary),
                    DraftOutcome::Failed { code, detail, .. } => return Err(Trouble::failed(&code, detail)),
                    DraftOutcome::Several(_) => return Err(failed("a location of several locations")),
                }
            }
            Ok(all)
        }
    }
}
