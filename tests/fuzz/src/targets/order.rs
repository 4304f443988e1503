//! What holds of whatever a source makes of a record.

use serde_json::Value;
use tillsync_mapping::activecampaign;
use tillsync_mapping::model::{Customer, Money, Observed, Order, Product, Reading};

use crate::quiet;

/// A record of orders: ready, left out by a rule, or unreadable at a place; what is made of it can be sent.
pub(super) fn observed(seen: &Observed<Order>, known: &[&str]) {
    match &seen.reading {
        Reading::Ready(order) => {
            assert!(order.buyer.is_some(), "ready, and bought by nobody");
            whole(order);
        }
        Reading::Skipped { late, .. } => late.iter().for_each(|order| whole(order)),
        Reading::Unreadable { code, place } => unreadable(code, place, known),
    }
}

/// A record of customers.
pub(super) fn person(seen: &Observed<Customer>, known: &[&str]) {
    match &seen.reading {
        Reading::Ready(customer) => {
            address(customer.email.expose());
            let contact = activecampaign::contact(customer);
            let texts = [contact.first_name, contact.last_name, contact.phone, contact.company];
            assert!(texts.into_iter().flatten().all(|text| !text.expose().trim().is_empty()));
        }
        Reading::Skipped { .. } => {}
        Reading::Unreadable { code, place } => unreadable(code, place, known),
    }
}

/// A product.
pub(super) fn product(product: &Product) {
    assert!(!product.variant_id.is_empty() && !product.product_id.is_empty() && !product.name.is_empty());
    let sent = serde_json::to_value(activecampaign::product(7, product)).unwrap_or_default();
    assert_eq!(sent["storePrimaryId"], product.variant_id.as_str());
    no_empty_text(&sent);
}

fn unreadable(code: &str, place: &str, known: &[&str]) {
    assert!(known.contains(&code), "{code} is not explained");
    quiet::said(place);
    assert!(!place.is_empty());
}

/// Money of an order: one currency, nothing below nothing, lines that multiply; and the request it becomes says the
/// same amount, digit by digit.
fn whole(order: &Order) {
    let currency = order.total.currency;
    assert!(order.total.minor >= 0, "less than nothing was kept");
    assert!(!order.lines.is_empty(), "nothing was sold");
    for line in &order.lines {
        assert!(line.quantity > 0 && line.unit_price.currency == currency);
        let sold = line.unit_price.minor.checked_mul(i64::from(line.quantity));
        assert!(sold.is_some(), "a line beyond all bounds");
    }
    assert!(order.shipping.is_none_or(|shipping| shipping.currency == currency));
    assert!(order.discounts.iter().all(|discount| discount.amount.minor != 0));
    let Some(buyer) = &order.buyer else { return };
    address(buyer.email.expose());
    let input = activecampaign::order(7, order, buyer, false);
    let text = serde_json::to_string(&input).unwrap_or_default();
    assert!(
        text.contains(&format!("\"finalAmount\":{}", order.total.decimal())),
        "{} is lost",
        order.total.decimal()
    );
    let sent: Value = serde_json::from_str(&text).unwrap_or_default();
    assert_eq!(sent["storeOrderId"], order.id.as_str());
    no_empty_text(&sent);
    same_amount(order.total);
    assert_eq!(activecampaign::buyer_of(&text).map(|again| again.email), Some(buyer.email.clone()));
    assert_eq!(input.fingerprint(), activecampaign::order(7, order, buyer, true).fingerprint());
}

/// An amount that went out as text comes back as itself.
fn same_amount(money: Money) {
    let text = money.decimal();
    assert!(activecampaign::same_amount(&text, &format!("{text}e0")));
    assert_eq!(activecampaign::minor_amount(&text, money.currency), Some(money.minor));
}

fn address(email: &str) {
    let plain = email.len() <= 254 && email.matches('@').count() == 1 && !email.contains(char::is_whitespace);
    assert!(plain && !email.contains(char::is_control), "no address");
}

/// An empty text sent on would wipe a good value (activecampaign.md section 4.6).
fn no_empty_text(sent: &Value) {
    match sent {
        Value::Object(members) => {
            for (name, value) in members {
                let may_be_empty =
                    matches!(name.as_str(), "storeOrderId" | "orderNumber" | "storeBaseProductId");
                assert!(may_be_empty || value != "", "{name} is sent empty");
                assert!(!value.is_null(), "{name} is sent as null");
                no_empty_text(value);
            }
        }
        Value::Array(list) => list.iter().for_each(no_empty_text),
        _ => {}
    }
}
