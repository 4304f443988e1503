//! The way through the product, step by step.

use serde_json::{Value, json};
use tillsync_engine::run::{BackfillRequest, Progress, days, start_backfill, start_poll, start_reconcile};
use tillsync_engine::state::{Comparison, Connection, Day};

use super::check::{self, Check};
use super::platforms::{Platforms, failed};
use super::{joining, live};
use crate::answer::Trouble;
use crate::follow::{Followed, follow};
use crate::host::Host;
use tillsync_engine::shapes;

/// What the shop does while the demo looks: more than ten people change, so that they go by bulk import; customers are named
/// late, merged and deleted; invoices are paid, money is given back elsewhere.
/// It happened a little more than two minutes ago, since polls stay that far behind the store's index.
const CHANGES: &str = r#"{"new_sales":12,"changed_sales":6,"refunds":4,"changed_customers":12,"anonymous_sales":2,"late_customers":3,
        "paid_invoices":2,"offline_sales":1,"refunds_elsewhere":2,"pending_refunds":1,"completed_refunds":1,
        "exchanges":2,"cancelled_sales":1,"changed_emails":2,"opted_out_customers":1,"merged_customers":2,
        "deleted_customers":1,"age_seconds":130}"#;

/// What the demo saw.
pub(super) struct Told {
    pub(super) checks: Vec<Check>,
    pub(super) runs: Vec<Value>,
    pub(super) calls: Value,
    pub(super) live: Value,
    text: String,
}

impl Told {
    /// The whole in words.
    pub(super) fn summary(&self) -> String {
        let mut text = format!("\n{}\nChecks\n", self.text);
        for check in &self.checks {
            text.push_str(&format!("  {}  {}\n", if check.held { "held  " } else { "FAILED" }, check.what));
        }
        let of = |name: &str| self.calls[name].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!(
            "\nCalls per 1,000 orders of history: {} to the store; to ActiveCampaign {} order and product \
             writes, {} with read-back, {} imports of people.\n",
            of("source"),
            of("writes"),
            of("with_read_back"),
            of("imports"),
        ));
        text
    }
}

/// Goes the whole way.
pub(super) async fn tell(host: &mut Host, platforms: &Platforms) -> Result<Told, Trouble> {
    let (connections, mut checks) = joining::join(host, platforms).await?;

    say("\nImporting the history. Orders of the last 24 hours are live, all others start no automation.");
    let mut imports = Vec::new();
    for connection in &connections {
        let started = start_backfill(&host.engine, &connection.id, &BackfillRequest::default()).await?;
        imports.push(Followed { name: connection.name.clone(), run: started.run });
    }
    let imported = follow(host, true, &imports).await?;
    let stats = platforms.ask("/stats").await?;
    let expected = platforms.ask("/expected").await?;
    let sent = stats["activecampaign"]["account"]["orders"].as_u64().unwrap_or(0);
    let calls = check::calls(&stats, sent);
    checks.extend(check::history(&connections, &imported, &expected, &stats));

    say(
        "\nThe shop goes on: sales, corrections, refunds, people. No webhook tells of it: polling what changed.",
    );
    platforms.tell("/settings", &json!({"webhooks_lost": true})).await?;
    let changes: Value = serde_json::from_str(CHANGES).map_err(|error| failed(&error.to_string()))?;
    platforms.tell("/changes", &changes).await?;
    let mut polls = Vec::new();
    for connection in &connections {
        let started = start_poll(&host.engine, &connection.id).await?;
        polls.push(Followed { name: connection.name.clone(), run: started.run });
    }
    let polled = follow(host, true, &polls).await?;
    let expected = platforms.ask("/expected").await?;
    let stats = platforms.ask("/stats").await?;
    checks.extend(check::polled(&connections, &polled, &expected, &stats));

    say("\nComparing both sides, order by order.");
    let compared = compare_all(host, &connections).await?;
    checks.extend(check::reconciled(&connections, &compared, &expected));

    say("\nWebhooks come again. The shop sells something, and nobody polls.");
    platforms.tell("/settings", &json!({"webhooks_lost": false})).await?;
    let (sold, live) = live::sell(host, platforms, &connections).await?;
    checks.extend(sold);

    let mut text = sums("History", &connections, &imported);
    text.push_str(&sums("Poll", &connections, &polled));
    let runs = imported.iter().chain(&polled).map(shapes::run).collect();
    Ok(Told { checks, runs, calls, live, text })
}

/// Compares every connection's shop with the destination.
async fn compare_all(
    host: &mut Host,
    connections: &[Connection],
) -> Result<Vec<(Progress, Vec<Day>)>, Trouble> {
    let mut runs = Vec::new();
    for connection in connections {
        let started = start_reconcile(&host.engine, &connection.id, Comparison::default()).await?;
        runs.push(Followed { name: connection.name.clone(), run: started.run });
    }
    let mut compared = Vec::new();
    for state in follow(host, true, &runs).await? {
        let found = days(&host.engine, &state.run.id).await?;
        compared.push((state, found));
    }
    Ok(compared)
}

fn sums(title: &str, connections: &[Connection], states: &[Progress]) -> String {
    let mut text = format!("{title}\n");
    for (connection, state) in connections.iter().zip(states) {
        let calls = state.calls;
        text.push_str(&format!(
            "  {} ({}; {} calls to the store, {} to ActiveCampaign)\n",
            connection.name,
            state.run.state.word(),
            calls.source,
            calls.destination,
        ));
        for (word, tally) in state.streams.all() {
            if tally.observed > 0 {
                text.push_str(&format!("    {word:9} {}\n", shapes::sums(tally)));
            }
        }
    }
    text
}

/// What happens, on standard error: standard output has the answer alone.
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}

/// One figure of the calls table, with one decimal.
pub(super) fn per_thousand(calls: u64, orders: u64) -> Value {
    let tenths = (calls * 10_000).div_ceil(orders.max(1));
    json!(format!("{}.{}", tenths / 10, tenths % 10))
}
