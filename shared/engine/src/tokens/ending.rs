//! Authorisations that end and begin again, with settings that are wrong and people who come at the same moment.

use std::time::Duration;

use tillsync_mapping::model::Secret;

use super::tests::{applications, kept, signed_in, state, stored};
use super::{keep_pasted, owner, renew};
use crate::fault::Fault;
use crate::manage;
use crate::ports::Lane;
use crate::run::{BackfillRequest, start_backfill, start_poll, sweep};
use crate::sign_in::{Intent, Signed, begin, callback, enter, invite};
use crate::state::{ConnectionState, RunState};
use crate::testing::{Trouble, World, source_name};

/// The application's secret as the platform does not take it.
fn wrong_secret(world: &mut World) {
    let application = world.engine.config.applications.get_mut(source_name()).unwrap();
    application.secret = Secret::new("another-secret");
}

#[tokio::test]
async fn an_authorisation_that_cannot_be_given_back_stays_as_it_was() {
    let mut world = signed_in().await;
    world.clock.advance(Duration::from_secs(3_600));
    wrong_secret(&mut world);
    let ended = manage::disconnect(&world.engine, "C1").await.unwrap();
    assert!(ended.note.contains("could not be taken back now"), "{}", ended.note);
    assert!(stored(&world).await.stopped.is_none(), "the secret was refused, not the token");
    assert_eq!((world.calls("token.revoke"), world.calls("token.refresh")), (1, 0));
    applications(&mut world);
    let ended = manage::disconnect(&world.engine, "C1").await.unwrap();
    assert!(ended.note.contains("is taken back"), "{}", ended.note);
    assert!(world.vault.get(&owner(source_name(), "M1")).await.unwrap().is_none());
}

#[tokio::test]
async fn an_open_draft_of_the_store_keeps_its_authorisation() {
    let world = signed_in().await;
    let draft = crate::connect::open(&world.engine, source_name()).await.unwrap();
    super::claim(&world.engine, (source_name(), "M1"), &draft).await.unwrap();
    crate::connect::signed(&world.engine, &draft, "M1").await.unwrap();
    manage::disconnect(&world.engine, "C1").await.unwrap();
    assert_eq!(stored(&world).await.access.expose(), "access-1");
    assert_eq!(world.calls("token.revoke"), 0);
    // Nobody went on with it within its day.
    world.clock.advance(Duration::from_secs(25 * 3_600));
    manage::disconnect(&world.engine, "C1").await.unwrap();
    assert_eq!(world.calls("token.revoke"), 1);
    assert!(world.vault.get(&owner(source_name(), "M1")).await.unwrap().is_none());
}

#[tokio::test]
async fn another_address_of_the_platform_ends_no_authorisation() {
    for known in [true, false] {
        let mut world = signed_in().await;
        if !known {
            let older = super::Authorisation { api_url: None, ..stored(&world).await };
            world.vault.put(&owner(source_name(), "M1"), &older.sealed().unwrap()).await.unwrap();
        }
        let was = world.engine.config.api_urls.clone();
        let elsewhere = "https://sandbox.shop.invalid".to_owned();
        world.engine.config.api_urls.insert(source_name().to_owned(), elsewhere);
        wrong_secret(&mut world);
        world.clock.advance(Duration::from_secs(7 * 24 * 3_600));
        world.net.shop().authority.take(&[]);
        sweep(&world.engine, false).await.unwrap();
        world.work().await;
        assert_eq!(world.calls("token.refresh"), 0, "its secret went to another platform");
        assert!(stored(&world).await.stopped.is_none());
        assert_eq!(kept(&world).await.problem.unwrap().code, "token.other_platform");
        let wrong = std::mem::replace(&mut world.engine.config.api_urls, was);
        applications(&mut world);
        world.clock.advance(Duration::from_secs(3_600));
        renew(&world.engine, source_name(), "M1").await.unwrap();
        assert_eq!(stored(&world).await.access.expose(), "access-2");
        // Nor is anything given back there.
        world.engine.config.api_urls = wrong;
        let ended = manage::disconnect(&world.engine, "C1").await.unwrap();
        assert!(ended.note.contains("could not be taken back"), "{}", ended.note);
        assert_eq!(world.calls("token.revoke"), 0);
        assert!(stored(&world).await.stopped.is_none());
    }
}

