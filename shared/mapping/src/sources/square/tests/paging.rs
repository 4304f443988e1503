//! Windows, pages and cursors (square.md section 8.3).

use std::sync::Arc;

use crate::model::Reading;
use crate::source::{Cache, Field, Shared, Source};
use crate::sources::square::Square;

use super::shop::{Shop, meet, sell};
use super::support::{access, after, read_all, run, window};

fn shop_of(orders: i64) -> Shop {
    let mut shop = Shop::default();
    meet(&mut shop, "C1", 0);
    for n in 0..orders {
        sell(&mut shop, &format!("O{n:04}"), "L1", Some("C1"), 60 * n, 1000);
    }
    shop
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
fn fetching_asks_for_people_anew() {
    let shop = shop_of(1);
    let cache = Cache::default();
    for _ in 0..2 {
        run(Square.fetch_orders(&shop, &access(), &["O0000".to_owned()], &cache)).unwrap();
    }
    assert_eq!((shop.count("customers.bulk_retrieve"), shop.count("catalog.batch_retrieve")), (2, 1));
}

#[test]
fn runs_beside_each_other_ask_for_people_once_and_never_use_what_is_older_than_they_are() {
    let shop = shop_of(1);
    let shared = Arc::new(Shared::default());
    let beside = || Cache::beside(Arc::clone(&shared));
    let read = |cache: &Cache| {
        let all = window(Field::Created, 0, 1_000_000);
        let page = run(Square.read_orders(&shop, &access(), all, None, cache)).unwrap();
        assert!(page.records.iter().all(|record| matches!(record.reading, Reading::Ready(_))));
        shop.count("customers.bulk_retrieve")
    };
    let (one, two) = (beside(), beside());
    assert_eq!(read(&one), 1);
    assert_eq!(read(&two), 1, "what the other was told since this one began");
    let later = beside();
    assert_eq!(read(&later), 2, "what was told before this one began may be old by now");
    run(Square.fetch_orders(&shop, &access(), &["O0000".to_owned()], &later)).unwrap();
    assert_eq!(shop.count("customers.bulk_retrieve"), 3, "fetching asks anew");
}

#[test]
fn counting_reads_ids_alone() {
    let mut shop = shop_of(25);
    shop.short.insert("orders.search", 10);
    run(Square.count_orders(&shop, &access(), window(Field::Created, 0, 1_000_000), 5)).unwrap();
    let calls = shop.calls.lock().unwrap();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| Shop::question(call).0["return_entries"] == true));
}
