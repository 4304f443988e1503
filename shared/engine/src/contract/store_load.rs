//! Many at once.

use futures_util::future::join_all;

use super::store::{create, item, put, seed};
use super::{Subject, let_others_run};
use crate::ports::{Condition, Item, Key, MAX_BATCH, Store, Write, Written};

type Under = Subject<dyn Store>;

const RACERS: usize = 50;
/// Of fifty racers at least one gets through in every round.
const ROUNDS: usize = 10_000;

pub(super) async fn a_thousand_at_once(under: &Under) {
    let key = |n: usize| format!("REC#orders#{n:04}");
    seed(under, (0..MAX_BATCH).map(|n| create("P", &key(n), &n.to_string())).collect()).await;
    let updates = (0..MAX_BATCH).map(|n| {
        // Every third one is late.
        let rev = if n % 3 == 0 { 7 } else { 1 };
        put(item("P", &key(n), "new"), Condition::Rev(rev))
    });
    let written = under.port.write_each(updates.collect()).await.expect("writes");
    for (n, written) in written.iter().enumerate() {
        assert_eq!(*written == Written::Conflict, n % 3 == 0, "write {n}");
    }
    let keys: Vec<Key> = (0..MAX_BATCH).rev().map(|n| Key::new("P", key(n))).collect();
    let found = under.port.get_many(&keys).await.expect("reads");
    assert_eq!(found.len(), MAX_BATCH);
    for (key, found) in keys.iter().zip(found) {
        assert_eq!(found.map(|item| item.key).as_ref(), Some(key));
    }
    let mut after: Option<String> = None;
    let mut count = 0;
    loop {
        let page = under.port.query("P", "REC#", after.as_deref(), 300).await.expect("reads");
        for item in &page {
            assert_eq!(item.key.sk, key(count));
            count += 1;
        }
        if page.len() < 300 {
            break;
        }
        after = page.last().map(|item| item.key.sk.clone());
    }
    assert_eq!(count, MAX_BATCH);
}

async fn number(under: &Under, key: &Key) -> (Item, u64) {
    let item = under.port.get(key).await.expect("reads").expect("is there");
    let number = item.body.parse().expect("a number");
    (item, number)
}

pub(super) async fn racing_increments_lose_nothing(under: &Under) {
    seed(under, vec![create("P", "n", "0")]).await;
    let key = Key::new("P", "n");
    let increment = async || {
        for _ in 0..ROUNDS {
            let (mut item, count) = number(under, &key).await;
            let_others_run().await;
            let rev = item.rev;
            item.body = (count + 1).to_string();
            let written = under.port.write_each(vec![put(item, Condition::Rev(rev))]).await.expect("writes");
            if written == [Written::Done] {
                return;
            }
        }
        panic!("never got through");
    };
    join_all((0..RACERS).map(|_| increment())).await;
    let (item, count) = number(under, &key).await;
    assert_eq!(count, RACERS as u64, "an increment was lost");
    assert_eq!(item.rev, RACERS as u64 + 1);
}

pub(super) async fn one_of_many_creations_wins(under: &Under) {
    let attempts = (0..RACERS).map(async |n| {
        let_others_run().await;
        let writes = vec![create("P", "one", &n.to_string()), create("P", &format!("by{n}"), "1")];
        (n, under.port.transact(writes).await.expect("answers"))
    });
    let outcomes = join_all(attempts).await;
    let winners: Vec<usize> =
        outcomes.into_iter().filter(|(_, written)| *written == Written::Done).map(|(n, _)| n).collect();
    assert_eq!(winners.len(), 1, "exactly one creation wins");
    let (_, by) = number(under, &Key::new("P", "one")).await;
    assert_eq!(by, winners[0] as u64);
    let traces = under.port.query("P", "by", None, 99).await.expect("reads");
    assert_eq!(traces.len(), 1, "the losers leave nothing behind");
}

pub(super) async fn racing_transactions_keep_the_sum(under: &Under) {
    seed(under, vec![create("P", "left", "1000"), create("Q", "right", "0")]).await;
    let (left, right) = (Key::new("P", "left"), Key::new("Q", "right"));
    let update = |mut item: Item, count: u64| {
        let when = Condition::Rev(item.rev);
        item.body = count.to_string();
        Write::Put { item, when }
    };
    let transfer = async || {
        for _ in 0..ROUNDS {
            let (from, some) = number(under, &left).await;
            let_others_run().await;
            let (to, more) = number(under, &right).await;
            let writes = vec![update(from, some - 1), update(to, more + 1)];
            if under.port.transact(writes).await.expect("answers") == Written::Done {
                return;
            }
        }
        panic!("never got through");
    };
    join_all((0..RACERS).map(|_| transfer())).await;
    assert_eq!(number(under, &left).await.1, 1000 - RACERS as u64);
    assert_eq!(number(under, &right).await.1, RACERS as u64);
}
