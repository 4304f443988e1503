//! What holds of every order that is put together as Square does (rules.md sections 1 and 8): money is kept,
//! quantities are exact, and how a record was reached changes nothing about it.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::model::{Currency, Money, Observed, Order, Quantity, Reading, Status};
use crate::source::{Cache, Field, Source};
use crate::sources::square::Square;

use super::shop::{Shop, meet};
use super::support::{access, after, read_all, run, window};

/// One line: quantity as text, gross sales, whether that is told or has to be put together from its parts.
#[derive(Clone, Debug)]
struct Line {
    quantity: String,
    unit: i64,
    modifier: i64,
    told: bool,
}

/// A payment: what part of the order it pays, what of it was given back, and whether it was completed.
#[derive(Clone, Debug)]
struct Payment {
    share: i64,
    refunded: i64,
    completed: bool,
    seconds: i64,
}

#[derive(Clone, Debug)]
struct Sale {
    currency: &'static str,
    lines: Vec<Line>,
    tip: i64,
    discount: i64,
    shipping: i64,
    state: &'static str,
    /// Whether what is due is told.
    due: bool,
    payments: Vec<Payment>,
}

fn line() -> impl Strategy<Value = Line> {
    let quantity = prop_oneof![
        4 => (0_u32..40).prop_map(|whole| whole.to_string()),
        1 => (1_u32..40).prop_map(|whole| format!("{whole}.000")),
        2 => (0_u32..9, 1_u32..999).prop_map(|(whole, part)| format!("{whole}.{part:03}")),
        1 => (1_u32..999_999).prop_map(|part| format!("0.{part:06}00")),
    ];
    (quantity, 0_i64..2_000_000, 0_i64..500, any::<bool>())
        .prop_map(|(quantity, unit, modifier, told)| Line { quantity, unit, modifier, told })
}

fn sale() -> impl Strategy<Value = Sale> {
    let payment = (0_i64..100, 0_i64..130, prop::bool::weighted(0.85), 0_i64..900)
        .prop_map(|(share, refunded, completed, seconds)| Payment { share, refunded, completed, seconds });
    (
        prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"]),
        prop::collection::vec(line(), 1..6),
        (0_i64..900, 0_i64..900, 0_i64..900),
        prop::sample::select(vec!["COMPLETED", "COMPLETED", "OPEN", "CANCELED"]),
        any::<bool>(),
        prop::collection::vec(payment, 1..4),
    )
        .prop_map(|(currency, lines, (tip, discount, shipping), state, due, payments)| Sale {
            currency,
            lines,
            tip,
            discount,
            shipping,
            state,
            due,
            payments,
        })
}

impl Line {
    /// Price of the variation times the quantity, in minor units as Square rounds it, and its modifiers.
    fn gross(&self) -> i64 {
        let (whole, part) = self.quantity.split_once('.').unwrap_or((&self.quantity, ""));
        let digits: i128 = format!("{whole}{part}").parse().unwrap();
        let scale = 10_i128.pow(part.len() as u32);
        i64::try_from(i128::from(self.unit) * digits / scale).unwrap() + self.modifier
    }

    fn is_whole(&self) -> bool {
        Quantity::parse(&self.quantity).unwrap().whole().is_some()
    }

    fn json(&self, money: &dyn Fn(i64) -> Value) -> Value {
        let mut line = json!({"uid": "l", "name": "Beans", "quantity": self.quantity, "item_type": "ITEM",
            "modifiers": [{"uid": "m", "total_price_money": money(self.modifier)}]});
        // Gross sales are absent on orders that were not calculated; then the price of all pieces is there.
        let (name, minor) = match (self.told, self.is_whole()) {
            (true, _) => ("gross_sales_money", self.gross()),
            (false, true) => ("base_price_money", self.unit),
            (false, false) => ("variation_total_price_money", self.gross() - self.modifier),
        };
        line[name] = money(minor);
        line
    }
}

impl Sale {
    fn total(&self) -> i64 {
        let sold: i64 = self.lines.iter().map(Line::gross).sum();
        (sold + self.tip + self.shipping - self.discount).max(0)
    }

    /// What each payment is of: the last one takes what is left.
    fn amounts(&self) -> Vec<i64> {
        let mut left = self.total();
        let last = self.payments.len() - 1;
        let each = self.payments.iter().enumerate().map(|(n, payment)| {
            let part = if n == last { left } else { left * payment.share / 100 };
            left -= part;
            part
        });
        each.collect()
    }

