//! The outgoing HTTP of tillsync: an allow-list, timeouts, no redirects, no proxy.
//!
//! A request leaves only for a host that was named beforehand, by https on port 443, and only to a public
//! address. Addresses are looked at after the lookup of the very connection they are for, so a name that
//! changes its address gains nothing. Nothing here tries again.

mod address;
mod allow;
mod resolve;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, redirect};
use tillsync_mapping::http::{Effect, Http, HttpError, Method, Request, Response, date_told};

pub use allow::{ACTIVECAMPAIGN_SUFFIXES, Allow, InvalidHost};
use resolve::{Guard, Inside, Lookup};

/// How long things may take, and how large they may be.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Name lookup, connection and handshake.
    connect: Duration,
    /// A write from first to last byte: its landing time is counted from here (rules.md section 8).
    write: Duration,
    /// A read from first to last byte.
    read: Duration,
    /// Bytes of a body, unpacked.
    body: usize,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    write: Duration::from_secs(15),
    read: Duration::from_secs(30),
    body: 64 * 1024 * 1024,
};
/// How long a connection nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Most memory set aside on the word of the other side alone.
const AHEAD: usize = 1024 * 1024;
/// Who calls.
const USER_AGENT: &str = concat!("tillsync/", env!("CARGO_PKG_VERSION"));

/// The client could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// A host of the allow-list is none.
    #[error(transparent)]
    Host(#[from] InvalidHost),
    /// TLS could not be set up, for want of root certificates as a rule.
    #[error("the HTTP client could not be made: {0}")]
    Client(String),
}

/// Sends requests to hosts that are allowed.
pub struct Outgoing {
    client: Client,
    allow: Allow,
    limits: Limits,
}

impl Outgoing {
    /// A client for these hosts, to be kept: connections are used again.
    ///
    /// # Errors
    /// [`SetupError`] when a host is no host, or TLS cannot be set up.
    pub fn new(allow: Allow) -> Result<Self, SetupError> {
        Self::build(allow, LIMITS, resolve::system())
    }

    fn build(allow: Allow, limits: Limits, lookup: Lookup) -> Result<Self, SetupError> {
        let allow = allow.checked()?;
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .https_only(!allow.loopback)
            .connect_timeout(limits.connect)
            .pool_idle_timeout(IDLE)
            .dns_resolver(Arc::new(Guard::new(allow.loopback, lookup)))
            .build()
            .map_err(|error| SetupError::Client(chain(&error)))?;
        Ok(Self { client, allow, limits })
    }

    /// Whether this address may be called, as far as can be told without looking its name up.
    ///
    /// # Errors
    /// [`HttpError::Forbidden`] with the host.
    pub fn host_allowed(&self, url: &str) -> Result<(), HttpError> {
        self.allow.parse(url).map(drop)
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Response, HttpError> {
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let date = response.headers().get(DATE).and_then(|value| date_told(value.to_str().ok()?));
        let announced = response.content_length().unwrap_or(0);
        if announced > self.limits.body as u64 {
            return Err(HttpError::Unknown);
        }
        let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0).min(AHEAD));
        while let Some(chunk) = response.chunk().await.map_err(|_| HttpError::Unknown)? {
            if body.len() + chunk.len() > self.limits.body {
                return Err(HttpError::Unknown);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, retry_after, date, body })
    }
}

#[async_trait]
impl Http for Outgoing {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let url = self.allow.parse(&request.url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let timeout = match request.effect {
            Effect::Read => self.limits.read,
            Effect::Write => self.limits.write,
        };
        let headers = headers(&request).ok_or(HttpError::NotSent)?;
        let mut builder = self.client.request(method, url).headers(headers).timeout(timeout);
        if !request.body.is_empty() {
            builder = builder.body(request.body);
        }
        let response = builder.send().await.map_err(|error| why(&error, host))?;
        self.read(response).await
    }
}

/// The headers, or none where one cannot be written: a line break in a key must not become a header.
fn headers(request: &Request) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    if let Some((name, secret)) = &request.credential {
        let mut value = HeaderValue::from_str(secret.expose()).ok()?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(headers)
}

/// What is known of a request that failed. Only without a connection was certainly nothing sent; all else may
/// have arrived.
fn why(error: &reqwest::Error, host: String) -> HttpError {
    if causes(error).any(|cause| cause.is::<Inside>()) {
        HttpError::Forbidden(host)
    } else if error.is_connect() || error.is_builder() {
        HttpError::NotSent
    } else {
        HttpError::Unknown
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
