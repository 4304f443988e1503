//! Names, connecting a second time, and the account's own integration.

use serde_json::json;

use super::*;
use crate::connections;
use crate::shapes;
use crate::testing::connection_there;

#[tokio::test]
async fn a_name_that_is_taken_is_refused_before_anything_is_made() {
    let world = empty().await;
    let taken = ConnectRequest { name: format!(" {} ", world.connection.name), ..request(None) };
    assert_eq!(refused(&world, taken).await, "connection.name_taken");
    assert_eq!(world.calls("connections.create"), 0);
    assert_eq!(connections::all(&world.engine).await.unwrap().len(), 1);
}

#[tokio::test]
async fn connecting_again_says_what_stays_as_it_is() {
    let world = empty().await;
    let first = connected(&world, request(None)).await;
    assert_eq!((first.warnings.len(), first.renewed), (0, false));
    for (name, history, said) in [
        ("Till", "all", None),
        (" Till ", "all", None),
        ("Other", "all", Some("its name stays \"Till\"")),
        ("Till", "2026-01-01", Some("its history stays all")),
        ("Other", "this-year", Some("its name stays \"Till\", its history stays all")),
        // A name that another has is no reason to refuse: it is not taken.
        ("Rue Haute", "all", Some("its name stays \"Till\"")),
    ] {
        let asked = ConnectRequest { name: name.to_owned(), history: history.to_owned(), ..request(None) };
        let again = connected(&world, asked).await;
        assert!(again.renewed && again.connection == first.connection && again.name == "Till");
        let warnings: Vec<_> = again.warnings.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(warnings, said.map(|_| "connection.kept").into_iter().collect::<Vec<_>>());
        if let Some(said) = said {
            assert!(again.warnings[0].message.ends_with(said), "{:?}", again.warnings);
        }
        let shown = shapes::summary(&again, None);
        assert_eq!(shown["warnings"].as_array().unwrap().len(), warnings.len());
        assert_eq!(shown["matched"], json!(null));
    }
    assert_eq!(world.calls("connections.create"), 1);
}

#[tokio::test]
async fn the_accounts_own_integration_is_warned_of_wherever_it_stands_in_the_list() {
    for (internal, service, store, status, warned) in [
        ("1", "", "x", json!(1), true),
        ("1", "other", "L1", json!(1), true),
        ("1", "other", "M1", json!(null), true),
        ("1", "other", "x", json!(1), false),
        ("1", "", "L1", json!("0"), false),
        ("0", "", "x", json!(1), false),
    ] {
        let world = empty().await;
        let service = if service.is_empty() { crate::testing::source_name() } else { service };
        for id in 1..=4 {
            world.net.account().connections.push(connection_there(id, "acme", "x"));
        }
        let mut own = connection_there(5, service, store);
        own["isInternal"] = internal.into();
        own["syncStatus"] = status;
        world.net.account().connections.push(own.clone());
        for renewed in [false, true] {
            let summary = connected(&world, request(None)).await;
            assert_eq!(summary.renewed, renewed);
            let codes: Vec<_> = summary.warnings.iter().map(|one| one.code.as_str()).collect();
            let expected: &[&str] = if warned { &["destination.own_integration"] } else { &[] };
            assert_eq!(codes, expected, "{own}");
            assert!(codes.iter().all(|code| crate::explained(code).is_some()));
        }
    }
}
