//! The generated shop: valid, consistent, repeatable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::openapi;
use crate::schema::{Problem, Validator};
use crate::shop::{self, Changes, Shop};

const NOW: i64 = 1_790_000_000_000;

fn sample() -> Shop {
    shop::make(1_500, 300, 7, 3, NOW)
}

/// What is there on purpose although the description does not know it: words and members of later versions.
const LATER: [(&str, &str); 8] = [
    ("UNKNOWN_BODY_PARAMETER", "agent_details"),
    ("UNKNOWN_BODY_PARAMETER", "returns_policy"),
    ("UNKNOWN_BODY_PARAMETER", "buyer_currency_exchange"),
    ("UNKNOWN_BODY_PARAMETER", "drone_details"),
    ("INVALID_ENUM_VALUE", "state"),
    ("INVALID_ENUM_VALUE", "type"),
    ("INVALID_ENUM_VALUE", "item_type"),
    ("INVALID_ENUM_VALUE", "category_type"),
];

/// Whether what is wrong is only of a later version.
pub(super) fn is_later(problem: &Problem) -> bool {
    LATER.contains(&(problem.code, problem.field.rsplit('.').next().unwrap()))
}

/// How many things of a later version there are; anything else wrong is an error.
fn check(schema: &str, json: &Value) -> usize {
    let root = openapi::document();
    let schema = root.pointer(&format!("/components/schemas/{schema}")).unwrap();
    let problems = Validator::check(root, schema, json);
    assert!(problems.iter().all(is_later), "{problems:?} in {json:#}");
    problems.len()
}

fn amount(value: &Value) -> i64 {
    value.get("amount").and_then(Value::as_i64).unwrap_or(0)
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[test]
fn every_object_is_valid_by_the_published_description() {
    let mut shop = sample();
    shop.change(&Changes {
        new_sales: 5,
        anonymous_sales: 2,
        offline_sales: 2,
        attached_customers: 1,
        late_customers: 2,
        changed_sales: 5,
        paid_invoices: 1,
        changed_customers: 5,
        changed_emails: 2,
        opted_out_customers: 2,
        merged_customers: 2,
        deleted_customers: 1,
        refunds: 5,
        refunds_elsewhere: 1,
        pending_refunds: 1,
        completed_refunds: 1,
        cancelled_sales: 1,
        exchanges: 3,
        ..Changes::default()
    });
    for (schema, table, later) in [
        ("Order", &shop.orders, true),
        ("Payment", &shop.payments, true),
        ("PaymentRefund", &shop.refunds, false),
        ("Customer", &shop.customers, false),
    ] {
        assert!(!table.rows().is_empty());
        let found: usize = table.rows().iter().map(|row| check(schema, &row.json())).sum();
        assert_eq!(found > 0, later, "{schema}: things of a later version");
    }
    for object in &shop.catalogue.objects {
        check("CatalogObject", &serde_json::from_slice(&object.bytes).unwrap());
    }
    let later = |place| assert_eq!(check("Location", place), 0);
    list(&serde_json::json!({"l": shop.places_json()}), "l").for_each(later);
    assert_eq!(check("Merchant", &shop.merchant_json()), 0);
}

#[test]
fn totals_add_up() {
    let shop = sample();
    for row in shop.orders.rows() {
        let order = row.json();
        let lines: i64 = list(&order, "line_items").map(|l| amount(&l["total_money"])).sum();
        let rounded = amount(&order["rounding_adjustment"]["amount_money"]);
        let sum = lines + amount(&order["total_tip_money"]) + amount(&order["total_service_charge_money"]);
        assert_eq!(sum + rounded, amount(&order["total_money"]), "{order:#}");
        let charges: i64 = list(&order, "service_charges").map(|c| amount(&c["total_money"])).sum();
        assert_eq!(charges, amount(&order["total_service_charge_money"]));
        let taxes: i64 = list(&order, "line_items").map(|l| amount(&l["total_tax_money"])).sum();
        assert_eq!(taxes, amount(&order["total_tax_money"]));
        let discounts: i64 = list(&order, "discounts").map(|d| amount(&d["applied_money"])).sum();
        assert_eq!(discounts, amount(&order["total_discount_money"]), "{order:#}");
        let tenders: Vec<&Value> = list(&order, "tenders").collect();
        if !tenders.is_empty() {
            let paid: i64 = tenders.iter().map(|t| amount(&t["amount_money"])).sum();
            assert_eq!(paid, amount(&order["net_amounts"]["total_money"]), "{order:#}");
        }
        for tender in tenders.into_iter().filter(|t| t["type"] != "NO_SALE") {
            let payment = shop.payments.get(tender["payment_id"].as_str().unwrap()).unwrap().json();
            assert_eq!(amount(&payment["total_money"]), amount(&tender["amount_money"]));
            assert_eq!(payment["created_at"], tender["created_at"]);
            assert_eq!(
                amount(&payment["amount_money"]) + amount(&payment["tip_money"]),
                amount(&payment["total_money"])
            );
        }
        for line in list(&order, "line_items") {
            let applied: i64 = list(line, "applied_discounts").map(|d| amount(&d["applied_money"])).sum();
            assert_eq!(applied, amount(&line["total_discount_money"]), "{line:#}");
        }
    }
}

#[test]
fn one_seed_gives_one_shop() {
    let bytes = |shop: &Shop| -> Vec<Vec<u8>> {
        let tables = [&shop.orders, &shop.payments, &shop.refunds, &shop.customers];
        tables.iter().flat_map(|t| t.rows().iter().map(|r| r.bytes.clone())).collect()
    };
    assert_eq!(bytes(&sample()), bytes(&sample()));
    assert_ne!(bytes(&sample()), bytes(&shop::make(1_500, 300, 8, 3, NOW)));
}

#[test]
fn a_shop_has_every_kind_of_order() {
    let shop = shop::make(80, 40, 3, 3, NOW);
    let orders = shop.expected_orders(None);
    let all = orders.as_array().unwrap();
    assert_eq!(all.len(), 80);
    let reasons: BTreeSet<&str> = all.iter().filter_map(|o| o["reason"].as_str()).collect();
    let wanted = ["bad_email", "customer_gone", "no_customer", "no_email", "not_paid", "return_only"];
    assert_eq!(reasons, BTreeSet::from(wanted));
}

/// The rules once more, from the JSON alone.
fn judged(order: &Value, payments: &[Value], shop: &Shop) -> Option<&'static str> {
    let text = |v: &Value, name: &str| v[name].as_str().map(str::to_owned);
    let done: Vec<&Value> = payments.iter().filter(|p| p["status"] == "COMPLETED").collect();
    let paid = !done.is_empty() && amount(&order["net_amount_due_money"]) == 0;
    let free = amount(&order["net_amounts"]["total_money"]) <= 0 && order["state"] == "COMPLETED";
    let customer = text(order, "customer_id")
        .or_else(|| list(order, "tenders").find_map(|t| text(t, "customer_id")))
        .or_else(|| payments.iter().find_map(|p| text(p, "customer_id")))
        .or_else(|| {
            list(order, "fulfillments").find_map(|f| {
                let details = ["pickup_details", "shipment_details", "delivery_details"]
                    .iter()
                    .find_map(|n| f.get(*n))?;
                text(&details["recipient"], "customer_id")
            })
        });
    if list(order, "line_items").next().is_none() && list(order, "returns").next().is_some() {
        return Some("return_only");
    }
    if !paid && !free {
        return Some("not_paid");
    }
    let Some(customer) = customer else {
        return Some("no_customer");
    };
    let Some(row) = shop.customers.get(&customer) else {
        return Some("customer_gone");
    };
    match row.json()["email_address"].as_str() {
        None => Some("no_email"),
        Some(email) if !crate::ac::takes(email) => Some("bad_email"),
        Some(_) => None,
    }
}

