//! Replies of the destination, each reader on each status; and what was sent, read again.

use serde_json::Value;
use tillsync_mapping::activecampaign::{self as ac, Refusal};
use tillsync_mapping::http::Response;
use tillsync_mapping::model::Email;

use super::text;
use crate::{Target, corpus, quiet};

const FIXTURES: &str = "shared/mapping/src/activecampaign/fixtures";

pub(super) const TARGETS: &[Target] = &[
    Target { name: "destination_graphql", run: graphql, fixtures: graphql_replies, weight: 10 },
    Target { name: "destination_rest", run: rest, fixtures: rest_replies, weight: 6 },
    Target { name: "destination_url", run: url, fixtures: super::none, weight: 60 },
    Target { name: "destination_sent", run: sent, fixtures: sent_orders, weight: 20 },
];

/// The ids a batch was sent with.
const SENT: &[&str] = &["a", "b", "10", "100", "o-1", "order-with-hyphens"];

fn reply(status: u16, data: &[u8]) -> Response {
    Response { status, retry_after: Some("30".to_owned()), date: None, body: data.to_vec() }
}

/// What came, where it came; a refusal is looked at.
fn well<T>(result: Result<T, Refusal>) -> Option<T> {
    let refusal = match result {
        Ok(value) => return Some(value),
        Err(refusal) => refusal,
    };
    match &refusal {
        Refusal::Records(named) => {
            assert!(!named.is_empty(), "records are refused, and none is named");
            named.iter().for_each(|(_, said)| quiet::said(said));
        }
        Refusal::Batch(said) | Refusal::Schema(said) | Refusal::Rejected(said) => quiet::said(said),
        _ => {}
    }
    None
}

/// A refusal names nothing but what was sent.
fn of_batch<T>(result: Result<T, Refusal>) -> Option<T> {
    if let Err(Refusal::Records(named)) = &result {
        assert!(named.iter().all(|(id, _)| SENT.contains(&id.as_str())), "a record that was not sent");
    }
    well(result)
}

fn graphql(data: &[u8]) {
    for status in [200, 400, 422] {
        let reply = reply(status, data);
        of_batch(ac::orders_written(&reply, SENT));
        of_batch(ac::products_written(&reply, SENT));
        let queued = of_batch(ac::orders_queued(&reply, SENT));
        assert!(queued.is_none_or(|id| !id.is_empty()), "queued as nothing");
        for order in well(ac::orders_found(&reply)).unwrap_or_default() {
            assert!(!order.id.is_empty(), "an order of no name");
            let agrees = ac::same_amount(&order.amount, &order.amount);
            let check = format!("{} COMPLETED", order.amount);
            let status = order.status.as_deref().is_none_or(|word| word == "COMPLETED");
            assert!(order.agrees(&check) == (agrees && status) || order.amount.contains(' '));
        }
    }
}

fn rest(data: &[u8]) {
    for status in [200, 201, 302, 400, 403, 404, 422, 429, 500] {
        let reply = reply(status, data);
        well(ac::succeeded(&reply));
        well(ac::contact_synced(&reply));
        well(ac::customer_changed(&reply));
        well(ac::has_ecommerce(&reply));
        let queued = well(ac::import_queued(&reply));
        assert!(queued.is_none_or(|batch| !batch.is_empty()), "queued as nothing");
        if let Some(state) = well(ac::import_state(&reply)) {
            quiet::said(&format!("{state:?}"));
        }
        well(ac::connection(&reply));
        let found = well(ac::connection_found(&reply, 7)).flatten();
        assert!(found.is_none_or(|found| found.id == 7), "another connection");
        well(ac::connections(&reply));
        if let Some(page) = well(ac::connections_page(&reply, 100)) {
            assert!(page.next.is_none_or(|next| next > 100), "a page that does not move");
        }
        well(ac::copies_found(&reply, 7));
        if let Ok(email) = Email::parse("ann@example.org") {
            well(ac::customers_found(&reply, 7, &email));
        }
    }
}

/// An account's address: what is taken is https to a name with dots, or this machine.
fn url(data: &[u8]) {
    let given = text(data);
    match ac::Account::parse_base(&given) {
        Ok(base) => {
            assert!(base.starts_with("https://") || base.starts_with("http://"), "{base}");
            assert!(base.ends_with("/api/3") && !base.contains(['@', '?', '#', '\\']), "{base}");
            assert_eq!(ac::Account::parse_base(&base).as_ref(), Ok(&base), "not the same read again");
            assert!(!ac::Account::destination(&base).is_empty());
        }
        Err(error) => quiet::said(&error.0),
    }
}

fn sent(data: &[u8]) {
    if let Some(buyer) = ac::buyer_of(&text(data)) {
        assert!(buyer.email.expose().contains('@'));
        assert!(
            [&buyer.first_name, &buyer.last_name, &buyer.phone, &buyer.company]
                .into_iter()
                .flatten()
                .all(|personal| !personal.expose().trim().is_empty())
        );
    }
}

/// The bodies of replies, as cases of the package's own tests.
fn bodies(file: &str) -> Vec<Vec<u8>> {
    let cases = corpus::json_at(&format!("{FIXTURES}/{file}"));
    let body = |case: &Value| match case.get("text").and_then(Value::as_str) {
        Some(text) => text.as_bytes().to_vec(),
        None => corpus::bytes(case.get("body").unwrap_or(&Value::Null)),
    };
    cases.as_array().into_iter().flatten().map(body).collect()
}

fn graphql_replies() -> Vec<Vec<u8>> {
    [bodies("replies_graphql.json"), bodies("replies_any.json")].concat()
}

fn rest_replies() -> Vec<Vec<u8>> {
    [bodies("replies_rest.json"), bodies("replies_any.json")].concat()
}

fn sent_orders() -> Vec<Vec<u8>> {
    let cases = corpus::json_at(&format!("{FIXTURES}/orders.json"));
    cases.as_array().into_iter().flatten().map(corpus::bytes).collect()
}
