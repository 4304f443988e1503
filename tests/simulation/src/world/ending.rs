//! When a schedule is over, and what came of it.

use jiff::{SignedDuration, Timestamp};
use tillsync_engine::ports::Item;

use super::{CONNECTED, LAG, Played, World};
use crate::executor::later;
use crate::plan::{Action, Change, beginning};
use crate::state::Happening;

impl World {
    /// When a poll sees everything that happened.
    pub(super) fn shown(&self) -> Timestamp {
        // A clock that is behind sees everything so much later.
        let behind = self.plan.skew.min(SignedDuration::ZERO).abs();
        later(beginning(), self.plan.calm + SignedDuration::from_secs(self.plan.index_lag) + LAG + behind)
    }

    /// True when nothing more can come: all is shown, all has landed, nothing is in work, and a poll has read it
    /// since. A schedule that never gets there goes on to its end.
    pub(super) fn is_quiet(&self) -> bool {
        let shown = self.shown();
        let state = self.outside.state();
        let waits = |what: &Happening| matches!(what, Happening::Arrive(_) | Happening::Apply(_));
        if self.outside.sim.now() < shown
            || !self.at_work.is_empty()
            || !state.queue.all.is_empty()
            || state.happenings.values().any(waits)
        {
            return false;
        }
        drop(state);
        let items = self.outside.items.dump();
        // An opt-out is still to be told.
        if items.iter().any(|item| item.key.sk.starts_with("DUE#") && item.key.sk.contains("#customers#")) {
            return false;
        }
        let meta = items.iter().find(|item| item.key.sk == "META" && item.key.pk.starts_with("CONN#"));
        let body = |item: &Item| serde_json::from_str(&item.body).unwrap_or(serde_json::Value::Null);
        let synced = meta.map(body).and_then(|row| row["last_sync"].as_str()?.parse().ok());
        let runs = items.iter().filter(|item| item.key.sk.starts_with("RUN#")).map(body);
        let history = runs.filter(|run| run["kind"] == "historical").any(|run| run["state"] == "complete");
        let cursor = items.iter().find(|item| item.key.sk == "CUR#customers").map(body);
        let people = cursor.and_then(|row| row["watermark"].as_str()?.parse::<Timestamp>().ok());
        if people.is_none_or(|people| people < later(beginning(), self.plan.calm)) {
            return false;
        }
        synced.is_some_and(|synced: Timestamp| later(synced, -self.plan.skew) >= shown)
            && (history || !self.plan.backfill)
    }

    /// The story, as the checker sees it.
    pub(super) fn end(self) -> Played {
        let mut state = self.outside.state();
        let mut history = std::mem::take(&mut state.seen);
        history.sales = state.shop.sales().cloned().collect();
        history.people = state.shop.people().cloned().collect();
        history.landed = std::mem::take(&mut state.account.landed);
        history.there = (state.account.orders.iter())
            .map(|(id, order)| {
                let status = order["normalizedStatus"].as_str().unwrap_or_default().to_owned();
                (id.clone(), (order["finalAmount"].to_string(), status))
            })
            .collect();
        history.consent =
            state.account.customers.iter().map(|(email, (_, said))| (email.clone(), *said)).collect();
        let rows = self.outside.items.dump();
        let order = |sk: &str| Some(sk.strip_prefix("REC#orders#")?.to_owned());
        history.tags =
            rows.iter().filter_map(|item| Some((order(&item.key.sk)?, item.tag.clone()))).collect();
        history.items = rows.into_iter().map(|item| (item.key.pk, item.key.sk, item.body)).collect();
        history.poisoned = self.plan.refused.iter().chain(&self.plan.cursed).cloned().collect();
        history.connected = later(beginning(), CONNECTED);
        history.backfilled = self.plan.backfill;
        history.signed_in = self.plan.tokens.is_some();
        let undisturbed = self.plan.faults.exactly.as_ref().is_none_or(Vec::is_empty);
        history.faultless = self.plan.faults.rate == 0 && undisturbed && self.plan.lost_in_queue == 0;
        let text = |order: &serde_json::Value| order["email"].as_str().unwrap_or_default().to_owned();
        history.buyers = state.account.orders.iter().map(|(id, order)| (id.clone(), text(order))).collect();
        history.paused = self.plan.faults.pauses > 0;
        history.enumerated = self.plan.faults.exactly.is_some();
        history.repaired = self.plan.actions.iter().any(|(_, action)| *action == Action::Repair);
        history.asked = !self.plan.actions.is_empty();
        history.consents =
            self.plan.changes.iter().filter(|(_, _, one)| matches!(one, Change::Consent(..))).count();
        history.calm = later(beginning(), self.plan.calm);
        history.end = self.outside.sim.now();
        let moments = state.faults.passed;
        let simulated = history.end.duration_since(beginning()).as_millis();
        let simulated = u64::try_from(simulated).unwrap_or(0);
        drop(state);
        let sim = &self.outside.sim;
        Played { history, trace: sim.hash(), lines: sim.trace_lines(), moments, simulated }
    }
}
