use super::{pair, pause, rename, resume, set, words};
use crate::connections;
use crate::fault::Kind;
use crate::run::{connection, start_backfill, start_poll, sweep};
use crate::state::{Connection, ConnectionState, Counted, Problem, RunState};
use crate::testing::{self, DAY, Trouble, World, ago};

async fn now(world: &World) -> Connection {
    connection(&*world.store, "C1").await.unwrap().value
}

async fn put(world: &World, state: ConnectionState, code: Option<&str>) {
    let problem = |code: &str| Problem { code: code.into(), detail: "as it was".into(), since: ago(DAY) };
    let mut connection = now(world).await;
    (connection.state, connection.problem) = (state, code.map(problem));
    world.save(&connection).await;
}

#[tokio::test]
async fn a_paused_connection_is_left_alone_until_it_is_resumed() {
    let world = World::new().await;
    world.net.shop().sell("O1", ago(DAY));
    let paused = pause(&world.engine, "C1").await.unwrap();
    assert_eq!((paused.connection.state, paused.already), (ConnectionState::Paused, false));
    assert_eq!(paused.connection.problem, None);
    assert!(pause(&world.engine, "C1").await.unwrap().already);

    world.clock.advance(std::time::Duration::from_secs(7_200));
    assert_eq!(sweep(&world.engine, true).await.unwrap().due, 0);
    for refused in [
        start_poll(&world.engine, "C1").await.unwrap_err(),
        start_backfill(&world.engine, "C1", &Default::default()).await.unwrap_err(),
    ] {
        assert_eq!((refused.code, refused.detail.as_str()), ("connection.inactive", "Rue Haute is paused"));
    }
    assert!(world.idle().await);
    assert_eq!(world.net.all_calls(), 0);

    let resumed = resume(&world.engine, "C1").await.unwrap();
    assert_eq!((resumed.connection.state, resumed.already), (ConnectionState::Active, false));
    assert_eq!(resumed.connection.next_sync, Some(world.engine.now()), "the gap is read at once");
    assert!(resume(&world.engine, "C1").await.unwrap().already);
    assert_eq!(sweep(&world.engine, false).await.unwrap().due, 1);
}

#[tokio::test]
async fn a_history_that_was_paused_goes_on_when_both_are_resumed() {
    let world = World::new().await;
    for n in 0..3 {
        world.net.shop().sell(&format!("O{n}"), ago((30 - n) * DAY));
    }
    let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run;
    let paused = pause(&world.engine, "C1").await.unwrap();
    assert!(paused.note.contains("stops at its next page"), "{}", paused.note);
    world.work().await;
    let ended = world.load_run(&run.id).await;
    let problem = ended.problem.unwrap();
    assert_eq!((ended.state, problem.code.as_str()), (RunState::Incomplete, "connection.inactive"));
    assert!(problem.detail.contains("is paused"), "{}", problem.detail);
    assert_eq!(now(&world).await.state, ConnectionState::Paused, "that it is paused is no fault of it");
    assert_eq!(world.calls("orders.queue"), 0);

    assert_eq!(crate::run::resume(&world.engine, "C1").await.unwrap_err().code, "connection.inactive");
    let resumed = resume(&world.engine, "C1").await.unwrap();
    assert!(resumed.note.contains("history is unfinished"), "{}", resumed.note);
    crate::run::resume(&world.engine, "C1").await.unwrap();
    world.work().await;
    let ended = world.load_run(&run.id).await;
    assert_eq!((ended.state, ended.streams.unwrap().orders.synced), (RunState::Complete, 3));
}

#[tokio::test]
async fn what_is_stopped_for_another_reason_is_not_paused_or_resumed() {
    use ConnectionState::{Active, Disconnected, Draft, NeedsReconnect, Paused};
    let world = World::new().await;
    // State and problem; what pausing and resuming come to.
    let cases = [
        (Active, None, Ok(()), Ok(())),
        (Paused, None, Ok(()), Ok(())),
        (Paused, Some("destination.schema"), Ok(()), Ok(())),
        (NeedsReconnect, Some("destination.key_refused"), Err(()), Err(())),
        (Draft, None, Err(()), Err(())),
        (Disconnected, None, Err(()), Err(())),
    ];
    for (state, code, pausing, resuming) in cases {
        put(&world, state, code).await;
        let paused = pause(&world.engine, "C1").await;
        if let Err(fault) = &paused {
            assert_eq!((fault.code, fault.kind), ("connection.inactive", Kind::Reconnect));
            assert!(code.is_none_or(|code| fault.detail.contains(code)), "{}", fault.detail);
        }
        assert_eq!(paused.map(drop).map_err(drop), pausing, "{state:?}");
        put(&world, state, code).await;
        let resumed = resume(&world.engine, "C1").await;
        if let Err(fault) = &resumed {
            assert_eq!(
                (fault.code, fault.detail.contains("connect it again")),
                ("connection.inactive", true)
            );
        }
        let worked = resumed.is_ok();
        assert_eq!(resumed.map(drop).map_err(drop), resuming, "{state:?}");
        let left = now(&world).await;
        assert_eq!(left.state, if worked { Active } else { state });
        assert_eq!(left.problem.is_some(), !worked && code.is_some(), "{state:?}");
    }
}

