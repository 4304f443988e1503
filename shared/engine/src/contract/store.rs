//! Writing.

use super::Subject;
use crate::ports::{Condition, Item, Key, MAX_BATCH, MAX_TRANSACTION, Store, Write, Written};

type Under = Subject<dyn Store>;

pub(super) fn item(pk: &str, sk: &str, body: &str) -> Item {
    Item { key: Key::new(pk, sk), rev: 0, tag: String::new(), body: body.to_owned(), expires: None }
}

pub(super) fn put(item: Item, when: Condition) -> Write {
    Write::Put { item, when }
}

pub(super) fn create(pk: &str, sk: &str, body: &str) -> Write {
    put(item(pk, sk, body), Condition::Absent)
}

/// Writes, all of which must succeed.
pub(super) async fn seed(under: &Under, writes: Vec<Write>) {
    let count = writes.len();
    let written = under.port.write_each(writes).await.expect("writes");
    assert_eq!(written, vec![Written::Done; count], "the ground for a check must be laid");
}

/// The outcome of a single write.
pub(super) async fn write(under: &Under, write: Write) -> Written {
    let written = under.port.write_each(vec![write]).await.expect("writes");
    assert_eq!(written.len(), 1, "one answer per write");
    written[0]
}

/// Revision and body of an item, or none.
pub(super) async fn seen(under: &Under, pk: &str, sk: &str) -> Option<(u64, String)> {
    let found = under.port.get(&Key::new(pk, sk)).await.expect("reads");
    found.map(|item| {
        assert_eq!(item.key, Key::new(pk, sk), "an item knows its key");
        (item.rev, item.body)
    })
}

fn is(rev: u64, body: &str) -> Option<(u64, String)> {
    Some((rev, body.to_owned()))
}

pub(super) async fn absent_creates_once(under: &Under) {
    assert_eq!(seen(under, "P", "a").await, None, "nothing is there at first");
    let mut first = item("P", "a", "1");
    first.rev = 77;
    assert_eq!(write(under, put(first, Condition::Absent)).await, Written::Done);
    assert_eq!(seen(under, "P", "a").await, is(1, "1"), "a new item has revision 1, whatever was given");
    assert_eq!(write(under, create("P", "a", "2")).await, Written::Conflict);
    assert_eq!(seen(under, "P", "a").await, is(1, "1"), "a conflict changes nothing");
}

pub(super) async fn a_revision_is_needed_and_counted(under: &Under) {
    let update = |body: &str, rev| put(item("P", "a", body), Condition::Rev(rev));
    assert_eq!(write(under, update("0", 1)).await, Written::Conflict, "what is not there has no revision");
    assert_eq!(write(under, update("0", 0)).await, Written::Conflict, "absence is not revision 0");
    seed(under, vec![create("P", "a", "1")]).await;
    assert_eq!(write(under, update("2", 1)).await, Written::Done);
    assert_eq!(seen(under, "P", "a").await, is(2, "2"));
    for wrong in [0, 1, 3, u64::MAX] {
        assert_eq!(write(under, update("x", wrong)).await, Written::Conflict, "revision {wrong} is not 2");
    }
    assert_eq!(write(under, update("3", 2)).await, Written::Done);
    assert_eq!(seen(under, "P", "a").await, is(3, "3"));
}

pub(super) async fn deletion_needs_the_revision(under: &Under) {
    let delete = |rev| Write::Delete { key: Key::new("P", "a"), when: Condition::Rev(rev) };
    assert_eq!(write(under, delete(1)).await, Written::Conflict, "what is not there cannot be deleted");
    seed(under, vec![create("P", "a", "1")]).await;
    assert_eq!(write(under, delete(2)).await, Written::Conflict);
    assert_eq!(seen(under, "P", "a").await, is(1, "1"));
    assert_eq!(write(under, delete(1)).await, Written::Done);
    assert_eq!(seen(under, "P", "a").await, None);
    assert_eq!(write(under, delete(1)).await, Written::Conflict, "once is enough");
    assert_eq!(write(under, create("P", "a", "2")).await, Written::Done, "its place is free again");
    assert_eq!(seen(under, "P", "a").await, is(1, "2"), "and its count starts anew");
}

pub(super) async fn a_check_changes_nothing(under: &Under) {
    let check = |when| Write::Check { key: Key::new("P", "a"), when };
    assert_eq!(write(under, check(Condition::Absent)).await, Written::Done);
    assert_eq!(write(under, check(Condition::Rev(1))).await, Written::Conflict);
    assert_eq!(seen(under, "P", "a").await, None);
    seed(under, vec![create("P", "a", "1")]).await;
    assert_eq!(write(under, check(Condition::Absent)).await, Written::Conflict);
    assert_eq!(write(under, check(Condition::Rev(1))).await, Written::Done);
    assert_eq!(seen(under, "P", "a").await, is(1, "1"));
}

