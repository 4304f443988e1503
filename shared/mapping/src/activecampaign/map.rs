//! The model, as the destination takes it.

use super::wire::{
    self, Amount, ContactInput, CreationSource, CustomerData, DiscountInput, ImageData, LineItemInput,
    OrderInput, ProductInput,
};
use crate::model::{Buyer, Customer, LineItem, Order, Product};

/// Longest description of a product, in characters (activecampaign.md section 4.10).
const MAX_DESCRIPTION: usize = 4_096;
/// Largest `Int` (activecampaign.md section 12).
const MAX_INT: u32 = i32::MAX.unsigned_abs();

/// An order of the connection with this id at the destination, bought by `buyer`. `live` orders may start
/// automations.
#[must_use]
pub fn order(connection: i64, order: &Order, buyer: &Buyer, live: bool) -> OrderInput {
    // Every order needs a number; the id stands in for a missing one (activecampaign.md section 4.4).
    let number = filled(Some(&order.number)).unwrap_or_else(|| order.id.clone());
    OrderInput {
        legacy_connection_id: connection,
        store_order_id: order.id.clone(),
        order_number: number,
        creation_source: if live { CreationSource::RealTime } else { CreationSource::Historical },
        email: buyer.email.clone(),
        store_customer_id: filled(buyer.id.as_ref()),
        status: order.status,
        store_created_date: order.date,
        store_modified_date: order.modified,
        final_amount: order.total,
        shipping_amount: order.shipping,
        discounts: order
            .discounts
            .iter()
            .map(|discount| DiscountInput {
                name: filled(Some(&discount.name)),
                kind: "ORDER",
                discount_amount: discount.amount,
            })
            .collect(),
        line_items: order.lines.iter().map(line).collect(),
        order_url: filled(order.url.as_ref()),
        shipping_method: filled(order.shipping_method.as_ref()),
        accepts_marketing: buyer.accepts_marketing,
        customer_data: CustomerData {
            first_name: buyer.first_name.clone(),
            last_name: buyer.last_name.clone(),
            phone: buyer.phone.clone(),
            company: buyer.company.clone(),
        },
    }
}

/// What reading back must find of an order, in short: as [`OrderInput::check`].
#[must_use]
pub fn check(order: &Order) -> String {
    wire::check(order.total, order.status)
}

fn line(line: &LineItem) -> LineItemInput {
    LineItemInput {
        store_line_item_id: filled(Some(&line.id)),
        store_base_product_id: line.product_id.clone(),
        product_store_primary_id: filled(line.variant_id.as_ref()),
        name: line.name.clone(),
        quantity: line.quantity.min(MAX_INT),
        price_amount: line.unit_price,
        category: filled(line.category.as_ref()),
        sku: filled(line.sku.as_ref()),
        image_url: filled(line.image_url.as_ref()),
        product_url: filled(line.product_url.as_ref()),
    }
}

/// A product of the connection with this id at the destination.
#[must_use]
pub fn product(connection: i64, product: &Product) -> ProductInput {
    let description = product.description.as_ref().map(|text| text.chars().take(MAX_DESCRIPTION).collect());
    ProductInput {
        legacy_connection_id: connection,
        store_primary_id: product.variant_id.clone(),
        store_base_product_id: product.product_id.clone(),
        base_product_name: filled(Some(&product.name)),
        base_product_description: filled(description.as_ref()),
        base_product_images: filled(product.image_url.as_ref())
            .map(|url| ImageData { url })
            .into_iter()
            .collect(),
        categories: filled(product.category.as_ref()).into_iter().collect(),
        variant_name: filled(product.variant_name.as_ref()),
        variant_sku: filled(product.sku.as_ref()),
        variant_price_amount: product.price.map(Amount),
        variant_price_currency: product.price.map(|price| price.currency.code()),
    }
}

/// A person without an order.
#[must_use]
pub fn contact(customer: &Customer) -> ContactInput {
    ContactInput {
        email: customer.email.expose().to_owned(),
        first_name: customer.first_name.clone(),
        last_name: customer.last_name.clone(),
        phone: customer.phone.clone(),
        company: customer.company.clone(),
    }
}

impl From<&Buyer> for ContactInput {
    /// What an order tells about its buyer's contact: equal fingerprints of this and [`contact`] mean that the
    /// order has carried the person.
    fn from(buyer: &Buyer) -> Self {
        Self {
            email: buyer.email.expose().to_owned(),
            first_name: buyer.first_name.clone(),
            last_name: buyer.last_name.clone(),
            phone: buyer.phone.clone(),
            company: buyer.company.clone(),
        }
    }
}

/// The text, unless there is nothing in it but blanks.
fn filled(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).cloned()
}
