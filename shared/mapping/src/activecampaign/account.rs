//! The account: its address and its key.

use url::{Host, Url};

use crate::model::Secret;

/// An account that can be called.
#[derive(Clone, Debug)]
pub struct Account {
    /// The address with `/api/3`, without a slash at the end.
    pub base: String,
    /// The key of one of its users.
    pub key: Secret,
}

/// The text is no address of an account. Says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(pub String);

impl InvalidUrl {
    fn because(what: &str) -> Self {
        Self(format!(
            "{what}; the form is https://ACCOUNT.api-us1.com (in ActiveCampaign: Settings, Developer)"
        ))
    }
}

impl Account {
    /// Parses the address under Settings, Developer, with or without `/api/3`: https, or http on the loopback
    /// address; no user, query or fragment (activecampaign.md section 1.1).
    ///
    /// # Errors
    /// [`InvalidUrl`] says what is wrong and shows the form.
    pub fn parse_base(text: &str) -> Result<String, InvalidUrl> {
        let text = text.trim();
        // The parser mends these silently; a mended address is not the one that was typed.
        if text.is_empty() || text.chars().any(|c| c == '\\' || c.is_whitespace() || c.is_control()) {
            return Err(InvalidUrl::because("the address is empty or has blanks or backslashes in it"));
        }
        let url = Url::parse(text).map_err(|_| InvalidUrl::because("this is no web address"))?;
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return Err(InvalidUrl::because("the address has a user in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidUrl::because("the address has a query or fragment"));
        }
        let authority = authority(&url)?;
        let path = url.path().split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>();
        if !(path.is_empty() || path == ["api", "3"]) {
            return Err(InvalidUrl::because("the address has a path other than /api/3"));
        }
        Ok(format!("{}://{authority}/api/3", url.scheme()))
    }

    /// What the account is called in keys and budgets: the first label of its host, so that both host names of
    /// one account are one; `host:port` on the loopback address (rules.md section 4).
    #[must_use]
    pub fn destination(base: &str) -> String {
        let Ok(url) = Url::parse(base) else {
            return base.to_owned();
        };
        let host = url.host_str().unwrap_or_default();
        if is_loopback(&url) {
            return url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        }
        host.split('.').next().unwrap_or(host).to_owned()
    }
}

fn authority(url: &Url) -> Result<String, InvalidUrl> {
    let host = url.host_str().unwrap_or_default();
    match (url.scheme(), is_loopback(url), url.port()) {
        ("http", true, Some(port)) => Ok(format!("{host}:{port}")),
        ("http", true, None) => Ok(host.to_owned()),
        ("http", false, _) => Err(InvalidUrl::because("the address must begin with https")),
        ("https", false, Some(_)) => Err(InvalidUrl::because("the address has a port")),
        ("https", false, None) if is_dotted_name(url) => Ok(host.to_owned()),
        ("https", _, _) => Err(InvalidUrl::because("the address has no account's host name")),
        _ => Err(InvalidUrl::because("the address must begin with https")),
    }
}

fn is_dotted_name(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.contains('.') && name.split('.').all(|label| !label.is_empty()),
        _ => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