pub(super) async fn each_write_stands_alone(under: &Under) {
    seed(under, vec![create("P", "b", "b1"), create("Q", "d", "d1")]).await;
    let writes = vec![
        create("P", "a", "a1"),
        create("P", "b", "late"),
        put(item("P", "c", "c"), Condition::Rev(4)),
        Write::Delete { key: Key::new("Q", "d"), when: Condition::Rev(1) },
        create("Q", "e", "e1"),
    ];
    let written = under.port.write_each(writes).await.expect("writes");
    use Written::{Conflict, Done};
    assert_eq!(written, [Done, Conflict, Conflict, Done, Done], "answers come in the order of the writes");
    assert_eq!(seen(under, "P", "a").await, is(1, "a1"));
    assert_eq!(seen(under, "P", "b").await, is(1, "b1"));
    assert_eq!(seen(under, "P", "c").await, None);
    assert_eq!(seen(under, "Q", "d").await, None);
    assert_eq!(seen(under, "Q", "e").await, is(1, "e1"), "a conflict before it hinders no write");
}

pub(super) async fn a_transaction_is_all_or_nothing(under: &Under) {
    seed(under, vec![create("P", "a", "a1"), create("P", "b", "b1"), create("Q", "c", "c1")]).await;
    let writes = |check: Write, last: Write| {
        vec![
            put(item("P", "a", "a2"), Condition::Rev(1)),
            Write::Delete { key: Key::new("P", "b"), when: Condition::Rev(1) },
            create("P", "n", "n1"),
            check,
            last,
        ]
    };
    let check = |rev| Write::Check { key: Key::new("Q", "c"), when: Condition::Rev(rev) };
    let gone = |sk: &str| Write::Check { key: Key::new("Q", sk), when: Condition::Absent };
    let refused = [
        writes(check(2), create("Q", "m", "m1")),
        writes(gone("c"), create("Q", "m", "m1")),
        writes(check(1), create("P", "b2", "x"))
            .into_iter()
            .chain([create("Q", "c", "late")])
            .skip(4)
            .collect(),
        writes(check(1), put(item("Q", "m", "m"), Condition::Rev(1))),
    ];
    for refused in refused {
        let what = format!("{refused:?}");
        assert_eq!(under.port.transact(refused).await.expect("answers"), Written::Conflict, "{what}");
        assert_eq!(seen(under, "P", "a").await, is(1, "a1"), "nothing of {what}");
        assert_eq!(seen(under, "P", "b").await, is(1, "b1"), "nothing of {what}");
        for (pk, sk) in [("P", "n"), ("P", "b2"), ("Q", "m")] {
            assert_eq!(seen(under, pk, sk).await, None, "nothing of {what}");
        }
    }
    let mut good = writes(check(1), create("Q", "m", "m1"));
    good.push(gone("nobody"));
    assert_eq!(under.port.transact(good).await.expect("answers"), Written::Done);
    assert_eq!(seen(under, "P", "a").await, is(2, "a2"));
    assert_eq!(seen(under, "P", "b").await, None);
    assert_eq!(seen(under, "P", "n").await, is(1, "n1"));
    assert_eq!(seen(under, "Q", "c").await, is(1, "c1"), "what was only checked stays as it was");
    assert_eq!(seen(under, "Q", "m").await, is(1, "m1"));
}

pub(super) async fn slips_are_refused_whole(under: &Under) {
    let many =
        |count: usize| (0..count).map(|n| create("P", &format!("many{n:05}"), "1")).collect::<Vec<_>>();
    let twice =
        vec![create("P", "a", "1"), create("P", "b", "1"), put(item("P", "a", "2"), Condition::Rev(1))];
    let checked =
        vec![create("P", "a", "1"), Write::Check { key: Key::new("P", "a"), when: Condition::Absent }];
    let undeletable =
        vec![create("P", "a", "1"), Write::Delete { key: Key::new("P", "c"), when: Condition::Absent }];
    for slip in [twice, checked, undeletable, many(MAX_BATCH + 1)] {
        under.port.write_each(slip.clone()).await.expect_err("a slip is an error");
        under.port.transact(slip).await.expect_err("a slip is an error");
    }
    under.port.transact(many(MAX_TRANSACTION + 1)).await.expect_err("more than a transaction takes");
    let keys = vec![Key::new("P", "a"); MAX_BATCH + 1];
    under.port.get_many(&keys).await.expect_err("more than a call takes");
    under.port.query("P", "", None, MAX_BATCH + 1).await.expect_err("more than a call takes");
    let found = under.port.query("P", "", None, MAX_BATCH).await.expect("reads");
    assert_eq!(found, [], "a refused call changes nothing");
    assert_eq!(under.port.transact(many(MAX_TRANSACTION)).await.expect("fits"), Written::Done);
}

pub(super) async fn nothing_asked_is_nothing_done(under: &Under) {
    assert_eq!(under.port.write_each(Vec::new()).await.expect("answers"), []);
    assert_eq!(under.port.transact(Vec::new()).await.expect("answers"), Written::Done);
    assert_eq!(under.port.get_many(&[]).await.expect("answers"), []);
    assert_eq!(under.port.query("P", "", None, 10).await.expect("answers"), []);
    assert!(under.port.tally("P", "").await.expect("answers").is_empty());
}
