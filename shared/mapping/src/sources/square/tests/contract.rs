//! What every source must pass, with this source's store, failures and records.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::contract::{Class, Granting, Platform, Stock, Telling, every_source_passes};
use crate::http::{Http, Request};
use crate::source::{Access, Source};
use crate::sources::square::Square;

use super::shop::{Shop, meet, sell};
use super::support::{access, after, fixtures, load};
use super::telling::Told;

struct Ours;

every_source_passes!(Ours);

/// Operations that answer with a list.
const LISTS: [&str; 4] = ["orders.search", "payments.list", "refunds.list", "customers.search"];

/// Kinds of samples that are objects of the catalogue.
const CATALOG: [&str; 4] = ["variation", "item", "image", "category"];

fn shop() -> Shop {
    let mut shop = Shop::default();
    let place =
        json!({"id": "L1", "name": "Rue Haute", "currency": "EUR", "status": "ACTIVE", "merchant_id": "M1"});
    shop.fixed.insert("token.status", json!({"merchant_id": "M1"}));
    shop.fixed.insert("locations.list", json!({"locations": [place]}));
    shop.fixed.insert("catalog.info", json!({"limits": {}}));
    shop
}

impl Platform for Ours {
    fn source(&self) -> &'static dyn Source {
        &Square
    }

    fn access(&self) -> Access {
        access()
    }

    fn open(&self, stock: &Stock) -> Arc<dyn Http> {
        let mut shop = shop();
        for person in &stock.people {
            meet(&mut shop, &person.id, person.at);
        }
        for sale in &stock.sales {
            let location = if sale.here { "L1" } else { "L2" };
            sell(&mut shop, &sale.id, location, Some(&sale.person), sale.created, sale.minor);
            if let Some(order) = shop.orders.last_mut() {
                order["updated_at"] = after(sale.updated).to_string().into();
            }
        }
        if stock.page > 0 {
            shop.short = LISTS.map(|list| (list, stock.page)).into();
        }
        if stock.empty_first {
            shop.empty_first = LISTS.to_vec();
        }
        Arc::new(shop)
    }

    fn page_size(&self) -> usize {
        1_000
    }

    fn payment_of(&self, sale: &str) -> String {
        format!("P-{sale}")
    }

    fn answers(&self) -> Vec<(Class, u16, &'static str)> {
        vec![
            (Class::Unauthorised, 401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#),
            (Class::Unauthorised, 401, r#"{"errors":[{"code":"ACCESS_TOKEN_REVOKED"}]}"#),
            (Class::Unauthorised, 401, r#"{"errors":[{"code":"ACCESS_TOKEN_EXPIRED"}]}"#),
            (Class::Unauthorised, 401, ""),
            (Class::Forbidden, 403, r#"{"errors":[{"code":"INSUFFICIENT_SCOPES","detail":"Ann"}]}"#),
            (Class::Forbidden, 403, r#"{"errors":[{"code":"FORBIDDEN"}]}"#),
            (Class::Forbidden, 403, "no"),
            (Class::Throttled, 429, r#"{"errors":[{"code":"RATE_LIMITED","detail":"EAAA-token"}]}"#),
            (Class::Throttled, 429, ""),
            (Class::Broken, 500, "<html>"),
            (Class::Broken, 502, r#"{"errors":[{"code":"BAD_GATEWAY","detail":"ann@example.org"}]}"#),
            (Class::Broken, 503, ""),
            (Class::Broken, 408, ""),
            (Class::DeadCursor, 400, r#"{"errors":[{"code":"INVALID_CURSOR"}]}"#),
            (Class::DeadCursor, 400, r#"{"errors":[{"code":"BAD_REQUEST","field":"cursor"}]}"#),
            (Class::Nonsense, 200, "<html>"),
            (Class::Nonsense, 200, ""),
            (Class::Nonsense, 200, "null"),
            (Class::Nonsense, 200, "[]"),
            (Class::Nonsense, 200, "\"ok\""),
        ]
    }

    fn cut_short(&self, request: &Request, body: &mut Value) -> bool {
        let first = body["responses"].as_object_mut().and_then(|entries| entries.values_mut().next());
        match first {
            Some(entry) if request.operation == "customers.bulk_retrieve" => {
                *entry = json!({"errors": [{"category": "API_ERROR", "code": "INTERNAL_SERVER_ERROR"}]});
                true
            }
            _ => false,
        }
    }

    fn samples(&self) -> Vec<(&'static str, Value)> {
        let all = load(&fixtures().join("samples.json"));
        let kinds = ["order", "payment", "refund", "customer"].into_iter().chain(CATALOG);
        kinds.map(|kind| (kind, all[kind].clone())).collect()
    }

    fn telling(&self) -> Option<&dyn Telling> {
        Some(&Told)
    }

    fn granting(&self) -> Option<&dyn Granting> {
        Some(&Told)
    }

    fn words(&self) -> &'static [&'static str] {
        &["CANCELED"]
    }

    fn serve(&self, samples: &[(&'static str, Value)]) -> Arc<dyn Http> {
        let of = |kinds: &[&str]| {
            samples.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, value)| value.clone()).collect()
        };
        Arc::new(Shop {
            whole: true,
            orders: of(&["order"]),
            payments: of(&["payment"]),
            refunds: of(&["refund"]),
            customers: of(&["customer"]),
            catalog: of(&CATALOG),
            ..shop()
        })
    }
}
