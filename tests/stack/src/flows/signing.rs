//! Signing in: an event makes a link, the function answers the browser, another event connects.

use std::time::Duration;

use serde_json::{Value, json};
use tillsync_sandbox::{Consent, SQUARE_APPLICATION_ID, SQUARE_APPLICATION_SECRET};

use super::http::request;
use crate::stack::{Setup, Stack};

/// A stack whose secret has an application, and a seller who allows.
pub(crate) fn with_application(mut setup: Setup) -> Setup {
    setup.shop.settings.square_consent = Consent::Allow;
    setup.secret.push(("TILLSYNC_SQUARE_APPLICATION_ID", Some(SQUARE_APPLICATION_ID.to_owned())));
    setup.secret.push(("TILLSYNC_SQUARE_APPLICATION_SECRET", Some(SQUARE_APPLICATION_SECRET.to_owned())));
    setup
}

/// What the browser asks for, with its cookie.
async fn browse(stack: &Stack, address: &str, cookie: &str) -> Value {
    let path = address.trim_start_matches("https://example.com");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut event = request("GET", path, None);
    event["rawQueryString"] = query.into();
    if !cookie.is_empty() {
        event["cookies"] = json!([cookie]);
    }
    stack.function("oauth_callback").invoke(&event, Duration::from_secs(30)).await.ok()
}

/// The browser's whole way with a link: the last page, the cookie it has by then, and the address it came back to.
pub(super) async fn follow(stack: &Stack, link: &str) -> (Value, String, String) {
    let entered = browse(stack, link, "").await;
    assert_eq!(entered["statusCode"], 303, "{entered}");
    let cookie = entered["cookies"][0].as_str().or(entered["headers"]["set-cookie"].as_str()).unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-tillsync="), "{cookie}");
    let started = browse(stack, entered["headers"]["location"].as_str().unwrap(), &cookie).await;
    assert_eq!(started["statusCode"], 303, "{started}");
    let consent = started["headers"]["location"].as_str().unwrap();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let consent = client.get(consent).send().await.unwrap();
    let back = consent.headers()["location"].to_str().unwrap().to_owned();
    assert!(back.starts_with("https://example.com/oauth/square/callback?code="), "{back}");
    (browse(stack, &back, &cookie).await, cookie, back)
}

/// A connection made by signing in, and authorised again.
pub(crate) async fn signing(stack: &Stack, name: &str) {
    let asked = stack.operator(json!({"action": "sign_in", "source": "square"})).await.ok();
    let (page, cookie, back) = follow(stack, asked["link"].as_str().unwrap()).await;
    assert_eq!(page["statusCode"], 200, "{page}");
    assert!(page["headers"]["content-security-policy"].as_str().unwrap().contains("default-src 'none'"));
    let again = browse(stack, &back, &cookie).await;
    assert!(again["body"].as_str().unwrap().contains("sign_in.state_used"), "{again}");
    let connected = stack
        .operator(json!({
            "action": "connect_oauth", "draft": asked["draft"], "name": name, "location": stack.location(),
            "destination_url": stack.running.activecampaign_url, "history": "all",
        }))
        .await
        .ok();
    assert_eq!(connected["ok"], true, "{connected}");
    let asked =
        stack.operator(json!({"action": "sign_in", "connection": connected["connection"]})).await.ok();
    let (page, ..) = follow(stack, asked["link"].as_str().unwrap()).await;
    assert!(page["body"].as_str().unwrap().contains("goes on by itself"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_connected_by_signing_in() {
    let stack = with_application(Setup { mapped: false, ..Setup::of(20) }).start().await;
    signing(&stack, "Signed").await;
    let listed = stack.operator(json!({"action": "list"})).await.ok();
    assert_eq!(listed["connections"][0]["name"], "Signed", "{listed}");
    let unknown = browse(&stack, "/enter/nobody", "").await;
    assert!(unknown["body"].as_str().unwrap().contains("sign_in.link_unknown"), "{unknown}");
}