#[test]
fn the_oracle_agrees_with_what_is_served() {
    let shop = sample();
    let mut payments: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for payment in shop.payments.rows().iter().map(|r| r.json()) {
        payments.entry(payment["order_id"].as_str().unwrap().to_owned()).or_default().push(payment);
    }
    for expected in shop.expected_orders(None).as_array().unwrap() {
        let id = expected["id"].as_str().unwrap();
        let order = shop.orders.get(id).unwrap().json();
        let payments = payments.get(id).cloned().unwrap_or_default();
        assert_eq!(judged(&order, &payments, &shop), expected["reason"].as_str(), "{order:#} {payments:#?}");
        if expected["eligible"] == Value::Bool(true) {
            let refunded: i64 = payments.iter().map(|p| amount(&p["refunded_money"])).sum();
            let left = (amount(&order["net_amounts"]["total_money"]) - refunded).max(0);
            assert_eq!(left, expected["amount_minor"].as_i64().unwrap(), "{order:#} {payments:#?}");
            let cancelled = order["state"] == "CANCELED";
            assert_eq!(expected["status"] == "CANCELLED", cancelled);
            assert_eq!(expected["status"] == "REFUNDED", refunded > 0 && left == 0 && !cancelled);
        }
    }
}

#[test]
fn the_newest_record_is_five_minutes_old_and_one_in_fifty_is_of_the_last_day() {
    let shop = sample();
    let tables = [&shop.orders, &shop.payments, &shop.refunds, &shop.customers];
    for row in tables.iter().flat_map(|t| t.rows()) {
        assert!(
            row.created <= row.updated && row.updated <= NOW - 300_000,
            "{} {}",
            row.created,
            row.updated
        );
    }
    let young = shop.orders.rows().iter().filter(|r| r.created > NOW - 86_400_000).count();
    assert!((25..=40).contains(&young), "{young}");
    let oldest = shop.orders.rows().iter().map(|r| r.created).min().unwrap();
    assert!(oldest > NOW - 430 * 86_400_000);
}

#[test]
fn five_thousand_orders_are_made_in_little_time() {
    let begun = std::time::Instant::now();
    let shop = shop::make(5_000, 500, 1, 3, NOW);
    assert_eq!(shop.orders.rows().len(), 5_000);
    assert!(begun.elapsed().as_secs() < 60);
}
