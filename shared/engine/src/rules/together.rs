//! Rules that need more than one connection, or a look at the clock.

use jiff::SignedDuration;

use crate::run::{BackfillRequest, handle, start_backfill, start_poll};
use crate::testing::{DAY, HOUR, World, ago, connection};

#[tokio::test]
async fn connections_that_import_side_by_side_agree_on_a_customer() {
    // Messages are taken in turns: first of the one, then of the other.
    for first in ["C1", "C2"] {
        let world = World::new().await;
        world.save(&connection("C2", "L2")).await;
        {
            let mut shop = world.net.shop();
            for n in 0..40 {
                let (person, place) = if n % 2 == 0 { ("P-1", "L1") } else { ("P-2", "L2") };
                shop.sell_to(&format!("O{n:02}"), person, ago((60 - n) * DAY));
                for list in ["orders", "payments"] {
                    let sold = if list == "orders" { &mut shop.orders } else { &mut shop.payments };
                    sold.last_mut().unwrap()["location_id"] = place.into();
                }
            }
            shop.change("P-1", ago(70 * DAY), |one| one["email_address"] = "ann@example.org".into());
            shop.change("P-2", ago(70 * DAY), |one| one["email_address"] = "ANN@example.org".into());
            shop.page = 5;
        }
        let second = if first == "C1" { "C2" } else { "C1" };
        for id in [first, second] {
            start_backfill(&world.engine, id, &BackfillRequest::default()).await.unwrap();
        }
        // Both are planned before either reads, and then read page by page in turns.
        let take = async || world.take().await.unwrap();
        let plans = [take().await, take().await];
        for plan in &plans {
            handle(&world.engine, plan).await.unwrap();
        }
        let windows = [take().await, take().await];
        let (one, two) = (handle(&world.engine, &windows[0]), handle(&world.engine, &windows[1]));
        let (one, two) = futures_util::future::join(one, two).await;
        assert!(one.is_ok() && two.is_ok());
        world.work().await;
        let account = world.net.account();
        let customers: std::collections::BTreeSet<String> =
            account.orders.values().map(|(order, _)| order["storeCustomerId"].to_string()).collect();
        assert_eq!((account.orders.len(), customers.len()), (40, 1), "{first}: {customers:?}");
    }
}

#[tokio::test]
async fn a_forced_write_follows_the_last_one_by_a_minute() {
    let world = World::new().await;
    world.net.shop().sell("A", ago(HOUR));
    start_poll(&world.engine, "C1").await.unwrap();
    world.work().await;
    let first = world.row("A").await.sent_at.unwrap();
    let request = BackfillRequest { force: true, ..BackfillRequest::default() };
    start_backfill(&world.engine, "C1", &request).await.unwrap();
    world.work().await;
    let row = world.row("A").await;
    let between = row.sent_at.unwrap().duration_since(first);
    assert!(between >= SignedDuration::from_secs(60), "{between}");
    assert_eq!(row.times_sent, 2);
}
