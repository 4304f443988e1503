//! However much goes wrong, a receiver is not flooded, and nothing is forgotten.

use std::sync::Arc;

use serde_json::json;

use super::Event::{Deaf, Read, Works};
use super::timelines::REVOKED;
use super::{Other, Stage, line};
use crate::alerts::Alerts;
use crate::testing::connection;

/// So many connections.
async fn many(count: usize) -> (Stage, Vec<String>) {
    let stage = Stage::new().await;
    let ids: Vec<String> = (1..=count).map(|n| format!("C{n}")).collect();
    for id in &ids {
        stage.world.save(&connection(id, &format!("L{id}"))).await;
        stage.happens(id, Read).await;
    }
    (stage, ids)
}

#[tokio::test]
async fn ten_documents_an_hour_at_the_most_and_the_last_speaks_for_the_rest() {
    let (mut stage, ids) = many(30).await;
    stage.until(1).await;
    for id in &ids {
        stage.happens(id, REVOKED).await;
    }
    stage.until(30).await;
    let heard = stage.heard();
    assert_eq!(heard.len(), 10, "{heard:?}");
    assert_eq!((heard[8].as_str(), heard[9].as_str()), ("2 needs_somebody raised", "2 digest 21"));
    let digest = stage.ear.heard.lock().unwrap()[9].clone();
    assert_eq!(
        (&digest["kinds"], &digest["states"]),
        (&json!({"needs_somebody": 21}), &json!({"raised": 21}))
    );
    // All are mended: nobody hears of it before the hour is over, and then in ten again.
    for id in &ids {
        stage.happens(id, Works).await;
    }
    stage.until(61).await;
    assert_eq!(stage.heard().len(), 10);
    stage.until(100).await;
    let heard = stage.heard();
    assert_eq!(heard.len(), 20, "{heard:?}");
    assert_eq!((heard[10].as_str(), heard[19].as_str()), ("62 needs_somebody resolved", "62 digest 21"));
}

#[tokio::test]
async fn one_who_fails_is_left_alone_longer_each_time() {
    let (mut stage, ids) = many(3).await;
    stage.happens("C1", Deaf(true)).await;
    for id in &ids {
        stage.happens(id, REVOKED).await;
    }
    let mut asked = Vec::new();
    for minute in 1..=220 {
        let before = *stage.ear.asked.lock().unwrap();
        stage.until(minute).await;
        let now = *stage.ear.asked.lock().unwrap();
        asked.extend((now > before).then_some((minute, now - before)));
    }
    assert_eq!(asked, [(1, 1), (2, 1), (7, 1), (22, 1), (82, 1), (142, 1), (202, 1)]);
    assert_eq!(stage.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn a_new_process_knows_what_was_said() {
    let mut stage = Stage::new().await;
    stage.happens("C1", REVOKED).await;
    stage.until(2).await;
    stage.world.restart("two");
    stage.alerts = Alerts::new(Arc::new(stage.world.engine.clone()), vec![stage.ear.clone()]);
    stage.until(30).await;
    stage.happens("C1", Works).await;
    stage.until(40).await;
    assert_eq!(stage.heard(), ["1 needs_somebody raised", "31 needs_somebody resolved"]);
}

#[tokio::test]
async fn what_lay_still_gets_its_chance_before_it_is_called_stale() {
    let mut stage = Stage::new().await;
    stage.minute = 600;
    stage.world.clock.set(crate::testing::beginning() + jiff::SignedDuration::from_mins(600));
    stage.alerts = Alerts::new(Arc::new(stage.world.engine.clone()), vec![stage.ear.clone()]);
    stage.until(603).await;
    assert_eq!(stage.heard(), Vec::<String>::new());
    stage.until(606).await;
    assert_eq!(stage.heard(), ["605 stale raised"]);
}

#[tokio::test]
async fn two_receivers_are_told_each_and_one_does_not_wait_for_the_other() {
    let mut stage = Stage::new().await;
    let other = Arc::new(Other::default());
    let engine = Arc::new(stage.world.engine.clone());
    stage.alerts = Alerts::new(engine, vec![stage.ear.clone(), other.clone()]);
    stage.happens("C1", Deaf(true)).await;
    stage.happens("C1", REVOKED).await;
    stage.until(2).await;
    stage.happens("C1", Deaf(false)).await;
    stage.until(20).await;
    assert_eq!(stage.heard(), ["7 needs_somebody raised"]);
    let heard: Vec<String> = other.0.heard.lock().unwrap().iter().map(line).collect();
    assert_eq!(heard, ["1 needs_somebody raised"]);
}
