//! Connecting: what is adopted, what is refused before anything is made, and what is only said.

mod adopting;
mod again;

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
