//! Tokens that run out, are renewed by two at once, are taken back; and processes that end in the middle of it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use jiff::SignedDuration;
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::{Application, Grant};

use super::{Authorisation, Keeping, all, keep, keep_pasted, owner, renew, revoked};
use crate::ports::Lane;
use crate::run::{BackfillRequest, start_backfill, start_poll, sweep};
use crate::state::{Connection, ConnectionState, RunKind, RunState};
use crate::testing::{DAY, HOUR, Trouble, World, ago, beginning, connection, source_name};

const LONG: Duration = Duration::from_secs(6 * 24 * 3_600 + 60);

pub(super) fn grant(access: &str, world: &World) -> Grant {
    Grant {
        access: Secret::new(access),
        refresh: Some(Secret::new("refresh-1")),
        expires: Some(world.engine.now() + SignedDuration::from_hours(30 * 24)),
        store: "M1".to_owned(),
    }
}

/// A world whose store is connected by sign-in, and whose shop takes the newest token alone.
pub(super) async fn signed_in() -> World {
    let mut world = World::new().await;
    world.net.shop().authority.take(&["access-1"]);
    applications(&mut world);
    keep(&world.engine, source_name(), &grant("access-1", &world)).await.unwrap();
    world
}

pub(super) fn applications(world: &mut World) {
    let application = Application { id: "app".to_owned(), secret: Secret::new("app-secret") };
    world.engine.config.applications.insert(source_name().to_owned(), application);
}

pub(super) async fn stored(world: &World) -> Authorisation {
    let secret = world.vault.get(&owner(source_name(), "M1")).await.unwrap().expect("an authorisation");
    Authorisation::read(&secret).unwrap()
}

pub(super) async fn kept(world: &World) -> Keeping {
    all(&world.engine).await.unwrap().pop().expect("a row")
}

pub(super) async fn state(world: &World, id: &str) -> Connection {
    crate::run::connection(&*world.store, id).await.unwrap().value
}

#[test]
fn what_an_older_version_stored_is_read() {
    let bare = Authorisation::read(&Secret::new("EAAA-bare")).unwrap();
    assert_eq!((bare.access.expose(), bare.granted, bare.obtained), ("EAAA-bare", false, None));
    for wrong in ["{", "{}", r#"{"access":1}"#, r#"{"access":"canary","granted":"yes"}"#] {
        let fault = Authorisation::read(&Secret::new(wrong)).unwrap_err();
        assert!(fault.code == "data.corrupt" && !fault.detail.contains("canary"), "{fault}");
    }
    let whole = Authorisation::pasted(&Secret::new("canary"), beginning());
    assert!(!format!("{whole:?}").contains("canary"), "a token is printed");
    let again = Authorisation::read(&whole.sealed().unwrap()).unwrap();
    assert_eq!((again.access.expose(), again.obtained), ("canary", Some(beginning())));
}

#[tokio::test]
async fn a_tick_renews_what_is_six_days_old() {
    let world = signed_in().await;
    sweep(&world.engine, false).await.unwrap();
    world.work().await;
    assert_eq!(world.calls("token.refresh"), 0, "it is young");
    world.clock.advance(LONG);
    sweep(&world.engine, false).await.unwrap();
    world.work().await;
    assert_eq!(world.calls("token.refresh"), 1);
    let now = stored(&world).await;
    assert_eq!((now.access.expose(), now.refresh.unwrap().expose()), ("access-2", "refresh-1"));
    assert_eq!(kept(&world).await.obtained, now.obtained);
    sweep(&world.engine, false).await.unwrap();
    world.work().await;
    assert_eq!(world.calls("token.refresh"), 1, "once is enough");
}

