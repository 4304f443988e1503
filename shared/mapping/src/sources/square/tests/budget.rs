//! The calls a history costs: at most 30 per 1,000 orders, everything included (rules.md section 5).

use crate::source::{Access, Field, Source};
use crate::sources::square::Square;

use super::shop::{Shop, meet, sell};
use super::support::{access, read_all, run, window};

const PEOPLE: usize = 2_000;
const ORDERS: usize = 5_000;

/// Three locations open by day, people who come again in no pattern.
fn town() -> Shop {
    let mut shop = Shop::default();
    for n in 0..PEOPLE {
        meet(&mut shop, &format!("C{n}"), n as i64);
    }
    let mut dice: u64 = 42;
    for n in 0..ORDERS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let person = format!("C{}", (dice >> 33) as usize % PEOPLE);
        // 200 sales a day within 10 hours, then a night.
        let second = (n / 200) as i64 * 86_400 + (n % 200) as i64 * 180;
        sell(&mut shop, &format!("O{n}"), &format!("L{}", n % 3 + 1), Some(&person), second, 1000);
    }
    shop
}

fn at(location: usize) -> Access {
    let mut access = access();
    access.location.id = format!("L{location}");
    access
}

#[test]
fn history_takes_at_most_30_calls_per_1000_orders() {
    let shop = town();
    let all = window(Field::Created, 0, 100 * 86_400);
    let mut orders = 0;
    for location in 1..=3 {
        let access = at(location);
        run(Square.first_order(&shop, &access)).unwrap();
        run(Square.count_orders(&shop, &access, all, 20)).unwrap();
        orders += read_all(&shop, &access, all).unwrap().iter().map(|page| page.records.len()).sum::<usize>();
    }
    let mut token = None;
    let mut people = 0;
    loop {
        let page = run(Square.read_customers(&shop, &access(), all, token)).unwrap();
        people += page.records.len();
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((orders, people), (ORDERS, PEOPLE));
    assert_eq!(shop.count("payments.get"), 0);
    let payments = shop.count("payments.list") * 1000 / ORDERS;
    assert!(payments <= 11, "{payments} calls for payments per 1,000 orders");
    let calls = shop.all_calls() * 1000 / ORDERS;
    assert!(calls <= 30, "{calls} calls per 1,000 orders");
}

#[test]
fn an_idle_poll_takes_three_calls() {
    let shop = town();
    read_all(&shop, &access(), window(Field::Updated, 90 * 86_400, 91 * 86_400)).unwrap();
    assert_eq!(shop.all_calls(), 3);
}
