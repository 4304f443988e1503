//! A connection that is at the destination already (rules.md section 4).

use serde_json::{Value, json};

use super::*;
use crate::connect::Matched;
use crate::connections;
use crate::ports::Lane;
use crate::run::{BackfillRequest, start_backfill};
use crate::state::{Connection, RunKind};
use crate::testing::{HOUR, REMOTE, Trouble, ago, connection_there, order, ready, run};

/// The connection that is sent to and, where it was adopted, what was read, known by order and by payment; or the code.
type Expected = Result<(i64, Option<(usize, usize, usize)>), &'static str>;

/// What the account holds and what is asked for, and what must come of it.
struct Case {
    what: &'static str,
    /// Id, service and list of its connections; the location is `L1`.
    there: &'static [(i64, &'static str, &'static str)],
    asked: Option<&'static str>,
    /// Orders of connection 20: by GraphQL, and in the v3 copy only.
    holds: &'static [&'static str],
    copied: &'static [&'static str],
    expected: Expected,
}

const OURS: &str = "tillsync-";
const NOTHING: &[&str] = &[];

const CASES: &[Case] = &[
    Case {
        what: "nothing is there",
        there: &[],
        asked: None,
        holds: NOTHING,
        copied: NOTHING,
        expected: Ok((100, None)),
    },
    Case {
        what: "new is asked for",
        there: &[(20, "acme", "0")],
        asked: Some("new"),
        holds: &["O1"],
        copied: NOTHING,
        expected: Ok((100, None)),
    },
    Case {
        what: "the matching one",
        there: &[(19, "acme", "0"), (20, OURS, "0")],
        asked: None,
        holds: &["O1"],
        copied: NOTHING,
        expected: Ok((20, Some((1, 1, 0)))),
    },
    Case {
        what: "the matching one by its id",
        there: &[(20, OURS, "0")],
        asked: Some("20"),
        holds: NOTHING,
        copied: NOTHING,
        expected: Ok((20, Some((0, 0, 0)))),
    },
    Case {
        what: "the matching one on a list",
        there: &[(20, OURS, "1")],
        asked: None,
        holds: NOTHING,
        copied: NOTHING,
        expected: Ok((20, Some((0, 0, 0)))),
    },
    Case {
        what: "the matching one with foreign orders",
        there: &[(20, OURS, "0")],
        asked: None,
        holds: &["Z1"],
        copied: NOTHING,
        expected: Err("destination.connection_foreign"),
    },
    Case {
        what: "new beside the matching one",
        there: &[(20, OURS, "0")],
        asked: Some("new"),
        holds: NOTHING,
        copied: NOTHING,
        expected: Err("destination.connection_exists"),
    },
    Case {
        what: "another's without orders",
        there: &[(20, "acme", "0")],
        asked: Some("20"),
        holds: NOTHING,
        copied: NOTHING,
        expected: Ok((20, Some((0, 0, 0)))),
    },
    Case {
        what: "another's by order id",
        there: &[(20, "acme", "0")],
        asked: Some("20"),
        holds: &["O1", "Z1", "T-O2"],
        copied: NOTHING,
        expected: Ok((20, Some((3, 1, 1)))),
    },
    Case {
        what: "another's in the copy only",
        there: &[(20, "acme", "0")],
        asked: Some("20"),
        holds: NOTHING,
        copied: &["O1", "", "O2", "Z1"],
        expected: Ok((20, Some((3, 2, 0)))),
    },
    Case {
        what: "another's in both",
        there: &[(20, "acme", "0")],
        asked: Some("20"),
        holds: &["O1"],
        copied: &["O1", "O2"],
        expected: Ok((20, Some((2, 2, 0)))),
    },
    Case {
        what: "by payment id only",
        there: &[(20, "acme", "0")],
        asked: Some("20"),
        holds: &["T-O1", "T-O2"],
        copied: NOTHING,
        expected: Err("destination.connection_foreign"),
    },
    Case {
        what: "foreign in the copy only",
        there: &[(20, "acme", "0")],
        asked: Some("20"),
        holds: NOTHING,
        copied: &["Z1"],
        expected: Err("destination.connection_foreign"),
    },
    Case {
        what: "sold at another location",
        there: &[(20, "acme", "0")],
        asked: Some("20"),
        holds: &["E1"],
        copied: NOTHING,
        expected: Err("destination.connection_foreign"),
    },
    Case {
        what: "another's on a list",
        there: &[(20, "acme", "3")],
        asked: Some("20"),
        holds: &["O1"],
        copied: NOTHING,
        expected: Err("destination.connection_list"),
    },
    Case {
        what: "another's beside ours, which is in use",
        there: &[(20, OURS, "0"), (21, "acme", "0")],
        asked: Some("21"),
        holds: &["O1"],
        copied: NOTHING,
        expected: Err("destination.connection_exists"),
    },
    Case {
        what: "another's beside ours, which is empty",
        there: &[(19, OURS, "0"), (20, "acme", "0")],
        asked: Some("20"),
        holds: &["O1"],
        copied: NOTHING,
        expected: Ok((20, Some((1, 1, 0)))),
    },
    Case {
        what: "an id that is not there",
        there: &[(20, "acme", "0")],
        asked: Some("99"),
        holds: NOTHING,
        copied: NOTHING,
        expected: Err("destination.connection_unknown"),
    },
    Case {
        what: "a word",
        there: &[],
        asked: Some("existing"),
        holds: NOTHING,
        copied: NOTHING,
        expected: Err("destination.connection_unknown"),
    },
    Case {
        what: "no id",
        there: &[],
        asked: Some("-1"),
        holds: NOTHING,
        copied: NOTHING,
        expected: Err("destination.connection_unknown"),
    },
];

