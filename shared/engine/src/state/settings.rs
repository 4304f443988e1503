//! What the operator chose for a connection (rules.md sections 1 to 3). Every setting has a default, so that rows
//! written before it still say the same.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tillsync_mapping::source::ReadOptions;

/// What the operator chose for a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Orders made before this instant are not sent; none: everything is.
    pub history_from: Option<Timestamp>,
    /// As it was given: `all`, `this-year` or a date.
    pub history: String,
    /// An order so young at its first send may start automations: 24 hours, or none at all.
    #[serde(default = "a_day")]
    pub live_hours: u32,
    /// Whose contacts are kept.
    #[serde(default)]
    pub customers: WhichCustomers,
    /// Where an order's link leads.
    #[serde(default)]
    pub order_link: Link,
    /// What becomes of orders that name no customer but an address.
    #[serde(default)]
    pub orders_without_customer: Unnamed,
}

/// Whose contacts are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichCustomers {
    /// Everybody's.
    #[default]
    All,
    /// Those of people whom an order carries.
    WithOrders,
}

/// Where an order's link leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// To the platform's dashboard.
    #[default]
    Dashboard,
    /// To the receipt.
    Receipt,
}

/// What becomes of orders that name no customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unnamed {
    /// They are left out.
    #[default]
    Skip,
    /// They are sent where the recipient or the buyer left an address.
    ByEmail,
}

fn a_day() -> u32 {
    24
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            history_from: None,
            history: "all".to_owned(),
            live_hours: a_day(),
            customers: WhichCustomers::default(),
            order_link: Link::default(),
            orders_without_customer: Unnamed::default(),
        }
    }
}

impl Settings {
    /// Those that change how records are read.
    #[must_use]
    pub fn reading(&self) -> ReadOptions {
        ReadOptions {
            link_to_receipt: self.order_link == Link::Receipt,
            buyers_by_email: self.orders_without_customer == Unnamed::ByEmail,
        }
    }
}
