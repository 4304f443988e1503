//! Consent, codes, refreshing, taking back.

use serde_json::json;

use super::probe::{Probe, quick};
use crate::TokenState;

#[tokio::test]
async fn consent_gives_a_code_that_works_once() {
    let mut p = Probe::new(5, 5, quick()).await;
    let id = crate::SQUARE_APPLICATION_ID;
    let path = format!(
        "/oauth2/authorize?client_id={id}&scope=ORDERS_READ+ITEMS_READ&state=s1&session=false\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fback"
    );
    let consent = p.get(&path).await;
    let back = consent.header("location").unwrap().to_owned();
    assert!(
        consent.status == 302
            && back.starts_with("http://127.0.0.1:9/back?code=")
            && back.ends_with("state=s1")
    );
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let ask = json!({"client_id": id, "client_secret": crate::SQUARE_APPLICATION_SECRET,
        "grant_type": "authorization_code", "code": code, "redirect_uri": "http://127.0.0.1:9/back"});
    let token = p.post("/oauth2/token", ask.clone()).await;
    assert_eq!(token.status, 200, "{}", token.text);
    p.token = token.json["access_token"].as_str().unwrap().to_owned();
    assert_eq!(p.post("/oauth2/token", ask).await.status, 401);
    assert_eq!(p.get("/v2/payments").await.error().1, "INSUFFICIENT_SCOPES");
    let refresh = json!({"client_id": id, "client_secret": crate::SQUARE_APPLICATION_SECRET,
        "grant_type": "refresh_token", "refresh_token": token.json["refresh_token"]});
    p.running.world().set_token(TokenState::Expired, None);
    assert_eq!(p.get("/v2/catalog/info").await.error().1, "ACCESS_TOKEN_EXPIRED");
    for (member, wrong) in [("client_id", "other"), ("client_secret", "other"), ("refresh_token", "other")] {
        let mut ask = refresh.clone();
        ask[member] = json!(wrong);
        assert_eq!(p.post("/oauth2/token", ask).await.error(), (401, "UNAUTHORIZED", ""), "{member}");
    }
    let refreshed = p.post("/oauth2/token", refresh.clone()).await.json;
    assert_eq!(refreshed["refresh_token"], token.json["refresh_token"]);
    assert_eq!(p.get("/v2/catalog/info").await.error().1, "ACCESS_TOKEN_EXPIRED", "the old one stays so");
    p.token = refreshed["access_token"].as_str().unwrap().to_owned();
    assert_eq!(p.get("/v2/catalog/info").await.status, 200);
    let revoke = p
        .client
        .post(format!("{}/oauth2/revoke", p.running.square_url))
        .header("authorization", format!("Client {}", crate::SQUARE_APPLICATION_SECRET))
        .header("content-type", "application/json")
        .body(json!({"client_id": id, "access_token": p.token}).to_string());
    assert_eq!(p.send(revoke).await.unwrap().json["success"], true);
    assert_eq!(p.get("/v2/catalog/info").await.error().1, "ACCESS_TOKEN_REVOKED");
    assert_eq!(p.post("/oauth2/token", refresh).await.error(), (401, "UNAUTHORIZED", ""));
}
