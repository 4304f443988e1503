//! The generated shop holds every awkward case, and the oracle knows each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::probe::{Probe, quick};
use crate::shop::{self, Changes, Shop};

const NOW: i64 = 1_790_000_000_000;

/// Every word an order may have among its `kinds` in the history.
const KINDS: [&str; 51] = [
    "cash_rounding",
    "comped",
    "custom_amount",
    "custom_amount_nameless",
    "customer_on_payment",
    "customer_on_recipient",
    "customer_on_tender",
    "delivery",
    "email_only",
    "exchange_cheaper",
    "exchange_dearer",
    "exchange_even",
    "exchanged_later",
    "gift_card_sold",
    "gift_card_tender",
    "invoice",
    "invoice_open",
    "line_discount",
    "merged_before",
    "modifier",
    "offline",
    "offline_late",
    "order_discount",
    "paid_open",
    "pickup",
    "product_gone",
    "refund_failed",
    "refund_pending",
    "refund_rejected",
    "refunded_cancelled",
    "refunded_elsewhere",
    "refunded_in_full",
    "refunded_in_part",
    "refunded_one_tender",
    "refunded_twice",
    "return",
    "service_charge",
    "shipment",
    "shipping_charge",
    "split_tender",
    "three_tenders",
    "tip",
    "twin",
    "uneven_price",
    "unknown_fulfillment",
    "unknown_line",
    "unknown_payment",
    "unknown_state",
    "weighed",
    "weighed_whole",
    "zero_total",
];

