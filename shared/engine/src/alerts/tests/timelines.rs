//! Timelines: what happens when, and what is heard.

use serde_json::json;

use super::Event::{self, Deaf, Deleted, Ends, Parks, Read, Resumed, Stops, Works};
use super::Stage;
use crate::state::ConnectionState::{NeedsReconnect, Paused};
use crate::state::RunKind::{Historical, Poll};
use crate::state::RunState::{Cancelled, Complete, Incomplete};

pub(super) const REVOKED: Event = Stops(NeedsReconnect, "config.missing");
const DAY: i64 = 24 * 60;

/// What it shows; what happens when; until which minute; what is heard.
type Case = (&'static str, &'static [(i64, Event)], i64, &'static [&'static str]);

const CASES: &[Case] = &[
    ("nothing is said of a connection that works", &[(60, Read), (150, Read)], 200, &[]),
    (
        "a stop is told once, and its end",
        &[(3, REVOKED), (50, Works)],
        90,
        &["4 needs_somebody raised", "51 needs_somebody resolved"],
    ),
    (
        "what goes on is repeated once a day",
        &[(0, REVOKED)],
        2 * DAY + 60,
        &["1 needs_somebody raised", "1441 needs_somebody still", "2881 needs_somebody still"],
    ),
    (
        "another reason is told, not sooner than after an hour",
        &[(0, REVOKED), (9, Stops(Paused, "destination.rejected"))],
        90,
        &["1 needs_somebody raised", "61 needs_somebody still"],
    ),
    ("what was paused on purpose needs nobody", &[(3, Event::Paused)], DAY, &[]),
    (
        "a removed connection needs nobody any more",
        &[(3, REVOKED), (9, Deleted)],
        DAY,
        &["4 needs_somebody raised", "10 needs_somebody resolved"],
    ),
    (
        "freshness is lost after two hours without a complete read",
        &[(200, Read)],
        210,
        &["120 stale raised", "201 stale resolved"],
    ),
    (
        "that a stopped connection is not fresh is not told besides",
        &[(10, REVOKED)],
        300,
        &["11 needs_somebody raised"],
    ),
    (
        "one that is stale and then stops is not called fresh",
        &[(130, REVOKED), (140, Works)],
        150,
        &[
            "120 stale raised",
            "131 needs_somebody raised",
            "141 needs_somebody resolved",
            "141 stale resolved",
        ],
    ),
    (
        "an incomplete run is told once, and a complete one ends it",
        &[
            (5, Ends(Poll, "R1", Incomplete)),
            (35, Ends(Poll, "R2", Incomplete)),
            (65, Ends(Poll, "R3", Complete)),
        ],
        90,
        &["6 incomplete raised", "66 incomplete resolved"],
    ),
    (
        "a complete poll does not end what a history left open",
        &[(5, Ends(Historical, "R1", Incomplete)), (35, Ends(Poll, "R2", Complete))],
        90,
        &["6 incomplete raised"],
    ),
    (
        "a history that is resumed is over when it is complete",
        &[
            (5, Ends(Historical, "R1", Incomplete)),
            (35, Ends(Poll, "R2", Complete)),
            (40, Resumed("R1")),
            (50, Ends(Historical, "R1", Complete)),
        ],
        90,
        &["6 incomplete raised", "51 incomplete resolved"],
    ),
    (
        "a history that somebody cancels is nobody's matter any more",
        &[
            (5, Ends(Historical, "R1", Incomplete)),
            (40, Resumed("R1")),
            (50, Ends(Historical, "R1", Cancelled)),
        ],
        90,
        &["6 incomplete raised", "51 incomplete resolved"],
    ),
    (
        "a cancelled history says nothing of the one before",
        &[(5, Ends(Historical, "R1", Incomplete)), (40, Ends(Historical, "R2", Cancelled))],
        90,
        &["6 incomplete raised"],
    ),
    (
        "a poll that ends because the connection stops is no second alert",
        &[(5, REVOKED), (5, Ends(Poll, "R1", Incomplete)), (40, Works)],
        90,
        &["6 needs_somebody raised", "41 needs_somebody resolved"],
    ),
    (
        "a history that ends so is told when that is mended: it has to be resumed",
        &[(5, REVOKED), (5, Ends(Historical, "R1", Incomplete)), (40, Works)],
        90,
        &["6 needs_somebody raised", "41 needs_somebody resolved", "41 incomplete raised"],
    ),
    (
        "what a run parks is told once a run, and never again",
        &[(5, Parks("R1", 3, 1)), (35, Parks("R2", 3, 3)), (65, Parks("R3", 4, 3)), (100, Read), (200, Read)],
        250,
        &["6 parked raised", "66 parked raised"],
    ),
    (
        "one who fails is asked again after growing pauses",
        &[(3, REVOKED), (3, Deaf(true)), (140, Deaf(false)), (140, Read)],
        180,
        &["145 needs_somebody raised"],
    ),
    (
        "what came and went while nobody heard is not told",
        &[(3, Deaf(true)), (3, REVOKED), (10, Works), (20, Deaf(false))],
        90,
        &[],
    ),
    (
        "what comes and goes within the hour goes on",
        &[
            (3, REVOKED),
            (9, Works),
            (12, REVOKED),
            (15, Works),
            (18, REVOKED),
            (21, Works),
            (24, REVOKED),
            (27, Works),
        ],
        100,
        &[
            "4 needs_somebody raised",
            "10 needs_somebody resolved",
            "13 needs_somebody still",
            "88 needs_somebody resolved",
        ],
    ),
    (
        "what comes back after more than an hour is news",
        &[(3, REVOKED), (9, Works), (75, REVOKED)],
        80,
        &["4 needs_somebody raised", "10 needs_somebody resolved", "76 needs_somebody raised"],
    ),
];

#[tokio::test]
async fn an_alert_is_raised_once_repeated_daily_and_resolved_once() {
    let mut wrong = Vec::new();
    for (shows, events, end, told) in CASES {
        let mut stage = Stage::new().await;
        for (minute, event) in *events {
            stage.until(*minute).await;
            stage.happens("C1", *event).await;
        }
        stage.until(*end).await;
        let heard = stage.heard();
        if heard != *told {
            wrong.push(format!("{shows}: {heard:?}, not {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_document_says_what_is_wrong_since_when_and_what_to_do() {
    let mut stage = Stage::new().await;
    stage.until(2).await;
    stage.happens("C1", REVOKED).await;
    stage.until(3).await;
    let heard = stage.ear.heard.lock().unwrap().clone();
    let action = crate::explained("config.missing").unwrap().action;
    let expected = json!({
        "v": 1, "kind": "needs_somebody", "connection": {"id": "C1", "name": "Rue Haute"},
        "code": "config.missing", "detail": "refused", "since": "2026-05-04T10:02:00Z",
        "action": action, "at": "2026-05-04T10:03:00Z", "state": "raised",
    });
    assert_eq!(heard, [expected]);
}
