//! Secrets.

use futures_util::future::join_all;
use tillsync_mapping::model::Secret;

use super::Subject;
use crate::ports::Vault;

type Under = Subject<dyn Vault>;

async fn seen(under: &Under, owner: &str) -> Option<String> {
    under.port.get(owner).await.expect("reads").map(|secret| secret.expose().to_owned())
}

async fn put(under: &Under, owner: &str, secret: &str) {
    under.port.put(owner, &Secret::new(secret)).await.expect("writes");
}

pub(super) async fn kept_replaced_forgotten(under: &Under) {
    assert_eq!(seen(under, "STORE#acme#M1").await, None);
    under.port.forget("STORE#acme#M1").await.expect("forgetting what is not there is no error");
    put(under, "STORE#acme#M1", "first").await;
    put(under, "DEST#acme", "key").await;
    assert_eq!(seen(under, "STORE#acme#M1").await.as_deref(), Some("first"));
    put(under, "STORE#acme#M1", "second").await;
    assert_eq!(seen(under, "STORE#acme#M1").await.as_deref(), Some("second"));
    under.port.forget("STORE#acme#M1").await.expect("forgets");
    under.port.forget("STORE#acme#M1").await.expect("forgets twice");
    assert_eq!(seen(under, "STORE#acme#M1").await, None);
    assert_eq!(seen(under, "DEST#acme").await.as_deref(), Some("key"), "the others stay");
}

pub(super) async fn owners_are_apart(under: &Under) {
    let owners = ["A", "a", "A#", "A#1", "A#10", "ü", "日本", "a'b\"c\\d", "%", "../secrets", "a b"];
    for owner in owners {
        put(under, owner, &format!("geheim-ß-{owner}")).await;
    }
    for owner in owners {
        assert_eq!(seen(under, owner).await, Some(format!("geheim-ß-{owner}")));
    }
    assert_eq!(seen(under, "A#1%").await, None);
}

pub(super) async fn racing_owners_lose_nothing(under: &Under) {
    let owners: Vec<String> = (0..20).map(|n| format!("STORE#acme#{n}")).collect();
    join_all(owners.iter().map(|owner| put(under, owner, owner))).await;
    for owner in &owners {
        assert_eq!(seen(under, owner).await.as_ref(), Some(owner), "a concurrent put was lost");
    }
}

pub(super) async fn nothing_prints_a_secret(under: &Under) {
    put(under, "DEST#acme", "canary-4711").await;
    let found = under.port.get("DEST#acme").await.expect("reads");
    assert!(!format!("{found:?}").contains("canary"), "a secret was printed");
}
