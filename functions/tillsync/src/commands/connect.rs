//! Connecting by token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tillsync_engine::budget::{LocalBudget, Purse};
use tillsync_engine::connect::{self, ConnectRequest, DraftOutcome, Matched, Part, Summary};
use tillsync_engine::ports::Lane;
use tillsync_engine::run::{BackfillRequest, start_backfill};
use tillsync_engine::{Fault, Paced, shapes};
use tillsync_host::{Settings, SystemClock, SystemEntropy};
use tillsync_http::Outgoing;
use tillsync_mapping::sources;

use crate::answer::{Answer, Exit, Trouble};
use crate::cli::Connect;
use crate::config::secret;
use crate::host::Host;

/// Where a store's token comes from.
const TOKEN: &str = "TILLSYNC_SOURCE_TOKEN";
/// Where an account's key comes from.
pub(super) const KEY: &str = "TILLSYNC_DESTINATION_KEY";
/// Between two looks at a draft another process works on.
const LOOK: Duration = Duration::from_millis(200);

pub(super) async fn connect(mut host: Host, options: &Connect) -> Result<Answer, Trouble> {
    let source = options.source.clone().unwrap_or_default();
    host.engine.source(&source)?;
    let token = secret(TOKEN, "the store's access token")?;
    let key = secret(KEY, "the ActiveCampaign key")?;
    let request = ConnectRequest {
        source,
        name: options.name.clone().unwrap_or_default(),
        location: options.location.first().cloned().unwrap_or_default(),
        destination_url: options.destination_url.clone().unwrap_or_default(),
        history: options.history.clone(),
        connection_type: options.connection_type.clone(),
    };
    let secrets = (&token, &key);
    let draft = match options.location.as_slice() {
        [one] if one != connect::ALL => connect::begin(&host.engine, request, secrets).await?,
        several => connect::begin_several(&host.engine, request, several.to_vec(), secrets).await?,
    };
    finished(&mut host, &draft, options.start).await
}

/// Finishes a draft, begins the history if that is wanted, and says what came of it.
pub(super) async fn finished(host: &mut Host, draft: &str, start: bool) -> Result<Answer, Trouble> {
    let summary = match finish(host, draft).await? {
        DraftOutcome::Connected(summary) => summary,
        DraftOutcome::Several(parts) => return several(host, start, &parts).await,
        DraftOutcome::Failed { code, detail, usage } => {
            let exit = if usage { Exit::Usage } else { Exit::Failed };
            return Err(Trouble { exit, code, message: detail });
        }
    };
    let run = if start {
        Some(start_backfill(&host.engine, &summary.connection, &BackfillRequest::default()).await?.run)
    } else {
        None
    };
    let json = shapes::summary(&summary, run.as_ref().map(|run| run.id.as_str()));
    Ok(Answer::complete(words(&summary, run.is_some()), json))
}

/// Several locations, each with what came of it. Some connected and some not is partial; none is a failure.
async fn several(host: &Host, start: bool, parts: &[Part]) -> Result<Answer, Trouble> {
    let (mut text, mut runs, mut connected) = (String::new(), BTreeMap::new(), 0);
    for part in parts {
        match &part.outcome {
            DraftOutcome::Connected(summary) => {
                connected += 1;
                if start {
                    let request = BackfillRequest::default();
                    let started = start_backfill(&host.engine, &summary.connection, &request).await?;
                    runs.insert(summary.connection.clone(), started.run.id);
                }
                text.push_str(&words(summary, start));
            }
            DraftOutcome::Failed { code, detail, .. } => {
                text.push_str(&format!("{} is not connected: {detail} ({code})", part.location));
            }
            DraftOutcome::Several(_) => {}
        }
        text.push_str("\n\n");
    }
    let exit = match connected {
        0 => Exit::Failed,
        all if all == parts.len() => Exit::Complete,
        _ => Exit::Partial,
    };
    Ok(Answer { exit, text, json: shapes::parts(parts, &runs) })
}