#[tokio::test]
async fn two_that_are_refused_at_once_renew_once() {
    let world = signed_in().await;
    world.clock.advance(Duration::from_secs(24 * 3_600));
    world.net.shop().authority.take(&[]);
    let other = world.engine.clone();
    let (source, token) = (world.engine.source(source_name()).unwrap(), Secret::new("access-1"));
    let ask = async |engine: &crate::Engine| {
        let http = engine.source_http(source_name(), "M1", Lane::Live);
        source.identify(&http, &world.connection.api_url, &token).await
    };
    let (one, two) = join(ask(&world.engine), ask(&other)).await;
    assert_eq!((one.unwrap().id.as_str(), two.unwrap().id.as_str()), ("M1", "M1"));
    assert_eq!(world.calls("token.refresh"), 1);
    assert_eq!(stored(&world).await.access.expose(), "access-2");
}

#[tokio::test]
async fn a_process_that_ends_anywhere_in_a_renewal_loses_nothing() {
    for rotates in [false, true] {
        let mut ends = BTreeSet::new();
        for n in 1..200 {
            let mut world = signed_in().await;
            world.net.shop().authority.rotates = rotates;
            world.clock.advance(LONG);
            world.trip.arm(n);
            let fell = {
                let work = Box::pin(renew(&world.engine, source_name(), "M1"));
                matches!(select(work, Box::pin(world.trip.fallen())).await, Either::Right(_))
            };
            // Another process goes on at once, and once more when the lease of the first is over.
            world.restart("two");
            applications(&mut world);
            for _ in 0..2 {
                renew(&world.engine, source_name(), "M1").await.unwrap();
                world.clock.advance(Duration::from_secs(3 * 60));
            }
            let now = stored(&world).await;
            assert!(now.refresh.is_some() && now.stopped.is_none(), "pass {n}: {now:?}");
            if !rotates {
                assert!(world.net.shop().authority.takes(now.access.expose()), "pass {n}: {now:?}");
                assert!(now.obtained.unwrap() > beginning(), "pass {n}: it was not renewed");
                assert!(kept(&world).await.lease.is_none(), "pass {n}");
            }
            ends.insert(n);
            if !fell {
                break;
            }
        }
        assert!((8..199).contains(&ends.len()), "{} places to end at", ends.len());
    }
}

#[tokio::test]
async fn two_locations_stop_with_one_more_call_and_go_on_without_loss() {
    let mut world = signed_in().await;
    let second = connection("C2", "L2");
    world.save(&second).await;
    world.connection.created = ago(2 * DAY);
    world.save(&world.connection).await;
    {
        let mut shop = world.net.shop();
        (0..12).for_each(|n| shop.sell(&format!("O{n}"), ago((20 - n) * DAY)));
        shop.page = 3;
    }
    world.clock.advance(Duration::from_secs(3_600));
    let run = start_backfill(&world.engine, "C1", &BackfillRequest::default()).await.unwrap().run;
    // Taken back in the middle of it.
    for _ in 0..2 {
        let delivery = world.take().await.expect("work");
        if delivery.body.contains("window") {
            world.net.shop().authority.revoke_after = Some(4);
        }
        crate::run::handle(&world.engine, &delivery).await.unwrap();
    }
    world.work().await;
    let stopped = state(&world, "C1").await;
    assert_eq!(stopped.state, ConnectionState::NeedsReconnect, "{stopped:?}");
    let code = stopped.problem.unwrap().code;
    assert!(code.ends_with(".token_revoked"), "{code}");
    assert_eq!(state(&world, "C2").await.state, ConnectionState::NeedsReconnect, "the store's others too");
    assert_eq!(world.load_run(&run.id).await.state, RunState::Incomplete);
    assert_eq!(world.calls("token.refresh"), 1);
    // Whoever read, and one question whether that is so.
    assert!(
        world.net.shop().authority.refused <= 3,
        "{} calls were refused",
        world.net.shop().authority.refused
    );
    // Nothing calls any more.
    let before = world.net.all_calls();
    world.clock.advance(Duration::from_secs(2 * 3_600));
    sweep(&world.engine, true).await.unwrap();
    world.work().await;
    assert_eq!(world.net.all_calls(), before);
    // Authorised again.
    world.net.shop().authority.take(&["access-9"]);
    keep(&world.engine, source_name(), &grant("access-9", &world)).await.unwrap();
    for id in ["C1", "C2"] {
        let one = state(&world, id).await;
        assert_eq!((one.state, one.problem), (ConnectionState::Active, None));
        assert_eq!(one.next_sync, Some(world.engine.now()));
    }
    world.work().await;
    let done = world.load_run(&run.id).await;
    assert_eq!(done.state, RunState::Complete, "{done:?}");
    assert_eq!(done.streams.unwrap().orders.synced, 12);
    assert_eq!(world.net.account().orders.len(), 12);
}