fn kinds(shop: &Shop) -> BTreeSet<String> {
    let orders = shop.expected_orders_at(None, NOW);
    let of = |order: &Value| order["kinds"].as_array().unwrap().clone();
    let kinds = orders.as_array().unwrap().iter().flat_map(of);
    kinds.map(|kind| kind.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_shop_of_two_thousand_orders_has_every_kind() {
    for seed in 1..4 {
        let shop = shop::make(2_000, 400, seed, 3, NOW);
        assert_eq!(kinds(&shop), KINDS.map(str::to_owned).into(), "seed {seed}");
    }
}

#[test]
fn a_shop_of_two_hundred_orders_has_every_kind_too() {
    for seed in 1..12 {
        let found = kinds(&shop::make(200, 60, seed, 2, NOW));
        assert_eq!(found, KINDS.map(str::to_owned).into(), "seed {seed}");
    }
}

#[test]
fn sums_of_days_and_of_orders_are_the_sums_of_the_location() {
    for locations in [1, 3, 4, 12] {
        let shop = shop::make(1_000, 300, 5, locations, NOW);
        let expected = shop.expected_at(NOW);
        for (id, place) in expected["locations"].as_object().unwrap() {
            let days = place["days"].as_object().unwrap();
            let sum = |name: &str| days.values().map(|d| d[name].as_i64().unwrap()).sum::<i64>();
            assert_eq!(sum("count"), place["eligible"].as_i64().unwrap());
            assert_eq!(sum("minor"), place["money_minor"].as_i64().unwrap());
            let orders = shop.expected_orders_at(Some(id), NOW);
            let orders = orders.as_array().unwrap();
            let of = |held: &dyn Fn(&Value) -> bool| orders.iter().filter(|o| held(o)).count() as u64;
            let skipped: u64 =
                place["skipped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
            assert_eq!(place["late"], of(&|o| o["late"] == true));
            assert_eq!(place["orders"], orders.len() as u64);
            let eligible = place["eligible"].as_u64().unwrap();
            assert_eq!(eligible + skipped + place["late"].as_u64().unwrap(), orders.len() as u64);
            let emails: BTreeSet<String> = orders
                .iter()
                .filter(|o| o["eligible"] == true)
                .map(|o| o["email"].as_str().unwrap().to_lowercase())
                .collect();
            assert_eq!(place["emails"], emails.len() as u64);
        }
    }
}

#[test]
fn days_are_those_of_the_location() {
    let shop = shop::make(2_000, 300, 5, 4, NOW);
    let expected = shop.expected_at(NOW);
    let mut shifted = 0;
    for (id, place) in expected["locations"].as_object().unwrap() {
        let zone = place["timezone"].as_str().unwrap();
        let mut days: BTreeMap<String, i64> = BTreeMap::new();
        for order in shop.expected_orders_at(Some(id), NOW).as_array().unwrap() {
            if order["eligible"] != true {
                continue;
            }
            let instant: jiff::Timestamp = order["date"].as_str().unwrap().parse().unwrap();
            let day = instant.in_tz(zone).unwrap().date().to_string();
            shifted += i32::from(day != order["date"].as_str().unwrap()[..10]);
            *days.entry(day).or_default() += 1;
        }
        let told = place["days"].as_object().unwrap();
        assert_eq!(told.len(), days.len());
        assert!(days.iter().all(|(day, n)| told[day]["count"] == *n));
    }
    assert!(shifted > 100, "no day differs from that of Greenwich");
}

#[test]
fn the_fourth_location_sells_in_a_currency_of_three_decimals() {
    let shop = shop::make(2_000, 300, 5, 12, NOW);
    let expected = shop.expected_at(NOW);
    let places = expected["locations"].as_object().unwrap();
    assert_eq!(places.len(), 13, "twelve and a closed one");
    for currency in ["EUR", "JPY", "KWD", "CAD"] {
        let sold = places.values().filter(|p| p["currency"] == currency);
        assert!(sold.map(|p| p["money_minor"].as_i64().unwrap()).sum::<i64>() > 0, "{currency}");
    }
}

#[test]
fn lines_come_to_what_was_sold() {
    let shop = shop::make(1_500, 300, 9, 3, NOW);
    let mut prefixed = 0;
    for expected in shop.expected_orders_at(None, NOW).as_array().unwrap() {
        let order = shop.orders.get(expected["id"].as_str().unwrap()).unwrap().json();
        let lines = expected["lines"].as_array().unwrap();
        let sold = order["line_items"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(lines.len(), sold.len());
        for (line, sold) in lines.iter().zip(sold) {
            let gross = line["quantity"].as_i64().unwrap() * line["price_minor"].as_i64().unwrap();
            assert_eq!(gross, sold["gross_sales_money"]["amount"].as_i64().unwrap(), "{line} {sold:#}");
            assert_eq!(line["variant"], sold["catalog_object_id"], "{line} {sold:#}");
            prefixed += i32::from(line["name"].as_str().unwrap().contains(" x "));
        }
    }
    assert!(prefixed > 50);
}

/// The order of the id among the expected ones.
fn fate(shop: &Shop, id: &str) -> Value {
    let orders = shop.expected_orders(None);
    orders.as_array().unwrap().iter().find(|o| o["id"] == id).cloned().unwrap()
}

fn shop_now() -> Shop {
    shop::make(600, 120, 3, 3, crate::clock::now())
}

fn only(touched: &Value, name: &str) -> String {
    touched[name][0].as_str().unwrap_or_else(|| panic!("{name}: {touched}")).to_owned()
}

#[test]
fn late_customers_come_on_the_order_and_on_the_payment() {
    let mut shop = shop_now();
    let touched = shop.change(&Changes { anonymous_sales: 2, ..Changes::default() });
    for id in touched["anonymous_sales"].as_array().unwrap() {
        let fate = fate(&shop, id.as_str().unwrap());
        assert_eq!((&fate["late"], &fate["reason"]), (&true.into(), &"no_customer".into()));
    }
    let late = |shop: &Shop| {
        let places = shop.expected()["locations"].clone();
        places.as_object().unwrap().values().map(|p| p["late"].as_u64().unwrap()).sum::<u64>()
    };
    let before = late(&shop);
    assert!(before >= 3, "one of the history and two of now");
    let touched = shop.change(&Changes { late_customers: 2, ..Changes::default() });
    let on_order: Vec<bool> = touched["late_customers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| shop.orders.get(id.as_str().unwrap()).unwrap().json()["customer_id"].is_string())
        .collect();
    assert_eq!(on_order, [true, false]);
    assert_eq!(late(&shop), before - 2);
}

#[test]
fn a_merge_ends_two_ids_and_what_was_sent_stays() {
    let mut shop = shop_now();
    let eligible = |shop: &Shop| {
        let orders = shop.expected_orders(None);
        orders.as_array().unwrap().iter().filter(|o| o["eligible"] == true).count()
    };
    let before = (eligible(&shop), shop.customers.rows().iter().filter(|r| r.listed).count());
    let touched = shop.change(&Changes { merged_customers: 1, ..Changes::default() });
    let id = only(&touched, "merged_customers");
    let profile = shop.customers.get(&id).unwrap().json();
    assert_eq!(profile["creation_source"], "MERGE");
    let listed = shop.customers.rows().iter().filter(|r| r.listed).count();
    assert_eq!((eligible(&shop), listed), (before.0, before.1 - 1));
    shop.change(&Changes { deleted_customers: 5, ..Changes::default() });
    assert_eq!(eligible(&shop), before.0, "what is there stays there");
}

#[test]
fn a_sale_whose_customer_goes_at_the_same_moment_was_never_sent() {
    let mut shop = shop_now();
    let touched = shop.change(&Changes { new_sales: 40, deleted_customers: 2_000, ..Changes::default() });
    let sold = touched["new_sales"].as_array().unwrap();
    let orders = shop.expected_orders(None);
    let of = |id: &Value| orders.as_array().unwrap().iter().find(|o| o["id"] == *id).unwrap();
    assert!(sold.iter().any(|id| of(id)["reason"] == "customer_gone"), "{orders}");
    assert!(sold.iter().all(|id| of(id)["eligible"] == false), "{orders}");
}

#[test]
fn one_opt_out_is_that_of_the_whole_address() {
    let shop = shop_now();
    let orders = shop.expected_orders(None);
    let mut by_email: BTreeMap<String, BTreeSet<(bool, String)>> = BTreeMap::new();
    for order in orders.as_array().unwrap().iter().filter(|o| o["eligible"] == true) {
        let email = order["email"].as_str().unwrap().to_lowercase();
        let customer = order["customer"].as_str().unwrap().to_owned();
        by_email.entry(email).or_default().insert((order["opted_out"] == true, customer));
    }
    assert!(
        by_email.values().all(|said| said.iter().map(|(out, _)| out).collect::<BTreeSet<_>>().len() == 1)
    );
    assert!(shop.expected()["customers"]["emails_opted_out"].as_u64().unwrap() > 0);
}

#[test]
fn money_moves_as_the_shop_says() {
    let mut shop = shop_now();
    let one = |change: Changes, name: &str, shop: &mut Shop| {
        let touched = shop.change(&change);
        fate(shop, &only(&touched, name))
    };
    let paid = one(Changes { paid_invoices: 1, ..Changes::default() }, "paid_invoices", &mut shop);
    assert_eq!((&paid["eligible"], &paid["status"]), (&true.into(), &"COMPLETED".into()));
    let gone = one(Changes { cancelled_sales: 1, ..Changes::default() }, "cancelled_sales", &mut shop);
    assert_eq!((&gone["status"], &gone["amount_minor"]), (&"CANCELLED".into(), &0.into()));
    let open = one(Changes { pending_refunds: 1, ..Changes::default() }, "pending_refunds", &mut shop);
    let done = one(Changes { completed_refunds: 1, ..Changes::default() }, "completed_refunds", &mut shop);
    assert_eq!(open["id"], done["id"]);
    assert!(open["amount_minor"].as_i64() > done["amount_minor"].as_i64());
    let late = one(Changes { offline_sales: 1, ..Changes::default() }, "offline_sales", &mut shop);
    let row = shop.orders.get(late["id"].as_str().unwrap()).unwrap();
    assert!(row.updated - row.created >= 2 * crate::clock::HOUR);
    assert!((late["date_ms"].as_i64().unwrap() - row.created).abs() < 1_000, "{late}");
    let broken = one(Changes { unreadable_sales: 1, ..Changes::default() }, "unreadable_sales", &mut shop);
    assert_eq!(broken["reason"], "unreadable");
    let places = shop.expected()["locations"].clone();
    assert_eq!(places.as_object().unwrap().values().filter(|p| p["unreadable"] == 1).count(), 1);
}

#[test]
fn names_are_hostile_and_addresses_good_or_bad_as_the_account_sees_them() {
    let shop = shop::make(0, 2_000, 4, 3, NOW);
    let profiles: Vec<Value> = shop.customers.rows().iter().map(|row| row.json()).collect();
    let with = |name: &str| profiles.iter().filter(|p| p[name].is_string()).count() as u64;
    let bad = profiles.iter().filter_map(|p| p["email_address"].as_str()).filter(|e| !crate::ac::takes(e));
    let customers = &shop.expected_at(NOW)["customers"];
    assert_eq!(customers["bad_email"], bad.count() as u64);
    let (none, hidden) = (customers["no_email"].as_u64().unwrap(), customers["hidden"].as_u64().unwrap());
    assert_eq!(with("email_address"), 2_000 - none - hidden);
    for part in ["<script>", "=HYPERLINK", "\u{202e}", "\r\n", "\u{0}", "DROP TABLE"] {
        let named = profiles.iter().any(|p| p["family_name"].as_str().is_some_and(|n| n.contains(part)));
        assert!(named, "{part:?}");
    }
    assert!(profiles.iter().any(|p| p["given_name"].as_str().is_some_and(|n| n.trim().is_empty())));
    assert!(profiles.iter().any(|p| p["creation_source"] == "MERGE"));
    let lower = |p: &Value| p["email_address"].as_str().map(str::to_lowercase);
    let mut twins: BTreeMap<String, usize> = BTreeMap::new();
    profiles.iter().filter_map(lower).for_each(|email| *twins.entry(email).or_default() += 1);
    assert!(twins.values().any(|n| *n > 1));
}

#[test]
fn the_catalogue_has_what_cannot_be_followed() {
    let shop = shop::make(0, 0, 4, 3, NOW);
    let objects: Vec<Value> =
        shop.catalogue.objects.iter().map(|o| serde_json::from_slice(&o.bytes).unwrap()).collect();
    let some = |held: &dyn Fn(&Value) -> bool| objects.iter().any(held);
    assert!(some(&|o| o["type"] == "ITEM" && o["is_deleted"] == true));
    assert!(some(&|o| o["type"] == "CATEGORY" && o["is_deleted"] == true));
    assert!(some(&|o| o["category_data"]["category_type"] == "SEASONAL_CATEGORY"));
    assert!(some(&|o| o["item_variation_data"]["image_ids"].is_array()));
    assert!(some(&|o| o["item_data"]["description_html"].is_string()
        && o["item_data"]["description_plaintext"].is_null()));
    assert!(some(&|o| o["type"] == "ITEM_VARIATION" && o["item_variation_data"]["item_id"].is_null()));
    let item = |o: &Value| o["item_variation_data"]["item_id"].as_str().map(str::to_owned);
    assert!(objects.iter().filter_map(item).any(|id| shop.catalogue.get(&id, true).is_none()));
    assert!(shop.catalogue.products.iter().any(|p| shop.catalogue.get(&p.variation_id, true).is_none()));
    let shelves = || shop.catalogue.products.iter().map(|p| &p.shelf);
    assert!(shelves().any(|s| s.item_id.is_none()) && shelves().any(|s| s.image.is_none()));
    assert!(shelves().all(|s| s.category.is_some() == s.item_id.is_some()));
    let first = |o: &Value| o["item_data"]["categories"][0]["id"].as_str().map(str::to_owned);
    let kinds: BTreeSet<String> = objects
        .iter()
        .filter_map(first)
        .filter_map(|id| objects.iter().find(|o| o["id"] == id.as_str()))
        .map(|o| o["category_data"]["category_type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
}

#[tokio::test]
async fn deleted_objects_are_told_only_when_asked_for() {
    let p = Probe::new(0, 0, quick()).await;
    let search = |deleted: bool| json!({"object_types": ["ITEM"], "include_deleted_objects": deleted});
    let without = p.post("/v2/catalog/search", search(false)).await.json["objects"].clone();
    let with = p.post("/v2/catalog/search", search(true)).await.json["objects"].clone();
    let deleted: Vec<&Value> = with.as_array().unwrap().iter().filter(|o| o["is_deleted"] == true).collect();
    assert_eq!(without.as_array().unwrap().len() + deleted.len(), with.as_array().unwrap().len());
    let id = deleted[0]["id"].clone();
    let answer = p.post("/v2/catalog/batch-retrieve", json!({"object_ids": [id]})).await;
    assert_eq!(answer.json, json!({}));
    let asked = json!({"object_ids": [id], "include_deleted_objects": true});
    assert_eq!(
        p.post("/v2/catalog/batch-retrieve", asked).await.json["objects"].as_array().unwrap().len(),
        1
    );
    let path = format!("/v2/catalog/object/{}", id.as_str().unwrap());
    assert_eq!(p.get(&path).await.error().0, 404);
}
