use super::find;
use crate::run::{start_backfill, start_poll};
use crate::state::{RunKind, State};
use crate::testing::{self, DAY, World, ago, order, person, ready, run};

async fn found(world: &World, text: &str) -> Vec<(&'static str, String, &'static str)> {
    let found = find(&world.engine, text).await.unwrap();
    assert!(found.complete);
    found.hits.into_iter().map(|hit| (hit.stream, hit.id, hit.matched)).collect()
}

/// Two orders of Ann, a person without any.
async fn world() -> World {
    let world = World::new().await;
    let live = run(RunKind::Poll, "R1");
    world.deliver(&live, vec![ready(order("O1", ago(60))), ready(order("Z9", ago(60)))]).await.unwrap();
    world.import(&run(RunKind::Historical, "R2"), vec![person("P-Lone", ago(DAY))]).await.unwrap();
    world
}

#[tokio::test]
async fn orders_and_people_are_found_by_what_is_known_of_them() {
    let world = world().await;
    let order = |matched| ("orders", "O1".to_owned(), matched);
    let buyer = |matched| ("customers", "P-O1".to_owned(), matched);
    let cases = [
        ("O1", vec![order("id")]),
        (" o1 ", vec![order("id")]),
        ("no o1", vec![order("number")]),
        ("o1@example.org", vec![order("email"), buyer("email")]),
        ("O1@EXAMPLE", vec![order("email"), buyer("email")]),
        ("P-O1", vec![buyer("id")]),
        ("P-Lone", vec![("customers", "P-Lone".to_owned(), "id")]),
        ("Lone@Example.org", vec![("customers", "P-Lone".to_owned(), "email")]),
        ("lone@example", vec![]),
        ("o1", vec![order("id")]),
        ("1@", vec![]),
        ("nobody@example.org", vec![]),
    ];
    for (text, expected) in cases {
        assert_eq!(found(&world, text).await, expected, "{text:?}");
    }
    let ann = found(&world, "ann").await;
    assert_eq!(ann.len(), 4, "two orders, two buyers: {ann:?}");
    assert!(ann.iter().all(|(.., matched)| *matched == "name"));
    assert!(found(&world, "an").await.is_empty(), "two letters are everybody's");
}

#[tokio::test]
async fn a_hit_says_where_the_record_stands() {
    let world = world().await;
    let found = find(&world.engine, "O1").await.unwrap();
    let hit = &found.hits[0];
    assert_eq!((hit.connection.as_str(), hit.name.as_str()), ("C1", "Rue Haute"));
    assert_eq!((hit.state, hit.number.as_deref()), (State::Synced, Some("No O1")));
    assert_eq!((hit.sent_at, hit.reason.as_deref()), (Some(world.engine.now()), None));
    assert_eq!(found.looked_at, 5, "two orders, three people");
}

#[tokio::test]
async fn people_of_a_store_are_found_once() {
    let world = world().await;
    world.save(&testing::connection("C2", "L2")).await;
    assert_eq!(found(&world, "P-Lone").await.len(), 1);
    assert_eq!(found(&world, "lone@example.org").await.len(), 1);
}

#[tokio::test]
async fn what_a_history_and_a_poll_sent_is_found() {
    let world = World::new().await;
    world.net.shop().sell("Old", ago(30 * DAY));
    start_backfill(&world.engine, "C1", &Default::default()).await.unwrap();
    world.work().await;
    world.net.shop().sell("New", ago(-60));
    world.clock.advance(std::time::Duration::from_secs(600));
    start_poll(&world.engine, "C1").await.unwrap();
    world.work().await;
    for id in ["Old", "New"] {
        let address = format!("{}@example.org", id.to_lowercase());
        let expected = [("orders", id.to_owned(), "email"), ("customers", format!("P-{id}"), "email")];
        assert_eq!(found(&world, &address).await, expected);
    }
}

#[tokio::test]
async fn more_than_fifty_hits_are_cut_and_said_so() {
    let world = World::new().await;
    let live = run(RunKind::Poll, "R1");
    let orders = (0..60).map(|n| ready(order(&format!("O{n}"), ago(60)))).collect();
    world.deliver(&live, orders).await.unwrap();
    let found = find(&world.engine, "example.org").await.unwrap();
    assert_eq!((found.hits.len(), found.complete), (50, false));
}

#[tokio::test]
async fn a_ledger_too_long_to_be_walked_is_said_so() {
    let world = world().await;
    let mut walk = crate::ledger::Walk::new(&world.engine, 2);
    let partition = crate::state::Connection::partition("C1");
    let mut seen = Vec::new();
    let see = |id, _| {
        seen.push(id);
        true
    };
    walk.rows(&partition, crate::state::Stream::Orders, see).await.unwrap();
    assert_eq!((seen, walk.looked_at, walk.cut), (vec!["O1".to_owned(), "Z9".to_owned()], 2, true));
}

#[tokio::test]
async fn nothing_is_no_question() {
    let fault = find(&world().await.engine, "  ").await.unwrap_err();
    assert_eq!((fault.code, fault.kind), ("config.invalid", crate::fault::Kind::Usage));
}
