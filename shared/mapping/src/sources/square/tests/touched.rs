//! What is looked at because something of it changed (rules.md section 1, "Touched set").

use serde_json::json;

use crate::model::{Reading, Status};
use crate::source::{Cache, Field, Source};
use crate::sources::square::Square;

use super::shop::{Shop, meet, sell};
use super::support::{access, after, ids, read_all, run, window};

const DAY: i64 = 86_400;

/// A sale of yesterday, outside of the window that is read.
fn old_sale() -> Shop {
    let mut shop = Shop::default();
    meet(&mut shop, "C1", 0);
    sell(&mut shop, "OLD", "L1", Some("C1"), 0, 1000);
    shop
}

fn give_back(shop: &mut Shop, at: i64) {
    shop.payments[0]["refunded_money"] = json!({"amount": 1000, "currency": "EUR"});
    shop.payments[0]["updated_at"] = after(at).to_string().into();
}

fn return_order(id: &str, location: &str, source: &str, at: i64) -> serde_json::Value {
    let at = after(at).to_string();
    json!({"id": id, "location_id": location, "state": "COMPLETED", "created_at": at, "updated_at": at,
        "returns": [{"source_order_id": source}], "total_money": {"amount": 0, "currency": "EUR"}})
}

#[test]
fn an_order_whose_payment_changed_goes_with_the_page() {
    let mut shop = old_sale();
    give_back(&mut shop, DAY + 5);
    sell(&mut shop, "NEW", "L1", Some("C1"), DAY + 1, 500);
    let pages = read_all(&shop, &access(), window(Field::Updated, DAY, DAY + 100)).unwrap();
    assert_eq!(ids(&pages), ["NEW", "OLD"]);
    let old = &pages[0].records[1];
    assert_eq!(old.at, after(DAY + 100), "it carries the page's end");
    assert_eq!(old.version, after(DAY + 5), "the newest change of any part");
    let Reading::Ready(order) = &old.reading else { panic!("{old:?}") };
    assert_eq!((order.status, order.total.minor), (Status::Refunded, 0));
    // orders, payments, refunds, the old order, its people, the catalogue
    assert_eq!(shop.all_calls(), 6);
}

#[test]
fn an_invoice_that_is_paid_later_goes_with_the_page() {
    let mut shop = old_sale();
    let (later, money) = (after(DAY + 5).to_string(), json!({"amount": 1000, "currency": "EUR"}));
    for name in ["created_at", "updated_at"] {
        shop.payments[0][name] = later.clone().into();
        shop.orders[0]["tenders"][0][name] = later.clone().into();
    }
    shop.payments[0]["amount_money"] = money;
    shop.orders[0]["state"] = "OPEN".into();
    let pages = read_all(&shop, &access(), window(Field::Updated, DAY, DAY + 100)).unwrap();
    assert_eq!(ids(&pages), ["OLD"], "the order itself did not change");
    let Reading::Ready(order) = &pages[0].records[0].reading else { panic!("{:?}", pages[0].records) };
    assert_eq!((order.date, order.status), (after(DAY + 5), Status::Completed), "it counts from its payment");
    assert_eq!(pages[0].records[0].created, after(0));
}

#[test]
fn the_sale_behind_a_return_order_goes_with_the_page() {
    let mut shop = old_sale();
    shop.orders.push(return_order("BACK", "L1", "OLD", DAY + 5));
    let pages = read_all(&shop, &access(), window(Field::Updated, DAY, DAY + 100)).unwrap();
    assert_eq!(ids(&pages), ["BACK", "OLD"]);
}

#[test]
fn a_refund_at_another_location_leads_to_the_sale() {
    let mut shop = old_sale();
    shop.orders.push(return_order("BACK", "L2", "OLD", DAY + 5));
    let at = after(DAY + 5).to_string();
    shop.refunds.push(json!({"id": "R", "order_id": "BACK", "payment_id": "P-OLD", "location_id": "L2",
        "status": "COMPLETED", "created_at": at, "updated_at": at}));
    let pages = read_all(&shop, &access(), window(Field::Updated, DAY, DAY + 100)).unwrap();
    assert_eq!(ids(&pages), ["OLD"], "the return itself is the other location's");
}

