//! The three token operations behind the consent page.

use serde_json::{Value, json};

use super::error::Fail;
use super::{Context, Token, TokenState};
use crate::clock;
use crate::http::Reply;

/// The application's id, as it would stand in the developer console.
pub const SQUARE_APPLICATION_ID: &str = "sandbox-sq0idb-standin-application";
/// The application's secret.
pub const SQUARE_APPLICATION_SECRET: &str = "sandbox-sq0csb-standin-secret-000000000000";
/// Refreshing gives the same refresh token again, as in the code flow.
pub const SQUARE_REFRESH_TOKEN: &str = "EQAAEstandin-refresh-token-00000000000000000000000000000000000000";

/// A code from the consent page: single use, five minutes.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(super) code: String,
    pub(super) redirect: String,
    pub(super) expires: i64,
}

impl Context<'_> {
    pub(super) fn obtain_token(&mut self) -> Result<Reply, Fail> {
        let text = |name: &str| self.body.get(name).and_then(Value::as_str);
        let refuse = |detail: &str| Err(Fail::new(401, "UNAUTHORIZED", "", detail));
        let (id, secret) = (text("client_id"), text("client_secret"));
        if id != Some(SQUARE_APPLICATION_ID) || secret != Some(SQUARE_APPLICATION_SECRET) {
            return refuse("Not Authorized");
        }
        match text("grant_type") {
            Some("authorization_code") => {
                let (code, redirect) = (text("code"), text("redirect_uri"));
                let fits = |c: &Code| Some(c.code.as_str()) == code && Some(c.redirect.as_str()) == redirect;
                let found = self.state.codes.iter().position(|c| fits(c) && c.expires > self.now);
                let Some(found) = found else { return refuse("Authorization code not found or expired") };
                self.state.codes.remove(found);
            }
            Some("refresh_token")
                if text("refresh_token") == Some(SQUARE_REFRESH_TOKEN) && self.state.grant.refreshes => {}
            _ => return refuse("Invalid grant"),
        }
        // The token before this one works on until its time is over.
        let short = self.body.get("short_lived").and_then(Value::as_bool).unwrap_or(false);
        let expires = self.now + if short { clock::DAY } else { 30 * clock::DAY };
        let token = format!("EAAA{}", self.state.cursors.name());
        self.state.grant.refreshes = true;
        let made = Token { text: token.clone(), state: TokenState::Active, expires: Some(expires) };
        self.state.grant.tokens.push(made);
        let merchant = self.settings.square_signs_in_as.as_ref().unwrap_or(&self.shop.merchant);
        let body = json!({
            "access_token": token, "token_type": "bearer", "short_lived": short,
            "expires_at": clock::rfc3339_short(expires), "merchant_id": merchant,
            "refresh_token": SQUARE_REFRESH_TOKEN,
        });
        Ok(Reply::json(200, &body))
    }

    /// The word before the secret is `Client`, not `Bearer`.
    pub(super) fn revoke_token(&mut self) -> Result<Reply, Fail> {
        let wanted = format!("Client {SQUARE_APPLICATION_SECRET}");
        if self.call.header("authorization") != Some(wanted.as_str()) {
            return Err(Fail::new(401, "UNAUTHORIZED", "", "Not Authorized"));
        }
        let text = |name: &str| self.body.get(name).and_then(Value::as_str);
        let (token, merchant) = (text("access_token"), text("merchant_id"));
        if token.is_some() == merchant.is_some() {
            return Err(Fail::bad("BAD_REQUEST", "", "Give either access_token or merchant_id."));
        }
        let found = token.is_some_and(|token| self.state.grant.find(token, self.now).is_some());
        let known = found || merchant == Some(self.shop.merchant.as_str());
        if !known || text("client_id") != Some(SQUARE_APPLICATION_ID) {
            return Err(Fail::new(404, "NOT_FOUND", "", "access token not found"));
        }
        let only = self.body.get("revoke_only_access_token").and_then(Value::as_bool).unwrap_or(false);
        match token.filter(|_| only) {
            Some(token) => {
                let token = token.to_owned();
                let tokens = self.state.grant.tokens.iter_mut();
                tokens.filter(|one| one.text == token).for_each(|one| one.state = TokenState::Revoked);
            }
            None => self.state.grant.set(TokenState::Revoked),
        }
        Ok(Reply::json(200, &json!({"success": true})))
    }
}
