//! Drafts that somebody signs in for.

use tillsync_mapping::source::{Application, Grant};

use super::super::keep::Known;
use super::super::{
    Offer, Step, Wanted, choose_destination, choose_location, choose_name, draft, fields_of, match_ids, open,
    signed, want,
};
use super::*;
use crate::ports::Store;
use crate::state::{ConnectionState, Row};
use crate::testing::{Trouble, source_name};

async fn opened() -> (World, String) {
    let mut world = empty().await;
    let application = Application { id: "app".to_owned(), secret: Secret::new("app-secret") };
    world.engine.config.applications.insert(source_name().to_owned(), application);
    let id = open(&world.engine, source_name()).await.unwrap();
    (world, id)
}

#[tokio::test]
async fn a_failure_for_now_keeps_a_draft_and_its_key() {
    let (world, id) = opened().await;
    let engine = &world.engine;
    ready(&world, &id).await;
    assert_eq!(draft(engine, &id).await.unwrap().unwrap().step(), Step::Ids);
    let waits = finish_draft(engine, &id).await.unwrap_err();
    assert_eq!((waits.code, waits.detail.ends_with("waits for: ids")), ("draft.incomplete", true));
    for asked in ["customer.reference_id", "", "order.id"] {
        assert_eq!(match_ids(engine, &id, Some(asked)).await.unwrap_err().code, "draft.ids", "{asked:?}");
    }
    let ids = match_ids(engine, &id, None).await.unwrap();
    assert_eq!(match_ids(engine, &id, Some(&ids[0].from)).await.unwrap(), ids, "the same by its name");
    let pairs: Vec<_> = ids.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
    assert_eq!(pairs[..2], [("customer.id", "order.storeCustomerId"), ("order.id", "order.storeOrderId")]);
    let whole = fields_of(engine, &draft(engine, &id).await.unwrap().unwrap()).unwrap();
    assert!(whole.len() > ids.len() && ids.iter().all(|id| whole.iter().any(|line| line.to == id.to)));

    world.net.plan("connections.create", 0, Trouble::NotSent);
    let failed = finish_draft(engine, &id).await.unwrap();
    assert!(matches!(failed, DraftOutcome::Failed { usage: false, .. }), "{failed:?}");
    let kept = draft(engine, &id).await.unwrap().unwrap();
    assert!(kept.outcome.is_none() && kept.step() == Step::Finish, "{kept:?}");
    assert!(kept.steps.is_some_and(|steps| steps.refused.is_some()), "whoever waits is told");

    world.net.mend();
    let finished = finish_draft(engine, &id).await.unwrap();
    assert!(matches!(&finished, DraftOutcome::Connected(summary) if summary.ids == ids), "{finished:?}");
    assert_eq!(draft(engine, &id).await.unwrap().unwrap().step(), Step::Finished);
}

#[tokio::test]
async fn the_id_of_a_connection_fits_one_location_only() {
    let cases = [
        (vec!["A"], Some("7"), Ok(())),
        (vec!["A", "B"], Some("new"), Ok(())),
        (vec!["A", "B"], None, Ok(())),
        (vec!["A", "B"], Some("7"), Err("config.invalid")),
        (vec!["all"], Some("7"), Err("config.invalid")),
    ];
    for (locations, connection_type, expected) in cases {
        let (world, id) = opened().await;
        let wanted = Wanted {
            locations: locations.iter().map(|one| (*one).to_owned()).collect(),
            connection_type: connection_type.map(str::to_owned),
            ..Wanted::default()
        };
        let noted = want(&world.engine, &id, wanted, &Secret::new("key")).await;
        assert_eq!(noted.map_err(|fault| fault.code), expected, "{locations:?} {connection_type:?}");
    }
}

/// A draft that is signed in, with its location, its destination and its name.
async fn ready(world: &World, id: &str) -> Offer {
    let (engine, key) = (&world.engine, Secret::new("key"));
    let grant = Grant { access: Secret::new("access"), refresh: None, expires: None, store: "M1".to_owned() };
    crate::tokens::keep(engine, source_name(), &grant).await.unwrap();
    signed(engine, id, "M1").await.unwrap();
    choose_location(engine, id, "L1").await.unwrap();
    let offer = choose_destination(engine, id, ("https://acme.api-us1.com", &key), None).await.unwrap();
    choose_name(engine, id, ("Till", "all"), true).await.unwrap();
    offer
}

async fn finished(world: &World, id: &str) -> Summary {
    match_ids(&world.engine, id, None).await.unwrap();
    match finish_draft(&world.engine, id).await.unwrap() {
        DraftOutcome::Connected(summary) => summary,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_offered_for_a_moved_account_is_what_finishing_does() {
    let (world, id) = opened().await;
    ready(&world, &id).await;
    let first = finished(&world, &id).await;
    // As it stands once the account's address was changed: it keeps the name it had here.
    let mut one = crate::run::connection(&*world.store, &first.connection).await.unwrap().value;
    one.destination = "before".to_owned();
    world.save(&one).await;
    let known = Known { connection: one.id.clone() };
    world.store.transact(vec![Row::new(one.unique_key(), known).put().unwrap()]).await.unwrap();
    world.vault.put(&one.destination_owner(), &Secret::new("key")).await.unwrap();
    for state in [ConnectionState::Active, ConnectionState::Deleted] {
        one.state = state;
        world.save(&one).await;
        let again = open(&world.engine, source_name()).await.unwrap();
        let offer = ready(&world, &again).await;
        assert!(offer.existing.is_none(), "{state:?}: it is ours, and renewed: {offer:?}");
        let second = finished(&world, &again).await;
        assert_eq!((second.connection, second.renewed), (first.connection.clone(), true), "{state:?}");
    }
}

#[tokio::test]
async fn the_secrets_of_an_abandoned_draft_go_with_it() {
    let (world, id) = opened().await;
    let (engine, key) = (&world.engine, Secret::new("key"));
    let tick = async |hours: u64| {
        world.clock.advance(std::time::Duration::from_secs(hours * 3_600));
        crate::run::sweep(engine, true).await.unwrap();
        world.work().await;
    };
    want(engine, &id, Wanted::default(), &key).await.unwrap();
    let pasted = begin(engine, request(None), (&Secret::new("token"), &key)).await.unwrap();
    let there = async || {
        let mut there = Vec::new();
        for owner in
            [format!("DRAFT#{id}#key"), format!("DRAFT#{pasted}#key"), format!("DRAFT#{pasted}#token")]
        {
            there.push(world.vault.get(&owner).await.unwrap().is_some());
        }
        there
    };
    tick(20).await;
    assert_eq!(there().await, [true, true, true], "they can be gone on with");
    want(engine, &id, Wanted::default(), &key).await.unwrap();
    tick(5).await;
    assert_eq!(there().await, [true, false, false], "somebody went on with one of them");
    tick(20).await;
    assert_eq!(there().await, [false, false, false]);
    tick(25).await;
    assert!(!format!("{:?}", world.store.dump()).contains(&id), "nothing is left of it");
    // As whoever ends right after the outcome leaves it.
    let done = open(engine, source_name()).await.unwrap();
    ready(&world, &done).await;
    finished(&world, &done).await;
    world.vault.put(&format!("DRAFT#{done}#key"), &key).await.unwrap();
    tick(25).await;
    assert!(world.vault.get(&format!("DRAFT#{done}#key")).await.unwrap().is_none());
}
