//! Connecting: what is adopted, what is refused before anything is made, and what is only said.

mod adopting;
mod again;
mod stepwise;

use jiff::SignedDuration;
use tillsync_mapping::model::Secret;

use super::{ConnectRequest, DraftOutcome, Summary, begin, finish_draft};
use crate::testing::World;

fn request(connection_type: Option<&str>) -> ConnectRequest {
    ConnectRequest {
        source: crate::testing::source_name().to_owned(),
        name: "Till".to_owned(),
        location: "L1".to_owned(),
        destination_url: "https://acme.api-us1.com".to_owned(),
        history: "all".to_owned(),
        connection_type: connection_type.map(str::to_owned),
    }
}

/// A world with an account that nothing was connected to yet.
async fn empty() -> World {
    let world = World::new().await;
    let mut elsewhere = world.connection.clone();
    "another".clone_into(&mut elsewhere.destination);
    world.save(&elsewhere).await;
    world.net.account().connections.clear();
    world
}

async fn outcome(world: &World, request: ConnectRequest) -> DraftOutcome {
    let secrets = (&Secret::new("token"), &Secret::new("key"));
    let draft = begin(&world.engine, request, secrets).await.unwrap();
    let outcome = finish_draft(&world.engine, &draft).await.unwrap();
    // What came of a draft is kept and asked for again.
    let kept = super::draft(&world.engine, &draft).await.unwrap().unwrap().outcome.unwrap();
    assert_eq!(format!("{kept:?}"), format!("{outcome:?}"));
    outcome
}

async fn connected(world: &World, request: ConnectRequest) -> Summary {
    match outcome(world, request).await {
        DraftOutcome::Connected(summary) => summary,
        failed => panic!("{failed:?}"),
    }
}

async fn refused(world: &World, request: ConnectRequest) -> String {
    match outcome(world, request).await {
        DraftOutcome::Failed { code, usage: true, .. } => code,
        other => panic!("{other:?}"),
    }
}

/// Polls follow from when it was made: by the shop's clock where ours is ahead, so that nothing is left out.
#[tokio::test]
async fn a_connection_is_made_by_the_earlier_of_two_clocks() {
    // Seconds the shop's clock is ahead, and seconds its making is before ours.
    for (ahead, before) in [(Some(0), 0), (Some(-30), 0), (Some(-600), 600), (Some(600), 0), (None, 0)] {
        let world = empty().await;
        world.net.set_ahead(ahead.map(SignedDuration::from_secs));
        let start = world.engine.now();
        let summary = connected(&world, request(None)).await;
        let made = crate::connections::find(&world.engine, &summary.connection).await.unwrap().created;
        let apart = start.duration_since(made).as_secs();
        assert!((before - 2..=before + 2).contains(&apart), "{ahead:?}: {apart} s before");
    }
}
