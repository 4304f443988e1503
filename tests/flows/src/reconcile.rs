//! Both sides compared, day by day, and what differs mended.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tillsync_engine::state::{Connection, Day, LedgerRow, Row, RunState, Stream, load};
use tillsync_sandbox::{Changes, Options};

use crate::check;
use crate::compare::all_as_told;
use crate::harness::{Flow, quick, shop};

/// What the shop says of each day, and what a comparison found, where there is anything.
fn days_agree(flow: &Flow, connection: &Connection, days: &[Day]) {
    let told = check::shop(&flow.world, connection)["days"].clone();
    let found = |side: fn(&Day) -> (u64, i64)| -> Value {
        let sums = days.iter().map(|day| (day.date.to_string(), side(day))).filter(|(_, sum)| sum.0 > 0);
        sums.map(|(date, (count, minor))| (date, json!({"count": count, "minor": minor}))).collect()
    };
    assert_eq!(found(|day| (day.source.count, day.source.minor)), told, "the store's days");
    assert_eq!(found(|day| (day.destination.count, day.destination.minor)), told, "the account's days");
}

/// Every difference, by id, with where it was found and why.
fn differences(days: &[Day]) -> BTreeMap<String, (&'static str, Option<String>)> {
    let mut all = BTreeMap::new();
    for day in days {
        for (kind, found) in [("missing", &day.missing), ("different", &day.different), ("extra", &day.extra)]
        {
            all.extend(found.iter().map(|one| (one.id.clone(), (kind, one.reason.clone()))));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_differs_after_an_awkward_history() {
    let options =
        Options { orders: 900, customers: 200, locations: 4, settings: quick(), ..Options::default() };
    let flow = Flow::start(options).await;
    for location in flow.locations() {
        let connection = flow.connect(&location).await;
        flow.complete(&flow.backfill(&connection).await).await;
        let (state, days) = flow.reconcile(&connection, false).await;
        assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
        check::agrees(&state);
        assert_eq!(differences(&days), BTreeMap::new(), "{location}");
        days_agree(&flow, &connection, &days);
    }
    check::clean(&flow.world);
}

/// The ledger as it stands when an order that was sent is at the store no more: a row to which nothing answers.
async fn forgotten_by_the_store(flow: &Flow, connection: &Connection, like: &str, id: &str) {
    let key = |id: &str| LedgerRow::key(&Connection::partition(&connection.id), Stream::Orders.word(), id);
    let row: Row<LedgerRow> = load(&*flow.engine.store, key(like)).await.unwrap().unwrap();
    let row = Row::new(key(id), row.value);
    flow.engine.store.transact(vec![row.put().unwrap()]).await.unwrap();
}

fn altered(flow: &Flow, id: &str, members: &Value) {
    assert_eq!(flow.world.alter_order(id, members.as_object().unwrap()), 1, "{id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_difference_has_its_reason_and_a_repair_mends_what_is_ours() {
    let flow = Flow::start(shop(400)).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    let purchases = flow.world.purchases();
    let eligible = check::eligible(&flow.world, &connection);
    let id = |n: usize| eligible[n]["id"].as_str().unwrap().to_owned();
    let (lost, other, foreign, gone) = (id(10), id(20), id(30), id(40));
    flow.world.lose_order(&lost);
    altered(&flow, &other, &json!({"finalAmount": 1.5}));
    // Two that the account has under ids of which one was never sent from here, the other is no more at the store.
    altered(&flow, &foreign, &json!({"storeOrderId": "somebody-elses"}));
    forgotten_by_the_store(&flow, &connection, &gone, "no-more").await;
    altered(&flow, &gone, &json!({"storeOrderId": "no-more"}));
    flow.landed().await;
    let touched = flow.world.change(&Changes { new_sales: 1, ..Changes::default() });
    let unread = touched["new_sales"][0].as_str().unwrap().to_owned();

    let (state, days) = flow.reconcile(&connection, false).await;
    assert_eq!(state.run.state, RunState::Complete, "all is explained: {:?}", state.run.problem);
    let reason = |kind: &'static str, why: &str| (kind, Some(why.to_owned()));
    let right = BTreeMap::from([
        (lost.clone(), reason("missing", "destination.missing")),
        (other.clone(), reason("different", "destination.changed")),
        (foreign.clone(), reason("missing", "destination.missing")),
        ("somebody-elses".to_owned(), reason("extra", "not_ours")),
        (gone.clone(), reason("missing", "destination.missing")),
        ("no-more".to_owned(), reason("extra", "record.gone")),
        (unread.clone(), reason("missing", "not_read_yet")),
    ]);
    assert_eq!(differences(&days), right);
    assert_eq!(flow.world.order(&lost)["records"], json!([]), "to compare writes nothing");

    // What the account has under another id comes back under its own: there it is not twice.
    altered(&flow, &foreign, &json!({"storeOrderId": foreign}));
    altered(&flow, &gone, &json!({"storeOrderId": gone}));
    let (state, _) = flow.reconcile(&connection, true).await;
    assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
    flow.complete(&flow.poll(&connection).await).await;
    let (state, days) = flow.reconcile(&connection, false).await;
    assert_eq!(state.run.state, RunState::Complete, "{:?}", state.run.problem);
    assert_eq!(differences(&days), BTreeMap::new());
    days_agree(&flow, &connection, &days);
    check::arrived(&flow.world, &connection);
    all_as_told(&flow, &connection);
    let count = |purchases: &Value| purchases["purchases"].as_array().unwrap().len();
    assert_eq!(count(&flow.world.purchases()), count(&purchases) + 1, "the new sale alone starts something");
}
