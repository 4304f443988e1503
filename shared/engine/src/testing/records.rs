//! Records as a source hands them over.

use std::sync::Arc;

use jiff::Timestamp;
use tillsync_mapping::model::{
    Buyer, Currency, Customer, Email, LineItem, Money, Observed, Order, Personal, Product, Reading,
    SkipReason, Status,
};

/// A paid order of somebody of its own.
pub(crate) fn order(id: &str, date: Timestamp) -> Order {
    let eur = Currency::parse("EUR").unwrap();
    Order {
        id: id.to_owned(),
        number: format!("No {id}"),
        buyer: Some(Buyer {
            id: Some(format!("P-{id}")),
            email: Email::parse(&format!("{}@example.org", id.to_lowercase())).unwrap(),
            first_name: Personal::new("Ann"),
            last_name: None,
            phone: None,
            company: None,
            accepts_marketing: None,
        }),
        status: Status::Completed,
        total: Money::new(1_250, eur),
        shipping: None,
        shipping_method: None,
        discounts: Vec::new(),
        lines: vec![LineItem {
            id: "1".to_owned(),
            product_id: "I1".to_owned(),
            variant_id: Some("V1".to_owned()),
            name: "Beans".to_owned(),
            quantity: 1,
            unit_price: Money::new(1_250, eur),
            category: None,
            sku: None,
            image_url: None,
            product_url: None,
        }],
        url: None,
        date,
        modified: date,
    }
}

/// The order as it was read: its version is its modification.
pub(crate) fn ready(order: Order) -> Observed<Order> {
    Observed {
        id: order.id.clone(),
        version: order.modified,
        at: order.date,
        created: order.date,
        reading: Reading::Ready(Arc::new(order)),
    }
}

/// The order left out by a rule, with its mapped form.
pub(crate) fn skipped(order: Order, reason: SkipReason) -> Observed<Order> {
    let observed = ready(order.clone());
    Observed { reading: Reading::Skipped { reason, late: Some(Arc::new(order)) }, ..observed }
}

/// The buyer of [`order`] with this id, as the customer stream has them.
pub(crate) fn person(id: &str, at: Timestamp) -> Observed<Customer> {
    let name = id.strip_prefix("P-").unwrap_or(id).to_lowercase();
    let customer = Customer {
        id: id.to_owned(),
        email: Email::parse(&format!("{name}@example.org")).unwrap(),
        first_name: Personal::new("Ann"),
        last_name: None,
        phone: None,
        company: None,
        accepts_marketing: None,
        modified: at,
    };
    Observed { id: id.to_owned(), version: at, at, created: at, reading: Reading::Ready(Arc::new(customer)) }
}

/// A product of the catalogue.
pub(crate) fn product(id: &str) -> Product {
    Product {
        product_id: format!("I-{id}"),
        variant_id: id.to_owned(),
        name: "Beans".to_owned(),
        variant_name: None,
        description: None,
        category: None,
        sku: None,
        image_url: None,
        price: None,
    }
}