#[tokio::test]
async fn a_pasted_token_leaves_a_grant_that_works_alone() {
    let world = signed_in().await;
    let (owner, pasted) = (owner(source_name(), "M1"), Secret::new("pasted-1"));
    assert!(!keep_pasted(&world.engine, &owner, &pasted).await.unwrap(), "it is told");
    let now = stored(&world).await;
    assert!(now.granted && now.refresh.is_some() && now.access.expose() == "access-1", "{now:?}");
    assert!(keep_pasted(&world.engine, &owner, &Secret::new("access-1")).await.unwrap());
    // One that ran out is of no use to anybody.
    world.clock.advance(Duration::from_secs(31 * 24 * 3_600));
    assert!(keep_pasted(&world.engine, &owner, &pasted).await.unwrap());
    assert_eq!(stored(&world).await.access.expose(), "pasted-1");
}

#[tokio::test]
async fn signing_in_begins_a_disconnected_connection_again() {
    let world = signed_in().await;
    manage::disconnect(&world.engine, "C1").await.unwrap();
    let lost = manage::reconnect(&world.engine, "C1").await.unwrap_err();
    assert_eq!(lost.code, "connection.authorise");
    let answer = signs_in(&world, Intent::Connection("C1".to_owned()), ANSWER).await.unwrap();
    assert_eq!(answer.connection.as_deref(), Some("C1"));
    let now = state(&world, "C1").await;
    assert_eq!((now.state, now.problem), (ConnectionState::Active, None));
    assert!(now.next_sync.is_some_and(|at| at <= world.engine.now()), "its poll is due");
    // A deleted one has left the lists: nothing would go on by its authorisation.
    manage::delete_import(&world.engine, "C1").await.unwrap();
    let refused = signs_in(&world, Intent::Connection("C1".to_owned()), ANSWER).await.unwrap_err();
    assert_eq!(refused.code, "connection.over");
}

const ANSWER: &str = r#"{"access_token":"access-9","token_type":"bearer","refresh_token":"refresh-9",
    "expires_at":"2027-01-01T00:00:00Z","merchant_id":"M1","short_lived":false}"#;

/// From the link to the browser's return, with this answer to the exchange.
async fn signs_in(world: &World, intent: Intent, answer: &'static str) -> Result<Signed, Fault> {
    world.net.plan("token.obtain", 0, Trouble::Body(answer));
    world.net.shop().authority.take(&["access-9"]);
    let link = invite(&world.engine, "/").await?;
    let token = Secret::new(link.expose().rsplit('/').next().unwrap());
    let entered = enter(&world.engine, &token).await?;
    let url = begin(&world.engine, Some(&entered.session), source_name(), intent).await?;
    let state = url.split(['?', '&']).find_map(|pair| pair.strip_prefix("state=")).unwrap();
    let query = format!("code=sq0cgp-code&response_type=code&state={state}");
    callback(&world.engine, source_name(), Some(&entered.session), &query)
        .await
        .map_err(|refusal| refusal.fault)
}

#[tokio::test]
async fn a_stopped_authorisation_comes_back_with_the_applications_secret() {
    for by_hand in [true, false] {
        let mut world = signed_in().await;
        world.clock.advance(Duration::from_secs(31 * 24 * 3_600));
        wrong_secret(&mut world);
        world.net.shop().authority.take(&[]);
        sweep(&world.engine, false).await.unwrap();
        world.work().await;
        assert!(stored(&world).await.stopped.is_some());
        assert_eq!(state(&world, "C1").await.state, ConnectionState::NeedsReconnect);
        let asked = world.calls("token.refresh");
        applications(&mut world);
        if by_hand {
            assert!(!manage::resume(&world.engine, "C1").await.unwrap().already);
        } else {
            world.clock.advance(Duration::from_secs(23 * 3_600));
            sweep(&world.engine, false).await.unwrap();
            world.work().await;
            assert_eq!(world.calls("token.refresh"), asked, "once a day is enough");
            world.clock.advance(Duration::from_secs(3_600));
            sweep(&world.engine, false).await.unwrap();
            world.work().await;
        }
        assert!(stored(&world).await.stopped.is_none(), "by hand: {by_hand}");
        assert_eq!(state(&world, "C1").await.state, ConnectionState::Active);
    }
}

