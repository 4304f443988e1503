//! Amounts, currencies and quantities.

use tillsync_mapping::activecampaign::{minor_amount, same_amount};
use tillsync_mapping::model::{Currency, Money, Quantity};

use super::text;
use crate::Target;

pub(super) const TARGET: Target = Target { name: "money", run, fixtures: super::none, weight: 60 };

/// Two texts with a blank between, or one.
fn run(data: &[u8]) {
    let given = text(data);
    let (left, right) = given.split_once(' ').unwrap_or((&given, &given));
    amounts(left, right);
    quantity(left);
    if let Ok(currency) = Currency::parse(right) {
        assert_eq!(currency.code(), right);
        assert!(currency.exponent() <= 4);
        if let Ok(minor) = left.parse::<i64>() {
            let decimal = Money::new(minor, currency).decimal();
            assert!(
                serde_json::from_str::<serde_json::Number>(&decimal).is_ok(),
                "{decimal} is no number of JSON"
            );
            let back = minor_amount(&decimal, currency);
            assert!(back == Some(minor) || minor == i64::MIN, "{minor} {right} became {back:?}");
        }
        if let Some(minor) = minor_amount(left, currency) {
            assert!(same_amount(left, &Money::new(minor, currency).decimal()), "{left} {right}: {minor}");
        }
    }
}

fn amounts(left: &str, right: &str) {
    assert_eq!(same_amount(left, right), same_amount(right, left), "{left} {right}");
    if same_amount(left, right) {
        assert!(same_amount(left, left) && same_amount(right, right));
    }
}

fn quantity(given: &str) {
    let Ok(quantity) = Quantity::parse(given) else { return };
    let shown = quantity.to_string();
    assert_eq!(Quantity::parse(&shown).as_ref(), Ok(&quantity), "{given} is shown as {shown}");
    assert_eq!(quantity.whole().is_some(), !shown.contains('.'), "{given}");
    assert_eq!(quantity.is_zero(), shown == "0", "{given}");
}
