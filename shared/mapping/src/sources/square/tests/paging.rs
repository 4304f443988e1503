//! Windows, pages and cursors (square.md section 8.3).

use crate::model::Reading;
use crate::source::{Cache, Count, Field, Source};
use crate::sources::square::Square;

use super::shop::{Shop, meet, sell};
use super::support::{access, after, ids, read_all, run, window};

fn shop_of(orders: i64) -> Shop {
    let mut shop = Shop::default();
    meet(&mut shop, "C1", 0);
    for n in 0..orders {
        sell(&mut shop, &format!("O{n:04}"), "L1", Some("C1"), 60 * n, 1000);
    }
    shop
}

#[test]
fn a_short_page_with_a_cursor_is_not_the_end() {
    let mut shop = shop_of(25);
    shop.short.insert("orders.search", 10);
    shop.short.insert("payments.list", 3);
    let pages = read_all(&shop, &access(), window(Field::Created, 0, 1_000_000)).unwrap();
    assert_eq!(pages.iter().map(|page| page.records.len()).collect::<Vec<_>>(), [10, 10, 5]);
    assert!(
        pages.iter().flat_map(|page| &page.records).all(|seen| matches!(seen.reading, Reading::Ready(_)))
    );
}

#[test]
fn an_empty_page_with_a_cursor_is_not_the_end() {
    for field in [Field::Created, Field::Updated] {
        let mut shop = shop_of(3);
        shop.empty_first = vec!["orders.search", "payments.list", "refunds.list"];
        let pages = read_all(&shop, &access(), window(field, 0, 1_000_000)).unwrap();
        assert_eq!(ids(&pages), ["O0000", "O0001", "O0002"], "{field:?}");
        assert!(
            pages.iter().flat_map(|page| &page.records).all(|seen| matches!(seen.reading, Reading::Ready(_)))
        );
    }
}

/// The store in memory refuses a cursor with another question, as Square does; here it is looked at directly.
#[test]
fn a_cursor_goes_with_every_parameter_of_its_question() {
    let mut shop = shop_of(25);
    shop.short.extend([("orders.search", 10), ("payments.list", 3), ("customers.search", 1)]);
    meet(&mut shop, "C2", 1);
    read_all(&shop, &access(), window(Field::Updated, 0, 1_000_000)).unwrap();
    let people = window(Field::Created, 0, 1_000_000);
    let first = run(Square.read_customers(&shop, &access(), people, None)).unwrap();
    run(Square.read_customers(&shop, &access(), people, first.next)).unwrap();
    run(Square.count_orders(&shop, &access(), people, 9)).unwrap();
    let calls = shop.calls.lock().unwrap();
    let mut followed = 0;
    for (index, call) in calls.iter().enumerate() {
        let (question, cursor) = Shop::question(call);
        if cursor.is_some() {
            let before =
                calls[..index].iter().rev().find(|before| before.operation == call.operation).unwrap();
            assert_eq!(question, Shop::question(before).0, "{}", call.operation);
            followed += 1;
        }
    }
    assert!(followed > 10, "{followed}");
}

#[test]
fn a_window_of_history_is_ascending_and_asks_for_every_state() {
    let mut shop = shop_of(3);
    for (n, state) in ["DRAFT", "OPEN", "CANCELED"].into_iter().enumerate() {
        shop.orders[n]["state"] = state.into();
        shop.orders[n]["tenders"] = serde_json::json!([]);
        shop.orders[n]["net_amount_due_money"]["amount"] = 1000.into();
    }
    let pages = read_all(&shop, &access(), window(Field::Created, 0, 1_000_000)).unwrap();
    let ats: Vec<_> = pages.iter().flat_map(|page| &page.records).map(|seen| seen.at).collect();
    assert_eq!(ats, [after(0), after(60), after(120)]);
    assert_eq!(shop.count("payments.list"), 0, "nothing was paid, so nothing is asked");
}

#[test]
fn both_ends_belong_to_a_window() {
    let shop = shop_of(5);
    let pages = read_all(&shop, &access(), window(Field::Created, 60, 180)).unwrap();
    assert_eq!(ids(&pages), ["O0001", "O0002", "O0003"]);
}

#[test]
fn people_and_catalogue_are_asked_for_once_in_a_run() {
    let mut shop = shop_of(30);
    shop.short.insert("orders.search", 10);
    shop.catalog.push(
        serde_json::json!({"id": "V1", "type": "ITEM_VARIATION", "item_variation_data": {"item_id": "I1"}}),
    );
    shop.catalog.push(
        serde_json::json!({"id": "I1", "type": "ITEM", "item_data": {"name": "Beans", "image_ids": ["IM1"]}}),
    );
    let pages = read_all(&shop, &access(), window(Field::Created, 0, 1_000_000)).unwrap();
    assert_eq!(pages.len(), 3);
    assert_eq!((shop.count("customers.bulk_retrieve"), shop.count("catalog.batch_retrieve")), (1, 2));
    assert!(pages.iter().all(|page| page.products.len() == 1));
}

#[test]
fn what_batch_retrieve_leaves_out_is_left_out() {
    let shop = shop_of(3);
    let wanted = ["O0002", "gone", "O0000"].map(str::to_owned);
    let page = run(Square.fetch_orders(&shop, &access(), &wanted, &Cache::default())).unwrap();
    assert_eq!(ids(&[page]), ["O0000", "O0002"]);
}

#[test]
fn fetching_asks_for_people_anew() {
    let shop = shop_of(1);
    let cache = Cache::default();
    for _ in 0..2 {
        run(Square.fetch_orders(&shop, &access(), &["O0000".to_owned()], &cache)).unwrap();
    }
    assert_eq!((shop.count("customers.bulk_retrieve"), shop.count("catalog.batch_retrieve")), (2, 1));
}

#[test]
fn counting_reads_ids_alone_and_stops_when_told() {
    let mut shop = shop_of(25);
    shop.short.insert("orders.search", 10);
    let all = window(Field::Created, 0, 1_000_000);
    let count = |calls| run(Square.count_orders(&shop, &access(), all, calls)).unwrap();
    assert_eq!(count(5), Count { orders: 25, exact: true });
    assert_eq!(count(3), Count { orders: 25, exact: true });
    assert_eq!(count(2), Count { orders: 20, exact: false });
    assert_eq!(count(0), Count { orders: 0, exact: false });
    assert!(shop.calls.lock().unwrap().iter().all(|call| Shop::question(call).0["return_entries"] == true));
}

#[test]
fn the_oldest_order_tells_where_history_begins() {
    let mut shop = shop_of(3);
    let first = |shop: &Shop| run(Square.first_order(shop, &access())).unwrap();
    assert_eq!(first(&shop), Some(after(0)));
    shop.empty_first = vec!["orders.search"];
    assert_eq!(first(&shop), Some(after(0)));
    assert_eq!(first(&Shop::default()), None);
}