#[tokio::test]
async fn the_tick_gives_back_what_nobody_needs() {
    let world = signed_in().await;
    world.clock.advance(Duration::from_secs(25 * 3_600));
    // As whoever disconnects leaves it who ends right after the first write.
    let mut one = state(&world, "C1").await;
    one.state = ConnectionState::Disconnected;
    world.save(&one).await;
    world.net.plan("token.revoke", 1, Trouble::Lost);
    for calls in [1, 1, 2] {
        sweep(&world.engine, false).await.unwrap();
        world.work().await;
        assert_eq!(world.calls("token.revoke"), calls);
        world.clock.advance(Duration::from_secs(20));
    }
    assert!(world.vault.get(&owner(source_name(), "M1")).await.unwrap().is_none());
    assert!(super::all(&world.engine).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_that_was_just_obtained_is_not_given_up() {
    let world = signed_in().await;
    world.net.shop().authority.take(&["not-yet-everywhere"]);
    let http = world.engine.source_http(source_name(), "M1", Lane::Live);
    let source = world.engine.source(source_name()).unwrap();
    let token = Secret::new("access-1");
    let told = source.identify(&http, &world.connection.api_url, &token).await.unwrap_err();
    assert_eq!(told.next, tillsync_mapping::source::Next::Retry);
    assert!(stored(&world).await.stopped.is_none());
}

#[tokio::test]
async fn a_run_of_a_deleted_import_is_settled_though_its_message_was_lost() {
    let world = World::new().await;
    world.net.shop().sell("O1", crate::testing::ago(crate::testing::DAY));
    let run = start_backfill(&world.engine, "C1", &BackfillRequest::default()).await.unwrap().run;
    let mut one = state(&world, "C1").await;
    one.state = ConnectionState::Deleted;
    world.save(&one).await;
    while let Some(lost) = world.take().await {
        world.engine.queue.ack(&lost).await.unwrap();
    }
    world.clock.advance(Duration::from_secs(3_600));
    sweep(&world.engine, true).await.unwrap();
    world.work().await;
    assert!(world.load_run(&run.id).await.ended());
}

#[tokio::test]
async fn an_hour_in_which_everything_is_refused_ends_no_authorisation() {
    let world = signed_in().await;
    world.clock.advance(Duration::from_secs(24 * 3_600));
    world.net.shop().sell("O1", world.engine.now());
    world.clock.advance(Duration::from_secs(600));
    // Everything but the question for what the token may do.
    for operation in ["orders.search", "token.refresh"] {
        world.net.plan(operation, 0, Trouble::Says(401, None));
    }
    start_poll(&world.engine, "C1").await.unwrap();
    world.work().await;
    assert!(world.calls("token.refresh") > 0);
    assert!(stored(&world).await.stopped.is_none(), "the platform was not asked once more");
    assert_eq!(state(&world, "C1").await.state, ConnectionState::Active);
    world.net.mend();
    world.clock.advance(Duration::from_secs(3_600));
    let run = start_poll(&world.engine, "C1").await.unwrap().run;
    world.work().await;
    assert_eq!(world.load_run(&run.id).await.state, RunState::Complete);
    assert_eq!(world.net.account().orders.len(), 1);
}

#[tokio::test]
async fn a_refusal_of_a_young_token_puts_the_work_off() {
    for refresh in [true, false] {
        let world = signed_in().await;
        if !refresh {
            let one = super::Authorisation { refresh: None, ..stored(&world).await };
            world.vault.put(&owner(source_name(), "M1"), &one.sealed().unwrap()).await.unwrap();
        }
        world.net.shop().authority.take(&["not-yet-everywhere"]);
        let run = start_poll(&world.engine, "C1").await.unwrap().run;
        for _ in 0..4 {
            if let Some(delivery) = world.take().await {
                crate::run::handle(&world.engine, &delivery).await.unwrap();
            }
            world.clock.advance(Duration::from_secs(10));
        }
        assert!(world.net.shop().authority.refused > 0, "nobody asked");
        assert_eq!(state(&world, "C1").await.state, ConnectionState::Active);
        world.net.shop().authority.take(&["access-1"]);
        world.work().await;
        assert_eq!(world.load_run(&run.id).await.state, RunState::Complete);
        assert_eq!((state(&world, "C1").await.problem, world.calls("token.refresh")), (None, 0));
    }
}

#[tokio::test]
async fn a_deleted_import_keeps_an_authorisation_that_could_not_be_given_back() {
    for away in [true, false] {
        let mut world = signed_in().await;
        if away {
            world.net.plan("token.revoke", 0, Trouble::Lost);
        } else {
            world.engine.config.applications.clear();
        }
        let ended = manage::delete_import(&world.engine, "C1").await.unwrap();
        assert!(ended.note.contains("could not be taken back"), "{}", ended.note);
        assert!(stored(&world).await.stopped.is_none(), "nobody could give it back any more");
        world.net.mend();
        applications(&mut world);
        world.clock.advance(Duration::from_secs(9 * 24 * 3_600));
        let swept = sweep(&world.engine, false).await.unwrap();
        assert_eq!(swept.need_somebody, 0, "nothing works by it: nobody has to renew it");
        world.work().await;
        assert!(world.vault.get(&owner(source_name(), "M1")).await.unwrap().is_none(), "away: {away}");
        assert_eq!(world.calls("token.refresh"), 0);
    }
}