    fn refunds(&self) -> Vec<i64> {
        self.amounts()
            .iter()
            .zip(&self.payments)
            .map(|(minor, payment)| minor * payment.refunded / 100)
            .collect()
    }

    fn received(&self) -> i64 {
        let completed =
            self.amounts().into_iter().zip(&self.payments).filter(|(_, payment)| payment.completed);
        completed.map(|(minor, _)| minor).sum()
    }

    fn due(&self) -> i64 {
        self.total() - self.received()
    }

    /// A payment of nothing counts for nothing.
    fn is_any_completed(&self) -> bool {
        self.amounts().iter().zip(&self.payments).any(|(minor, payment)| *minor != 0 && payment.completed)
    }

    /// Rules.md section 1: nothing due and a completed payment, or nothing to pay and completed.
    fn is_paid(&self) -> bool {
        let nothing_due = match (self.due, self.state) {
            (false, "COMPLETED") => true,
            _ => self.due() <= 0,
        };
        match (self.state, self.total()) {
            ("CANCELED", 0) => false,
            ("COMPLETED", 0) => true,
            _ => nothing_due && self.is_any_completed(),
        }
    }

    /// The store that holds it. Payments lie there, and are named by the order, in the order given.
    fn shop(&self, turned: bool) -> Shop {
        let money = |minor: i64| json!({"amount": minor, "currency": self.currency});
        let mut shop = Shop::default();
        meet(&mut shop, "C1", 0);
        let (mut tenders, at) = (Vec::new(), |seconds| after(seconds).to_string());
        for (n, ((minor, refunded), payment)) in
            self.amounts().iter().zip(self.refunds()).zip(&self.payments).enumerate()
        {
            let (id, made) = (format!("P{n}"), at(payment.seconds));
            tenders.push(json!({"id": id, "payment_id": id, "location_id": "L1", "type": "CARD",
                "amount_money": money(*minor), "created_at": made}));
            let status = if payment.completed { "COMPLETED" } else { "FAILED" };
            shop.payments.push(json!({"id": id, "order_id": "O1", "location_id": "L1", "status": status,
                "created_at": made, "updated_at": made, "total_money": money(*minor),
                "refunded_money": money(refunded)}));
        }
        if turned {
            tenders.reverse();
            shop.payments.reverse();
        }
        let lines: Vec<Value> = self.lines.iter().map(|line| line.json(&money)).collect();
        let mut order = json!({"id": "O1", "location_id": "L1", "state": self.state, "customer_id": "C1",
            "created_at": at(0), "updated_at": at(9), "closed_at": at(5), "line_items": lines, "tenders": tenders,
            "total_money": money(self.total()),
            "discounts": [{"uid": "d", "name": "Spring", "applied_money": money(self.discount)}],
            "service_charges": [{"uid": "s", "name": "Shipping", "applied_money": money(self.shipping)}]});
        if self.due {
            order["net_amount_due_money"] = money(self.due());
        }
        shop.orders.push(order);
        shop
    }
}

fn fetch(shop: &Shop) -> Observed<Order> {
    let page = run(Square.fetch_orders(shop, &access(), &["O1".to_owned()], &Cache::default())).unwrap();
    assert_eq!(page.records.len(), 1);
    page.records.into_iter().next().unwrap()
}

/// Without the instant it was met at, which is the window's.
fn met(shop: &Shop, field: Field) -> Observed<Order> {
    let pages = read_all(shop, &access(), window(field, 0, 5_000)).unwrap();
    let mut seen: Vec<_> = pages.into_iter().flat_map(|page| page.records).collect();
    assert_eq!(seen.len(), 1);
    seen.remove(0)
}

fn mapped(seen: &Observed<Order>) -> Option<&Order> {
    match &seen.reading {
        Reading::Ready(order) | Reading::Skipped { late: Some(order), .. } => Some(order),
        _ => None,
    }
}

