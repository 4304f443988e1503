//! Signing in, refreshing, taking back; and answers that are not to be believed.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::support::{failure, run, time};
use crate::http::{Effect, Http, HttpError, Request, Response};
use crate::model::Secret;
use crate::source::{Application, Grant, Next, Source, SourceError};
use crate::sources::square::{Square, errors};

/// Answers everything alike, and keeps what was asked.
struct Said {
    answer: Result<(u16, String), HttpError>,
    asked: Mutex<Vec<Request>>,
}

#[async_trait]
impl Http for Said {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.asked.lock().unwrap().push(request);
        let (status, body) = self.answer.clone()?;
        Ok(Response { status, retry_after: None, date: None, body: body.into_bytes() })
    }
}

fn says(status: u16, body: impl Into<String>) -> Said {
    Said { answer: Ok((status, body.into())), asked: Mutex::default() }
}

fn application() -> Application {
    Application { id: "sq0idp-app".to_owned(), secret: Secret::new("sq0csp-canary") }
}

const BASE: &str = "https://connect.squareup.com";
const BACK: &str = "https://shop.example/oauth/square/callback?x=1";

fn exchange(http: &Said) -> Result<Grant, SourceError> {
    let code = Secret::new("sq0cgp-code");
    run(Square.sign_in().unwrap().exchange(http, BASE, &application(), &code, BACK))
}

fn refresh(http: &Said) -> Result<Grant, SourceError> {
    run(Square.sign_in().unwrap().refresh(http, BASE, &application(), &Secret::new("EQAA-old")))
}

fn revoke(http: &Said) -> Result<(), SourceError> {
    run(Square.sign_in().unwrap().revoke(http, BASE, &application(), &Secret::new("EAAA-x"), "MLX"))
}

fn whole() -> Value {
    json!({
        "access_token": "EAAA-new", "token_type": "bearer", "expires_at": "2026-06-03T18:31:06Z",
        "merchant_id": "MLX", "refresh_token": "EQAA-new", "short_lived": false, "later": {"x": 1},
    })
}

#[test]
fn the_address_of_the_consent_page_asks_for_what_is_read_and_nothing_more() {
    let sign_in = Square.sign_in().unwrap();
    let scopes = "scope=MERCHANT_PROFILE_READ+PAYMENTS_READ+ORDERS_READ+CUSTOMERS_READ+ITEMS_READ";
    let back = "redirect_uri=https%3A%2F%2Fshop%2Eexample%2Foauth%2Fsquare%2Fcallback%3Fx%3D1";
    let address = sign_in.authorize_url(BASE, &application(), "a&b", BACK);
    let expected =
        format!("{BASE}/oauth2/authorize?client_id=sq0idp-app&{scopes}&session=false&state=a%26b&{back}");
    assert_eq!(address, expected);
    let sandbox = sign_in.authorize_url("https://connect.squareupsandbox.com", &application(), "s", BACK);
    assert!(!sandbox.contains("session="), "the sandbox knows no other session: {sandbox}");
    assert!(!address.contains("canary"), "the secret is in an address");
}

#[test]
fn a_code_is_changed_for_a_grant_by_one_question() {
    let http = says(200, whole().to_string());
    let grant = exchange(&http).unwrap();
    assert_eq!((grant.access.expose(), grant.store.as_str()), ("EAAA-new", "MLX"));
    assert_eq!(grant.refresh.unwrap().expose(), "EQAA-new");
    assert_eq!(grant.expires, Some(time("2026-06-03T18:31:06Z")));
    let asked = http.asked.lock().unwrap();
    let [request] = asked.as_slice() else { panic!("{} questions", asked.len()) };
    assert_eq!(
        (request.url.as_str(), request.effect),
        ("https://connect.squareup.com/oauth2/token", Effect::Write)
    );
    assert!(request.credential.is_none(), "no header proves it (square.md section 1.3)");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({"client_id": "sq0idp-app", "client_secret": "sq0csp-canary",
        "grant_type": "authorization_code", "code": "sq0cgp-code", "redirect_uri": BACK});
    assert_eq!(body, expected);
}

#[test]
fn refreshing_keeps_what_the_answer_says() {
    let http = says(200, whole().to_string());
    assert_eq!(refresh(&http).unwrap().refresh.unwrap().expose(), "EQAA-new");
    let mut without = whole();
    without.as_object_mut().unwrap().remove("refresh_token");
    assert!(refresh(&says(200, without.to_string())).unwrap().refresh.is_none());
    let body: Value = serde_json::from_slice(&http.asked.lock().unwrap()[0].body).unwrap();
    assert_eq!((&body["grant_type"], &body["refresh_token"]), (&json!("refresh_token"), &json!("EQAA-old")));
    assert_eq!(failure(exchange(&says(200, without.to_string()))).code, errors::UNREADABLE);
}

