//! What a history costs, as the stand-ins counted it.

use tillsync_engine::Timing;
use tillsync_sandbox::{Options, Settings};

use crate::check;
use crate::harness::{Flow, fast, quick};

/// At the most, per 1,000 orders (rules.md section 5).
const SOURCE: u64 = 30;
const WRITES: u64 = 12;
const WITH_READ_BACK: u64 = 24;
/// People of one import.
const IMPORT: u64 = 250;

#[tokio::test(flavor = "multi_thread")]
async fn calls_per_1000_orders_are_within_their_limits() {
    // The delay of queued orders is the stand-in's usual one: it decides how often one must look.
    let settings = Settings { async_delay_ms: (200, 3_000), ..quick() };
    let options = Options { orders: 5_000, customers: 2_000, settings, ..Options::default() };
    let usual = Timing::default();
    let timing = Timing { read_back_after: usual.read_back_after, lost_after: usual.lost_after, ..fast() };
    let flow = Flow::with(options, timing, 20).await;
    let mut connections = Vec::new();
    for location in flow.locations() {
        connections.push(flow.connect(&location).await);
    }
    let runs = connections.iter().map(|connection| flow.backfill(connection));
    let mut imported = 0;
    for state in futures_util::future::join_all(runs).await {
        flow.complete(&state).await;
        imported += state.streams.customers.synced;
    }
    for connection in &connections {
        check::arrived(&flow.world, connection);
    }
    let stats = flow.world.stats();
    let classes = &stats["activecampaign"]["classes"];
    let count = |class: &str| classes[class].as_u64().unwrap_or(0);
    let sent = stats["activecampaign"]["account"]["orders"].as_u64().unwrap();
    let source = stats["square"]["calls"].as_u64().unwrap();
    let writes = count("order_writes") + count("product_writes");
    let all = writes + count("readback") + count("import_info");
    println!(
        "{sent} orders: {source} to the store, {writes} writes, {all} with read-back, {} imports",
        count("imports")
    );
    assert!(source * 1_000 <= SOURCE * sent, "{source} calls to the store for {sent} orders");
    assert!(writes * 1_000 <= WRITES * sent, "{writes} writes for {sent} orders");
    assert!(all * 1_000 <= WITH_READ_BACK * sent, "{all} calls with read-back for {sent} orders");
    assert!(
        count("imports") <= imported.div_ceil(IMPORT),
        "{} imports of {imported} people",
        count("imports")
    );
    check::clean(&flow.world);
}