/// The payment of a tender of nothing is never asked for; a window of changes lists it all the same.
#[test]
fn a_sale_for_nothing_is_the_same_whether_its_payment_was_listed_or_not() {
    let line = Line { quantity: "1".to_owned(), unit: 0, modifier: 0, told: true };
    for (state, completed) in [("COMPLETED", true), ("COMPLETED", false), ("OPEN", true), ("CANCELED", true)]
    {
        let payments = vec![Payment { share: 100, refunded: 0, completed, seconds: 10 }];
        let sale = Sale {
            currency: "EUR",
            lines: vec![line.clone()],
            tip: 0,
            discount: 0,
            shipping: 0,
            state,
            due: true,
            payments,
        };
        let fetched = fetch(&sale.shop(false));
        let listed = met(&sale.shop(false), Field::Updated);
        assert_eq!(Observed { at: fetched.at, ..listed }, fetched, "{state}");
        assert_eq!(matches!(fetched.reading, Reading::Ready(_)), state == "COMPLETED", "{state}");
    }
}

fn check_lines(sale: &Sale, order: &Order) -> Result<(), TestCaseError> {
    prop_assert_eq!(order.lines.len(), sale.lines.len());
    for (line, sold) in order.lines.iter().zip(&sale.lines) {
        let pieces = i64::from(line.quantity);
        prop_assert_eq!(line.unit_price.minor * pieces, sold.gross(), "{} of {:?}", pieces, sold);
        let whole = Quantity::parse(&sold.quantity).unwrap().whole();
        let exact = whole.is_some_and(|whole| whole > 0 && sold.gross() % whole as i64 == 0);
        if exact {
            prop_assert_eq!(Some(u64::from(line.quantity)), whole);
            prop_assert_eq!(&line.name, "Beans");
        } else {
            let shown = Quantity::parse(&sold.quantity).unwrap().to_string();
            prop_assert_eq!(line.quantity, 1);
            prop_assert_eq!(&line.name, &format!("{shown} x Beans"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn money_is_kept_and_quantities_are_exact(sale in sale()) {
        let seen = fetch(&sale.shop(false));
        prop_assert_eq!(matches!(seen.reading, Reading::Ready(_)), sale.is_paid(), "{:?}", seen.reading);
        let order = mapped(&seen).expect("whole orders are always mapped");
        let currency = Currency::parse(sale.currency).unwrap();
        let kept = if sale.is_paid() { sale.total() } else { sale.received() };
        let refunded: i64 = sale.refunds().iter().sum();
        prop_assert_eq!(order.total, Money::new((kept - refunded).max(0), currency));
        let called_off =
            sale.state == "CANCELED" || (!sale.is_paid() && !sale.is_any_completed());
        let expected = match (called_off, refunded > 0 && refunded >= kept) {
            (true, _) => Status::Cancelled,
            (false, true) => Status::Refunded,
            (false, false) => Status::Completed,
        };
        prop_assert_eq!(order.status, expected);
        prop_assert_eq!(order.shipping, Some(Money::new(sale.shipping, currency)));
        let off: Vec<Money> = order.discounts.iter().map(|discount| discount.amount).collect();
        let told = (sale.discount != 0).then(|| Money::new(sale.discount, currency));
        prop_assert_eq!(off, told.into_iter().collect::<Vec<_>>());
        check_lines(&sale, order)?;
    }

    #[test]
    fn however_an_order_is_reached_and_its_parts_are_put_it_is_the_same(sale in sale()) {
        let fetched = fetch(&sale.shop(false));
        prop_assert_eq!(&fetch(&sale.shop(false)), &fetched, "the same comes to the same");
        let turned = fetch(&sale.shop(true));
        for other in [turned, met(&sale.shop(false), Field::Created), met(&sale.shop(true), Field::Updated)] {
            prop_assert_eq!(&Observed { at: fetched.at, ..other }, &fetched);
        }
    }

    #[test]
    fn no_order_is_of_two_currencies(sale in sale(), place in 0_usize..5, other in prop::sample::select(vec!["EUR", "JPY", "USD"])) {
        prop_assume!(other != sale.currency && sale.shipping + sale.total() > 0);
        let mut shop = sale.shop(false);
        let line = &mut shop.orders[0]["line_items"][place % sale.lines.len()];
        for name in ["gross_sales_money", "base_price_money", "variation_total_price_money"] {
            if !line[name].is_null() {
                line[name]["currency"] = other.into();
            }
        }
        let seen = fetch(&shop);
        let unreadable = matches!(&seen.reading, Reading::Unreadable { code, .. } if *code == "square.unreadable");
        prop_assert!(unreadable || matches!(seen.reading, Reading::Skipped { late: None, .. }), "{:?}", seen.reading);
    }
}
