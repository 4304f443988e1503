//! The routes behind the HTTP API, by its events of version 2.0.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::stack::{Setup, Stack};

pub(super) fn request(method: &str, path: &str, body: Option<(&str, bool)>) -> Value {
    let mut event = json!({
        "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": "",
        "headers": {
            "accept": "*/*", "host": "abc123.execute-api.us-east-1.amazonaws.com", "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-6561f9d0-0123456789abcdef01234567", "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "abc123",
            "domainName": "abc123.execute-api.us-east-1.amazonaws.com", "domainPrefix": "abc123",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7",
                     "userAgent": "curl/8.5.0"},
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": format!("{method} {path}"), "stage": "$default",
            "time": "22/Nov/2026:20:00:00 +0000", "timeEpoch": 1_795_377_600_000_u64,
        },
        "isBase64Encoded": false,
    });
    if let Some((body, encoded)) = body {
        event["body"] = if encoded { STANDARD.encode(body).into() } else { body.into() };
        event["isBase64Encoded"] = encoded.into();
        event["headers"]["content-type"] = "application/x-www-form-urlencoded".into();
        event["headers"]["content-length"] = body.len().to_string().into();
    }
    event
}

/// Asks for the health of the stack.
pub(crate) async fn ask_health(stack: &Stack) {
    let event = request("GET", "/healthz", None);
    let answer = stack.function("console").invoke(&event, Duration::from_secs(10)).await.ok();
    assert_eq!(answer["statusCode"], 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_and_unknown_paths_are_not_found() {
    let stack = Setup { mapped: false, ..Setup::of(20) }.start().await;
    let console = stack.function("console");
    let cases = [
        (request("GET", "/healthz", None), 200),
        (request("GET", "/healthz", Some(("a=1", true))), 200),
        (request("HEAD", "/healthz", None), 200),
        (request("POST", "/healthz", Some(("a=1&b=%20", true))), 405),
        (request("GET", "/nowhere", None), 404),
        (request("GET", "/%2e%2e/secret", None), 404),
        (request("POST", "/nowhere", Some(("{\"a\":1}", false))), 404),
        (request("POST", "/nowhere", Some(("a=1", true))), 404),
    ];
    for (event, status) in cases {
        let answer = console.invoke(&event, Duration::from_secs(10)).await.ok();
        assert_eq!(answer["statusCode"], status, "{event}: {answer}");
    }
    let answer = console.invoke(&request("GET", "/healthz", None), Duration::from_secs(10)).await.ok();
    assert_eq!(
        (&answer["isBase64Encoded"], &answer["headers"]["cache-control"]),
        (&json!(false), &json!("no-store"))
    );
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["ok"], &body["queued"]), (&json!(true), &json!({"live": 0, "history": 0})), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_an_error_and_not_the_end() {
    let stack = Setup { mapped: false, ..Setup::of(20) }.start().await;
    let console = stack.function("console");
    for event in [json!({}), json!({"key1": "value1"}), json!([]), Value::Null] {
        let answer = console.invoke(&event, Duration::from_secs(10)).await;
        assert!(!matches!(answer, crate::runtime::Answer::TimedOut), "{event}: {answer:?}");
    }
    let answer = console.invoke(&request("GET", "/healthz", None), Duration::from_secs(10)).await.ok();
    assert_eq!(answer["statusCode"], 200);
}
