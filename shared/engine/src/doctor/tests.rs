use super::{Check, Health, Report, Scope, examine};
use crate::ports::{Lane, Queue};
use crate::run::start_backfill;
use crate::state::{Connection, ConnectionState, LedgerRow, Problem, Row, RunKind, State, load};
use crate::testing::{self, DAY, HOUR, Trouble, World, ago, order, ready, run};

const ALL: Scope = Scope { queues: true, platforms: true };

/// A connection that was read a minute ago.
async fn world() -> World {
    let world = World::new().await;
    world.save(&Connection { last_sync: Some(ago(60)), ..world.connection.clone() }).await;
    world
}

fn check<'a>(report: &'a Report, what: &str) -> &'a Check {
    report.checks.iter().find(|check| check.what == what).unwrap_or_else(|| panic!("{what}: {report:#?}"))
}

#[tokio::test]
async fn all_is_well_and_nothing_is_changed() {
    let world = world().await;
    let before = world.store.dump();
    let report = examine(&world.engine, ALL).await.unwrap();
    assert!(report.checks.iter().all(|check| check.state == Health::Ok), "{report:#?}");
    let whats: Vec<_> = report.checks.iter().map(|check| check.what).collect();
    let expected = [
        "public_address",
        "queue_live",
        "queue_history",
        "state",
        "last_sync",
        "webhooks",
        "parked",
        "pending",
        "token",
        "scopes",
        "location",
        "clock",
        "account",
        "remote",
        "own_integration",
    ];
    assert_eq!(whats, expected);
    assert!(report.is_ok() && report.connections.len() == 1);
    assert_eq!(world.store.dump(), before);
}

#[tokio::test]
async fn platforms_are_asked_once_for_what_connections_share_and_not_at_all_offline() {
    let world = world().await;
    world.save(&testing::connection("C2", "L1")).await;
    examine(&world.engine, ALL).await.unwrap();
    let calls = ["token.status", "account.me", "account.entitlements", "schema.check", "connections.get"];
    assert_eq!(calls.map(|call| world.calls(call)), [2, 1, 1, 1, 2], "the token for itself and its scopes");
    let calls = world.net.all_calls();
    let report = examine(&world.engine, Scope { queues: true, platforms: false }).await.unwrap();
    assert_eq!(world.net.all_calls(), calls);
    assert!(check(&report, "platforms").detail.contains("not asked"));
}

#[tokio::test]
async fn what_a_platform_refuses_fails_with_its_code() {
    let source = testing::source_name();
    // The call that fails, how, the check that says so, and its code.
    let cases = [
        ("token.status", 401, "token", format!("{source}.token_revoked")),
        ("customers.search", 403, "scopes", format!("{source}.scope_missing")),
        ("account.me", 403, "account", "destination.key_refused".to_owned()),
        ("connections.get", 403, "remote", "destination.key_refused".to_owned()),
    ];
    for (operation, status, what, code) in cases {
        let world = world().await;
        world.net.plan(operation, 0, Trouble::Says(status, None));
        let report = examine(&world.engine, ALL).await.unwrap();
        let check = check(&report, what);
        assert_eq!((check.state, check.code.as_deref()), (Health::Fail, Some(code.as_str())), "{check:?}");
        assert_eq!(check.connection.as_deref(), Some("C1"));
        assert!(!report.is_ok());
    }
}

#[tokio::test]
async fn clocks_that_differ_are_warned_of() {
    let world = world().await;
    // Seconds the store's clock is ahead, how that is, what is said.
    let cases = [
        (Some(0), Some((Health::Ok, "to 1 s"))),
        (Some(55), Some((Health::Ok, "agrees"))),
        (Some(62), Some((Health::Warn, "s behind"))),
        (Some(-55), Some((Health::Ok, "agrees"))),
        (Some(-62), Some((Health::Warn, "s ahead"))),
        (None, None),
    ];
    for (ahead, said) in cases {
        world.net.set_ahead(ahead.map(jiff::SignedDuration::from_secs));
        let report = examine(&world.engine, ALL).await.unwrap();
        let found = report.checks.iter().find(|check| check.what == "clock");
        assert_eq!(found.map(|check| check.state), said.map(|(state, _)| state), "{ahead:?}");
        let Some((check, (state, text))) = found.zip(said) else { continue };
        assert!(check.detail.contains(text) && report.is_ok(), "{check:?}");
        let code = (state == Health::Warn).then_some("config.clock");
        assert_eq!(check.code.as_deref(), code);
    }
}

#[tokio::test]
async fn what_is_gone_closed_or_cannot_be_asked_fails() {
    let world = world().await;
    world.net.shop().closed = true;
    world.net.account().connections.clear();
    let report = examine(&world.engine, ALL).await.unwrap();
    let code = |what| check(&report, what).code.clone().unwrap();
    assert_eq!(code("location"), format!("{}.location_closed", testing::source_name()));
    assert_eq!(code("remote"), "destination.connection_unknown");
    world.net.plan("account.me", 0, Trouble::NotSent);
    world.vault.forget(&world.connection.store_owner()).await.unwrap();
    let report = examine(&world.engine, ALL).await.unwrap();
    assert_eq!(check(&report, "token").code.as_deref(), Some("config.missing"));
    let account = check(&report, "account");
    assert_eq!((account.state, account.code.as_deref()), (Health::Fail, Some("destination.unavailable")));
    assert!(account.detail.contains("could not be asked"), "{account:?}");
}

