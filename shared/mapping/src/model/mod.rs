//! The words of the product as types: holding one proves its rule.

mod customer;
mod email;
mod money;
mod order;
mod quantity;
mod reading;
mod secret;
#[cfg(test)]
mod tests;

pub use customer::{Customer, Location, Store};
pub use email::{Email, InvalidEmail};
pub use money::{Currency, Money, MoneyError};
pub use order::{Buyer, Discount, LineItem, Order, Product, Status};
pub use quantity::{InvalidQuantity, Quantity};
pub use reading::{Observed, Reading, SkipReason};
pub use secret::{Personal, Secret};
