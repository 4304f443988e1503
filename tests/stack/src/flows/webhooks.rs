//! Webhooks through the function that takes them, as the HTTP API hands them over.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tillsync_sandbox::Changes;

use super::http::request;
use crate::check;
use crate::stack::{Setup, Stack, WEBHOOK_KEY};

fn signature(key: &str, url: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A webhook as the HTTP API hands it over: behind it the host is another than the one that was signed for.
fn event(url: &str, key: &str, body: &str, encoded: bool) -> Value {
    let path = url.strip_prefix("https://example.com").unwrap();
    let mut event = request("POST", path, Some((body, encoded)));
    event["headers"]["content-type"] = "application/json".into();
    event["headers"]["x-square-hmacsha256-signature"] = signature(key, url, body.as_bytes()).into();
    event
}

/// The address the connection is told at.
pub(crate) async fn address(stack: &Stack) -> String {
    let list = stack.operator(json!({"action": "list"})).await.ok();
    list["connections"][0]["webhook_url"].as_str().unwrap().to_owned()
}

/// The status the function answers with.
async fn status(stack: &Stack, event: &Value) -> Value {
    let answer = stack.function("webhook_intake").invoke(event, Duration::from_secs(10)).await.ok();
    answer["statusCode"].clone()
}

/// A sale, told of by webhook: the sale's id.
pub(crate) async fn sale_by_webhook(stack: &Stack, encoded: bool) -> String {
    let url = address(stack).await;
    let before = stack.world.events().len();
    let touched = stack.world.change(&Changes { new_sales: 1, ..Changes::default() });
    for (_, body) in stack.world.events().iter().skip(before) {
        assert_eq!(status(stack, &event(&url, WEBHOOK_KEY, body, encoded)).await, 200, "{body}");
    }
    touched["new_sales"][0].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_comes_by_webhook_and_starts_automations() {
    let stack = Setup::of(60).start().await;
    stack.connect().await;
    stack.ask("start").await;
    check::complete(&stack, &stack.ended().await);
    let mut sold = Vec::new();
    for encoded in [false, true] {
        sold.push(sale_by_webhook(&stack, encoded).await);
    }
    for id in &sold {
        let order = stack.until(async || {
            let order = stack.world.order(id);
            order["records"][0]["history"].is_array().then_some(order)
        });
        assert_eq!(order.await["records"][0]["history"][0]["creation_source"], "REAL_TIME", "{id}");
    }
    stack.quiet().await;
    // Every event of both once more: known, so nothing is queued for it.
    let (url, queued) = (address(&stack).await, stack.endpoint("webhook_intake").messages().len());
    for (_, body) in stack.world.events() {
        assert_eq!(status(&stack, &event(&url, WEBHOOK_KEY, &body, true)).await, 200);
    }
    assert_eq!(stack.endpoint("webhook_intake").messages().len(), queued);
    assert!(queued >= 4, "{queued}");
    check::arrived(&stack);
    check::clean(&stack);
    check::discreet(&stack).await;
    let metrics = stack.function("webhook_intake").log.metrics();
    assert!(metrics.iter().any(|line| line["WebhooksTaken"].is_u64()), "{metrics:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_is_refused_and_not_queued() {
    let stack = Setup { mapped: false, ..Setup::of(20) }.start().await;
    stack.connect().await;
    let url = address(&stack).await;
    let body = json!({"merchant_id": "M1", "type": "order.updated", "event_id": "e-1"}).to_string();
    let good = |body: &str| event(&url, WEBHOOK_KEY, body, false);
    let mut unsigned = good(&body);
    unsigned["headers"].as_object_mut().unwrap().remove("x-square-hmacsha256-signature");
    let mut encoded_twice = good(&body);
    encoded_twice["body"] = STANDARD.encode(&body).into();
    let mut for_the_gateway = good(&body);
    let gateway = url.replace("example.com", "abc123.execute-api.us-east-1.amazonaws.com");
    for_the_gateway["headers"]["x-square-hmacsha256-signature"] =
        signature(WEBHOOK_KEY, &gateway, body.as_bytes()).into();
    let cases = [
        (unsigned, 403),
        (encoded_twice, 403),
        (for_the_gateway, 403),
        (event(&url, "another", &body, true), 403),
        (event(&format!("{url}0"), WEBHOOK_KEY, &body, true), 404),
        (good(&" ".repeat(256 * 1024 + 1)), 413),
        (request("GET", url.strip_prefix("https://example.com").unwrap(), None), 405),
        (request("GET", "/healthz", None), 404),
        // Signed, and not what is promised: accepted, and nothing comes of it.
        (good(&body), 200),
        (good(&" ".repeat(256 * 1024)), 200),
    ];
    for (event, wanted) in cases {
        let shown = event["headers"].clone();
        assert_eq!(status(&stack, &event).await, wanted, "{shown}");
    }
    assert!(stack.endpoint("webhook_intake").messages().is_empty());
}