#[tokio::test]
async fn a_name_is_one_connections_alone() {
    let world = World::new().await;
    let mut other = testing::connection("C2", "L2");
    other.name = "Nord".into();
    world.save(&other).await;
    let renamed = rename(&world.engine, "C1", "  Rue Basse ").await.unwrap();
    assert_eq!((renamed.connection.name.as_str(), renamed.already), ("Rue Basse", false));
    assert!(renamed.note.contains("\"Rue Haute\"") && renamed.note.contains("ActiveCampaign"));
    assert!(rename(&world.engine, "C1", "Rue Basse").await.unwrap().already);
    assert_eq!(connections::find(&world.engine, "Rue Basse").await.unwrap().id, "C1");
    let cases = [
        ("Nord", "connection.name_taken", "C2"),
        ("C2", "connection.name_taken", "C2"),
        ("  ", "config.missing", "name:"),
        ("a\nb", "config.invalid", "control characters"),
        (&"x".repeat(101), "config.invalid", "at most 100"),
    ];
    for (name, code, part) in cases {
        let fault = rename(&world.engine, "C1", name).await.unwrap_err();
        assert_eq!((fault.code, fault.kind), (code, Kind::Usage), "{name:?}");
        assert!(fault.detail.contains(part), "{}", fault.detail);
    }
    assert_eq!(world.net.all_calls(), 0, "nothing is renamed at the destination");
}

#[tokio::test]
async fn every_setting_says_its_old_and_new_value_and_what_that_means() {
    let world = World::new().await;
    // Setting, value, the value before, a part of what it means.
    let cases = [
        ("history", "2026-02-01", "all", "2026-01-31T23:00:00Z"),
        ("history", "this-year", "2026-02-01", "2025-12-31T23:00:00Z"),
        ("history", "all", "this-year", "of any age"),
        ("live_hours", "0", "24", "no order of such a run"),
        ("live_hours", "24", "0", "24 hours"),
        ("customers", "with_orders", "all", "only people with an order"),
        ("customers", "all", "with_orders", "all the shop's customers"),
        ("order_link", "receipt", "dashboard", "next write"),
        ("order_link", "dashboard", "receipt", "next write"),
        ("orders_without_customer", "by_email", "skip", "next time an order is read"),
        ("orders_without_customer", "skip", "by_email", "next time an order is read"),
        ("active_sync", "off", "on", "no longer polled"),
        ("active_sync", "on", "off", "from now on"),
    ];
    for (name, value, old, part) in cases {
        let done = set(&world.engine, "C1", name, value).await.unwrap();
        assert_eq!((done.name, done.old.as_str(), done.new.as_str()), (name, old, value));
        assert!(done.effect.contains(part) && !done.already, "{name}={value}: {}", done.effect);
        let all = words(&now(&world).await);
        assert!(all.contains(&(name, value.to_owned())), "{all:?}");
        assert!(set(&world.engine, "C1", name, value).await.unwrap().already);
    }
}

#[tokio::test]
async fn a_history_that_is_changed_is_counted_anew() {
    let world = World::new().await;
    let counted = Counted { orders: 9, exact: true, at: world.engine.now() };
    world.save(&Connection { counted: Some(counted), ..now(&world).await }).await;
    set(&world.engine, "C1", "history", "all").await.unwrap();
    assert_eq!(now(&world).await.counted, Some(counted), "it is of the same time");
    set(&world.engine, "C1", "history", "2026-02-01").await.unwrap();
    assert_eq!(now(&world).await.counted, None);
}