fn held(id: &str) -> Value {
    json!({"legacyConnectionId": 20, "storeOrderId": id, "storeCreatedDate": ago(HOUR).to_string(), "finalAmount": 1})
}

async fn given(case: &Case) -> World {
    let world = empty().await;
    for id in ["O1", "O2"] {
        world.net.shop().sell(id, ago(HOUR));
    }
    world.net.shop().sell("E1", ago(HOUR));
    world.net.shop().orders.last_mut().unwrap()["location_id"] = "L2".into();
    let mut account = world.net.account();
    for (id, service, list) in case.there {
        let service = service.replace(OURS, &crate::connect::service(crate::testing::source_name()));
        let mut there = connection_there(*id, &service, "L1");
        there["listId"] = (*list).into();
        account.connections.push(there);
    }
    for id in case.holds {
        account.orders.insert((*id).to_owned(), (held(id), ago(HOUR)));
    }
    account.copies = case
        .copied
        .iter()
        .map(|id| json!({"externalid": id, "connectionid": "20", "totalPrice": "1", "currency": "EUR"}))
        .collect();
    drop(account);
    world
}

#[tokio::test]
async fn a_connection_is_adopted_only_when_it_is_this_locations() {
    for case in CASES {
        let world = given(case).await;
        let before = world.net.account().connections.clone();
        let outcome = outcome(&world, request(case.asked)).await;
        match (&outcome, case.expected) {
            (DraftOutcome::Connected(summary), Ok((id, matched))) => {
                let connection = connections::find(&world.engine, &summary.connection).await.unwrap();
                assert_eq!(connection.remote, Some(id), "{}", case.what);
                let expected =
                    matched.map(|(read, by_order, by_payment)| Matched { read, by_order, by_payment });
                assert_eq!(summary.matched, expected, "{}", case.what);
                assert_eq!(summary.adopted, matched.is_some(), "{}", case.what);
                assert_eq!(connection.adopted.is_some(), matched.is_some(), "{}", case.what);
                let there = world.net.account().connection(id).unwrap().clone();
                assert_eq!(there["listId"], "0", "{}", case.what);
                if matched.is_some() {
                    assert_eq!(
                        (&there["name"], &there["syncStatus"]),
                        (&json!("Until now"), &json!(1)),
                        "{}",
                        case.what
                    );
                }
            }
            (DraftOutcome::Failed { code, usage: true, detail }, Err(expected)) => {
                assert_eq!(code, expected, "{}: {detail}", case.what);
                assert_eq!(
                    world.net.account().connections,
                    before,
                    "{}: nothing was changed there",
                    case.what
                );
                assert_eq!(world.calls("connections.create") + world.calls("connections.update"), 0);
            }
            _ => panic!("{}: {outcome:?}", case.what),
        }
    }
}

