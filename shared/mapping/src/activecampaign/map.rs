//! The model, as the destination takes it.

use super::wire::{ContactInput, OrderInput, ProductInput};
use crate::model::{Buyer, Customer, Order, Product};

/// An order of the connection with this id at the destination. `live` orders may start automations.
#[must_use]
pub fn order(_connection: i64, _order: &Order, _live: bool) -> OrderInput {
    todo!()
}

/// A product of the connection with this id at the destination.
#[must_use]
pub fn product(_connection: i64, _product: &Product) -> ProductInput {
    todo!()
}

/// A person without an order.
#[must_use]
pub fn contact(_customer: &Customer) -> ContactInput {
    todo!()
}

impl From<&Buyer> for ContactInput {
    /// What an order tells about its buyer's contact: equal fingerprints of this and [`contact`] mean that the
    /// order has carried the person.
    fn from(_buyer: &Buyer) -> Self {
        todo!()
    }
}