#[tokio::test]
async fn a_pasted_token_that_is_refused_stops_the_store_at_once() {
    let world = World::new().await;
    keep_pasted(&world.engine, &owner(source_name(), "M1"), &Secret::new("pasted-1")).await.unwrap();
    let second = connection("C2", "L2");
    world.save(&second).await;
    world.net.shop().authority.take(&["another"]);
    start_poll(&world.engine, "C1").await.unwrap();
    world.work().await;
    for id in ["C1", "C2"] {
        assert_eq!(state(&world, id).await.state, ConnectionState::NeedsReconnect);
    }
    assert_eq!(world.calls("token.refresh"), 0);
    assert_eq!(world.net.shop().authority.refused, 1);
    keep_pasted(&world.engine, &owner(source_name(), "M1"), &Secret::new("another")).await.unwrap();
    sweep(&world.engine, false).await.unwrap();
    world.work().await;
    assert_eq!(state(&world, "C1").await.problem, None);
    assert!(crate::connections::newest_run(&world.engine, "C1", RunKind::Poll).await.is_ok());
}

#[tokio::test]
async fn a_revocation_told_of_stops_only_what_was_there_by_then() {
    let world = signed_in().await;
    let granted = world.engine.now();
    world.clock.advance(Duration::from_secs(3_600));
    let at = |seconds: i64| granted + SignedDuration::from_secs(seconds);
    let stopped = async || stored(&world).await.stopped.is_some();
    revoked(&world.engine, source_name(), "M1", at(-HOUR)).await.unwrap();
    assert!(!stopped().await, "it was taken back before it was granted anew");
    assert_eq!(world.net.all_calls(), 0);
    revoked(&world.engine, source_name(), "M1", at(20)).await.unwrap();
    assert!(!stopped().await, "too close to tell, and it still works");
    assert!(world.net.all_calls() > 0);
    revoked(&world.engine, source_name(), "M1", at(HOUR - 5)).await.unwrap();
    assert!(stopped().await);
    assert_eq!(state(&world, "C1").await.state, ConnectionState::NeedsReconnect);
    revoked(&world.engine, "nobody", "M1", at(0)).await.unwrap_err();
    revoked(&world.engine, source_name(), "M2", at(0)).await.unwrap();
}