#[tokio::test]
async fn what_is_no_setting_or_no_value_is_named() {
    let world = World::new().await;
    let before = words(&now(&world).await);
    let cases = [
        ("live_hour", "24", "setting.unknown", "did you mean \"live_hours\"?"),
        ("token", "x", "setting.unknown", "customers (all or with_orders)"),
        ("live_hours", "12", "config.invalid", "24 or 0"),
        ("customers", "none", "config.invalid", "all or with_orders"),
        ("order_link", "", "config.invalid", "dashboard or receipt"),
        ("orders_without_customer", "send", "config.invalid", "skip or by_email"),
        ("active_sync", "true", "config.invalid", "on or off"),
        ("history", "yesterday", "config.invalid", "2026-01-31"),
        ("history", "2026-12-24", "config.invalid", "still to come"),
    ];
    for (name, value, code, part) in cases {
        let fault = set(&world.engine, "C1", name, value).await.unwrap_err();
        assert_eq!((fault.code, fault.kind), (code, Kind::Usage), "{name}={value}: {}", fault.detail);
        assert!(fault.detail.contains(part), "{}", fault.detail);
    }
    assert_eq!(words(&now(&world).await), before);
    assert_eq!(pair("customers = all").unwrap(), ("customers", "all"));
    assert_eq!(pair("customers").unwrap_err().code, "config.invalid");
    assert_eq!(set(&world.engine, "C9", "customers", "all").await.unwrap_err().code, "connection.unknown");
}

/// It is paused while its first page is being sent.
#[tokio::test]
async fn a_history_at_work_stops_at_its_next_page() {
    let world = World::new().await;
    for n in 0..6 {
        world.net.shop().sell(&format!("O{n}"), ago((30 - n) * DAY));
    }
    world.net.shop().page = 2;
    let run = start_backfill(&world.engine, "C1", &Default::default()).await.unwrap().run;
    let reading = async {
        world.work().await;
    };
    let pausing = async {
        while world.calls("orders.queue") == 0 {
            tokio::task::yield_now().await;
        }
        pause(&world.engine, "C1").await.unwrap();
    };
    futures_util::future::join(reading, pausing).await;
    let ended = world.load_run(&run.id).await;
    assert_eq!(ended.state, RunState::Incomplete);
    assert!(ended.problem.unwrap().detail.contains("is paused"));
    let sent = world.calls("orders.queue");
    assert!(sent < 3, "{sent} of 3 pages");
    resume(&world.engine, "C1").await.unwrap();
    crate::run::resume(&world.engine, "C1").await.unwrap();
    world.work().await;
    let ended = world.load_run(&run.id).await;
    assert_eq!((ended.state, ended.streams.unwrap().orders.synced), (RunState::Complete, 6));
}

#[tokio::test]
async fn an_ended_import_that_is_gone_at_the_account_keeps_nobody_from_its_new_address() {
    use ConnectionState::{Active, Deleted, Disconnected};
    // The state of another import that is not there, whether the one at work is there, and what comes of it.
    let cases = [
        (Deleted, true, Ok(())),
        (Disconnected, true, Ok(())),
        (Active, true, Err("destination.other_account")),
        (Deleted, false, Err("destination.other_account")),
    ];
    for (state, is_there, expected) in cases {
        let world = World::new().await;
        for id in ["C0", "C1", "C2"] {
            let mut one = testing::connection(id, "L1");
            "https://old.api-us1.com/api/3".clone_into(&mut one.destination_url);
            if id != "C1" {
                (one.state, one.remote) = (state, Some(99));
            }
            world.save(&one).await;
        }
        if !is_there {
            world.net.account().connections.clear();
        }
        let key = tillsync_mapping::model::Secret::new("key");
        let moved = super::set_destination(&world.engine, "C1", Some("https://acme.api-us1.com"), key).await;
        assert_eq!(moved.map(drop).map_err(|fault| fault.code), expected, "{state:?} {is_there}");
    }
}

#[tokio::test]
async fn an_account_that_does_not_answer_changes_nothing_and_is_not_tried_again() {
    for trouble in [Trouble::NotSent, Trouble::Says(503, None)] {
        let world = World::new().await;
        let mut before = testing::connection("C1", "L1");
        "https://old.api-us1.com/api/3".clone_into(&mut before.destination_url);
        world.save(&before).await;
        world.net.plan("account.me", 0, trouble);
        let key = tillsync_mapping::model::Secret::new("key");
        let url = Some("https://acme.api-us1.com");
        let fault = super::set_destination(&world.engine, "C1", url, key).await.unwrap_err();
        assert_eq!(fault.code, "destination.not_proved");
        assert!(fault.detail.starts_with("https://acme.api-us1.com/api/3: "), "{}", fault.detail);
        let held = connection(&*world.engine.store, "C1").await.unwrap().value;
        assert_eq!(held.destination_url, before.destination_url);
    }
}
