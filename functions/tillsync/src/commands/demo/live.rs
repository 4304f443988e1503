//! A live sale: the shop sells, its platform sends a signed webhook, and nobody polls.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tillsync_engine::connections;
use tillsync_engine::state::{Connection, RunKind};

use super::check::{self, Check};
use super::platforms::{Platforms, failed};
use super::story::say;
use crate::answer::Trouble;
use crate::follow::{Followed, follow};
use crate::host::Host;

/// It must be there by then.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(250);
/// Between two words about it.
const WORD: Duration = Duration::from_secs(5);

/// Sells something and waits until it is at the destination.
pub(super) async fn sell(
    host: &mut Host,
    platforms: &Platforms,
    connections: &[Connection],
) -> Result<(Vec<Check>, Value), Trouble> {
    let before = platforms.ask("/stats").await?;
    let polls = runs(host, connections, RunKind::Poll).await?.len();
    let sold = platforms.tell("/changes", &json!({"new_sales": 1, "age_seconds": 0})).await?;
    let id = sold["new_sales"][0].as_str().ok_or_else(|| failed("nothing was sold"))?.to_owned();
    let seconds = wait(platforms, &id).await?.map(|after| after.as_secs_f64());
    let came = match seconds {
        Some(seconds) => format!("{seconds:.1} s later"),
        None => format!("not within {} s", PATIENCE.as_secs()),
    };
    say(&format!("The sale is at ActiveCampaign: {came}."));
    let hooked = runs(host, connections, RunKind::Webhook).await?;
    let states = follow(host, true, &hooked).await?;
    let polled = runs(host, connections, RunKind::Poll).await?.len() - polls;

    let mut checks = vec![
        Check::of(
            seconds.is_some() && polled == 0,
            format!("a live sale came by webhook, {came}, {polled} polls"),
        ),
        check::webhook_runs(&states),
    ];
    let (expected, stats) = (platforms.ask("/expected").await?, platforms.ask("/stats").await?);
    checks.extend(check::live(connections, &expected, (&before, &stats)));
    Ok((checks, json!({"seconds": seconds, "polls": polled})))
}

/// How long it takes until the sale is there, as one that starts automations; none where it never is.
async fn wait(platforms: &Platforms, id: &str) -> Result<Option<Duration>, Trouble> {
    let began = Instant::now();
    let mut word = WORD;
    while began.elapsed() < PATIENCE {
        let order = platforms.ask(&format!("/orders/{id}")).await?;
        if order["records"][0]["history"][0]["creation_source"] == "REAL_TIME" {
            return Ok(Some(began.elapsed()));
        }
        if began.elapsed() >= word {
            say(&format!("Waiting for the webhook's sale, {} s ...", began.elapsed().as_secs()));
            word += WORD;
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(None)
}

/// The runs of a kind there were so far.
async fn runs(host: &Host, connections: &[Connection], kind: RunKind) -> Result<Vec<Followed>, Trouble> {
    let mut all = Vec::new();
    for one in connections {
        let runs = connections::runs(&host.engine, &one.id).await?;
        let of_kind = runs.into_iter().filter(|run| run.kind == kind);
        all.extend(of_kind.map(|run| Followed { name: one.name.clone(), run }));
    }
    Ok(all)
}
