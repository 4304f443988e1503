//! What a platform tells by itself: proved, then reduced to references. Nothing of it is believed about a record:
//! what a reference names is read anew.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Access, SourceError};
use crate::http::Http;
use crate::model::Secret;

/// A message as it came in: of nobody known.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    /// The address it was sent to, as it is set up at the platform: never what the request says of itself.
    pub url: &'a str,
    /// Names in small letters, with the bytes of their values, in the order they came.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, byte for byte.
    pub raw: &'a [u8],
}

impl<'a> Received<'a> {
    /// The value of a header that came exactly once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        let mut named = self.headers.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value);
        named.next().filter(|_| named.next().is_none())
    }
}

/// A body whose sender is proved. Only [`Webhooks::verify`] makes one, and only one can be read.
pub struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    /// For a source that has proved the body.
    pub(crate) fn of(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    /// The body.
    #[must_use]
    pub(crate) fn body(&self) -> &'a [u8] {
        self.0
    }
}

/// It was not proved who sent it. Which part was wrong is told to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// What a proved message tells: references, and nothing of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The store it is about.
    pub store: String,
    /// The location, where it says so.
    pub location: Option<String>,
    /// The platform's name of the event; the same when it is sent again.
    pub event: String,
    /// When it happened, as it says.
    pub at: Option<Timestamp>,
    /// What happened.
    pub what: What,
}

/// What happened, by reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Orders changed, or what belongs to them.
    Orders(Vec<String>),
    /// Orders that give something back: the sales they name changed.
    Returns(Vec<String>),
    /// People came, changed or went.
    People(Vec<String>),
    /// Profiles became one.
    Merged {
        /// The ids that no longer resolve.
        old: Vec<String>,
        /// The profile they became.
        new: String,
    },
    /// The store took its authorisation back.
    Revoked,
    /// Something nobody asked for, as a test.
    Nothing,
}

/// Where a platform is asked to send what happens.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The platform's id of it.
    pub id: String,
    /// Where it sends to.
    pub url: String,
    /// What it sends.
    pub events: Vec<String>,
    /// False where the platform has stopped it.
    pub enabled: bool,
}

/// Longest reference that is believed to be one.
const MAX_REFERENCE: usize = 100;

/// True for what can be the id of something: it goes into keys and messages as it is.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    !text.is_empty() && text.len() <= MAX_REFERENCE && text.bytes().all(plain)
}

/// What a platform tells by itself.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// The events that are asked for, by the platform's words, sorted.
    fn events(&self) -> &'static [&'static str];

    /// Proves who sent a message, before anything of it is read, in a time that does not depend on where it differs.
    ///
    /// # Errors
    /// [`Refused`], whatever is wrong.
    fn verify<'a>(&self, key: &Secret, received: &Received<'a>) -> Result<Verified<'a>, Refused>;

    /// Reads a proved message. None where it is not what the platform promises: then polls find what it meant.
    fn read(&self, body: &Verified<'_>) -> Option<Notice>;

    /// The sales that orders which give something back refer to, in few calls.
    async fn sales_of(
        &self,
        http: &dyn Http,
        access: &Access,
        returns: &[String],
    ) -> Result<Vec<String>, SourceError>;

    /// Every subscription of the application, stopped ones too. `token` is of the application's owner.
    async fn subscriptions(
        &self,
        http: &dyn Http,
        api_url: &str,
        token: &Secret,
    ) -> Result<Vec<Subscription>, SourceError>;

    /// Makes one to this address, for [`Self::events`]. `once` names the attempt: the same name makes no second one.
    async fn subscribe(
        &self,
        http: &dyn Http,
        api_url: &str,
        token: &Secret,
        (url, once): (&str, &str),
    ) -> Result<Subscription, SourceError>;

    /// Puts one right: this address, [`Self::events`], enabled.
    async fn repair(
        &self,
        http: &dyn Http,
        api_url: &str,
        token: &Secret,
        (id, url): (&str, &str),
    ) -> Result<Subscription, SourceError>;

    /// What the messages of a subscription are signed with.
    async fn signature_key(
        &self,
        http: &dyn Http,
        api_url: &str,
        token: &Secret,
        id: &str,
    ) -> Result<Option<Secret>, SourceError>;
}