#[test]
fn what_is_not_whole_is_not_believed() {
    let long = "x".repeat(1_025);
    let wrong: [(&str, Value); 13] = [
        ("access_token", Value::Null),
        ("access_token", json!("")),
        ("access_token", json!("x")),
        ("access_token", json!("two words")),
        ("access_token", json!("line\nbreak")),
        ("access_token", json!(long)),
        ("refresh_token", json!("a b")),
        ("token_type", json!("mac")),
        ("expires_at", Value::Null),
        ("expires_at", json!("soon")),
        ("merchant_id", Value::Null),
        ("merchant_id", json!("M#1")),
        ("merchant_id", json!("../M")),
    ];
    let mut bodies: Vec<String> =
        ["", "[]", "null", "<html>", "{}", r#"{"errors":[]}"#].map(str::to_owned).into();
    for (member, value) in wrong {
        let mut body = whole();
        body[member] = value;
        bodies.push(body.to_string());
    }
    for body in bodies {
        for error in [failure(exchange(&says(200, &*body))), failure(refresh(&says(200, &*body)))] {
            assert_eq!((error.next, error.code), (Next::Retry, errors::UNREADABLE), "{body}");
            assert!(!error.detail.contains("EAAA") && !error.detail.contains("canary"), "{error}");
        }
    }
}

#[test]
fn refusals_say_what_to_do() {
    let unauthorised = r#"{"errors":[{"code":"UNAUTHORIZED","detail":"canary"}]}"#;
    let field = |name: &str| format!(r#"{{"errors":[{{"code":"BAD_REQUEST","field":"{name}"}}]}}"#);
    // The reply; then what it means for a code, and for a refresh token.
    let refused = (Next::Reject, errors::CODE_REFUSED);
    let gone = (Next::Reconnect, errors::TOKEN_REVOKED);
    let application = (Next::Reject, errors::APPLICATION_REFUSED);
    let away = (Next::Retry, errors::UNAVAILABLE);
    let cases = [
        (401, unauthorised.to_owned(), refused, gone),
        (400, r#"{"errors":[{"code":"BAD_REQUEST"}]}"#.to_owned(), refused, gone),
        (403, "{}".to_owned(), refused, gone),
        (404, String::new(), refused, gone),
        (400, field("client_id"), application, application),
        (401, field("client_secret"), application, application),
        (400, field("redirect_uri"), application, application),
        (401, r#"{"errors":[{"code":"CLIENT_DISABLED"}]}"#.to_owned(), application, application),
        (403, r#"{"errors":[{"code":"APPLICATION_DISABLED"}]}"#.to_owned(), application, application),
        (500, "<html>".to_owned(), away, away),
        (503, "{}".to_owned(), away, away),
        (429, "{}".to_owned(), (Next::Retry, errors::THROTTLED), (Next::Retry, errors::THROTTLED)),
    ];
    for (status, body, of_code, of_refresh) in cases {
        let error = failure(exchange(&says(status, &*body)));
        assert_eq!((error.next, error.code), of_code, "{status} {body}");
        let error = failure(refresh(&says(status, &*body)));
        assert_eq!((error.next, error.code), of_refresh, "{status} {body}");
        assert!(!error.detail.contains("canary"), "{error}");
    }
    let lost = Said { answer: Err(HttpError::Unknown), asked: Mutex::default() };
    assert_eq!(failure(refresh(&lost)).next, Next::Retry);
}

#[test]
fn taking_back_is_proved_by_the_application_and_names_the_merchant() {
    let http = says(200, r#"{"success":true}"#);
    revoke(&http).unwrap();
    let asked = http.asked.lock().unwrap();
    let (name, credential) = asked[0].credential.clone().unwrap();
    assert_eq!((name, credential.expose()), ("Authorization", "Client sq0csp-canary"));
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(body, json!({"client_id": "sq0idp-app", "merchant_id": "MLX"}));
    revoke(&says(404, "{}")).unwrap();
    assert_eq!(failure(revoke(&says(200, "{}"))).code, errors::UNREADABLE);
    assert_eq!(failure(revoke(&says(401, "{}"))).code, errors::APPLICATION_REFUSED);
    assert_eq!(failure(revoke(&says(503, "{}"))).next, Next::Retry);
}
