//! Records of the model, as the fixtures tell of them.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{OrderInput, order};
use crate::model::{
    Buyer, Currency, Customer, Discount, Email, LineItem, Money, Order, Personal, Product, Status,
};

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn personal(value: &Value) -> Option<Personal> {
    value.as_str().and_then(Personal::new)
}

pub(super) fn buyer(value: &Value) -> Buyer {
    Buyer {
        id: text(&value["id"]),
        email: Email::parse(value["email"].as_str().unwrap()).unwrap(),
        first_name: personal(&value["first"]),
        last_name: personal(&value["last"]),
        phone: personal(&value["phone"]),
        company: personal(&value["company"]),
        accepts_marketing: value["marketing"].as_bool(),
    }
}

pub(super) fn customer(value: &Value) -> Customer {
    let buyer = buyer(value);
    Customer {
        id: buyer.id.unwrap_or_default(),
        email: buyer.email,
        first_name: buyer.first_name,
        last_name: buyer.last_name,
        phone: buyer.phone,
        company: buyer.company,
        accepts_marketing: None,
        modified: Timestamp::UNIX_EPOCH,
    }
}

pub(super) fn read_order(value: &Value) -> Order {
    let currency = Currency::parse(value["currency"].as_str().unwrap()).unwrap();
    let money = |minor: &Value| minor.as_i64().map(|minor| Money::new(minor, currency));
    let list = |name: &str| value[name].as_array().cloned().unwrap_or_default();
    Order {
        id: text(&value["id"]).unwrap(),
        number: text(&value["number"]).unwrap(),
        buyer: Some(buyer(&value["buyer"])),
        status: match value["status"].as_str().unwrap() {
            "completed" => Status::Completed,
            "cancelled" => Status::Cancelled,
            _ => Status::Refunded,
        },
        total: money(&value["total"]).unwrap(),
        shipping: money(&value["shipping"]),
        shipping_method: text(&value["shipping_method"]),
        discounts: list("discounts")
            .iter()
            .map(|discount| Discount {
                name: text(&discount[0]).unwrap(),
                amount: money(&discount[1]).unwrap(),
            })
            .collect(),
        lines: list("lines")
            .iter()
            .map(|line| LineItem {
                id: text(&line["id"]).unwrap(),
                product_id: text(&line["product"]).unwrap(),
                variant_id: text(&line["variant"]),
                name: text(&line["name"]).unwrap(),
                quantity: line["quantity"].as_u64().unwrap().try_into().unwrap(),
                unit_price: money(&line["price"]).unwrap(),
                category: text(&line["category"]),
                sku: text(&line["sku"]),
                image_url: text(&line["image"]),
                product_url: text(&line["page"]),
            })
            .collect(),
        url: text(&value["url"]),
        date: time(&value["date"]),
        modified: time(&value["modified"]),
    }
}

pub(super) fn read_product(value: &Value) -> Product {
    Product {
        product_id: text(&value["product"]).unwrap(),
        variant_id: text(&value["variant"]).unwrap(),
        name: text(&value["name"]).unwrap(),
        variant_name: text(&value["variant_name"]),
        description: text(&value["description"]),
        category: text(&value["category"]),
        sku: text(&value["sku"]),
        image_url: text(&value["image"]),
        price: value["price"]
            .as_i64()
            .map(|minor| Money::new(minor, Currency::parse(value["currency"].as_str().unwrap()).unwrap())),
    }
}

/// The order as it is sent for its own buyer.
pub(super) fn sent_for(source: &Order, live: bool) -> OrderInput {
    order(7, source, source.buyer.as_ref().unwrap(), live)
}
