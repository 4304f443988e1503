//! A sale, in the form every source brings it to.

use jiff::Timestamp;

use super::{Email, Money, Personal};

/// A sale as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The source's id: the key of the order at the destination.
    pub id: String,
    /// What people call the order by.
    pub number: String,
    /// Who bought; none where the store no longer says it, or says no address. Such an order can only follow one
    /// that was sent before, to the same buyer.
    pub buyer: Option<Buyer>,
    /// Where it stands.
    pub status: Status,
    /// What was paid and not given back: tip, tax and charges included.
    pub total: Money,
    /// What delivery cost, within the total.
    pub shipping: Option<Money>,
    /// How it is delivered.
    pub shipping_method: Option<String>,
    /// What was taken off, with the name it goes by.
    pub discounts: Vec<Discount>,
    /// What was sold, as sold.
    pub lines: Vec<LineItem>,
    /// The page of the order at the source.
    pub url: Option<String>,
    /// When it was paid: decides live or history.
    pub date: Timestamp,
    /// The newest change of any of its parts.
    pub modified: Timestamp,
}

/// The person an order belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// The source's customer id; none when only an address is known.
    pub id: Option<String>,
    /// The address that makes the contact.
    pub email: Email,
    /// Given name.
    pub first_name: Option<Personal>,
    /// Family name.
    pub last_name: Option<Personal>,
    /// As the store holds it.
    pub phone: Option<Personal>,
    /// The firm the person buys for.
    pub company: Option<Personal>,
    /// What the source says of marketing consent; none where it says nothing.
    pub accepts_marketing: Option<bool>,
}

/// Where a sent order stands. Unpaid orders are never sent, so they have no word here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Paid.
    Completed,
    /// Called off.
    Cancelled,
    /// All of the money went back.
    Refunded,
}

/// What was taken off an order, applied amount and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discount {
    /// Code or name.
    pub name: String,
    /// What it took off in all.
    pub amount: Money,
}

/// One line of a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineItem {
    /// The source's id of the line within the order.
    pub id: String,
    /// The product; groups its variants.
    pub product_id: String,
    /// The variant sold.
    pub variant_id: Option<String>,
    /// As printed on the receipt.
    pub name: String,
    /// Whole pieces; a line that cannot be split exactly is one piece with its amount in the name.
    pub quantity: u32,
    /// Price of one piece, before discounts.
    pub unit_price: Money,
    /// The category it is reported under.
    pub category: Option<String>,
    /// Stock keeping unit.
    pub sku: Option<String>,
    /// A picture of it.
    pub image_url: Option<String>,
    /// Its page in the shop.
    pub product_url: Option<String>,
}

/// A variant of the catalogue, with what an order line has no field for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The product; groups its variants.
    pub product_id: String,
    /// The variant: the key at the destination.
    pub variant_id: String,
    /// Name of the product.
    pub name: String,
    /// Name of the variant.
    pub variant_name: Option<String>,
    /// Plain text.
    pub description: Option<String>,
    /// The category it is reported under.
    pub category: Option<String>,
    /// Stock keeping unit.
    pub sku: Option<String>,
    /// A picture of it.
    pub image_url: Option<String>,
    /// List price.
    pub price: Option<Money>,
}
