//! The stand-in for ActiveCampaign: REST v3, bulk import and the e-commerce GraphQL.

mod connections;
mod contacts;
mod customers;
mod dump;
mod graphql;
mod import;
mod limits;
mod orders_v3;
mod reply;
mod seed;
mod state;
mod validate;
mod write;

use serde_json::{Value, json};

use crate::clock;
use crate::http::{Call, Reply};
use crate::settings::{Entitlements, Settings};
use crate::stats::Stats;
use reply::{bad_request, errors, forbidden, not_found};

pub(crate) use seed::order_of;
pub(crate) use state::State;
pub use state::{KeyState, Poison};

pub(crate) const PLATFORM: &str = "activecampaign";

/// One call with all it may look at and change.
pub(crate) struct Context<'a> {
    pub(crate) call: &'a Call,
    pub(crate) settings: &'a Settings,
    pub(crate) state: &'a mut State,
    pub(crate) stats: &'a mut Stats,
    pub(crate) now: i64,
}

/// The path below `/api/3`, cut at its slashes.
fn segments(call: &Call) -> Vec<&str> {
    let path = call.path.strip_prefix("/api/3").unwrap_or("");
    path.split('/').filter(|s| !s.is_empty()).collect()
}

/// The name calls are counted and faults are armed under: the GraphQL field, or method and path.
pub(crate) fn operation(call: &Call) -> String {
    let segments = segments(call);
    if segments == ["ecom", "graphql"] {
        return graphql::root_field(call).unwrap_or_else(|| "graphql".to_owned());
    }
    let named = segments.iter().map(|s| if s.bytes().all(|b| b.is_ascii_digit()) { "{id}" } else { s });
    format!("{} /{}", call.method, named.collect::<Vec<_>>().join("/"))
}

/// What a call is for, in the words of the budget.
pub(crate) fn class(operation: &str) -> &'static str {
    match operation {
        "upsertOrder" | "bulkUpsertOrders" | "bulkUpsertOrdersAsync" | "POST /ecomOrders" => "order_writes",
        "bulkUpsertProducts" | "createProduct" | "updateProduct" | "deleteProduct" => "product_writes",
        "getOrder" | "searchOrder" | "searchProduct" | "productById" => "readback",
        "POST /import/bulk_import" => "imports",
        "GET /import/info" | "GET /import/bulk_import" => "import_info",
        "syncLegacyConnection" => "connections",
        name if name.contains(" /connections") => "connections",
        name if name.starts_with("GET /ecomOrder") => "readback",
        name if name.contains(" /contact") => "contacts",
        name if name.contains(" /ecomCustomers") => "customers",
        _ => "other",
    }
}

/// Answers a call that the limits let in.
pub(crate) fn answer(call: &Call, settings: &Settings, state: &mut State, stats: &mut Stats) -> Reply {
    let now = clock::now();
    state.settle(now, settings, stats);
    let mut context = Context { call, settings, state, stats, now };
    context.route()
}

impl Context<'_> {
    fn route(&mut self) -> Reply {
        if !self.call.path.starts_with("/api/3/") {
            return not_found("No such host or path");
        }
        match self.call.header("api-token") {
            None => {
                return errors(403, "Forbidden", "You do not have permission to access this resource.");
            }
            Some(key) if key != self.state.key || self.state.key_state != KeyState::Active => {
                return forbidden();
            }
            Some(_) => {}
        }
        let segments = segments(self.call);
        let method = self.call.method.as_str();
        if matches!(method, "POST" | "PUT") && !self.call.has_json_type() {
            return bad_request();
        }
        match (method, segments.as_slice()) {
            ("GET", ["users", "me"]) => me(),
            ("GET", ["account", "entitlements"]) => entitlements(self.settings),
            ("POST", ["ecom", "graphql"]) => self.graphql(),
            (_, ["connections", rest @ ..]) => self.connections(rest),
            (_, ["ecomCustomers", rest @ ..]) => self.ecom_customers(rest),
            (_, ["ecomOrders", rest @ ..]) => self.ecom_orders(rest),
            ("GET", ["ecomOrderProducts"]) => self.ecom_order_products(),
            ("POST", ["contact", "sync"]) => self.contact_sync(),
            (_, ["contacts", rest @ ..]) => self.contacts(rest),
            ("POST", ["contactLists"]) => self.contact_lists(),
            ("GET", ["lists"]) => self.lists(),
            ("POST", ["import", "bulk_import"]) => self.bulk_import(),
            ("GET", ["import", "bulk_import"]) => self.import_totals(),
            ("GET", ["import", "info"]) => self.import_info(),
            _ => errors(404, "Not Found", "The requested resource was not found."),
        }
    }
}

/// The one answer that comes as `text/plain`, as some of the real ones do.
fn me() -> Reply {
    let mut reply = Reply::json(
        200,
        &json!({"user": {"username": "admin", "firstName": "Ada", "lastName": "Admin", "email": "ada@example.com",
            "phone": "", "signature": Value::Null, "links": {}, "id": "1"}}),
    );
    reply.content_type = "text/plain; charset=utf-8";
    reply
}

fn entitlements(settings: &Settings) -> Reply {
    let codes: &[&str] = match settings.entitlements {
        Entitlements::Absent => return errors(404, "Not Found", "No such endpoint."),
        Entitlements::WithoutEcommerce => &["contacts", "campaigns"],
        Entitlements::Ecommerce => {
            &["ecom-core", "ecom-historical-sync", "ecom-product-catalog", "ecommerce"]
        }
    };
    let list: Vec<Value> = codes.iter().map(|code| json!({"featureCode": code, "enabled": true})).collect();
    Reply::json(200, &json!({"entitlements": list}))
}

/// Token count and first field of a document.
#[cfg(test)]
pub(crate) fn scan(document: &str) -> (usize, Option<String>) {
    graphql::scan(document)
}

/// Whether the account takes an address.
#[cfg(test)]
pub(crate) fn takes(email: &str) -> bool {
    state::valid_email(email)
}
