//! Who may call the shop: as the platform keeps it, with tokens that run out and are taken back.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tillsync_mapping::http::Request;

/// The tokens of one application at one store. Until the first is named, every token is taken.
pub(crate) struct Authority {
    strict: bool,
    tokens: BTreeSet<String>,
    refresh: String,
    made: u32,
    revoked: bool,
    /// Whether a refresh token is used up by refreshing.
    pub(crate) rotates: bool,
    /// So many more calls are taken, then the merchant takes the authorisation back.
    pub(crate) revoke_after: Option<u32>,
    /// Calls that were refused for their token.
    pub(crate) refused: u32,
}

impl Default for Authority {
    fn default() -> Self {
        Self {
            strict: false,
            tokens: BTreeSet::new(),
            refresh: "refresh-1".to_owned(),
            made: 1,
            revoked: false,
            rotates: false,
            revoke_after: None,
            refused: 0,
        }
    }
}

impl Authority {
    /// From now on these tokens are taken, and the authorisation is as good as new.
    pub(crate) fn take(&mut self, tokens: &[&str]) {
        self.strict = true;
        self.revoked = false;
        self.tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
    }

    /// Whether a token is taken.
    pub(crate) fn takes(&self, token: &str) -> bool {
        self.tokens.contains(token)
    }

    /// The refusal of a call, or the answer to a question about the authorisation.
    pub(super) fn answer(&mut self, request: &Request) -> Option<(u16, Value)> {
        let refuse = |code: &str| Some((401, json!({"errors": [{"code": code}]})));
        if request.operation == "token.refresh" {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let ours = body["client_id"] == "app" && body["client_secret"] == "app-secret";
            if !ours || self.revoked || body["refresh_token"] != self.refresh.as_str() {
                return refuse("UNAUTHORIZED");
            }
            self.made += 1;
            let token = format!("access-{}", self.made);
            self.tokens.insert(token.clone());
            if self.rotates {
                self.refresh = format!("refresh-{}", self.made);
            }
            return Some((
                200,
                json!({
                    "access_token": token, "token_type": "bearer", "refresh_token": self.refresh,
                    "expires_at": "2027-01-01T00:00:00Z", "merchant_id": "M1", "short_lived": false,
                }),
            ));
        }
        if request.operation == "token.revoke" {
            let ours = request.credential.as_ref().is_some_and(|(_, it)| it.expose() == "Client app-secret");
            if !ours {
                return refuse("UNAUTHORIZED");
            }
            self.revoked = true;
            self.tokens.clear();
            return Some((200, json!({"success": true})));
        }
        match &mut self.revoke_after {
            Some(0) => {
                (self.revoked, self.revoke_after) = (true, None);
                self.tokens.clear();
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let (_, credential) = request.credential.as_ref()?;
        let token = credential.expose().rsplit(' ').next().unwrap();
        if !self.strict || self.takes(token) {
            return None;
        }
        self.refused += 1;
        refuse(if self.revoked { "ACCESS_TOKEN_REVOKED" } else { "ACCESS_TOKEN_EXPIRED" })
    }
}