#[tokio::test]
async fn a_connection_tells_its_state_and_how_fresh_it_is() {
    use ConnectionState::{Active, Disconnected, NeedsReconnect, Paused};
    use Health::{Fail, Ok, Warn};
    let world = world().await;
    let problem = || Some(Problem { code: "destination.schema".into(), detail: "x".into(), since: ago(60) });
    // State, problem, seconds since the last sync; how state and freshness are.
    let cases = [
        (Active, None, 60, Ok, Ok),
        (Active, None, HOUR + 60, Ok, Warn),
        (Active, None, DAY + 60, Ok, Fail),
        (Paused, None, DAY + 60, Warn, Ok),
        (Paused, problem(), 60, Fail, Ok),
        (NeedsReconnect, problem(), 60, Fail, Ok),
    ];
    for (state, problem, age, about_state, about_sync) in cases {
        let label = format!("{state:?} {problem:?} {age}");
        let last_sync = Some(ago(age));
        world.save(&Connection { state, problem, last_sync, ..world.connection.clone() }).await;
        let report = examine(&world.engine, Scope::default()).await.unwrap();
        let found = (check(&report, "state").state, check(&report, "last_sync").state);
        assert_eq!(found, (about_state, about_sync), "{label}");
    }
    world.save(&Connection { state: Disconnected, ..world.connection.clone() }).await;
    let report = examine(&world.engine, ALL).await.unwrap();
    assert!(!report.checks.iter().any(|check| check.what == "token"), "what has ended is not asked after");
}

#[tokio::test]
async fn parked_records_are_told_with_the_next_step() {
    let world = world().await;
    world.net.account().refused.insert("O1".to_owned());
    world.deliver(&run(RunKind::Poll, "R1"), vec![ready(order("O1", ago(60)))]).await.unwrap();
    let report = examine(&world.engine, Scope::default()).await.unwrap();
    let parked = check(&report, "parked");
    assert_eq!((parked.state, parked.code.as_deref()), (Health::Warn, Some("destination.invalid_record")));
    assert_eq!(
        parked.detail,
        "1 orders (destination.invalid_record); mend the reason, then: tillsync retry C1"
    );
    assert!(report.is_ok(), "a warning is no failure");
}

#[tokio::test]
async fn what_is_on_its_way_for_a_day_is_told() {
    let world = world().await;
    world.deliver(&run(RunKind::Poll, "R1"), vec![ready(order("O1", ago(60)))]).await.unwrap();
    let key = LedgerRow::key(&Connection::partition("C1"), "orders", "O1");
    let mut row: Row<LedgerRow> = load(&*world.store, key).await.unwrap().unwrap();
    row.value.become_state(State::Pending, None, "R1", world.engine.now());
    crate::ports::Store::transact(&*world.store, vec![row.put().unwrap()]).await.unwrap();
    let report = examine(&world.engine, Scope::default()).await.unwrap();
    assert_eq!(check(&report, "pending").detail, "1, all of them for less than a day");
    world.clock.advance(std::time::Duration::from_secs(90_000));
    let report = examine(&world.engine, Scope::default()).await.unwrap();
    let pending = check(&report, "pending");
    assert_eq!(
        (pending.state, pending.detail.as_str()),
        (Health::Warn, "1, 1 of them for longer than a day")
    );
    start_backfill(&world.engine, "C1", &Default::default()).await.unwrap();
    let report = examine(&world.engine, Scope::default()).await.unwrap();
    assert!(check(&report, "pending").detail.contains("is at work"), "somebody looks after it");
}

#[tokio::test]
async fn dead_letters_are_counted_and_a_private_address_is_told() {
    let mut world = world().await;
    let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run;
    let ulid: ulid::Ulid = run.id.parse().unwrap();
    assert_eq!(ulid.timestamp_ms(), u64::try_from(world.engine.now().as_millisecond()).unwrap());
    let second = std::time::Duration::from_secs(1);
    for _ in 0..6 {
        world.queue.receive(Lane::History, 1, second).await.unwrap();
        world.clock.advance(std::time::Duration::from_secs(1_200));
    }
    world.engine.config.public_url = "http://127.0.0.1:8787".into();
    let report = examine(&world.engine, ALL).await.unwrap();
    let queue = check(&report, "queue_history");
    assert_eq!(
        (queue.state, queue.detail.as_str()),
        (Health::Warn, "0 messages, 1 dead letters, the oldest of a run begun 2 h ago")
    );
    let address = check(&report, "public_address");
    assert_eq!((address.state, address.detail.contains("polls only")), (Health::Warn, true));
}

#[tokio::test]
async fn nothing_connected_is_told() {
    let world = world().await;
    world.save(&Connection { state: ConnectionState::Deleted, ..world.connection.clone() }).await;
    let report = examine(&world.engine, ALL).await.unwrap();
    assert_eq!(check(&report, "connections").state, Health::Warn);
    assert!(report.is_ok());
}

#[test]
fn what_is_to_be_done_once_by_hand_is_said_once() {
    let by_hand = |detail: &str| Check::warn("webhooks", detail).with("webhook.by_hand");
    let mut checks = vec![by_hand("a"), by_hand("a"), Check::ok("token", "x"), by_hand("a"), by_hand("b")];
    super::once(&mut checks);
    let codes: Vec<_> = checks.iter().map(|check| check.code.is_some()).collect();
    assert_eq!(codes, [true, false, false, false, true], "another source has a subscription of its own");
    assert!(checks[1].detail.contains("as said above") && checks[1].state == Health::Warn, "{checks:?}");
}
