//! Signing in at a platform: what a merchant grants, how it stays alive, how it is taken back.

use async_trait::async_trait;
use jiff::Timestamp;

use super::SourceError;
use crate::http::Http;
use crate::model::Secret;

/// The operator's application at a platform.
#[derive(Clone, Debug)]
pub struct Application {
    /// The id the platform knows it by; shown to merchants.
    pub id: String,
    /// What proves that it is ours who ask.
    pub secret: Secret,
}

/// What a merchant granted.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What calls are made with.
    pub access: Secret,
    /// What a new `access` is asked for with; none where the answer named none: then the one before stays good.
    pub refresh: Option<Secret>,
    /// When `access` runs out; none where it never does.
    pub expires: Option<Timestamp>,
    /// The store's id at the platform.
    pub store: String,
}

/// Signing in at a platform, and what follows from it. None of these calls may be repeated blindly.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Where the merchant's browser is sent. It comes back to `redirect`, with `state` as it was given.
    fn authorize_url(&self, api_url: &str, application: &Application, state: &str, redirect: &str) -> String;

    /// Changes the code that the browser brought back for a grant. `redirect` is that of
    /// [`SignIn::authorize_url`], letter for letter.
    async fn exchange(
        &self,
        http: &dyn Http,
        api_url: &str,
        application: &Application,
        code: &Secret,
        redirect: &str,
    ) -> Result<Grant, SourceError>;

    /// Asks for a new `access`. [`super::Next::Reconnect`]: the platform does not take this refresh token any more.
    async fn refresh(
        &self,
        http: &dyn Http,
        api_url: &str,
        application: &Application,
        refresh: &Secret,
    ) -> Result<Grant, SourceError>;

    /// Takes the whole authorisation of this application back at the store. One that is gone already is no error.
    async fn revoke(
        &self,
        http: &dyn Http,
        api_url: &str,
        application: &Application,
        access: &Secret,
        store: &str,
    ) -> Result<(), SourceError>;
}
