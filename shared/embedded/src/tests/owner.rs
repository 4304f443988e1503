//! One process owns the directory.

use std::time::Duration;

use tillsync_engine::ports::{Lane, MAX_ATTEMPTS, Queue};

use super::child::start;
use super::{manual, open, place};
use crate::{Owner, Sqlite};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_directory_has_one_owner() {
    let place = place();
    assert_eq!(Owner::describe(&place.dir), "");
    let owner = Owner::try_take(&place.dir).unwrap().expect("it is free");
    assert!(Owner::try_take(&place.dir).unwrap().is_none(), "it is taken");
    let about = Owner::describe(&place.dir);
    assert!(
        about.starts_with(&format!("pid {} since 2", std::process::id())) && about.ends_with('Z'),
        "{about}"
    );
    drop(owner);
    assert!(Owner::try_take(&place.dir).unwrap().is_some(), "it is free again");
}

#[tokio::test]
async fn a_killed_owner_leaves_lock_and_leases_free() {
    let place = place();
    let sqlite = open(&place.dir);
    sqlite.send(Lane::Live, "g", vec!["a".to_owned(), "b".to_owned()], Duration::ZERO).await.unwrap();
    let mut child = start("own", &place.dir);
    assert_eq!(child.says(), "true 2");
    assert!(Owner::try_take(&place.dir).unwrap().is_none(), "the child lives");
    child.kill();
    assert!(sqlite.receive(Lane::Live, 9, HOUR).await.unwrap().is_empty(), "its messages are still leased");
    let owner = Owner::try_take(&place.dir).unwrap().expect("a dead owner holds nothing");
    assert_eq!(sqlite.free_leases(&owner).await.unwrap(), 2);
    let taken = sqlite.receive(Lane::Live, 9, HOUR).await.unwrap();
    assert_eq!(taken.iter().map(|delivery| delivery.attempts).collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test]
async fn freeing_touches_only_what_was_taken() {
    let (place, clock) = (place(), manual());
    let sqlite = Sqlite::open(&place.dir, clock.clone()).unwrap();
    let send = async |body: &str, delay| {
        sqlite.send(Lane::Live, "g", vec![body.to_owned()], delay).await.unwrap();
    };
    let take = async || sqlite.receive(Lane::Live, 1, HOUR).await.unwrap().remove(0);
    send("released", Duration::ZERO).await;
    sqlite.release(&take().await, Duration::from_secs(60)).await.unwrap();
    send("deferred", Duration::ZERO).await;
    sqlite.defer(&take().await, Duration::from_secs(60)).await.unwrap();
    send("late", Duration::from_secs(60)).await;
    send("taken", Duration::ZERO).await;
    let before = take().await;

    let owner = Owner::try_take(&place.dir).unwrap().unwrap();
    assert_eq!(sqlite.free_leases(&owner).await.unwrap(), 1);
    sqlite.ack(&before).await.unwrap();
    let after = sqlite.receive(Lane::Live, 9, HOUR).await.unwrap();
    assert_eq!(after.len(), 1, "a wait that was asked for goes on, and the dead owner's receipt is void");
    assert_eq!((after[0].body.as_str(), after[0].attempts), ("taken", 2));
    clock.advance(Duration::from_secs(60));
    assert_eq!(sqlite.receive(Lane::Live, 9, HOUR).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_message_that_kills_its_owner_is_dead_in_the_end() {
    let (place, clock) = (place(), manual());
    let sqlite = Sqlite::open(&place.dir, clock).unwrap();
    sqlite.send(Lane::Live, "g", vec!["poison".to_owned()], Duration::ZERO).await.unwrap();
    let owner = Owner::try_take(&place.dir).unwrap().unwrap();
    for _ in 0..MAX_ATTEMPTS {
        assert_eq!(sqlite.receive(Lane::Live, 9, HOUR).await.unwrap().len(), 1);
        assert_eq!(sqlite.free_leases(&owner).await.unwrap(), 1);
    }
    assert!(sqlite.receive(Lane::Live, 9, HOUR).await.unwrap().is_empty());
    assert_eq!(sqlite.dead(Lane::Live, 9).await.unwrap()[0].attempts, MAX_ATTEMPTS);
}
