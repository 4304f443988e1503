//! Reading.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Subject;
use super::store::{create, item, put, seed, write};
use crate::ports::{Condition, Item, Key, Store, Written};

type Under = Subject<dyn Store>;

/// The sort keys of a page.
pub(super) async fn page(
    under: &Under,
    pk: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Vec<String> {
    let found = under.port.query(pk, prefix, after, limit).await.expect("reads");
    found.into_iter().map(|item| item.key.sk).collect()
}

pub(super) async fn many_come_in_the_order_asked(under: &Under) {
    seed(under, vec![create("P", "a", "pa"), create("P", "b", "pb"), create("Q", "a", "qa")]).await;
    let asked = [("Q", "a"), ("P", "nobody"), ("P", "b"), ("P", "a"), ("Q", "b"), ("P", "b")];
    let keys: Vec<Key> = asked.iter().map(|(pk, sk)| Key::new(*pk, *sk)).collect();
    let found = under.port.get_many(&keys).await.expect("reads");
    let bodies: Vec<Option<&str>> =
        found.iter().map(|item| item.as_ref().map(|item| item.body.as_str())).collect();
    assert_eq!(bodies, [Some("qa"), None, Some("pb"), Some("pa"), None, Some("pb")]);
    for (key, item) in keys.iter().zip(&found) {
        assert!(item.as_ref().is_none_or(|item| item.key == *key && item.rev == 1), "{key:?} is {item:?}");
    }
}

pub(super) async fn pages_follow_each_other(under: &Under) {
    let keys = ["CUR#orders", "REC#1", "REC#2", "REC#3", "REC#4", "REC#5", "RUN#1"];
    seed(under, keys.iter().map(|sk| create("P", sk, sk)).collect()).await;
    assert_eq!(page(under, "P", "REC#", None, 2).await, ["REC#1", "REC#2"]);
    assert_eq!(page(under, "P", "REC#", Some("REC#2"), 2).await, ["REC#3", "REC#4"]);
    assert_eq!(page(under, "P", "REC#", Some("REC#4"), 2).await, ["REC#5"]);
    let nothing: [&str; 0] = [];
    assert_eq!(page(under, "P", "REC#", Some("REC#5"), 2).await, nothing);
    assert_eq!(page(under, "P", "REC#", Some("REC#25"), 1).await, ["REC#3"], "the mark itself may be gone");
    assert_eq!(page(under, "P", "REC#", Some("A"), 9).await.len(), 5, "a mark before the prefix");
    assert_eq!(page(under, "P", "REC#", Some("REC"), 9).await.len(), 5, "a mark that starts the prefix");
    assert_eq!(page(under, "P", "REC#", Some("RUN#0"), 9).await, nothing, "a mark after the prefix");
    assert_eq!(page(under, "P", "REC#3", None, 9).await, ["REC#3"], "a prefix that is a whole key");
    assert_eq!(page(under, "P", "REC#3", Some("REC#3"), 9).await, nothing);
    assert_eq!(page(under, "P", "", None, 9).await, keys, "no prefix is all");
    assert_eq!(page(under, "P", "", Some("REC#5"), 9).await, ["RUN#1"]);
    assert_eq!(page(under, "P", "REC#", None, 0).await, nothing);
    assert_eq!(page(under, "P", "NO#", None, 9).await, nothing);
}

pub(super) async fn order_is_that_of_bytes(under: &Under) {
    // Neither of a language nor of UTF-16, in which the last two would change places.
    let sorted = ["#", "10", "9", "A", "Z", "a", "aa", "b", "z", "é", "\u{d7ff}", "\u{fffd}", "😀"];
    seed(under, sorted.iter().rev().map(|sk| create("P", sk, "1")).collect()).await;
    assert_eq!(page(under, "P", "", None, 99).await, sorted);
    assert_eq!(page(under, "P", "", Some("z"), 2).await, ["é", "\u{d7ff}"]);
}

pub(super) async fn prefixes_are_literal(under: &Under) {
    let odd = [
        "%",
        "_",
        "'",
        "\"",
        "\\",
        "*",
        "[a]",
        "?",
        ";--",
        "ü",
        "日本",
        "\u{d7ff}",
        "\u{10ffff}",
        "a\u{10ffff}",
    ];
    let mut keys = vec!["x".to_owned(), "xy".to_owned()];
    for prefix in odd {
        keys.extend(["", "1", "ü"].map(|rest| format!("{prefix}{rest}")));
    }
    seed(under, keys.iter().map(|sk| create("P'%", sk, "1")).collect()).await;
    for prefix in odd {
        let mut expected: Vec<&String> = keys.iter().filter(|sk| sk.starts_with(prefix)).collect();
        expected.sort();
        assert_eq!(
            page(under, "P'%", prefix, None, 99).await.iter().collect::<Vec<_>>(),
            expected,
            "{prefix:?}"
        );
    }
}

pub(super) async fn partitions_are_apart(under: &Under) {
    let pks = ["CONN#1", "CONN#10", "CONN#", "CONN#1#", "conn#1", "CONN%", "日"];
    seed(under, pks.iter().map(|pk| create(pk, "a", pk)).collect()).await;
    for pk in pks {
        let found = under.port.query(pk, "", None, 9).await.expect("reads");
        assert_eq!(found.iter().map(|item| item.body.as_str()).collect::<Vec<_>>(), [pk]);
    }
    assert_eq!(page(under, "CONN", "", None, 9).await.len(), 0);
}

pub(super) async fn tags_are_counted(under: &Under) {
    let tagged = |sk: &str, tag: &str| Item { tag: tag.to_owned(), ..item("P", sk, "1") };
    let tags = [
        ("REC#1", "synced"),
        ("REC#2", "synced"),
        ("REC#3", "skipped:no_email"),
        ("REC#4", ""),
        ("S#1", "s"),
    ];
    seed(under, tags.iter().map(|(sk, tag)| put(tagged(sk, tag), Condition::Absent)).collect()).await;
    seed(under, vec![create("Q", "REC#1", "1")]).await;
    let tally = |expected: &[(&str, u64)]| -> BTreeMap<String, u64> {
        expected.iter().map(|(tag, count)| ((*tag).to_owned(), *count)).collect()
    };
    let counted = under.port.tally("P", "REC#").await.expect("counts");
    assert_eq!(counted, tally(&[("synced", 2), ("skipped:no_email", 1)]), "untagged items do not count");
    assert_eq!(under.port.tally("P", "").await.expect("counts").len(), 3);
    assert_eq!(under.port.tally("Q", "").await.expect("counts"), tally(&[]));
    assert_eq!(write(under, put(tagged("REC#2", "parked:x"), Condition::Rev(1))).await, Written::Done);
    let counted = under.port.tally("P", "REC#").await.expect("counts");
    assert_eq!(
        counted,
        tally(&[("synced", 1), ("skipped:no_email", 1), ("parked:x", 1)]),
        "the tag of now counts"
    );
    let found = under.port.get(&Key::new("P", "REC#2")).await.expect("reads").expect("is there");
    assert_eq!(found.tag, "parked:x");
}

pub(super) async fn text_comes_back_as_it_went(under: &Under) {
    let bodies = [
        r#"{"name":"Jürgen O'Neill \"Bob\"","city":"東京","mood":"👩‍👩‍👧 🇪🇺"}"#.to_owned(),
        "line\r\n\ttab \u{feff} \u{202e} \\u0000 '; DROP TABLE items; --".to_owned(),
        format!("\"{}\"", "é".repeat(100_000)),
    ];
    let expires =
        under.time.now().round(jiff::Unit::Microsecond).expect("rounds") + SignedDuration::from_hours(1);
    for (n, body) in bodies.iter().enumerate() {
        let sk = format!("REC#ü'%{n}");
        let sent =
            Item { tag: "skipped:ü".to_owned(), expires: Some(expires), ..item("P#日本", &sk, body) };
        seed(under, vec![put(sent.clone(), Condition::Absent)]).await;
        let found = under.port.get(&sent.key).await.expect("reads");
        assert_eq!(found, Some(Item { rev: 1, ..sent }));
    }
}
