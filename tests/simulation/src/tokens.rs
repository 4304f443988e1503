//! Tokens of a store that was signed in to, as the platform documents them (square.md section 1.3): an access token
//! lives for a while, several at once; the refresh token stays the same.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tillsync_mapping::http::Request;
use tillsync_mapping::model::Secret;
use tillsync_mapping::source::Grant;

use crate::executor::later;

/// The refresh token.
const REFRESH: &str = "refresh-0";
/// Whose the store is.
const MERCHANT: &str = "M1";
/// The operator's application.
pub const APPLICATION: (&str, &str) = ("application", "application-secret");

/// What the platform knows of its tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    lives: SignedDuration,
    dies: BTreeMap<String, Timestamp>,
    /// Whether the refresh token is taken: from a sign-in until somebody takes it back.
    refreshes: bool,
    given: usize,
}

impl Tokens {
    /// Nothing was granted yet.
    #[must_use]
    pub fn new(lives: SignedDuration) -> Self {
        Self { lives, dies: BTreeMap::new(), refreshes: false, given: 0 }
    }

    /// What a sign-in grants.
    pub fn grant(&mut self, now: Timestamp) -> Grant {
        self.refreshes = true;
        let (access, dies) = self.another(now);
        Grant {
            access: Secret::new(&access),
            refresh: Some(Secret::new(REFRESH)),
            expires: Some(dies),
            store: MERCHANT.to_owned(),
        }
    }

    fn another(&mut self, now: Timestamp) -> (String, Timestamp) {
        self.given += 1;
        let access = format!("access-{}", self.given);
        let dies = later(now, self.lives);
        self.dies.insert(access.clone(), dies);
        (access, dies)
    }

    /// Why a request for data is refused, if it is.
    #[must_use]
    pub fn refuses(&self, request: &Request, now: Timestamp) -> Option<&'static str> {
        let token = request.credential.as_ref().map_or("", |(_, secret)| secret.expose());
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        match self.dies.get(token) {
            Some(dies) if now < *dies => None,
            Some(_) => Some("ACCESS_TOKEN_EXPIRED"),
            None => Some("UNAUTHORIZED"),
        }
    }

    /// Everything granted so far is of no use any more, whoever asks for it (square.md section 1.4).
    #[must_use]
    pub fn take_back(&mut self, request: &Request) -> (u16, String) {
        let credential = request.credential.as_ref().map_or("", |(_, secret)| secret.expose());
        if credential.strip_prefix("Client ") != Some(APPLICATION.1) {
            return (
                401,
                r#"{"errors":[{"category":"AUTHENTICATION_ERROR","code":"UNAUTHORIZED"}]}"#.to_owned(),
            );
        }
        self.dies.clear();
        self.refreshes = false;
        (200, r#"{"success":true}"#.to_owned())
    }

    /// Answers a request for a new access token.
    #[must_use]
    pub fn renew(&mut self, request: &Request, now: Timestamp, revoked: bool) -> (u16, String) {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let wanted = [
            ("client_id", APPLICATION.0),
            ("client_secret", APPLICATION.1),
            ("grant_type", "refresh_token"),
            ("refresh_token", REFRESH),
        ];
        if revoked || !self.refreshes || wanted.iter().any(|(name, text)| body[*name] != *text) {
            let code = r#"{"errors":[{"category":"AUTHENTICATION_ERROR","code":"UNAUTHORIZED"}]}"#;
            return (401, code.to_owned());
        }
        let (access, dies) = self.another(now);
        let answer = serde_json::json!({
            "access_token": access, "token_type": "bearer", "expires_at": dies.to_string(),
            "merchant_id": MERCHANT, "refresh_token": REFRESH, "short_lived": false,
        });
        (200, answer.to_string())
    }
}
