//! The data directory is put back to an earlier state, while the account has gone on.

use tillsync_engine::state::{Day, RunState};
use tillsync_sandbox::Changes;

use crate::check;
use crate::compare::all_as_told;
use crate::harness::{Flow, shop};

/// What the comparison of the whole connection finds, as reasons, sorted.
async fn reasons(flow: &Flow, id: &str, repair: bool) -> Vec<String> {
    let connection = flow.connection(id).await;
    let (state, days) = flow.reconcile(&connection, repair).await;
    check::agrees(&state);
    assert_eq!(state.run.state, RunState::Complete, "all is explained: {:?} {days:#?}", state.run.problem);
    let all = days.iter().flat_map(Day::differences);
    let mut reasons: Vec<String> = all.map(|one| one.reason.clone().unwrap()).collect();
    reasons.sort();
    reasons
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_table_is_repaired_and_starts_and_doubles_nothing() {
    let mut flow = Flow::start(shop(400)).await;
    let connection = flow.connect_first().await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.landed().await;
    flow.fall().await;
    flow.keep();
    flow.rise().await;
    // What the table will not know: sales, refunds, corrections.
    flow.world.change(&Changes { new_sales: 6, refunds: 6, changed_sales: 10, ..Changes::default() });
    flow.complete(&flow.poll(&connection).await).await;
    check::arrived(&flow.world, &connection);
    flow.landed().await;
    let (purchases, held) = (check::purchases(&flow.world), check::held(&flow.world, &connection));
    flow.fall().await;
    flow.put_back();
    flow.rise().await;
    // And an order that was lost at the account, of which the older table knows.
    let sales = check::eligible(&flow.world, &connection);
    assert_eq!(flow.world.lose_order(sales[50]["id"].as_str().unwrap()), 1);

    assert_eq!(reasons(&flow, &connection.id, false).await, ["destination.missing"]);
    reasons(&flow, &connection.id, true).await;
    flow.complete(&flow.poll(&connection).await).await;
    assert_eq!(reasons(&flow, &connection.id, false).await, Vec::<String>::new());
    check::arrived(&flow.world, &connection);
    assert_eq!(check::held(&flow.world, &connection), held);
    all_as_told(&flow, &connection);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(check::purchases(&flow.world), purchases, "no purchase starts anything a second time");
    check::clean_but_rewritten(&flow.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_from_before_the_history_sends_it_again_and_starts_and_doubles_nothing() {
    let mut flow = Flow::start(shop(300)).await;
    let connection = flow.connect_first().await;
    flow.fall().await;
    flow.keep();
    flow.rise().await;
    flow.complete(&flow.backfill(&connection).await).await;
    flow.landed().await;
    let (purchases, held) = (check::purchases(&flow.world), check::held(&flow.world, &connection));
    flow.fall().await;
    flow.put_back();
    flow.rise().await;
    reasons(&flow, &connection.id, true).await;
    assert_eq!(check::held(&flow.world, &connection), held, "a comparison of nothing sent writes nothing");
    flow.complete(&flow.backfill(&connection).await).await;
    check::arrived(&flow.world, &connection);
    assert_eq!(check::held(&flow.world, &connection), held);
    assert_eq!(check::purchases(&flow.world), purchases, "nothing starts a second time");
    all_as_told(&flow, &connection);
    check::explained(&flow, &connection, &[]).await;
    assert_eq!(reasons(&flow, &connection.id, false).await, Vec::<String>::new());
    check::clean_but_rewritten(&flow.world);
}