/// Finishes a draft here, or has the process that owns the data do it.
async fn finish(host: &mut Host, draft: &str) -> Result<DraftOutcome, Trouble> {
    if host.own().await? {
        return Ok(connect::finish_draft(&host.engine, draft).await?);
    }
    let before = refusal(connect::draft(&host.engine, draft).await?.as_ref());
    connect::enqueue_draft(&host.engine, draft).await?;
    loop {
        let now = connect::draft(&host.engine, draft).await?;
        // One that failed for now says so, and stays open.
        if let Some(refused) = refusal(now.as_ref()).filter(|refused| Some(refused) != before.as_ref()) {
            return Ok(DraftOutcome::Failed { code: refused.code, detail: refused.detail, usage: false });
        }
        if let Some(outcome) = now.and_then(|draft| draft.outcome) {
            return Ok(outcome);
        }
        if host.own().await? {
            return Ok(connect::finish_draft(&host.engine, draft).await?);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn refusal(draft: Option<&connect::Draft>) -> Option<connect::Refused> {
    draft.and_then(|draft| draft.steps.as_ref()).and_then(|steps| steps.refused.clone())
}

fn words(summary: &Summary, started: bool) -> String {
    let mut text = outcome(summary, &summary.name, started);
    let ids: Vec<String> = summary.ids.iter().map(|one| format!("{} is {}", one.from, one.what)).collect();
    if !ids.is_empty() {
        text.push_str(&format!("\nIds: {}.", ids.join("; ")));
    }
    for warning in &summary.warnings {
        text.push_str(&format!("\nWarning: {} ({})", warning.message, warning.code));
    }
    text
}

fn outcome(summary: &Summary, name: &str, started: bool) -> String {
    let about = if summary.exact { "" } else { "more than " };
    if summary.renewed {
        return format!(
            "{} was connected already ({}). Its token and key are renewed.\n\
             Go on: tillsync backfill start {id} --wait where no history was sent yet, backfill resume where one is \
             unfinished, else tillsync poll {id}",
            summary.name,
            summary.connection,
            id = summary.connection,
        );
    }
    let what = match (summary.renewed, summary.adopted) {
        (_, true) => {
            "is connected, to the ActiveCampaign connection that was there: orders made before now may be in it, \
             so they start no automation"
        }
        _ => "is connected",
    };
    let next = if started {
        let id = &summary.connection;
        format!(
            "The history is queued: `tillsync serve` sends it, or `tillsync backfill resume {id} --wait`."
        )
    } else {
        format!(
            "Nothing was sent yet. Send the history: tillsync backfill start {} --wait",
            summary.connection
        )
    };
    format!(
        "{name} {what} ({}).\n{}Its history holds {about}{} orders: about {} calls, {} min, since {}.\n{next}",
        summary.connection,
        held(summary.matched),
        summary.orders,
        summary.calls,
        summary.minutes,
        summary.because,
    )
}

/// What an adopted connection holds, as a line of its own.
fn held(matched: Option<Matched>) -> String {
    match matched {
        None => String::new(),
        Some(Matched { read: 0, .. }) => "It holds no orders yet.\n".to_owned(),
        Some(Matched { read, by_order, by_payment }) => format!(
            "Of its newest {read} orders {by_order} are the location's by their order id, {by_payment} by a payment's.\n"
        ),
    }
}

/// Lists what a token shows. Needs no data directory.
pub(super) async fn locations(config: &Settings, source: &str) -> Result<Answer, Trouble> {
    let known = || sources::all().iter().map(|source| source.name()).collect::<Vec<_>>().join(", ");
    let source = sources::named(source).ok_or_else(|| {
        Trouble::usage("source.unknown", format!("no source {source:?}; there is {}", known()))
    })?;
    let token = secret(TOKEN, "the store's access token")?;
    let http = Outgoing::new(config.allow())
        .map_err(|error| Trouble::usage("config.invalid", format!("the address of the source: {error}")))?;
    let http: Arc<dyn tillsync_mapping::http::Http> = Arc::new(http);
    let (budget, clock, entropy) = (LocalBudget::default(), SystemClock, SystemEntropy);
    let purse = Purse::store(source.name(), "connecting");
    let paced = Paced::new(&*http, &budget, (&clock, &entropy), purse, Lane::Live);
    let url = config.api_urls.get(source.name()).map_or(source.default_api_url(), String::as_str);
    let store = source.identify(&paced, url, &token).await.map_err(Fault::from)?;
    let mut text = String::new();
    let mut list = Vec::new();
    for location in store.locations {
        let state = if location.active { "open" } else { "closed" };
        text.push_str(&format!("{}  {}  {}  {state}\n", location.id, location.name, location.currency));
        list.push(json!(location));
    }
    Ok(Answer::complete(text, json!({"ok": true, "store": store.id, "locations": list})))
}