#[test]
fn each_page_brings_what_was_touched_in_its_slice_and_nothing_twice() {
    let mut shop = old_sale();
    give_back(&mut shop, DAY + 15);
    for n in 0..4 {
        sell(&mut shop, &format!("N{n}"), "L1", Some("C1"), DAY + 10 * n, 500);
    }
    shop.short.insert("orders.search", 2);
    let pages = read_all(&shop, &access(), window(Field::Updated, DAY, DAY + 100)).unwrap();
    let by_page: Vec<Vec<String>> =
        pages.iter().map(|page| page.records.iter().map(|seen| seen.id.clone()).collect()).collect();
    assert_eq!(by_page, [vec!["N0", "N1"], vec!["N2", "N3", "OLD"]]);
    // Taken up again at any instant that was reached, the rest still holds what was touched after it.
    let rest = read_all(&shop, &access(), window(Field::Updated, DAY + 10, DAY + 100)).unwrap();
    assert_eq!(ids(&rest), ["N1", "N2", "OLD", "N3"]);
}

#[test]
fn a_flood_of_changed_payments_is_cut_into_pages() {
    let mut shop = Shop::default();
    meet(&mut shop, "C1", 0);
    for n in 0..2_500 {
        sell(&mut shop, &format!("O{n:04}"), "L1", Some("C1"), n, 100);
        shop.payments.last_mut().unwrap()["updated_at"] = after(DAY + n).to_string().into();
    }
    sell(&mut shop, "FIRST", "L1", Some("C1"), DAY + 1, 100);
    sell(&mut shop, "LAST", "L1", Some("C1"), DAY + 2_400, 100);
    let pages = read_all(&shop, &access(), window(Field::Updated, DAY, DAY + 3_000)).unwrap();
    assert!(pages.len() > 1);
    assert!(pages.iter().all(|page| page.records.len() <= 2_100));
    let mut seen = ids(&pages);
    let ats: Vec<_> = pages.iter().flat_map(|page| &page.records).map(|record| record.at).collect();
    assert!(ats.is_sorted(), "a checkpoint never runs ahead of what is still to come");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 2_502);
}

#[test]
fn history_reads_no_touched_set() {
    let mut shop = old_sale();
    shop.orders.push(return_order("BACK", "L1", "ELSEWHERE", 5));
    read_all(&shop, &access(), window(Field::Created, 0, 100)).unwrap();
    assert_eq!((shop.count("refunds.list"), shop.count("orders.batch_retrieve")), (0, 0));
}

#[test]
fn payments_far_apart_cost_one_call_each() {
    let mut shop = Shop::default();
    meet(&mut shop, "C1", 0);
    for n in 0..2_000 {
        sell(&mut shop, &format!("O{n:04}"), "L1", Some("C1"), 600 * n, 100);
    }
    let wanted: Vec<String> = (0..5).map(|n| format!("O{:04}", n * 400)).collect();
    let page = run(Square.fetch_orders(&shop, &access(), &wanted, &Cache::default())).unwrap();
    assert!(page.records.iter().all(|seen| matches!(seen.reading, Reading::Ready(_))));
    assert_eq!((shop.count("payments.list"), shop.count("payments.get")), (5, 0));
}

#[test]
fn a_payment_that_is_not_at_its_tenders_time_is_read_by_itself() {
    let mut shop = old_sale();
    shop.payments[0]["created_at"] = after(3 * DAY).to_string().into();
    let page = run(Square.fetch_orders(&shop, &access(), &["OLD".to_owned()], &Cache::default())).unwrap();
    assert!(matches!(page.records[0].reading, Reading::Ready(_)));
    assert_eq!((shop.count("payments.list"), shop.count("payments.get")), (1, 1));
}

#[test]
fn offline_payments_are_found_even_when_lists_leave_them_out() {
    let mut shop = Shop { hides_offline: true, ..Shop::default() };
    meet(&mut shop, "C1", 0);
    for n in 0..250 {
        sell(&mut shop, &format!("O{n:04}"), "L1", Some("C1"), 60 * n, 100);
        let paid = after(60 * n - 7200).to_string();
        shop.payments.last_mut().unwrap()["offline_payment_details"] = json!({"client_created_at": paid});
    }
    let pages = read_all(&shop, &access(), window(Field::Created, 0, 1_000_000)).unwrap();
    assert!(
        pages.iter().flat_map(|page| &page.records).all(|seen| matches!(seen.reading, Reading::Ready(_)))
    );
    assert_eq!(shop.count("payments.get"), 0);
}

#[test]
fn a_tender_paid_at_another_location_is_found_there() {
    let mut shop = old_sale();
    shop.orders[0]["tenders"][0]["location_id"] = "L2".into();
    shop.payments[0]["location_id"] = "L2".into();
    let page = run(Square.fetch_orders(&shop, &access(), &["OLD".to_owned()], &Cache::default())).unwrap();
    assert!(matches!(page.records[0].reading, Reading::Ready(_)));
}
