//! What must hold after the demo. The stand-ins say what the shop holds and what arrived, from their own
//! knowledge: nothing of the product is asked.

use serde_json::{Value, json};
use tillsync_engine::run::Progress;
use tillsync_engine::shapes::Compared;
use tillsync_engine::state::{Connection, Day, RunState, Sum};

use super::story::per_thousand;

/// Calls to the store per 1,000 orders, at the most (rules.md section 5).
const MAX_SOURCE: u64 = 30;
/// Order and product calls per 1,000 orders sent, and the same with reading back (rules.md section 5).
const MAX_WRITES: u64 = 12;
const MAX_WITH_READ_BACK: u64 = 24;
/// Fewer orders than this say nothing about calls per thousand.
const ENOUGH: u64 = 4_000;

/// Something that must hold.
pub(super) struct Check {
    pub(super) what: String,
    pub(super) held: bool,
}

impl Check {
    pub(super) fn of(held: bool, what: impl Into<String>) -> Self {
        Self { what: what.into(), held }
    }

    fn same(what: &str, ours: &Value, theirs: &Value) -> Self {
        Self::of(ours == theirs, format!("{what}: {ours}, expected {theirs}"))
    }

    pub(super) fn json(&self) -> Value {
        json!({"what": self.what, "held": self.held})
    }
}

/// After the history.
pub(super) fn history(
    connections: &[Connection],
    states: &[Progress],
    expected: &Value,
    stats: &Value,
) -> Vec<Check> {
    let mut checks = arrived(connections, states, expected, stats, true);
    let mut live = 0;
    for (connection, state) in connections.iter().zip(states) {
        let shop = &expected["locations"][&connection.location.id];
        live += shop["younger_than_24h"].as_u64().unwrap_or(0);
        let skipped = json!(state.streams.orders.skipped);
        checks.push(Check::same(
            &format!("{}: skipped, by reason", connection.name),
            &skipped,
            &shop["skipped"],
        ));
    }
    let account = &stats["activecampaign"]["account"];
    checks.push(Check::same(
        "automations started: orders of the last 24 h",
        &account["purchases"],
        &json!(live),
    ));
    let people = &expected["customers"];
    let emails = sum(&[&people["emails_with_eligible_orders"], &people["emails_without_orders_importable"]]);
    checks.push(Check::same("contacts: everybody with an address", &account["contacts"], &json!(emails)));
    let sent = account["orders"].as_u64().unwrap_or(0);
    if sent >= ENOUGH {
        let (source, writes, read_back, _) = counted(stats);
        let within = |calls: u64, most: u64| calls * 1_000 <= most * sent;
        checks.push(Check::of(
            within(source, MAX_SOURCE),
            format!("calls to the store per 1,000: at most {MAX_SOURCE}"),
        ));
        checks.push(Check::of(within(writes, MAX_WRITES), format!("writes per 1,000: at most {MAX_WRITES}")));
        let all = writes + read_back;
        let what = format!("with read-back per 1,000: at most {MAX_WITH_READ_BACK}");
        checks.push(Check::of(within(all, MAX_WITH_READ_BACK), what));
    }
    checks
}

/// After the poll.
pub(super) fn polled(
    connections: &[Connection],
    states: &[Progress],
    expected: &Value,
    stats: &Value,
) -> Vec<Check> {
    let mut checks = arrived(connections, states, expected, stats, false);
    for check in &mut checks {
        check.what.insert_str(0, "after the poll, ");
    }
    checks.extend(proper(stats));
    checks
}

/// Nothing was asked of the platforms that must not be.
fn proper(stats: &Value) -> Vec<Check> {
    let mut checks = Vec::new();
    for kind in ["violations", "refused"] {
        let none = stats[kind].as_array().is_none_or(Vec::is_empty);
        checks.push(Check::of(none, format!("the platforms saw no {kind}")));
    }
    for kind in ["stale_overwrite", "rewritten_within_60s"] {
        let seen = stats["counts"][kind].as_u64().unwrap_or(0);
        checks.push(Check::of(
            seen == 0,
            format!("{} seen at the destination: {seen}", kind.replace('_', " ")),
        ));
    }
    checks
}

/// What webhooks began has ended, and every sum agrees.
pub(super) fn webhook_runs(states: &[Progress]) -> Check {
    let is_whole = |state: &Progress| {
        let agrees = state.streams.all().iter().all(|(_, tally)| tally.agrees() && tally.pending == 0);
        state.run.state == RunState::Complete && state.streams.newly_parked() == 0 && agrees
    };
    let held = !states.is_empty() && states.iter().all(is_whole);
    Check::of(held, format!("looks that webhooks began: {}, complete, every sum agrees", states.len()))
}

