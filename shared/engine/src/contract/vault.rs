//! Secrets.

use futures_util::future::join_all;
use tillsync_mapping::model::Secret;

use super::Subject;
use crate::ports::{Condition, Vault, Written};

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

async fn put_if(under: &Under, owner: &str, secret: &str, when: Condition) -> Written {
    under.port.put_if(owner, &Secret::new(secret), when).await.expect("writes")
}

async fn rev(under: &Under, owner: &str) -> u64 {
    under.port.held(owner).await.expect("reads").expect("is there").rev
}

pub(super) async fn changed_only_as_it_was_read(under: &Under) {
    const OWNER: &str = "STORE#acme#M1";
    assert_eq!(put_if(under, OWNER, "none", Condition::Rev(1)).await, Written::Conflict);
    assert_eq!(seen(under, OWNER).await, None, "a conflict changes nothing");
    assert_eq!(put_if(under, OWNER, "first", Condition::Absent).await, Written::Done);
    assert_eq!(put_if(under, OWNER, "other", Condition::Absent).await, Written::Conflict);
    let first = rev(under, OWNER).await;
    assert_eq!(put_if(under, OWNER, "second", Condition::Rev(first)).await, Written::Done);
    assert_eq!(put_if(under, OWNER, "late", Condition::Rev(first)).await, Written::Conflict);
    assert_eq!(seen(under, OWNER).await.as_deref(), Some("second"));
    let second = rev(under, OWNER).await;
    put(under, OWNER, "third").await;
    assert_eq!(put_if(under, OWNER, "late", Condition::Rev(second)).await, Written::Conflict);
    assert_eq!(seen(under, OWNER).await.as_deref(), Some("third"), "a plain put counts as a change");
    put(under, OWNER, "third").await;
    put(under, "DEST#acme", "key").await;
    under.port.forget(OWNER).await.expect("forgets");
    assert_eq!(
        put_if(under, OWNER, "late", Condition::Rev(rev(under, "DEST#acme").await + 7)).await,
        Written::Conflict
    );
    assert_eq!(put_if(under, OWNER, "again", Condition::Absent).await, Written::Done);
}

pub(super) async fn of_two_changes_one_is_done(under: &Under) {
    put(under, "STORE#acme#M1", "before").await;
    let read = rev(under, "STORE#acme#M1").await;
    let names: Vec<String> = (0..8).map(|n| format!("token-{n}")).collect();
    let races = names.iter().map(|name| put_if(under, "STORE#acme#M1", name, Condition::Rev(read)));
    let done = join_all(races).await;
    let winners: Vec<_> = names.iter().zip(done).filter(|(_, done)| *done == Written::Done).collect();
    assert_eq!(winners.len(), 1, "several changed what they had read");
    assert_eq!(seen(under, "STORE#acme#M1").await.as_ref(), Some(winners[0].0));
}

pub(super) async fn forgotten_only_as_it_was_read(under: &Under) {
    let forget = async |owner, rev| under.port.forget_if(owner, rev).await.expect("forgets");
    assert_eq!(forget("A", 1).await, Written::Conflict, "nothing is there");
    put(under, "A", "first").await;
    let read = under.port.held("A").await.expect("reads").expect("is there").rev;
    put(under, "A", "second").await;
    assert_eq!(forget("A", read).await, Written::Conflict);
    assert_eq!(seen(under, "A").await.as_deref(), Some("second"), "a newer one was forgotten");
    let read = under.port.held("A").await.expect("reads").expect("is there").rev;
    assert_eq!(forget("A", read).await, Written::Done);
    assert_eq!(seen(under, "A").await, None);
    put(under, "A", "third").await;
    assert_eq!(seen(under, "A").await.as_deref(), Some("third"));
}

pub(super) async fn a_revision_never_comes_again(under: &Under) {
    put(under, "STORE#acme#M1", "first").await;
    let first = rev(under, "STORE#acme#M1").await;
    under.port.forget("STORE#acme#M1").await.expect("forgets");
    assert_eq!(put_if(under, "STORE#acme#M1", "late", Condition::Rev(first)).await, Written::Conflict);
    assert_eq!(put_if(under, "STORE#acme#M1", "second", Condition::Absent).await, Written::Done);
    assert_ne!(rev(under, "STORE#acme#M1").await, first);
    assert_eq!(put_if(under, "STORE#acme#M1", "late", Condition::Rev(first)).await, Written::Conflict);
    let second = rev(under, "STORE#acme#M1").await;
    assert_eq!(under.port.forget_if("STORE#acme#M1", second).await.expect("forgets"), Written::Done);
    put(under, "STORE#acme#M1", "third").await;
    assert_eq!(put_if(under, "STORE#acme#M1", "late", Condition::Rev(second)).await, Written::Conflict);
    assert_eq!(under.port.forget_if("STORE#acme#M1", second).await.expect("looks"), Written::Conflict);
    assert_eq!(seen(under, "STORE#acme#M1").await.as_deref(), Some("third"));
}