#[tokio::test]
async fn a_refusal_to_renew_is_not_believed_while_the_token_works() {
    let world = signed_in().await;
    world.clock.advance(LONG);
    world.net.plan("token.refresh", 0, Trouble::Says(401, None));
    renew(&world.engine, source_name(), "M1").await.unwrap();
    assert!(stored(&world).await.stopped.is_none());
    let row = kept(&world).await;
    assert_eq!(row.failed.map(|(_, times)| times), Some(1), "{row:?}");
    renew(&world.engine, source_name(), "M1").await.unwrap();
    assert_eq!(world.calls("token.refresh"), 1, "it waits before it tries again");
    // For more than two days it goes on so: somebody is told, nothing stops.
    for _ in 0..60 {
        world.clock.advance(Duration::from_secs(3_600));
        sweep(&world.engine, false).await.unwrap();
        world.work().await;
    }
    assert!(kept(&world).await.too_old_since(world.engine.now()).is_some());
    assert_eq!(state(&world, "C1").await.state, ConnectionState::Active);
    world.net.mend();
    world.clock.advance(Duration::from_secs(3_600));
    sweep(&world.engine, false).await.unwrap();
    world.work().await;
    let row = kept(&world).await;
    assert!(row.too_old_since(world.engine.now()).is_none() && row.problem.is_none(), "{row:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_ours_is_not_stored() {
    let hostile = [
        r#"{"access_token":"x-1","token_type":"bearer","expires_at":"2026-12-01T00:00:00Z","merchant_id":"M2"}"#,
        r#"{"access_token":"","expires_at":"2026-12-01T00:00:00Z","merchant_id":"M1"}"#,
        r#"{"access_token":"x-1","merchant_id":"M1"}"#,
        r#"{"errors":[]}"#,
        "<html>",
        "[]",
    ];
    for body in hostile {
        let world = signed_in().await;
        world.clock.advance(LONG);
        world.net.plan("token.refresh", 0, Trouble::Body(body));
        renew(&world.engine, source_name(), "M1").await.unwrap();
        let now = stored(&world).await;
        assert_eq!((now.access.expose(), now.stopped), ("access-1", None), "{body}");
        assert!(kept(&world).await.problem.is_some(), "{body}");
    }
}

#[tokio::test]
async fn without_the_application_nothing_is_given_up() {
    let mut world = signed_in().await;
    world.engine.config.applications.clear();
    world.clock.advance(LONG);
    world.net.shop().authority.take(&[]);
    start_poll(&world.engine, "C1").await.unwrap();
    world.work().await;
    assert_eq!(state(&world, "C1").await.state, ConnectionState::NeedsReconnect);
    assert!(stored(&world).await.stopped.is_none(), "it can be renewed once the setting is back");
    applications(&mut world);
    world.clock.advance(Duration::from_secs(3_600));
    sweep(&world.engine, false).await.unwrap();
    world.work().await;
    assert_eq!(state(&world, "C1").await.state, ConnectionState::Active);
}

#[tokio::test]
async fn whoever_ends_while_keeping_a_grant_is_made_up_for() {
    for n in 1..100 {
        let mut world = signed_in().await;
        let at = world.engine.now();
        world.clock.advance(Duration::from_secs(3_600));
        world.net.shop().authority.take(&["access-9"]);
        revoked(&world.engine, source_name(), "M1", at + SignedDuration::from_mins(30)).await.unwrap();
        assert_eq!(state(&world, "C1").await.state, ConnectionState::NeedsReconnect);
        world.trip.arm(n);
        let grant = grant("access-9", &world);
        let fell = {
            let work = Box::pin(keep(&world.engine, source_name(), &grant));
            matches!(select(work, Box::pin(world.trip.fallen())).await, Either::Right(_))
        };
        world.restart("two");
        applications(&mut world);
        world.clock.advance(Duration::from_secs(60));
        sweep(&world.engine, false).await.unwrap();
        world.work().await;
        let works = stored(&world).await.stopped.is_none();
        let active = state(&world, "C1").await.state == ConnectionState::Active;
        assert_eq!(active, works, "pass {n}: what is stored decides");
        if !fell {
            assert!(works && n > 6, "{n}");
            return;
        }
    }
    panic!("it does not end");
}

#[tokio::test]
async fn many_that_are_refused_while_the_platform_is_away_come_back() {
    let world = signed_in().await;
    world.clock.advance(Duration::from_secs(24 * 3_600));
    world.net.shop().authority.take(&[]);
    world.net.plan("token.refresh", 0, Trouble::Lost);
    let (source, token) = (world.engine.source(source_name()).unwrap(), Secret::new("access-1"));
    let ask = async || {
        let http = world.engine.source_http(source_name(), "M1", Lane::Live);
        source.identify(&http, &world.connection.api_url, &token).await
    };
    for told in join_all((0..4).map(|_| ask())).await {
        assert_eq!(told.unwrap_err().next, tillsync_mapping::source::Next::Retry);
    }
    assert!(stored(&world).await.stopped.is_none());
    world.net.mend();
    world.clock.advance(Duration::from_secs(600));
    ask().await.unwrap();
}