/// After the live sale: every location's orders and money with it, one more automation, and nothing improper.
pub(super) fn live(
    connections: &[Connection],
    expected: &Value,
    (before, stats): (&Value, &Value),
) -> Vec<Check> {
    let account = |stats: &Value| stats["activecampaign"]["account"].clone();
    let started = |stats: &Value| account(stats)["purchases"].as_u64().unwrap_or(0);
    let mut checks = vec![Check::same(
        "after the live sale, automations started",
        &json!(started(stats)),
        &json!(started(before) + 1),
    )];
    for connection in connections {
        checks.extend(sums_of(connection, expected, stats));
    }
    checks.extend(proper(stats));
    for check in checks.iter_mut().skip(1) {
        check.what.insert_str(0, "after the live sale, ");
    }
    checks
}

/// After the comparison: nothing unexplained, and every day as the shop says.
pub(super) fn reconciled(
    connections: &[Connection],
    states: &[(Progress, Vec<Day>)],
    expected: &Value,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for (connection, (state, days)) in connections.iter().zip(states) {
        let (name, found) = (&connection.name, Compared::of(days));
        let differences: u64 = found.explained.values().sum::<u64>() + found.unexplained;
        let held =
            state.run.state == RunState::Complete && differences == 0 && found.source == found.destination;
        checks.push(Check::of(
            held,
            format!(
                "{name}: reconciled, {differences} differences {}, {} unexplained",
                json!(found.explained),
                found.unexplained
            ),
        ));
        let side = |sum: fn(&Day) -> Sum| {
            let days = days.iter().map(|day| (day.date.to_string(), json!(sum(day))));
            let sold = days.filter(|(_, sum)| sum["count"] != 0);
            Value::Object(sold.collect())
        };
        let days = &expected["locations"][&connection.location.id]["days"];
        let same = side(|day| day.source) == *days && side(|day| day.destination) == *days;
        checks.push(Check::of(same, format!("{name}: count and money of every day, on both sides")));
        let copies = state.run.copies.unwrap_or_default();
        checks.push(Check::of(
            copies.asked == copies.shown,
            format!("{name}: {} of {} orders show in the older store", copies.shown, copies.asked),
        ));
    }
    checks
}

/// Orders and money at the destination, per location, to the cent; and the runs' own sums.
fn arrived(
    connections: &[Connection],
    states: &[Progress],
    expected: &Value,
    stats: &Value,
    is_history: bool,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for (connection, state) in connections.iter().zip(states) {
        let name = &connection.name;
        let shop = &expected["locations"][&connection.location.id];
        checks.extend(sums_of(connection, expected, stats));
        let complete = state.run.state == RunState::Complete && state.streams.newly_parked() == 0;
        // Sales of the last two days without a customer wait for one; nothing else waits.
        let late = shop["late"].as_u64().unwrap_or(0);
        let waits = |pending: u64| if is_history { pending == late } else { pending <= late };
        let agrees = state.streams.all().iter().all(|(stream, tally)| {
            tally.agrees() && if *stream == "orders" { waits(tally.pending) } else { tally.pending == 0 }
        });
        checks.push(Check::of(
            complete && agrees,
            format!("{name}: complete, nothing parked, {late} waiting for a customer, every sum agrees"),
        ));
    }
    checks
}

/// Orders and money of one location at the destination, as the shop has them.
fn sums_of(connection: &Connection, expected: &Value, stats: &Value) -> [Check; 2] {
    let name = &connection.name;
    let shop = &expected["locations"][&connection.location.id];
    let remote = connection.remote.map_or(String::new(), |id| id.to_string());
    let held = &stats["activecampaign"]["account"]["connections"][&remote];
    let money = &held["money_minor"][connection.location.currency.code()];
    [
        Check::same(&format!("{name}: orders"), &held["orders"], &shop["eligible"]),
        Check::same(&format!("{name}: money in minor units"), money, &shop["money_minor"]),
    ]
}

/// The calls table, per 1,000 orders sent.
pub(super) fn calls(stats: &Value, orders: u64) -> Value {
    let (source, writes, read_back, imports) = counted(stats);
    json!({
        "source": per_thousand(source, orders),
        "writes": per_thousand(writes, orders),
        "with_read_back": per_thousand(writes + read_back, orders),
        "imports": per_thousand(imports, orders),
    })
}

/// Calls as the stand-ins counted them: to the store, writes, reading back (with imports' state), imports.
fn counted(stats: &Value) -> (u64, u64, u64, u64) {
    let source = stats
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(platform, _)| *platform != "activecampaign")
        .filter_map(|(_, counts)| counts["calls"].as_u64())
        .sum();
    let classes = &stats["activecampaign"]["classes"];
    let writes = sum(&[&classes["order_writes"], &classes["product_writes"]]);
    let read_back = sum(&[&classes["readback"], &classes["import_info"]]);
    (source, writes, read_back, sum(&[&classes["imports"]]))
}

fn sum(values: &[&Value]) -> u64 {
    values.iter().filter_map(|value| value.as_u64()).sum()
}
