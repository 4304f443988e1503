//! Signing in: the consent page, and the three questions about an authorisation (square.md section 1). It is the code
//! flow: there is a server with a secret, and its refresh token is not used up by refreshing.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::{Effect, Http, Method, Request, Response};
use crate::model::Secret;
use crate::source::{Application, Grant, Next, SignIn, SourceError};

use super::api::{Call, HEADERS, decode, segment};
use super::errors::{CODE_REFUSED, TOKEN_REVOKED, from_authority, from_http, unreadable};
use super::store::SCOPES;
use super::wire::{RevokeAnswer, TokenAnswer, filled};

const EXCHANGE: Call = Call { operation: "token.obtain", scope: "" };
const REFRESH: Call = Call { operation: "token.refresh", scope: "" };
const REVOKE: Call = Call { operation: "token.revoke", scope: "" };
/// The sandbox knows no other session than the browser's (square.md section 1.1).
const SANDBOX: &str = "squareupsandbox.com";
/// Letters of a token, an id (square.md section 1.3).
const TOKEN_LETTERS: std::ops::RangeInclusive<usize> = 2..=1024;
const ID_LETTERS: std::ops::RangeInclusive<usize> = 1..=191;

/// Square's sign-in.
pub(super) struct SquareSignIn;

#[async_trait]
impl SignIn for SquareSignIn {
    fn authorize_url(&self, api_url: &str, application: &Application, state: &str, redirect: &str) -> String {
        let (id, scopes) = (segment(&application.id), SCOPES.join("+"));
        let session = if api_url.ends_with(SANDBOX) { "" } else { "&session=false" };
        let (state, redirect) = (segment(state), segment(redirect));
        format!(
            "{api_url}/oauth2/authorize?client_id={id}&scope={scopes}{session}&state={state}&redirect_uri={redirect}"
        )
    }

    async fn exchange(
        &self,
        http: &dyn Http,
        api_url: &str,
        application: &Application,
        code: &Secret,
        redirect: &str,
    ) -> Result<Grant, SourceError> {
        let body = json!({
            "client_id": application.id, "client_secret": application.secret.expose(),
            "grant_type": "authorization_code", "code": code.expose(), "redirect_uri": redirect,
        });
        let reply = ask(http, EXCHANGE, format!("{api_url}/oauth2/token"), None, &body).await?;
        let grant = granted(EXCHANGE, (Next::Reject, CODE_REFUSED), &reply)?;
        if grant.refresh.is_none() {
            return Err(unreadable(EXCHANGE.operation, "no refresh_token"));
        }
        Ok(grant)
    }

    async fn refresh(
        &self,
        http: &dyn Http,
        api_url: &str,
        application: &Application,
        refresh: &Secret,
    ) -> Result<Grant, SourceError> {
        let body = json!({
            "client_id": application.id, "client_secret": application.secret.expose(),
            "grant_type": "refresh_token", "refresh_token": refresh.expose(),
        });
        let reply = ask(http, REFRESH, format!("{api_url}/oauth2/token"), None, &body).await?;
        granted(REFRESH, (Next::Reconnect, TOKEN_REVOKED), &reply)
    }

    /// By the merchant and not by the token, which may have run out; every token of this application goes (square.md
    /// section 1.4).
    async fn revoke(
        &self,
        http: &dyn Http,
        api_url: &str,
        application: &Application,
        _: &Secret,
        store: &str,
    ) -> Result<(), SourceError> {
        let body = json!({"client_id": application.id, "merchant_id": store});
        // The word is `Client`, not `Bearer`.
        let client = Secret::new(&format!("Client {}", application.secret.expose()));
        let reply = ask(http, REVOKE, format!("{api_url}/oauth2/revoke"), Some(client), &body).await?;
        if reply.status == 404 {
            return Ok(());
        }
        if !reply.is_success() {
            let refused = (Next::Reject, super::errors::APPLICATION_REFUSED);
            return Err(from_authority(REVOKE.operation, refused, &reply));
        }
        let answer: RevokeAnswer = decode(REVOKE, &reply.body)?;
        match answer.success {
            Some(true) => Ok(()),
            _ => Err(unreadable(REVOKE.operation, "no success")),
        }
    }
}

/// Asks once: a code is used up by asking, and a refresh token could be.
async fn ask(
    http: &dyn Http,
    call: Call,
    url: String,
    credential: Option<Secret>,
    body: &Value,
) -> Result<Response, SourceError> {
    let request = Request {
        operation: call.operation,
        method: Method::Post,
        url,
        headers: HEADERS.map(|(name, value)| (name, value.to_owned())).to_vec(),
        credential: credential.map(|secret| ("Authorization", secret)),
        body: body.to_string().into_bytes(),
        effect: Effect::Write,
    };
    http.send(request).await.map_err(|lost| from_http(call.operation, &lost))
}

/// A grant, or what is wrong with it. Nothing is believed that is not whole: what is stored from here replaces what
/// worked.
fn granted(call: Call, denied: (Next, &'static str), reply: &Response) -> Result<Grant, SourceError> {
    if !reply.is_success() {
        return Err(from_authority(call.operation, denied, reply));
    }
    let wrong = |what: &str| unreadable(call.operation, what);
    if !reply.body.trim_ascii_start().starts_with(b"{") {
        return Err(wrong("not an object"));
    }
    let answer: TokenAnswer<'_> = decode(call, &reply.body)?;
    if answer.token_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(wrong("token_type is not bearer"));
    }
    let access = filled(&answer.access_token).filter(|token| is_token(token));
    let access = access.ok_or_else(|| wrong("access_token"))?;
    let refresh = match filled(&answer.refresh_token) {
        Some(token) if is_token(token) => Some(Secret::new(token)),
        Some(_) => return Err(wrong("refresh_token")),
        None => None,
    };
    let expires = filled(&answer.expires_at).and_then(|text| text.parse::<Timestamp>().ok());
    let expires = expires.ok_or_else(|| wrong("expires_at"))?;
    let is_id = |id: &&str| {
        ID_LETTERS.contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let store = filled(&answer.merchant_id).filter(is_id).ok_or_else(|| wrong("merchant_id"))?;
    Ok(Grant { access: Secret::new(access), refresh, expires: Some(expires), store: store.to_owned() })
}

/// Sent in a header later: plain letters only.
fn is_token(text: &str) -> bool {
    TOKEN_LETTERS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