#[tokio::test]
async fn a_connection_that_another_one_sends_to_is_not_adopted() {
    let world = World::new().await;
    let mut other = world.connection.clone();
    "L9".clone_into(&mut other.location.id);
    world.save(&other).await;
    world.net.account().connection(REMOTE).unwrap()["externalid"] = "L9".into();
    assert_eq!(refused(&world, request(Some("7"))).await, "destination.connection_in_use");
    assert_eq!(world.calls("orders.newest"), 0);
}

#[tokio::test]
async fn what_cannot_be_compared_now_is_not_adopted() {
    for operation in
        ["orders.newest", "orders.copies", "orders.batch_retrieve", "payments.get", "connections.get"]
    {
        let world = given(&CASES[8]).await;
        world.net.plan(operation, 0, Trouble::Says(500, None));
        let DraftOutcome::Failed { usage: false, .. } = outcome(&world, request(Some("20"))).await else {
            panic!("{operation}")
        };
        assert_eq!(world.calls("connections.update"), 0, "{operation}");
    }
}

#[tokio::test]
async fn an_adopted_connection_is_known_by_its_id_and_its_orders_start_nothing() {
    let world = given(&CASES[8]).await;
    let summary = connected(&world, request(Some("20"))).await;
    let started =
        start_backfill(&world.engine, &summary.connection, &BackfillRequest::default()).await.unwrap();
    world.work().await;
    let run = world.engine.run(&summary.connection, &started.run.id).await.unwrap().value;
    assert_eq!(run.streams.unwrap().orders.synced, 2);
    for id in ["O1", "O2"] {
        let sent = world.net.account().orders[id].0.clone();
        assert_eq!(sent["creationSource"], "HISTORICAL", "an hour old, and perhaps there already");
        assert_eq!(sent["legacyConnectionId"], 20);
    }
    // Connecting again asks for it by its id; so does a delivery of which everything is refused.
    assert!(connected(&world, request(None)).await.renewed);
    let connection = connections::find(&world.engine, &summary.connection).await.unwrap();
    let refuse = async |connection: &Connection| {
        world.net.account().refused.insert("X1".to_owned());
        let http = world.engine.destination_http("acme", Lane::Live);
        let run = self::run(RunKind::Poll, "R9");
        let delivering =
            crate::deliver::Delivering::new(&world.engine, connection, &run, &http).await.unwrap();
        delivering.orders(vec![ready(order("X1", ago(HOUR)))]).await
    };
    assert_eq!(refuse(&connection).await.unwrap().parked["destination.invalid_record"], 1);
    world.net.account().connections.clear();
    let again = connected(&world, request(None)).await;
    assert_eq!((again.renewed, again.warnings[0].code.as_str()), (true, "connection.remade"));
    let remade = connections::find(&world.engine, &summary.connection).await.unwrap();
    assert_ne!(remade.remote, connection.remote);
    // What was sent to the one before goes again, and starts nothing even when it was live.
    let http = world.engine.destination_http("acme", Lane::Live);
    let run = self::run(RunKind::Historical, "R10");
    world.clock.advance(std::time::Duration::from_secs(120));
    let delivering = crate::deliver::Delivering::new(&world.engine, &remade, &run, &http).await.unwrap();
    let sold = ready(order("X2", ago(-60)));
    assert_eq!(delivering.orders(vec![sold]).await.unwrap().observed, 1);
}

#[tokio::test]
async fn their_own_integration_is_never_shared() {
    let world = World::new().await;
    world.net.account().connections.push(json!({
        "id": "77", "service": crate::testing::source_name(), "externalid": "M1", "name": "Own",
        "isInternal": "1", "listId": "0", "syncStatus": "1",
    }));
    let answer = outcome(&world, request(Some("77"))).await;
    let DraftOutcome::Failed { code, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(code, "destination.own_integration");
}
