//! The designs that do not know what may still be on its way to the destination.

use std::time::Duration;

use serde_json::json;
use tillsync_engine::ports::Clock;

use super::steps::{Order, Row, Told};

/// Longer than a request may take for who sends it (15 s), so a lease only runs out under who stands still or fell.
const LEASE_MICROS: i64 = 20_000_000;
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Reads the recorded version, writes what it was told of, records the version.
pub(super) async fn read_write_record(order: &Order, told: &Told) -> Option<()> {
    let recorded = order.row("version").await?.number("version");
    if recorded < told.seen.version {
        order.write(told.seen).await?;
        order.overwrite("version", &json!({"version": told.seen.version})).await?;
    }
    order.done(told).await
}

/// Notes that it saw the message, then writes what it was told of.
pub(super) async fn dedupe_write(order: &Order, told: &Told) -> Option<()> {
    let name = format!("seen-{}", told.seen.version);
    if order.put(&name, &Row::default(), &json!({})).await? {
        order.write(told.seen).await?;
    }
    order.done(told).await
}

/// Claims the version unless a newer one was claimed, then writes what it was told of.
pub(super) async fn claim_write(order: &Order, told: &Told) -> Option<()> {
    loop {
        let row = order.row("version").await?;
        if row.number("version") >= told.seen.version {
            return order.done(told).await;
        }
        if order.put("version", &row, &json!({"version": told.seen.version})).await? {
            break;
        }
    }
    order.write(told.seen).await?;
    order.done(told).await
}

/// Fetches the newest, writes it.
pub(super) async fn fetch_write(order: &Order, told: &Told) -> Option<()> {
    let seen = order.fetch().await?;
    order.write(seen).await?;
    order.done(told).await
}

/// Fetches the newest and writes it while it holds a lease.
pub(super) async fn lease_fetch_write(order: &Order, told: &Told) -> Option<()> {
    let now = Clock::now(&order.line).as_microsecond();
    let lease = order.row("lease").await?;
    let free = lease.number("until") <= now;
    let until = json!({"until": now + LEASE_MICROS, "by": order.line.process});
    if !free || !order.put("lease", &lease, &until).await? {
        return order.later(told, ASK_AGAIN).await;
    }
    let seen = order.fetch().await?;
    order.write(seen).await?;
    let lease = order.row("lease").await?;
    if lease.number("by") == i64::from(order.line.process) {
        // Where it is somebody else's by now it is left alone.
        order.put("lease", &lease, &json!({"until": 0})).await?;
    }
    order.done(told).await
}
