//! Requests and replies as data, and the one thing asked of whoever sends them.

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::model::Secret;

/// The verbs in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create, search, or write in bulk.
    Post,
    /// Change.
    Put,
}

/// What may be done again when the outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Reads only: repeat at will.
    Read,
    /// Writes: once sent, an unknown outcome must be told to the caller.
    Write,
}

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the call is called in counts and logs, as `orders.search`. Holds nothing of a record.
    pub operation: &'static str,
    /// The verb.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Names and values that may be logged.
    pub headers: Vec<(&'static str, String)>,
    /// The header that proves who asks, with its value.
    pub credential: Option<(&'static str, Secret)>,
    /// JSON, where there is any.
    pub body: Vec<u8>,
    /// Whether it may be repeated.
    pub effect: Effect,
}

/// A reply, read whole.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// What time it was on the other side when it answered, to the second, where it says so.
    pub date: Option<Timestamp>,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

/// The time a `Date` header tells, in the one form that is sent (IMF-fixdate, RFC 9110 section 5.6.7). Anything else
/// tells nothing.
#[must_use]
pub fn date_told(header: &str) -> Option<Timestamp> {
    const LENGTH: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();
    let is_fixdate = header.len() == LENGTH && header.ends_with(" GMT");
    if is_fixdate { rfc2822::DateTimeParser::new().parse_timestamp(header).ok() } else { None }
}

impl Response {
    /// True for 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The host is not on the allow-list, or resolves to a private address. Nothing was sent.
    #[error("the host {0} may not be called")]
    Forbidden(String),
    /// No connection could be made; nothing was sent.
    #[error("no connection could be made")]
    NotSent,
    /// The request may have been carried out: the reply was lost, late, or too large.
    #[error("the reply was lost")]
    Unknown,
    /// The other side keeps refusing for load, tries are used up; nothing was carried out.
    #[error("the other side asks to slow down")]
    Throttled,
    /// Whoever it was for has ended meanwhile; nothing was sent.
    #[error("it is not wanted any more")]
    Withdrawn,
}

/// Sends requests.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends one request and reads its reply whole. Never follows a redirect.
    async fn send(&self, request: Request) -> Result<Response, HttpError>;
}
